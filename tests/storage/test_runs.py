import asyncio
import re
from datetime import timedelta

import pytest

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


async def test_a_run_put_back_is_the_next_of_its_kind_to_start(database: Database) -> None:
    store = RunStore(database)
    run = await store.start("learn", "host:1", log_path="log")
    await store.beat(run.id, 0.5, {"step": 7})
    waiting = await store.finish(run.id, RunState.QUEUED)
    assert (waiting.state, waiting.worker, waiting.finished_at) == (RunState.QUEUED, None, None)
    assert await store.beat(run.id, 0.6) is False
    assert (await store.start("ingest", "host:2", exclusive=False)).id != run.id
    again = await store.start("learn", "host:2")
    assert (again.id, again.worker, again.state) == (run.id, "host:2", RunState.RUNNING)
    assert (again.metrics, again.log_path, again.created_at) == ({"step": 7}, "log", run.created_at)
    assert await store.get(run.id) == again


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
