"""Is what waits in the queue done, once, whatever happens to whoever is at it?"""

from __future__ import annotations

import asyncio
import gc
import shutil
from types import SimpleNamespace

import pytest
from fakes import until

from learning import durable
from learning.failures import TrainerKilled
from learning.targets.warm import Warm
from storage.database import Database
from storage.records import RunState
from storage.runs import RunStore
from storage.whose import working_for
from twin.errors import Told
from twin.kinds import Kind
from twin.runner import Runner
from twin.settings import Settings
from twin.training_slot import TrainingSlot


class World:
    """A queue, and kinds of work that wait until they are let go."""

    def __init__(self, database, settings, slot=None):
        self.runs = RunStore(database)
        self.begun, self.most_at_once, self.at_once = [], 0, 0
        self.go = asyncio.Event()
        self.woken = 0
        self.fails = {}
        model = SimpleNamespace(client=SimpleNamespace(wake_forgotten=self.wake))
        self.bench = SimpleNamespace(
            stores=SimpleNamespace(runs=self.runs), settings=settings, model=model, warm=Warm(), slot=slot
        )
        self.kinds = {"learn": Kind(self.work, exclusive=True), "sync": Kind(self.work)}
        self.tasks = []

    async def wake(self):
        self.woken += 1

    async def work(self, bench, run, progress):
        self.begun.append(run.id)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if problem := self.fails.get(run.kind):
                raise problem
            await self.go.wait()
        finally:
            self.at_once -= 1
        return {"kept": 3, "artefacts": {"archive": "a.zip"}}

    def start(self):
        task = asyncio.create_task(Runner(self.bench, self.kinds).run(every=0.01))
        self.tasks.append(task)
        return task

    async def ended(self, *runs):
        async with asyncio.timeout(20):
            while True:
                found = [await self.runs.get(run.id) for run in runs]
                if all(run.finished_at for run in found):
                    return found
                await asyncio.sleep(0.01)


@pytest.fixture
async def world(sqlite_database, monkeypatch):
    monkeypatch.setattr(durable, "BEAT_EVERY", 0.02)
    world = World(sqlite_database, Settings())
    yield world
    for task in world.tasks:
        task.cancel()
    await asyncio.gather(*world.tasks, return_exceptions=True)


async def test_what_waits_is_done_and_what_it_made_is_kept(world):
    run = await world.runs.enqueue("sync", key="sync github")
    world.go.set()
    world.start()
    [done] = await world.ended(run)
    assert (done.state, done.metrics["kept"], done.attempts) == (RunState.PASSED, 3, 1)
    assert done.artefacts == {"archive": "a.zip"}


async def test_a_run_of_a_kind_that_nobody_knows_waits_for_one_who_does(world):
    stranger = await world.runs.enqueue("dance")
    run = await world.runs.enqueue("sync")
    world.go.set()
    world.start()
    await world.ended(run)
    assert (await world.runs.get(stranger.id)).state is RunState.QUEUED


async def test_two_runners_never_do_one_run_twice_nor_train_at_once(world, sqlite_url):
    other = World(there := await Database.open(sqlite_url), world.bench.settings)
    other.work = world.work
    other.kinds = world.kinds
    runs = [await world.runs.enqueue("learn", exclusive=True) for _ in range(4)]
    world.go.set()
    world.start()
    theirs = other.start()
    await world.ended(*runs)
    assert sorted(world.begun) == sorted(run.id for run in runs)
    assert world.most_at_once == 1
    theirs.cancel()
    await asyncio.gather(theirs, return_exceptions=True)
    await there.close()


async def test_a_training_does_not_keep_the_sources_waiting_and_only_so_many_go_on_at_once(world):
    await world.runs.enqueue("learn", exclusive=True)
    for number in range(5):
        await world.runs.enqueue("sync", key=f"sync {number}")
    world.start()
    await until(lambda: len(world.begun) == 3)
    await asyncio.sleep(0.1)
    assert len(world.begun) == 3


async def test_a_runner_that_is_stopped_puts_back_what_it_was_at(world):
    run = await world.runs.enqueue("learn", exclusive=True)
    runner = world.start()
    await until(lambda: world.begun)
    runner.cancel()
    await asyncio.gather(runner, return_exceptions=True)
    assert (await world.runs.get(run.id)).state is RunState.QUEUED
    world.go.set()
    world.start()
    [done] = await world.ended(run)
    assert (done.state, done.attempts) == (RunState.PASSED, 1)


async def test_a_run_that_fails_says_why_and_the_next_one_is_done(world):
    world.fails = {"learn": Told("the disk is full", "make room")}
    bad = await world.runs.enqueue("learn", exclusive=True)
    good = await world.runs.enqueue("sync")
    world.go.set()
    world.start()
    failed, done = await world.ended(bad, good)
    assert (failed.state, failed.error, done.state) == (
        RunState.FAILED,
        "the disk is full",
        RunState.PASSED,
    )


async def test_a_training_that_is_killed_again_and_again_is_failed_in_the_end(world, monkeypatch):
    monkeypatch.setattr(durable, "SECOND_TRY", durable.SECOND_TRY * 0)
    world.fails = {"learn": TrainerKilled("Killed by signal 9.")}
    run = await world.runs.enqueue("learn", exclusive=True)
    world.start()
    [failed] = await world.ended(run)
    assert (failed.state, failed.attempts, len(world.begun)) == (RunState.FAILED, 3, 3)
    assert failed.error == "Killed by signal 9. It was tried 3 times."


async def test_what_breaks_while_the_runner_is_stopped_is_not_left_unheard(world):
    unheard, looking, breaks = [], asyncio.Event(), asyncio.Event()
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: unheard.append(context["message"]))

    async def wake():
        looking.set()
        await breaks.wait()
        raise AttributeError("the bench is gone")

    world.bench.model.client.wake_forgotten = wake
    runner = world.start()
    await looking.wait()
    runner.cancel()
    await asyncio.sleep(0)
    breaks.set()
    await asyncio.wait([runner])
    del runner
    world.tasks.clear()
    gc.collect()
    assert unheard == []


async def test_a_run_whose_bench_is_broken_ends_in_the_log_and_not_unheard(world, caplog):
    unheard = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: unheard.append(context["message"]))
    world.bench.settings = SimpleNamespace(runs=SimpleNamespace(at_once=2, warm=False))  # no `attempts`
    runner = Runner(world.bench, world.kinds)
    await world.runs.enqueue("sync")
    await runner._take_what_is_due()
    await until(lambda: not runner._at_work)
    gc.collect()
    assert unheard == []
    assert "attempts" in caplog.text


async def test_cancelling_reaches_a_run_that_is_under_way(world):
    run = await world.runs.enqueue("learn", exclusive=True)
    world.start()
    await until(lambda: world.begun)
    await world.runs.cancel(run.id, "discord:1")
    [ended] = await world.ended(run)
    assert ended.state is RunState.CANCELLED
    assert world.at_once == 0


async def test_twins_on_one_machine_train_one_after_the_other_and_do_the_rest_at_once(
    world, tmp_path, empty_tables
):
    slot = TrainingSlot()
    shutil.copy(empty_tables, tmp_path / "bo.db")
    database = await Database.open(f"sqlite+aiosqlite:///{tmp_path / 'bo.db'}")
    world.bench.slot, bo = slot, World(database, Settings(), slot)
    mine = await world.runs.enqueue("learn")
    with working_for("mira"):
        runner = world.start()
    await until(lambda: world.begun == [mine.id])
    his, aside = await bo.runs.enqueue("learn"), await bo.runs.enqueue("sync")
    with working_for("bo"):
        bo.start()
    await until(lambda: bo.begun)
    assert bo.begun == [aside.id]  # only what trains waits for the other
    runner.cancel()  # whoever had it dies
    bo.go.set()
    done = await bo.ended(his, aside)
    assert [run.state for run in done] == [RunState.PASSED] * 2
    for task in bo.tasks:
        task.cancel()
    await asyncio.gather(*bo.tasks, return_exceptions=True)
    await database.close()
