"""What becomes of a run that needs a model server while there is none?"""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from brain.model_client import ModelRefused, ModelUnavailable
from storage.records import RunState
from storage.runs import RunStore
from twin.kinds import Kind
from twin.runner import Runner
from twin.settings import Settings


@pytest.mark.parametrize(
    ("problem", "state", "words"),
    [
        (ModelUnavailable("it is not healthy"), RunState.QUEUED, "It waits for a model server"),
        (ModelRefused(404, "it knows no such model"), RunState.FAILED, "it knows no such model"),
    ],
)
async def test_a_run_waits_for_a_model_server_that_is_away_and_fails_when_it_is_refused(
    sqlite_database, problem, state, words
):
    async def work(bench, run, progress):
        raise problem

    async def wake():
        pass

    runs = RunStore(sqlite_database)
    bench = SimpleNamespace(
        stores=SimpleNamespace(runs=runs),
        settings=Settings(),
        model=SimpleNamespace(client=SimpleNamespace(wake_forgotten=wake)),
        warm=SimpleNamespace(stop=wake),
        slot=None,
    )
    run = await runs.enqueue("learn", exclusive=True, key="learn")
    working = asyncio.create_task(Runner(bench, {"learn": Kind(work, exclusive=True)}).run(every=0.01))
    async with asyncio.timeout(20):
        while not (found := await runs.get(run.id)).error:
            await asyncio.sleep(0.01)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    assert (found.state, found.error.partition(":")[0]) == (state, words)
