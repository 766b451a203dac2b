import asyncio
import re
from datetime import timedelta
from functools import partial

import pytest

from storage import runs
from storage.database import Database
from storage.records import Run, RunState, now
from storage.runs import AlreadyRunning, RunStore, UnknownRun


async def test_a_run_tells_its_story_from_start_to_end(database: Database) -> None:
    store = RunStore(database)
    run = await store.start("learn", "host:1", log_path="runs/x/log")
    assert await store.get(run.id) == run
    assert (run.kind, run.state, run.worker, run.progress) == ("learn", RunState.RUNNING, "host:1", 0.0)
    assert run.log_path == "runs/x/log"
    assert await store.beat(run.id, 0.5, {"loss": 2.0, "step": 1}) is True
    assert await store.beat(run.id, 0.7, {"loss": float("nan")}) is True
    going = await store.get(run.id)
    assert going
    assert (going.progress, going.metrics) == (0.7, {"loss": None, "step": 1})
    assert going.heartbeat_at
    assert run.heartbeat_at
    assert going.heartbeat_at > run.heartbeat_at
    ended = await store.finish(run.id, RunState.PASSED, metrics={"adapter": "v1"})
    assert await store.get(run.id) == ended
    assert (ended.state, ended.progress, ended.error) == (RunState.PASSED, 1.0, None)
    assert ended.metrics == {"loss": None, "step": 1, "adapter": "v1"}
    assert ended.finished_at
    assert ended.finished_at >= ended.created_at


async def test_a_failed_run_keeps_how_far_it_came_and_why(database: Database) -> None:
    store = RunStore(database)
    run = await store.start("learn", "host:1")
    await store.beat(run.id, 0.4)
    ended = await store.finish(run.id, RunState.FAILED, error="the GPU ran out of memory")
    assert (ended.state, ended.progress, ended.error) == (RunState.FAILED, 0.4, "the GPU ran out of memory")


async def test_a_runs_id_can_be_a_folder(database: Database) -> None:
    run = await RunStore(database).start("learn", "host:1")
    assert re.fullmatch(r"\d{8}-\d{6}-learn-[0-9a-f]{4}", run.id)


async def test_a_second_exclusive_run_is_told_about_the_first(database: Database) -> None:
    store = RunStore(database)
    first = await store.start("learn", "host:1")
    with pytest.raises(AlreadyRunning, match=r"learn run is already under way.*host:1") as caught:
        await store.start("ingest", "host:2")
    assert caught.value.run == first
    shared = await store.start("evaluate", "host:3", exclusive=False)
    assert shared.state is RunState.RUNNING
    await store.finish(first.id, RunState.CANCELLED)
    assert (await store.start("ingest", "host:2")).kind == "ingest"


async def test_of_two_exclusive_runs_at_once_one_gets_already_running(
    database: Database, database_url: str
) -> None:
    here, other_process = RunStore(database), await Database.open(database_url)
    there = RunStore(other_process)
    for _ in range(5):
        outcome = await asyncio.gather(
            here.start("learn", "host:1"), there.start("learn", "host:2"), return_exceptions=True
        )
        [started] = [one for one in outcome if isinstance(one, Run)]
        [refused] = [one for one in outcome if isinstance(one, AlreadyRunning)]
        assert refused.run.id == started.id
        await here.finish(started.id, RunState.PASSED)
    await other_process.close()


async def test_the_first_word_about_the_end_stands(database: Database) -> None:
    store = RunStore(database)
    run = await store.start("learn", "host:1")
    ended = await store.finish(run.id, RunState.FAILED, error="its worker died")
    assert await store.finish(run.id, RunState.PASSED) == ended
    assert await store.beat(run.id, 0.9) is False
    assert await store.get(run.id) == ended


async def test_a_silent_run_is_stale_and_its_place_can_be_freed(database: Database) -> None:
    store = RunStore(database)
    run = await store.start("learn", "host:1")
    assert await store.stale(before=now() - timedelta(minutes=1)) == []
    assert await store.stale(before=now() + timedelta(seconds=1)) == [run]
    await store.finish(run.id, RunState.FAILED, error="its worker died")
    assert await store.stale(before=now() + timedelta(seconds=1)) == []
    await store.start("learn", "host:2")


async def test_a_run_waits_until_it_is_due_and_a_runner_for_its_kind_takes_it(database: Database) -> None:
    store, at = RunStore(database), now()
    late = await store.enqueue("learn", due_at=at + timedelta(minutes=5), requested_by="schedule")
    sync = await store.enqueue("sync", parameters={"source": "github"}, tell="discord:1")
    assert late
    assert sync
    assert await store.get(sync.id) == sync
    assert await store.take("host:1", ["backup"]) is None
    taken = await store.take("host:1", ["learn", "sync"], at + timedelta(seconds=1))
    assert taken
    assert (taken.id, taken.attempts, taken.worker, taken.state) == (sync.id, 1, "host:1", RunState.RUNNING)
    assert (taken.parameters, taken.tell) == ({"source": "github"}, "discord:1")
    assert await store.take("host:1", ["learn", "sync"], at + timedelta(seconds=1)) is None
    taken = await store.take("host:1", ["learn", "sync"], at + timedelta(minutes=6))
    assert taken
    assert taken.id == late.id


async def test_of_one_key_one_run_waits_and_one_runs(database: Database) -> None:
    store = RunStore(database)
    first = await store.enqueue("sync", key="sync github")
    assert first
    assert await store.enqueue("sync", key="sync github", tell="discord:1") is None
    taken = await store.take("host:1", ["sync"])
    assert taken
    assert (taken.id, taken.tell) == (first.id, "discord:1")
    second = await store.enqueue("sync", key="sync github")
    assert second
    assert await store.take("host:2", ["sync"]) is None
    await store.finish(first.id, RunState.PASSED)
    taken = await store.take("host:2", ["sync"])
    assert taken
    assert taken.id == second.id


async def test_of_many_runners_one_gets_the_run_and_exclusive_runs_wait_for_each_other(
    database: Database, database_url: str
) -> None:
    here, other_process = RunStore(database), await Database.open(database_url)
    there = RunStore(other_process)
    for _ in range(3):
        for _ in range(3):
            await here.enqueue("learn", exclusive=True)
        taken = await asyncio.gather(*(store.take("w", ["learn"]) for store in (here, there) * 4))
        [held] = [run for run in taken if run]
        with pytest.raises(AlreadyRunning):
            await there.start("evaluate", "host:3")
        for _ in range(3):
            await here.finish(held.id, RunState.PASSED)
            held = await there.take("w", ["learn"]) or held
    await other_process.close()


async def test_a_run_put_back_is_taken_again_and_who_held_it_before_has_lost_it(database: Database) -> None:
    store = RunStore(database)
    run = await store.enqueue("learn", exclusive=True, key="learn")
    assert run
    first = await store.take("host:1", ["learn"])
    assert first
    await store.beat(run.id, 0.5, {"step": 7}, "log", attempt=first.attempts)
    waiting = await store.put_back(run.id, "its process died")
    assert (waiting.state, waiting.worker, waiting.attempts) == (RunState.QUEUED, None, 1)
    assert waiting.error == "its process died"
    assert await store.beat(run.id, 0.6) is False
    again = await store.take("host:2", ["learn"])
    assert again
    assert (again.id, again.worker, again.attempts, again.error) == (run.id, "host:2", 2, None)
    assert (again.metrics, again.log_path, again.created_at) == ({"step": 7}, "log", run.created_at)
    assert await store.beat(run.id, 0.9, attempt=first.attempts) is False
    assert await store.finish(run.id, RunState.PASSED, attempt=first.attempts) == again
    assert (await store.put_back(run.id, attempt=first.attempts)).state is RunState.RUNNING
    assert await store.beat(run.id, 0.1, attempt=again.attempts) is True


async def test_a_run_put_back_gives_way_to_one_of_its_key_that_waits(database: Database) -> None:
    store = RunStore(database)
    first = await store.enqueue("sync", key="sync", tell="discord:1")
    assert first
    await store.take("host:1", ["sync"])
    second = await store.enqueue("sync", key="sync")
    assert second
    ended = await store.put_back(first.id, "its process died")
    assert (ended.state, ended.tell) == (RunState.CANCELLED, None)
    assert second.id in (ended.error or "")
    waiting = await store.get(second.id)
    assert waiting
    assert waiting.tell == "discord:1"


async def test_a_stop_that_was_nobodys_fault_is_no_attempt(database: Database) -> None:
    store = RunStore(database)
    run = await store.enqueue("learn")
    assert run
    await store.take("host:1", ["learn"])
    assert (await store.put_back(run.id, counts=False)).attempts == 0


async def test_cancelling_ends_what_waits_and_reaches_what_runs_at_its_next_sign_of_life(
    database: Database,
) -> None:
    store = RunStore(database)
    waiting, running = [await store.enqueue(kind) for kind in ("sync", "learn")]
    assert waiting
    assert running
    await store.take("host:1", ["learn"])
    ended = await store.cancel(waiting.id, "terminal")
    assert (ended.state, ended.error) == (RunState.CANCELLED, "Cancelled by terminal.")
    assert (await store.cancel(running.id, "discord:1")).state is RunState.RUNNING
    assert await store.beat(running.id, 0.5) is False
    assert (await store.put_back(running.id)).error == "Cancelled by discord:1."
    assert await store.unfinished() == []


async def test_who_waits_to_hear_how_a_run_ended_is_told_once(database: Database) -> None:
    store = RunStore(database)
    run = await store.enqueue("learn", tell="discord:1")
    assert run
    assert await store.to_tell() == []
    await store.take("host:1", ["learn"])
    ended = await store.finish(run.id, RunState.PASSED)
    assert await store.to_tell() == [ended]
    await store.told(run.id)
    assert await store.to_tell() == []


async def test_the_last_outcome_of_each_kind_and_source_is_at_hand(database: Database) -> None:
    store = RunStore(database)
    for kind, key in (("sync", "sync a"), ("sync", "sync b"), ("backup", None)):
        run = await store.enqueue(kind, key=key)
        assert run
        await store.take("host:1", [kind])
        await store.finish(run.id, RunState.FAILED, error="no room")
    await store.enqueue("backup")
    last = await store.last(["sync", "backup"])
    assert set(last) == {"sync a", "sync b", "backup"}
    assert {run.error for run in last.values()} == {"no room"}


async def test_runs_are_listed_newest_first(database: Database) -> None:
    store = RunStore(database)
    ids = [(await store.start("ingest", "host:1", exclusive=False)).id for _ in range(3)]
    assert [run.id for run in await store.all()] == ids[::-1]
    assert [run.id for run in await store.all(limit=2)] == ids[:0:-1]


async def test_there_is_no_such_run(database: Database) -> None:
    store = RunStore(database)
    assert await store.get("nobody") is None
    with pytest.raises(UnknownRun, match="nobody"):
        await store.beat("nobody", 0.1)
    with pytest.raises(UnknownRun, match="nobody"):
        await store.finish("nobody", RunState.FAILED)


async def test_of_what_is_due_the_oldest_is_taken_first(database: Database) -> None:
    store = RunStore(database)
    asked = [await store.enqueue("sync", key=f"sync {name}") for name in "abc"]
    taken = [await store.take("host:1", ["sync"]) for _ in asked]
    assert [run.id for run in taken if run] == [run.id for run in sorted(filter(None, asked), key=_age)]
    assert [run.id for run in await store.unfinished()] == [run.id for run in taken if run]


def _age(run: Run) -> tuple[object, str]:
    return run.created_at, run.id


async def test_a_run_without_a_key_is_in_no_others_way(database: Database) -> None:
    store = RunStore(database)
    await store.enqueue("learn")
    await store.enqueue("sync", key="sync a")
    assert await store.take("host:1", ["learn"])
    assert await store.take("host:1", ["sync"])


async def test_a_run_put_back_for_later_waits_until_then_and_begins_from_nothing(database: Database) -> None:
    store, at = RunStore(database), now()
    await store.enqueue("learn")
    run = await store.take("host:1", ["learn"])
    assert run
    await store.beat(run.id, 0.7)
    waiting = await store.put_back(run.id, "killed", at + timedelta(minutes=5), attempt=run.attempts)
    assert (waiting.progress, waiting.started_at, waiting.heartbeat_at) == (0.0, None, None)
    assert await store.take("host:1", ["learn"], at + timedelta(minutes=4)) is None
    assert await store.take("host:1", ["learn"], at + timedelta(minutes=6))


async def test_exclusive_runs_can_be_asked_for_by_themselves(database: Database) -> None:
    store = RunStore(database)
    alone, beside = await store.enqueue("learn", exclusive=True), await store.enqueue("sync")
    over = await store.enqueue("learn", exclusive=True)
    assert alone
    assert beside
    assert over
    await store.finish(over.id, RunState.CANCELLED)
    assert [run.id for run in await store.unfinished(exclusive=True)] == [alone.id]
    assert [run.id for run in await store.unfinished(exclusive=False)] == [beside.id]
    assert {run.id for run in await store.all(kind="learn")} == {alone.id, over.id}


async def test_of_several_outcomes_of_a_kind_the_newest_is_the_last(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, noon = RunStore(database), now()
    for minute, why in enumerate(("no room", "no network")):
        monkeypatch.setattr(runs, "now", partial(noon.__add__, timedelta(minutes=minute)))
        run = await store.enqueue("sync", key="sync a")
        assert run
        await store.finish(run.id, RunState.FAILED, error=why)
    assert (await store.last(["sync"]))["sync a"].error == "no network"
    assert await store.last(["backup"]) == {}


async def test_who_asked_first_is_the_one_who_is_told_and_of_nothing_else(database: Database) -> None:
    store = RunStore(database)
    run = await store.enqueue("learn", key="learn", tell="discord:1")
    other = await store.enqueue("backup", key="backup", tell="discord:3")
    assert run
    assert other
    assert await store.enqueue("learn", key="learn", tell="discord:2") is None
    for one in (other, run):
        await store.finish(one.id, RunState.PASSED)
    assert [(one.id, one.tell) for one in await store.to_tell()] == [
        (other.id, "discord:3"),
        (run.id, "discord:1"),
    ]
    await store.told(run.id)
    assert [one.id for one in await store.to_tell()] == [other.id]


async def test_what_a_run_made_is_added_to_what_it_had_made(database: Database) -> None:
    store = RunStore(database)
    run = await store.start("learn", "host:1")
    await store.keep(run.id, {"adapter": "v1", "report": "a"})
    await store.keep(run.id, {"report": "b"})
    found = await store.get(run.id)
    assert found
    assert found.artefacts == {"adapter": "v1", "report": "b"}


async def test_a_run_that_is_over_cannot_be_cancelled_and_none_ends_as_running(database: Database) -> None:
    store = RunStore(database)
    run = await store.start("learn", "host:1")
    with pytest.raises(ValueError, match="running"):
        await store.finish(run.id, RunState.RUNNING)
    ended = await store.finish(run.id, RunState.PASSED)
    assert await store.cancel(run.id, "terminal") == ended
    assert await store.get(run.id) == ended
