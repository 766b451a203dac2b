"""How does a long piece of work survive its process? As a run in the database that shows signs of life."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

from learning.failures import TrainingFailed
from storage import tracing
from storage.records import Run, RunState, now
from storage.runs import RunStore

BEAT_EVERY = 2.0  # seconds
SILENT_FOR = timedelta(minutes=2)  # without a sign of life a run on another machine counts as dead

OnShare = Callable[[float, str], None]
"""Told how far the work is (0..1), and what it is doing in a few words."""

T = TypeVar("T")


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


async def recorded(
    runs: RunStore,
    kind: str,
    work: Callable[[Run, Progress], Awaitable[T]],
    on_progress: OnShare | None = None,
    summary: Callable[[T], Mapping[str, Any]] = lambda result: {},
) -> T:
    """Do the work as an exclusive run. However it ends, the run says so; a crash shows by its silence.

    Raises AlreadyRunning when another process is at one, and whatever the work raises.
    """
    await end_dead_runs(runs)
    run, progress = await runs.start(kind, worker_name()), Progress(on_progress)
    try:
        with tracing.span(tracing.RUN, run=run.id, kind=kind):
            result = await _alive(runs, run, progress, work(run, progress))
    except asyncio.CancelledError:
        stopped = runs.finish(run.id, RunState.CANCELLED, error="It was stopped before it was done.")
        await asyncio.shield(stopped)
        raise
    except BaseException as error:
        sentence = str(error).splitlines()[0] if str(error) else repr(error)
        await runs.finish(run.id, RunState.FAILED, error=sentence)
        raise
    await runs.finish(run.id, RunState.PASSED, metrics={**progress.metrics, **summary(result)})
    return result


def worker_name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


async def end_dead_runs(runs: RunStore) -> list[Run]:
    """Runs whose process is gone are failed, so that they do not stand in the way; returns them."""
    dead = [run for run in await runs.stale(now() + timedelta(seconds=1)) if _is_dead(run)]
    for run in dead:
        await runs.finish(run.id, RunState.FAILED, error="Its process ended without a word.")
    return dead


def _is_dead(run: Run) -> bool:
    host, _, pid = (run.worker or "").rpartition(":")
    if host == socket.gethostname() and pid.isdigit():
        if int(pid) == os.getpid():
            return False
        try:
            os.kill(int(pid), 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            pass  # somebody else's process, but alive
    return run.heartbeat_at is None or run.heartbeat_at < now() - SILENT_FOR


async def _alive(runs: RunStore, run: Run, progress: Progress, work: Awaitable[T]) -> T:
    """Do the work and keep saying that the run is alive; stop when somebody else has ended it."""
    task = asyncio.ensure_future(work)
    try:
        while not task.done():
            await asyncio.wait([task], timeout=BEAT_EVERY)
            if not task.done() and not await runs.beat(run.id, progress.share, progress.metrics):
                raise TrainingFailed("The run was ended from elsewhere.")
        return task.result()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait([task])
