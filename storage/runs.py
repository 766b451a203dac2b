"""Which pieces of work were started, which one runs now, and which died without a word?"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.database import Database
from storage.records import Run, RunState, now
from storage.tables import RunRow, selecting, values


class AlreadyRunning(Exception):
    """Another exclusive run holds the place."""

    def __init__(self, run: Run) -> None:
        super().__init__(
            f"a {run.kind} run is already under way: {run.id}, on {run.worker}, since "
            f"{run.started_at:%d %b %H:%M} UTC. Wait for it, or stop that program first"
        )
        self.run = run


class UnknownRun(LookupError):
    """No run of this id was ever started."""

    def __init__(self, id: str) -> None:
        super().__init__(f"there is no run {id!r}")


class RunStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def start(self, kind: str, worker: str, exclusive: bool = True, log_path: str | None = None) -> Run:
        """A run that this worker holds now: the oldest queued one of this kind, or a new one.

        Exclusive runs, of whatever kind, never overlap, in however many processes: raises AlreadyRunning.
        """
        async with self._database.transaction() as session:
            await self._database.alone(session, "runs")
            if exclusive and (holder := await _first(session, _running().filter_by(exclusive=True))):
                raise AlreadyRunning(holder)
            queued = _select().filter_by(kind=kind, state=RunState.QUEUED).order_by(RunRow.created_at)
            at = now()
            run = await _first(session, queued) or Run(
                _new_id(kind, at), kind, RunState.QUEUED, created_at=at
            )
            run = replace(
                run,
                state=RunState.RUNNING,
                started_at=at,
                heartbeat_at=at,
                worker=worker,
                log_path=log_path or run.log_path,
            )
            fields = values(run) | {"exclusive": exclusive}
            insert = self._database.insert(RunRow).values(fields)
            await session.execute(insert.on_conflict_do_update(index_elements=[RunRow.id], set_=fields))
        return run

    async def beat(
        self,
        id: str,
        progress: float,
        metrics: Mapping[str, Any] | None = None,
        log_path: str | None = None,
    ) -> bool:
        """Say that the run is alive and how far it is (0..1); metrics are added to those it has.

        False: it is no longer this worker's to finish (somebody ended it or put it back), so stop.
        """
        async with self._database.transaction() as session:
            run = await _one(session, id)
            if run.state is not RunState.RUNNING:
                return False
            await _save(
                session,
                replace(
                    run,
                    progress=progress,
                    heartbeat_at=now(),
                    metrics={**run.metrics, **(metrics or {})},
                    log_path=log_path or run.log_path,
                ),
            )
        return True

    async def finish(
        self, id: str, state: RunState, error: str | None = None, metrics: Mapping[str, Any] | None = None
    ) -> Run:
        """The run as it ended; QUEUED puts it back instead, for the next `start` of its kind.

        The first word stands: a run that ended already is returned as it is. Raises UnknownRun.
        """
        if state is RunState.RUNNING:
            raise ValueError("a run starts with start")
        async with self._database.transaction() as session:
            run = await _one(session, id)
            if run.state not in (RunState.RUNNING, RunState.QUEUED):
                return run
            run = replace(run, state=state, error=error, metrics={**run.metrics, **(metrics or {})})
            if state is RunState.QUEUED:
                run = replace(run, worker=None, started_at=None, heartbeat_at=None, progress=0.0)
            else:
                run = replace(
                    run, finished_at=now(), progress=1.0 if state is RunState.PASSED else run.progress
                )
            await _save(session, run)
        return run

    async def get(self, id: str) -> Run | None:
        return next(iter(await self._all(_select().filter_by(id=id))), None)

    async def all(self, limit: int | None = None) -> list[Run]:
        """Newest first."""
        return await self._all(_select().order_by(RunRow.created_at.desc(), RunRow.id.desc()).limit(limit))

    async def stale(self, before: datetime) -> list[Run]:
        """Runs that say they run, but have given no sign of life since; their worker is most likely dead."""
        return await self._all(_running().where(RunRow.heartbeat_at < before).order_by(RunRow.created_at))

    async def _all(self, query: Select[Any]) -> list[Run]:
        async with self._database.reading() as session:
            return [Run(*row) for row in await session.execute(query)]


def _new_id(kind: str, at: datetime) -> str:
    """Also the name of the run's folder: sorts by time, tells what it is."""
    return f"{at:%Y%m%d-%H%M%S}-{kind}-{secrets.token_hex(2)}"


def _select() -> Select[Any]:
    return selecting(RunRow, Run)


def _running() -> Select[Any]:
    return _select().filter_by(state=RunState.RUNNING)


async def _first(session: AsyncSession, query: Select[Any]) -> Run | None:
    row = (await session.execute(query.limit(1))).one_or_none()
    return Run(*row) if row else None


async def _one(session: AsyncSession, id: str) -> Run:
    """The run, and nobody else changes it until this transaction ends."""
    run = await _first(session, _select().filter_by(id=id).with_for_update())
    if run is None:
        raise UnknownRun(id)
    return run


async def _save(session: AsyncSession, run: Run) -> None:
    await session.execute(update(RunRow).filter_by(id=run.id).values(values(run)))
