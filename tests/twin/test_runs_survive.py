"""Is a training lost or doubled when the service or its trainer is killed in the middle? Real processes."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
from pathlib import Path

import pytest
from chat_service import ChatService
from learning_samples import owner_rows, write_rows
from quick_model import QuickModel
from tiny_gemma import make_tiny_gemma

from storage import tracing
from storage.database import Database
from storage.runs import RunStore
from twin.home import Home

pytestmark = pytest.mark.timeout(300)
LONG = {"epochs": 400, "min_rows": 4, "max_length": 256, "batch_size": 4, "effective_batch": 8}
SLOW = {"gradient_checkpointing": False, "evaluations_per_epoch": 1, "patience": 1000}


@pytest.fixture
async def world(tmp_path, monkeypatch, collector):
    """A home with a corpus, a queue with a training in it, and the parts of the service that do it."""
    model = QuickModel(name="tiny")
    await model.start()
    base = make_tiny_gemma(tmp_path / "tiny", steps=2)
    settings = {
        "model": {"base": str(base), "servers": [model.url]},
        "schedule": dict.fromkeys(("sync", "learn", "evaluate", "forget"), "off"),
        "learning.recipes.sft": LONG | SLOW,
        "monitoring": {"traces": collector.url},
    }
    service = ChatService(tmp_path / "home", {}, settings=settings)
    home = Home(service.home)
    home.make()
    for name, count in (("train", 24), ("validation", 6), ("test", 8)):
        write_rows(home.corpora / "c0ffee" / f"{name}.jsonl", owner_rows(count, seed=count))
    (home.corpora / "c0ffee" / "card.json").write_text('{"id": "c0ffee", "counts": {}}')
    database = await Database.open(home.database_url)
    runs = RunStore(database)
    yield service, home, runs
    service.kill()
    await database.close()
    await model.stop()


def workers(home):
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            arguments = process.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if "learning.worker" in arguments and any(str(home.root) in one for one in arguments):
            found.append(int(process.parent.name))
    return found


async def until(true, service, seconds=120):
    async with asyncio.timeout(seconds):
        while not (found := true()):
            assert service.running, service.last_words()
            await asyncio.sleep(0.05)
    return found


def checkpoints(home):
    return list(home.runs.glob("work/*/checkpoint-*/trainer_state.json"))


def rows(home, query):
    with sqlite3.connect(home.root / "twin.db") as database:
        return database.execute(query).fetchall()


async def test_whatever_is_killed_the_training_goes_on_once_and_stops_when_it_is_cancelled(world, collector):
    service, home, runs = world
    run = await runs.enqueue("retrain-only-sft", exclusive=True)
    service._program = "survivor"  # see below: the service with one more kind of run
    (home.root / "survivor.py").write_text(PROGRAM)
    service._environment["PYTHONPATH"] = os.pathsep.join([str(home.root), *sys.path])
    service.start()
    await until(lambda: checkpoints(home), service)
    [first] = workers(home)

    service.kill()  # -9: the bot and the runner
    async with asyncio.timeout(20):
        while workers(home):
            await asyncio.sleep(0.05)
    service.start()
    [second] = await until(lambda: workers(home), service)
    assert second != first
    told = await runs.get(run.id)
    assert (told.state, told.attempts) == ("running", 2)

    await until(lambda: "goes on from checkpoint" in service.output.read_text() or checkpoints(home), service)
    os.kill(second, signal.SIGKILL)  # the trainer
    [third] = await until(lambda: [pid for pid in workers(home) if pid != second], service)
    told = await runs.get(run.id)
    assert (told.state, told.attempts) == ("running", 3)
    assert rows(home, "SELECT count(*) FROM runs") == [(1,)]
    assert not list(home.adapters.glob("*-*"))

    await runs.cancel(run.id, "terminal")
    async with asyncio.timeout(15):
        while workers(home) or (await runs.get(run.id)).finished_at is None:
            await asyncio.sleep(0.05)
    told = await runs.get(run.id)
    assert (told.state, told.error) == ("cancelled", "Cancelled by terminal.")
    assert third not in workers(home)
    assert await service.stop() == 0
    mine = [span for span in collector.named(tracing.RUN) if span.about["twin.run"] == run.id]
    assert sorted(span.about["twin.attempt"] for span in mine) == [2, 3]  # the first had no time to tell
    assert {span.trace for span in mine} == {told.traceparent.split("-")[1]}


PROGRAM = """
import sys
from learning.durable import Held
from learning.jobs import Job, SftStep, run_job
from learning.recipes import SftRecipe, for_base
from twin import kinds, runner
from twin.snapshots import newest_corpus


async def sft(bench, run, progress):
    recipe = for_base(SftRecipe, bench.model.base.weights, **bench.settings.learning.recipes["sft"])
    step = SftStep(
        base=bench.model.base.weights,
        data=newest_corpus(bench.home).path,
        recipe=recipe,
        adapter=bench.home.adapters / f"sft-{run.attempts}",
    )
    await run_job(Job(steps=[step], work_dir=bench.home.runs / "work"), bench.home.runs / run.id)
    return {}


kinds.KINDS["retrain-only-sft"] = kinds.Kind(sft, exclusive=True)

from twin.cli import app

app()
"""
