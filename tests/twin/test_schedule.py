"""Does what is due get into the queue, once, and does a change of twin.toml count without a restart?"""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from learning.settings import CorpusSettings
from storage.records import Kind as RecordKind
from storage.records import Record, RunState, now
from storage.unavailable import DatabaseUnavailable
from twin import learning_state
from twin import schedule as twin_schedule
from twin.build import open_stores
from twin.current import Current
from twin.errors import Told
from twin.home import Home
from twin.kinds import KINDS
from twin.learning_state import LearningState
from twin.schedule import Schedule, enqueue
from twin.schedule_status import status_of
from twin.settings import read_settings
from twin.when import trigger

NOON = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
QUIET = 'sync = "off"\nlearn = "off"\nevaluate = "off"\nbackup = "off"\nforget = "off"\n'


def write(home, schedule, more=""):
    home.make()
    text = f'[owner]\nname = "Sam"\ntimezone = "Europe/Lisbon"\n[schedule]\n{schedule}\n{more}'
    home.settings_file.write_text(text, encoding="utf-8")


@pytest.fixture
def home(tmp_path):
    home = Home(tmp_path / "home")
    write(home, QUIET)
    return home


@pytest.fixture
async def stores(home):
    async with open_stores(home, read_settings(home)) as stores:
        yield stores


async def queued(stores, kind, count=1):
    async with asyncio.timeout(20):
        while len(found := await stores.runs.all(kind=kind)) < count:
            await asyncio.sleep(0.02)
    return found


def running(current, stores, **more):
    return asyncio.create_task(Schedule(current, stores, beat_seconds=0.05, **more).run(every=0.02))


async def stop(*tasks):
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_job_only_puts_a_run_into_the_queue_and_not_a_second_one(home, stores):
    write(home, QUIET.replace('forget = "off"', 'forget = "every 1 second"'))
    clock = running(Current(home, read_settings(home)), stores)
    [run] = await queued(stores, "forget")
    await asyncio.sleep(1.3)
    await stop(clock)
    assert (run.state, run.requested_by, run.key) == (RunState.QUEUED, "schedule", "forget")
    assert len(await stores.runs.all()) == 1


async def test_what_was_due_while_nobody_was_there_is_done_once_now(home, stores, monkeypatch):
    old = await stores.runs.enqueue("forget", key="forget")
    await stores.runs.finish(old.id, RunState.PASSED)
    real = stores.runs.last

    async def long_ago(kinds):
        before = now() - timedelta(days=3)
        return {name: replace(run, created_at=before) for name, run in (await real(kinds)).items()}

    monkeypatch.setattr(type(stores.runs), "last", lambda self, kinds: long_ago(kinds))
    write(home, QUIET.replace('forget = "off"', 'forget = "every 1 day"'))
    clock = running(Current(home, read_settings(home)), stores)
    assert len(await queued(stores, "forget", 2)) == 2
    await stop(clock)


async def test_a_restart_does_not_put_off_what_will_be_due(home, stores):
    write(home, QUIET.replace('forget = "off"', 'forget = "every 1 day"'))
    before = await stores.runs.enqueue("forget", key="forget")
    await stores.runs.finish(before.id, RunState.PASSED)
    await asyncio.sleep(0.05)
    clock = running(Current(home, read_settings(home)), stores)
    next_at = datetime.fromisoformat((await heard(stores))["forget"])
    await stop(clock)
    assert abs(next_at - before.created_at - timedelta(days=1)) < timedelta(seconds=0.02)
    assert len(await stores.runs.all()) == 1


async def test_restarts_do_not_put_off_for_ever_what_was_never_done(home, stores):
    write(home, QUIET.replace('forget = "off"', 'forget = "every 1 day"'))
    times = []
    for _ in range(3):
        before = now()
        clock = running(Current(home, read_settings(home)), stores)
        times.append((await heard(stores, since=before))["forget"])
        await stop(clock)
    assert len(set(times)) == 1
    write(home, QUIET.replace('forget = "off"', 'forget = "every 1 hour"'))
    before = now()
    clock = running(Current(home, read_settings(home)), stores)
    sooner = datetime.fromisoformat((await heard(stores, since=before))["forget"])
    await stop(clock)
    assert sooner < now() + timedelta(hours=1)


async def heard(stores, unlike=None, since=None):
    """When each job is next, as the heartbeat says; `unlike`: once it says something else; since then."""
    async with asyncio.timeout(10):
        while True:
            beat = await stores.cursors.get("schedule", "heartbeat")
            new = beat and (since is None or beat.updated_at >= since)
            if new and beat.value["jobs"] and beat.value["jobs"] != unlike:
                return beat.value["jobs"]
            await asyncio.sleep(0.02)


async def test_a_change_moves_the_jobs_it_is_about_and_no_other(home, stores):
    times = QUIET.replace('forget = "off"', 'forget = "every 1 day"')
    times = times.replace('evaluate = "off"', 'evaluate = "0 5 * * *"')
    write(home, times)
    current = Current(home, read_settings(home))
    clock, eyes = running(current, stores), asyncio.create_task(current.watch(every=0.02))
    first = await heard(stores)
    home.settings_file.write_text(home.settings_file.read_text().replace("Lisbon", "Athens"))
    elsewhere = await heard(stores, unlike=first)
    await stop(clock, eyes)
    assert datetime.fromisoformat(elsewhere["evaluate"]).astimezone(ZoneInfo("Europe/Athens")).hour == 5
    assert elsewhere["evaluate"] != first["evaluate"]


async def test_a_database_that_is_away_is_no_end_of_the_clock(home, stores, monkeypatch):
    write(home, QUIET.replace('forget = "off"', 'forget = "every 1 second"'))
    real, tried = type(stores.runs).enqueue, []

    async def away_once(self, *args, **more):
        tried.append(args)
        if len(tried) == 1:
            raise DatabaseUnavailable("it is locked")
        return await real(self, *args, **more)

    monkeypatch.setattr(type(stores.runs), "enqueue", away_once)
    clock = running(Current(home, read_settings(home)), stores)
    await queued(stores, "forget")
    await stop(clock)
    assert len(tried) >= 2


async def test_a_run_says_which_source_and_where_what_trains_is_trained(home, stores):
    write(home, QUIET, '[runs]\ntarget = "ray"\n[[sync.files]]\nsource = "journal"\npath = "j"\n')
    settings = read_settings(home)
    schedule = Schedule(Current(home, settings), stores)
    await schedule._enqueuing("sync", "journal")()
    [run] = await stores.runs.all(kind="sync")
    assert (run.key, run.parameters, run.target) == ("sync journal", {"source": "journal"}, "local")
    learning = await enqueue(stores, settings, "learn")
    assert learning.target == "ray"
    taken = await stores.runs.take("host:1", ["learn"])
    assert taken.id == learning.id
    assert await stores.runs.unfinished(exclusive=True) == [taken]


async def test_a_change_of_the_settings_counts_at_once_and_a_wrong_one_changes_nothing(home, stores):
    current = Current(home, read_settings(home))
    wrong = []

    async def told(what):
        wrong.append(what)

    async def heard(settings): ...

    current.on_change(heard, told)
    clock, eyes = running(current, stores), asyncio.create_task(current.watch(every=0.02))
    write(home, QUIET.replace('forget = "off"', 'forget = "sometimes"'))
    async with asyncio.timeout(10):
        while not wrong:
            await asyncio.sleep(0.02)
    assert "'schedule.forget'" in wrong[0]
    assert current.settings.schedule.forget == "off"
    write(home, QUIET.replace('forget = "off"', 'forget = "every 1 second"'))
    await queued(stores, "forget")
    write(home, QUIET)
    async with asyncio.timeout(10):
        while (await status_of(home, current.settings, stores)).lines:
            await asyncio.sleep(0.02)
    assert (current.settings.schedule.forget, len(wrong)) == ("off", 1)
    await stop(clock, eyes)


async def test_how_much_there_must_be_to_learn_from_is_what_twin_toml_says_now(home, stores):
    current = Current(home, read_settings(home))
    learning = LearningState(home, stores)
    first = await learning.verdict(current.settings)
    write(home, QUIET, "[learning.when]\njudgements = 77\n")
    await current.look()
    later = await learning.verdict(current.settings)
    assert ("77" in first.why, "77" in later.why) == (False, True)


async def test_the_heartbeat_says_that_it_lives_and_what_comes_next(home, stores):
    write(home, QUIET.replace('evaluate = "off"', 'evaluate = "0 5 * * *"'))
    settings = read_settings(home)
    assert (await status_of(home, settings, stores)).alive is False
    clock = running(Current(home, settings), stores)
    async with asyncio.timeout(10):
        while not (status := await status_of(home, settings, stores)).alive:
            await asyncio.sleep(0.02)
    [line] = status.lines
    assert line.job == "evaluate"
    assert line.next_at.astimezone(ZoneInfo("Europe/Lisbon")).hour == 5
    first = await stores.cursors.get("schedule", "heartbeat")
    await asyncio.sleep(0.2)
    assert (await stores.cursors.get("schedule", "heartbeat")).updated_at > first.updated_at
    await stop(clock)


async def test_a_scheduler_that_falls_silent_is_built_anew(home, stores, monkeypatch):
    monkeypatch.setattr(twin_schedule, "DEAD_SECONDS", 0.3)
    schedule = Schedule(Current(home, read_settings(home)), stores, beat_seconds=0.05)
    clock = asyncio.create_task(schedule.run(every=0.02))
    async with asyncio.timeout(10):
        while schedule._scheduler is None:
            await asyncio.sleep(0.02)
        dead = schedule._scheduler
        dead.pause()  # running=True, and nothing happens any more
        while schedule._scheduler in (dead, None):
            await asyncio.sleep(0.02)
    await stop(clock)


async def test_one_copy_has_the_clock_and_another_takes_over_when_it_is_gone(home, stores, monkeypatch):
    monkeypatch.setattr(twin_schedule, "LEASE_SECONDS", 0.3)
    assert await stores.leases.take("schedule", "another copy", 60)
    clock = running(Current(home, read_settings(home)), stores, several=True)
    await asyncio.sleep(0.2)
    assert await stores.cursors.get("schedule", "heartbeat") is None
    await stores.leases.give_back("schedule", "another copy")
    async with asyncio.timeout(10):
        while await stores.cursors.get("schedule", "heartbeat") is None:
            await asyncio.sleep(0.02)
    await stop(clock)
    assert await stores.leases.take("schedule", "another copy", 60)


async def test_each_source_has_its_own_time(home, stores, tmp_path):
    more = '[[sync.files]]\nsource = "journal"\npath = "j"\n[[sync.files]]\nsource = "telegram"\npath = "t"\n'
    write(home, 'sync = "every 2 hours"\nsync_of = { journal = "every 5 minutes", telegram = "off" }', more)
    schedule = Schedule(Current(home, read_settings(home)), stores)
    jobs = {job.name: job.when for job in schedule.jobs(read_settings(home))}
    assert {name: when for name, when in jobs.items() if "sync" in name} == {
        "sync journal": "every 5 minutes"
    }
    assert set(jobs) <= {"sync journal", "learn", "evaluate", "forget", "backup"}


async def test_every_job_is_of_a_kind_that_somebody_can_do(home, stores):
    write(home, 'retrain = "every 1 day"')
    schedule = Schedule(Current(home, read_settings(home)), stores)
    assert {job.name.split()[0] for job in schedule.jobs(read_settings(home))} <= set(KINDS)


async def test_enough_to_learn_from_becomes_a_run_and_what_waits_already_is_in_the_way(home, stores):
    settings = read_settings(home)
    assert await enqueue(stores, settings, "learn", by="discord:1", tell="discord:7")
    assert await enqueue(stores, settings, "learn") is None
    verdict = await LearningState(home, stores).verdict(settings)
    assert verdict.kind is None
    assert "a learn run is under way" in verdict.why


async def test_new_texts_count_from_when_the_schedule_first_looked(home, stores, monkeypatch):
    monkeypatch.setattr(learning_state, "TEXTS_SECONDS", -1)
    write(home, QUIET, "[learning.when]\ntexts = 2\n")
    settings, state = read_settings(home), LearningState(home, stores)

    async def wrote(*names):
        records = [
            Record(name, "telegram", RecordKind.MESSAGE, "owner", True, "kitchen", NOON, f"said {name}")
            for name in names
        ]
        await stores.records.add_all(records)

    await wrote("a", "b", "c")
    assert (await state.situation(settings)).texts == 0
    await wrote("d")
    assert (await state.verdict(settings)).kind is None
    await wrote("e")
    assert (await state.verdict(settings)).kind == "retrain"
    assert CorpusSettings()


@pytest.mark.parametrize(
    ("words", "seconds"),
    [("every 30 seconds", 30), ("every 1 minute", 60), ("every 1.5 hours", 5400), ("every 2 days", 172800)],
)
def test_intervals_are_words(words, seconds):
    first = trigger(words, UTC).get_next_fire_time(NOON, NOON)
    assert (first - NOON).total_seconds() == seconds


WEEKDAYS = [("0", 6), ("7", 6), ("1", 0), ("sun", 6), ("5-7", 5), ("6,0", 5)]  # as Python counts them


@pytest.mark.parametrize(("field", "day"), WEEKDAYS)
def test_cron_counts_its_weekdays_from_sunday(field, day):
    due = trigger(f"0 3 * * {field}", ZoneInfo("Europe/Lisbon")).get_next_fire_time(None, NOON)
    assert (due.hour, due.weekday()) == (3, day)


@pytest.mark.parametrize("words", ["sometimes", "every 0.2 seconds", "0 25 * * *", "* * * *", "0 3 * * 9"])
def test_what_cannot_be_read_is_refused_with_the_forms_there_are(words, home):
    write(home, f'forget = "{words}"')
    with pytest.raises(Told, match=r"'schedule\.forget'"):
        read_settings(home)
    assert os.path.exists(home.settings_file)


async def test_it_stops_when_it_is_told_to_while_it_is_still_built(home, stores, monkeypatch):
    write(home, QUIET.replace('forget = "off"', 'forget = "every 1 second"'))
    building = asyncio.Event()

    async def for_ever(kinds):
        building.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(stores.runs, "last", for_ever)
    clock = running(Current(home, read_settings(home)), stores)
    await asyncio.wait_for(building.wait(), 20)
    clock.cancel()
    with pytest.raises(asyncio.CancelledError):
        await clock
