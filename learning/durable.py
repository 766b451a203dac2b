"""How does a long piece of work survive its process? As a run in the database that shows signs of life."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

from learning.failures import RunCancelled, RunLost, RunPostponed, TrainerKilled, explained
from storage import tracing
from storage.processes import is_gone, is_this, this_process
from storage.records import Run, RunState, now
from storage.runs import RunStore
from storage.unavailable import DatabaseUnavailable

log = logging.getLogger(__name__)

BEAT_EVERY = 2.0  # seconds
SILENT_FOR = timedelta(minutes=1)  # without a sign of life a run on another machine counts as dead
ATTEMPTS = 3
SECOND_TRY = timedelta(seconds=5)  # later for each further one
POSTPONED = timedelta(seconds=10)

OnShare = Callable[[float, str], None]
"""Told how far the work is (0..1), and what it is doing in a few words."""

T = TypeVar("T")
_at_work: set[str] = set()  # ids of the runs that this process really is at


@dataclass(slots=True)
class Progress:
    """How far a run is: told to whoever watches, and written down at the next sign of life."""

    tell: OnShare | None = None
    share: float = 0.0
    metrics: dict[str, Any] = field(default_factory=dict)

    def at(self, share: float, doing: str, metrics: Mapping[str, Any] | None = None) -> None:
        self.share = share
        self.metrics = {**self.metrics, "doing": doing, **(metrics or {})}
        if self.tell:
            self.tell(share, doing)


@dataclass(frozen=True, slots=True)
class Held:
    """A run that somebody has taken from the queue, for work that would otherwise begin one of its own."""

    run: Run
    progress: Progress


Work = Callable[[Run, Progress], Awaitable[T]]


async def recorded(
    runs: RunStore,
    kind: str,
    work: Work[T],
    on_progress: OnShare | None = None,
    summary: Callable[[T], Mapping[str, Any]] = lambda result: {},
    held: Held | None = None,
) -> T:
    """Do the work as an exclusive run. However it ends, the run says so; a crash shows by its silence.

    With `held`, that run is carried out already, and this is part of it. Raises AlreadyRunning when another
    process is at one, and whatever the work raises.
    """
    if held:
        result = await work(held.run, held.progress)
        held.progress.metrics.update(summary(result))
        return result
    await end_dead_runs(runs)
    run = await runs.start(kind, this_process())
    return await carried_out(runs, run, work, Progress(on_progress), summary)


async def carried_out(
    runs: RunStore,
    run: Run,
    work: Work[T],
    progress: Progress,
    summary: Callable[[T], Mapping[str, Any]] = lambda result: {},
    attempts: int = ATTEMPTS,
) -> T:
    """Do the work of a run that this process holds, and write down how it ended.

    One from the queue goes back there when this process is stopped, what it needs is away, or its trainer was
    killed and it was not tried `attempts` times yet. Raises whatever the work raises, after it was written
    down. Every attempt goes on with the trace in which the run was asked for.
    """
    about: dict[str, str | int] = {"run": run.id, "kind": run.kind, "attempt": run.attempts}
    with tracing.within(run.traceparent), tracing.span(tracing.RUN, **about):
        await _trace_kept(runs, run)
        return await _to_its_end(runs, run, work, progress, summary, attempts)


async def _trace_kept(runs: RunStore, run: Run) -> None:
    """Whoever asked was in no trace; whoever takes it up after us goes on with ours."""
    if run.traceparent is None and (ours := tracing.here()):
        try:
            await runs.traced(run.id, ours)
        except DatabaseUnavailable as reason:
            log.warning("run %s: its trace cannot be written down now: %s", run.id, reason)


async def _to_its_end(
    runs: RunStore,
    run: Run,
    work: Work[T],
    progress: Progress,
    summary: Callable[[T], Mapping[str, Any]],
    attempts: int,
) -> T:
    _at_work.add(run.id)
    fence, queued = run.attempts, run.attempts > 0
    try:
        result = await _alive(runs, run, progress, work(run, progress))
        told = {**progress.metrics, **summary(result)}
        await _patiently(lambda: runs.finish(run.id, RunState.PASSED, metrics=told, attempt=fence))
        return result
    except asyncio.CancelledError:
        if queued:
            why = "The service was stopped."
            await asyncio.shield(runs.put_back(run.id, why, attempt=fence, counts=False))
        else:
            stopped = "It was stopped before it was done."
            await asyncio.shield(runs.finish(run.id, RunState.CANCELLED, error=stopped, attempt=fence))
        raise
    except RunLost:
        raise
    except RunCancelled as stop:
        sentence = str(stop)
        await _patiently(lambda: runs.finish(run.id, RunState.CANCELLED, error=sentence, attempt=fence))
        raise
    except RunPostponed as reason:
        sentence, later = str(reason), now() + POSTPONED
        if queued:
            await _patiently(lambda: runs.put_back(run.id, sentence, later, attempt=fence, counts=False))
        else:
            await _patiently(lambda: runs.finish(run.id, RunState.FAILED, error=sentence, attempt=fence))
        raise
    except TrainerKilled as killed:
        sentence = str(killed)
        if queued and run.attempts < attempts:
            later = now() + SECOND_TRY * run.attempts
            await _patiently(lambda: runs.put_back(run.id, sentence, later, attempt=fence))
        else:
            times = f" It was tried {run.attempts} times." if queued else ""
            await _patiently(
                lambda: runs.finish(run.id, RunState.FAILED, error=sentence + times, attempt=fence)
            )
        raise
    except BaseException as error:
        sentence = _sentence(error)
        await _patiently(lambda: runs.finish(run.id, RunState.FAILED, error=sentence, attempt=fence))
        raise
    finally:
        _at_work.discard(run.id)


def _sentence(error: BaseException) -> str:
    known = explained(error)
    text = str(known or error)
    return text.splitlines()[0] if text else repr(error)


async def end_dead_runs(runs: RunStore, attempts: int = ATTEMPTS) -> list[Run]:
    """Runs whose process is gone no longer stand in the way; returns them as they are now.

    What was in the queue goes back there, unless it was tried `attempts` times or somebody cancelled it.
    """
    dead = [run for run in await runs.stale(now() + timedelta(seconds=1)) if _is_dead(run)]
    return [await _buried(runs, run, attempts) for run in dead]


async def _buried(runs: RunStore, run: Run, attempts: int) -> Run:
    why, fence = "Its process ended without a word.", run.attempts
    if run.cancelled_by:
        told = f"Cancelled by {run.cancelled_by}."
        return await runs.finish(run.id, RunState.CANCELLED, error=told, attempt=fence)
    if run.attempts == 0:
        return await runs.finish(run.id, RunState.FAILED, error=why, attempt=fence)
    if run.attempts >= attempts:
        why = f"Its process ended without a word, {run.attempts} times."
        return await runs.finish(run.id, RunState.FAILED, error=why, attempt=fence)
    log.warning("run %s is put back: its process is gone", run.id)
    return await runs.put_back(run.id, why, attempt=fence)


def _is_dead(run: Run) -> bool:
    worker = run.worker or ""
    if is_gone(worker):
        return True
    silent = run.heartbeat_at is None or run.heartbeat_at < now() - SILENT_FOR
    return silent and not (is_this(worker) and run.id in _at_work)


async def _patiently(write: Callable[[], Awaitable[object]]) -> None:
    """How a run ended is worth some waiting for the database; after that, its silence says so."""
    for pause in (1.0, 2.0, 5.0, 10.0, 0.0):
        try:
            await write()
            return
        except DatabaseUnavailable as reason:
            log.error("how a run ended cannot be written down now: %s", reason)
            await asyncio.sleep(pause)


async def _alive(runs: RunStore, run: Run, progress: Progress, work: Awaitable[T]) -> T:
    """Do the work and keep saying that the run is alive; stop when it is no longer ours."""
    task = asyncio.ensure_future(work)
    beat: asyncio.Future[bool] | None = None
    heard = now()
    try:
        while not task.done():
            await asyncio.wait([task], timeout=BEAT_EVERY)
            if task.done():
                break
            beat = asyncio.ensure_future(
                runs.beat(run.id, progress.share, progress.metrics, attempt=run.attempts)
            )
            try:
                ours = await asyncio.shield(beat)
            except DatabaseUnavailable as reason:
                if now() - heard > SILENT_FOR / 2:  # before somebody takes us for dead
                    raise RunLost(f"The database was away for too long: {reason}") from reason
                continue
            heard = now()
            if not ours:
                raise await _why_stopped(runs, run)
        return task.result()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait([task])
        if beat and not beat.done():  # cut off in the middle, it would keep the database locked
            await asyncio.wait([beat])


async def _why_stopped(runs: RunStore, run: Run) -> Exception:
    found = await runs.get(run.id)
    if found and found.state is RunState.RUNNING and found.attempts == run.attempts and found.cancelled_by:
        return RunCancelled(f"Cancelled by {found.cancelled_by}.")
    return RunLost("The run was ended from elsewhere.")
