"""Is a run one trace, whoever asks for it, whoever does it, and however often that one is killed?"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from opentelemetry import trace

from learning.durable import Progress, carried_out
from storage import tracing
from storage.processes import this_process
from storage.runs import RunStore

ROOT = Path(__file__).parents[2]

PROGRAM = """
import asyncio, sys
from learning.durable import Progress, carried_out, end_dead_runs
from storage.processes import this_process
from storage import tracing
from storage.database import Database
from storage.runs import RunStore


async def work(run, progress):
    with tracing.span(tracing.COLLECT):
        pass
    if todo == "hang":
        await asyncio.Event().wait()


async def main():
    database = await Database.open(url)
    runs = RunStore(database)
    if todo == "ask":
        await runs.enqueue("learn", exclusive=True, parameters={"why": "secret-reason"})
    else:
        await end_dead_runs(runs)
        run = await runs.take(this_process(), ["learn"])
        await carried_out(runs, run, work, Progress())
    await database.close()


url, collector, todo = sys.argv[1:]
with tracing.collected(collector):
    asyncio.run(main())
"""


def process(sqlite_url, collector, todo):
    at_once = {"OTEL_BSP_SCHEDULE_DELAY": "20"}  # milliseconds: so that a killed process has told the most
    arguments = [sys.executable, "-c", PROGRAM, sqlite_url, collector.url, todo]
    return subprocess.Popen(arguments, cwd=ROOT, env=os.environ | at_once)


def ended_well(child):
    assert child.wait(timeout=120) == 0


def wait_for(child, true):
    deadline = time.monotonic() + 120
    while not true():
        assert child.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)


async def test_a_run_that_one_process_asks_for_one_begins_and_another_ends_is_one_trace(
    sqlite_url, sqlite_database, collector
):
    ended_well(process(sqlite_url, collector, "ask"))
    [asked] = collector.named(tracing.ASKED)
    [run] = await RunStore(sqlite_database).all()
    assert run.traceparent[:-2] == f"00-{asked.trace}-{asked.id}-"
    assert asked.about == {"twin.run": run.id, "twin.kind": "learn"}

    doomed = process(sqlite_url, collector, "hang")
    wait_for(doomed, lambda: collector.named(tracing.COLLECT))
    doomed.send_signal(signal.SIGKILL)
    doomed.wait()
    ended_well(process(sqlite_url, collector, "work"))

    [attempt] = collector.named(tracing.RUN)  # the one that was killed could not say how it ended
    assert (attempt.trace, attempt.parent) == (asked.trace, asked.id)
    assert attempt.about["twin.attempt"] == 2
    before, after = collector.named(tracing.COLLECT)
    assert before.trace == after.trace == asked.trace
    assert before.parent not in ("", asked.id)
    assert after.parent == attempt.id
    kept = [span for span in collector.named(tracing.WRITE) if span.trace == asked.trace]
    assert {span.parent for span in kept} >= {asked.id, attempt.id}  # that it waits, and how it ended
    assert b"secret" not in b"".join(collector.bodies)


async def test_a_run_that_was_asked_for_where_nobody_traces_is_one_trace_from_its_first_attempt_on(
    database, spans, monkeypatch
):
    runs = RunStore(database)

    async def work(run, progress):
        return trace.get_current_span().get_span_context()

    with monkeypatch.context() as patch:
        patch.setattr(tracing, "_tracer", trace.NoOpTracer())
        await runs.enqueue("learn")
    first = await runs.take(this_process(), ["learn"])
    assert first.traceparent is None
    context = await carried_out(runs, first, work, Progress())
    kept = (await runs.get(first.id)).traceparent
    assert kept[:-2] == f"00-{context.trace_id:032x}-{context.span_id:016x}-"
    again = await carried_out(runs, await runs.get(first.id), work, Progress())
    assert again.trace_id == context.trace_id
    assert (await runs.get(first.id)).traceparent == kept


async def test_where_nobody_collects_a_run_has_no_trace_and_its_row_is_left_alone(sqlite_database):
    runs = RunStore(sqlite_database)
    await runs.enqueue("learn")
    run = await runs.take(this_process(), ["learn"])

    async def work(run, progress):
        return tracing.here(), tracing.onward()

    assert await carried_out(runs, run, work, Progress()) == (None, {})
    assert (await runs.get(run.id)).traceparent is None
