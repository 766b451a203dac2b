"""Does a run end as what it was, whatever happens to the process that is at it?"""

from __future__ import annotations

import asyncio
import errno
import os
import socket

import pytest
from processes import another, gone

from learning import durable
from learning.durable import Progress, carried_out, end_dead_runs
from learning.failures import RunCancelled, RunLost, RunPostponed, TrainerKilled, TrainingFailed
from storage.processes import this_process
from storage.records import RunState
from storage.runs import RunStore
from storage.unavailable import DatabaseUnavailable


@pytest.fixture
def runs(sqlite_database, monkeypatch):
    monkeypatch.setattr(durable, "BEAT_EVERY", 0.01)
    return RunStore(sqlite_database)


async def taken(runs, worker=None):
    await runs.enqueue("learn", exclusive=True)
    run = await runs.take(worker or this_process(), ["learn"])
    assert run
    return run


def raising(error):
    async def work(run, progress):
        raise error

    return work


async def for_ever(run, progress):
    await asyncio.Event().wait()


async def carry_out(runs, run, work, attempts=3):
    return await carried_out(runs, run, work, Progress(), attempts=attempts)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (TrainingFailed("The teacher is away."), "The teacher is away."),
        (OSError(errno.ENOSPC, "No space left on device"), "The disk is full"),
        (MemoryError(), "Out of memory"),
        (ValueError("bad\nworse"), "bad"),
    ],
)
async def test_what_goes_wrong_is_kept_in_one_sentence_and_not_tried_again(runs, error, sentence):
    run = await taken(runs)
    with pytest.raises(type(error)):
        await carry_out(runs, run, raising(error))
    ended = await runs.get(run.id)
    assert ended.state is RunState.FAILED
    assert ended.error.startswith(sentence)
    assert "\n" not in ended.error


async def test_a_training_that_was_killed_is_tried_so_often_and_then_failed_with_the_reason(runs):
    run = await taken(runs)
    for attempt in (1, 2):
        with pytest.raises(TrainerKilled):
            await carry_out(runs, run, raising(TrainerKilled("Killed by signal 9.")), attempts=2)
        ended = await runs.get(run.id)
        if attempt == 1:
            assert (ended.state, ended.error) == (RunState.QUEUED, "Killed by signal 9.")
            run = await runs.take(this_process(), ["learn"], ended.due_at)
    assert (ended.state, ended.error) == (RunState.FAILED, "Killed by signal 9. It was tried 2 times.")


async def test_a_run_whose_model_server_is_away_waits_in_the_queue_however_often(runs):
    run = await taken(runs)
    for _ in range(5):
        with pytest.raises(RunPostponed):
            await carry_out(runs, run, raising(RunPostponed("Nobody is there.")), attempts=2)
        waiting = await runs.get(run.id)
        assert (waiting.state, waiting.error, waiting.attempts) == (RunState.QUEUED, "Nobody is there.", 0)
        assert await runs.take(this_process(), ["learn"]) is None  # not at once
        run = await runs.take(this_process(), ["learn"], waiting.due_at)


async def test_a_run_that_is_cancelled_stops_at_its_next_sign_of_life(runs):
    run = await taken(runs)
    at_it = asyncio.create_task(carry_out(runs, run, for_ever))
    await runs.cancel(run.id, "discord:1")
    with pytest.raises(RunCancelled):
        await asyncio.wait_for(at_it, 10)
    ended = await runs.get(run.id)
    assert (ended.state, ended.error) == (RunState.CANCELLED, "Cancelled by discord:1.")


async def test_what_a_service_was_at_when_it_stopped_waits_for_the_next_one(runs):
    run = await taken(runs)
    at_it = asyncio.create_task(carry_out(runs, run, for_ever))
    await asyncio.sleep(0.05)
    at_it.cancel()
    await asyncio.gather(at_it, return_exceptions=True)
    waiting = await runs.get(run.id)
    assert (waiting.state, waiting.attempts) == (RunState.QUEUED, 0)


async def test_who_lost_a_run_stops_and_writes_nothing_about_it(runs):
    run = await taken(runs)
    at_it = asyncio.create_task(carry_out(runs, run, for_ever))
    await runs.put_back(run.id)
    theirs = await runs.take("elsewhere:1:9-aa", ["learn"])
    with pytest.raises(RunLost):
        await asyncio.wait_for(at_it, 10)
    assert await runs.get(run.id) == theirs


async def test_a_database_that_is_away_for_a_moment_costs_nothing(runs, monkeypatch):
    run, away, beaten = await taken(runs), iter([DatabaseUnavailable("busy")] * 3), asyncio.Event()
    real = runs.beat

    async def beat(*arguments, **more):
        if problem := next(away, None):
            raise problem
        beaten.set()
        return await real(*arguments, **more)

    monkeypatch.setattr(runs, "beat", beat)

    async def work(run, progress):
        await beaten.wait()
        return "done"

    assert await asyncio.wait_for(carry_out(runs, run, work), 10) == "done"
    assert (await runs.get(run.id)).state is RunState.PASSED


async def test_a_run_whose_process_is_gone_is_put_back_so_often_and_then_failed(runs):
    await taken(runs, another(gone()))
    [back] = await end_dead_runs(runs, attempts=2)
    assert (back.state, back.attempts) == (RunState.QUEUED, 1)
    await runs.take(another(gone()), ["learn"])
    [failed] = await end_dead_runs(runs, attempts=2)
    assert (failed.state, failed.error) == (
        RunState.FAILED,
        "Its process ended without a word, 2 times.",
    )


async def test_one_that_was_cancelled_before_its_process_died_is_not_begun_again(runs):
    run = await taken(runs, another(gone()))
    await runs.cancel(run.id, "terminal")
    [ended] = await end_dead_runs(runs)
    assert ended.state is RunState.CANCELLED


async def test_a_restarted_container_knows_that_its_predecessor_of_the_same_number_is_dead(runs):
    await taken(runs, another(os.getpid()))
    assert [run.state for run in await end_dead_runs(runs)] == [RunState.QUEUED]


async def test_another_container_of_the_same_name_is_given_its_time(runs):
    await taken(runs, f"{socket.gethostname()}:{gone()}:elsewhere-an0ther")
    assert await end_dead_runs(runs) == []


async def test_what_this_process_is_at_is_never_dead(runs, monkeypatch):
    monkeypatch.setattr(durable, "BEAT_EVERY", 100)
    run = await taken(runs)
    at_it = asyncio.create_task(carry_out(runs, run, for_ever))
    await asyncio.sleep(0.05)
    assert await end_dead_runs(runs) == []
    at_it.cancel()
    await asyncio.gather(at_it, return_exceptions=True)
