"""Which pieces of work wait, which one runs now, and which died without a word?

A run is begun by hand (`start`) or waits in the queue (`enqueue`) until a runner takes it (`take`). Whoever
holds it says so again and again (`beat`); `attempts` is the fence: who holds an older attempt has lost it.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage import tracing
from storage.database import Database
from storage.records import Run, RunState, now
from storage.tables import RunRow, selecting, values

OVER = (RunState.PASSED, RunState.FAILED, RunState.CANCELLED)


class AlreadyRunning(Exception):
    """Another exclusive run holds the place."""

    def __init__(self, run: Run) -> None:
        super().__init__(
            f"a {run.kind} run is already under way: {run.id}, on {run.worker}, since "
            f"{run.started_at:%d %b %H:%M} UTC. Wait for it, or 'twin runs cancel {run.id}'"
        )
        self.run = run


class UnknownRun(LookupError):
    """No run of this id was ever started."""

    def __init__(self, id: str) -> None:
        super().__init__(f"there is no run {id!r}")


class RunStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def enqueue(
        self,
        kind: str,
        *,
        exclusive: bool = False,
        key: str | None = None,
        requested_by: str = "",
        parameters: Mapping[str, Any] | None = None,
        due_at: datetime | None = None,
        target: str = "local",
        tell: str | None = None,
    ) -> Run | None:
        """Put it in the queue; None: one of this key waits there already.

        Of a run that waits, whoever asks later is told as well when nobody was before.
        """
        at = now()
        run = Run(
            _new_id(kind, at),
            kind,
            RunState.QUEUED,
            created_at=at,
            due_at=due_at,
            requested_by=requested_by,
            parameters=parameters or {},
            key=key,
            target=target,
            tell=tell,
        )
        with tracing.span(tracing.ASKED, run=run.id, kind=kind):
            return await self._queued(replace(run, traceparent=tracing.here()), exclusive)

    async def _queued(self, run: Run, exclusive: bool) -> Run | None:
        key, tell = run.key, run.tell
        async with self._database.transaction() as session:
            await self._database.alone(session, "runs")
            waiting = _select().filter_by(key=key, state=RunState.QUEUED)
            if key is not None and (same := await _first(session, waiting)):
                if tell and not same.tell:
                    await _save(session, replace(same, tell=tell))
                return None
            await session.execute(self._database.insert(RunRow).values(_fields(run, exclusive)))
        return run

    async def take(self, worker: str, kinds: Collection[str], at: datetime | None = None) -> Run | None:
        """The oldest run of these kinds that is due and whose turn it is, held by this worker from now on.

        Exclusive runs never overlap, nor do two of one key, in however many processes.
        """
        at = at or now()
        async with self._database.transaction() as session:
            await self._database.alone(session, "runs")
            busy = select(RunRow.key).where(RunRow.state == RunState.RUNNING, RunRow.key.is_not(None))
            query = (
                _select()
                .filter_by(state=RunState.QUEUED)
                .where(RunRow.kind.in_(list(kinds)))
                .where(or_(RunRow.due_at.is_(None), RunRow.due_at <= at))
                .where(or_(RunRow.key.is_(None), RunRow.key.not_in(busy)))
                .order_by(RunRow.created_at, RunRow.id)
            )
            if await _first(session, _running().filter_by(exclusive=True)):
                query = query.where(~RunRow.exclusive)
            run = await _first(session, query)
            if run is None:
                return None
            run = replace(_begun(run, worker, at), attempts=run.attempts + 1)
            await _save(session, run)
        return run

    async def start(self, kind: str, worker: str, exclusive: bool = True, log_path: str | None = None) -> Run:
        """A new run, begun by hand, that this worker holds now; nobody takes it up again when it dies.

        Exclusive runs, of whatever kind, never overlap, in however many processes: raises AlreadyRunning.
        """
        at = now()
        run = _begun(Run(_new_id(kind, at), kind, RunState.QUEUED, created_at=at), worker, at)
        with tracing.span(tracing.ASKED, run=run.id, kind=kind):
            run = replace(run, log_path=log_path, traceparent=tracing.here())
            async with self._database.transaction() as session:
                await self._database.alone(session, "runs")
                if exclusive and (holder := await _first(session, _running().filter_by(exclusive=True))):
                    raise AlreadyRunning(holder)
                await session.execute(self._database.insert(RunRow).values(_fields(run, exclusive)))
        return run

    async def beat(
        self,
        id: str,
        progress: float,
        metrics: Mapping[str, Any] | None = None,
        log_path: str | None = None,
        attempt: int | None = None,
    ) -> bool:
        """Say that the run is alive and how far it is (0..1); metrics are added to those it has.

        False: it is no longer this worker's to finish (somebody ended it, took it over after a silence, or
        asked it to stop), so stop.
        """
        async with self._database.transaction() as session:
            run = await _one(session, id)
            if run.state is not RunState.RUNNING or attempt not in (None, run.attempts):
                return False
            told = {**run.metrics, **(metrics or {})}
            log_path = log_path or run.log_path
            await _save(
                session,
                replace(run, progress=progress, heartbeat_at=now(), metrics=told, log_path=log_path),
            )
        return run.cancelled_by is None

    async def traced(self, id: str, traceparent: str) -> None:
        """Which trace it belongs to, where whoever asked for it was in none."""
        unknown = update(RunRow).filter_by(id=id, traceparent=None)
        async with self._database.transaction() as session:
            await session.execute(unknown.values(traceparent=traceparent))

    async def keep(self, id: str, artefacts: Mapping[str, Any]) -> None:
        """Remember what the run has made, or what must be found again when it is taken up."""
        async with self._database.transaction() as session:
            run = await _one(session, id)
            await _save(session, replace(run, artefacts={**run.artefacts, **artefacts}))

    async def finish(
        self,
        id: str,
        state: RunState,
        error: str | None = None,
        metrics: Mapping[str, Any] | None = None,
        attempt: int | None = None,
    ) -> Run:
        """The run as it ended.

        The first word stands: a run that ended already, or that somebody else holds by now, is returned as it
        is. Raises UnknownRun.
        """
        if state not in OVER:
            raise ValueError(f"a run does not end as {state}")
        async with self._database.transaction() as session:
            run = await _one(session, id)
            if run.state in OVER or attempt not in (None, run.attempts):
                return run
            progress = 1.0 if state is RunState.PASSED else run.progress
            metrics = {**run.metrics, **(metrics or {})}
            run = replace(
                run, state=state, error=error, metrics=metrics, progress=progress, finished_at=now()
            )
            await _save(session, run)
        return run

    async def put_back(
        self,
        id: str,
        why: str | None = None,
        due_at: datetime | None = None,
        *,
        attempt: int | None = None,
        counts: bool = True,
    ) -> Run:
        """Into the queue again, for whoever takes it next; `counts=False`: as if it had not been tried.

        Where one of its key waits already, that one will do, and this one is cancelled.
        """
        async with self._database.transaction() as session:
            await self._database.alone(session, "runs")
            run = await _one(session, id)
            if run.state is not RunState.RUNNING or attempt not in (None, run.attempts):
                return run
            waiting = _select().filter_by(key=run.key, state=RunState.QUEUED)
            if run.key is not None and (same := await _first(session, waiting)):
                told = f"Its place is taken by {same.id}."
                run = replace(run, state=RunState.CANCELLED, error=told, finished_at=now())
                if run.tell and not same.tell:
                    await _save(session, replace(same, tell=run.tell))
                    run = replace(run, tell=None)
            elif run.cancelled_by:
                told = f"Cancelled by {run.cancelled_by}."
                run = replace(run, state=RunState.CANCELLED, error=told, finished_at=now())
            else:
                tried = run.attempts if counts else max(0, run.attempts - 1)
                run = replace(run, attempts=tried, error=why, due_at=due_at, progress=0.0)
                run = replace(run, state=RunState.QUEUED, worker=None, started_at=None, heartbeat_at=None)
            await _save(session, run)
        return run

    async def cancel(self, id: str, by: str) -> Run:
        """One that waits is over at once; of one that runs, its worker hears at the next sign of life."""
        async with self._database.transaction() as session:
            await self._database.alone(session, "runs")
            run = await _one(session, id)
            if run.state in OVER:
                return run
            run = replace(run, cancelled_by=by)
            if run.state is RunState.QUEUED:
                told = f"Cancelled by {by}."
                run = replace(run, state=RunState.CANCELLED, error=told, finished_at=now())
            await _save(session, run)
        return run

    async def told(self, id: str) -> None:
        """Whoever waited to hear how it ended has heard it."""
        async with self._database.transaction() as session:
            await session.execute(update(RunRow).filter_by(id=id).values(tell=None))

    async def get(self, id: str) -> Run | None:
        return next(iter(await self._all(_select().filter_by(id=id))), None)

    async def all(self, limit: int | None = None, kind: str | None = None) -> list[Run]:
        """Newest first."""
        query = _select().filter_by(kind=kind) if kind else _select()
        return await self._all(query.order_by(RunRow.created_at.desc(), RunRow.id.desc()).limit(limit))

    async def unfinished(self, *, exclusive: bool | None = None) -> list[Run]:
        """What runs and what waits, oldest first."""
        query = _select().where(RunRow.state.in_((RunState.QUEUED, RunState.RUNNING)))
        query = query if exclusive is None else query.filter_by(exclusive=exclusive)
        return await self._all(query.order_by(RunRow.created_at, RunRow.id))

    async def last(self, kinds: Collection[str]) -> dict[str, Run]:
        """Of each kind (and source, where there are several) the newest run that is over."""
        newest = (
            select(func.max(RunRow.id))
            .where(RunRow.state.in_(OVER), RunRow.kind.in_(list(kinds)))
            .group_by(RunRow.kind, RunRow.key)
        )
        found = await self._all(_select().where(RunRow.id.in_(newest)).order_by(RunRow.created_at))
        return {run.key or run.kind: run for run in found}

    async def to_tell(self) -> list[Run]:
        """Those that are over and whose end somebody waits to hear of."""
        query = _select().where(RunRow.state.in_(OVER), RunRow.tell.is_not(None))
        return await self._all(query.order_by(RunRow.finished_at))

    async def stale(self, before: datetime) -> list[Run]:
        """Runs that say they run, but have given no sign of life since; their worker is most likely dead."""
        return await self._all(_running().where(RunRow.heartbeat_at < before).order_by(RunRow.created_at))

    async def _all(self, query: Select[Any]) -> list[Run]:
        async with self._database.reading() as session:
            return [Run(*row) for row in await session.execute(query)]


def _new_id(kind: str, at: datetime) -> str:
    """Also the name of the run's folder: sorts by time, tells what it is."""
    return f"{at:%Y%m%d-%H%M%S}-{kind}-{secrets.token_hex(2)}"


def _begun(run: Run, worker: str, at: datetime) -> Run:
    return replace(run, state=RunState.RUNNING, worker=worker, started_at=at, heartbeat_at=at, error=None)


def _fields(run: Run, exclusive: bool) -> dict[str, Any]:
    return values(run) | {"exclusive": exclusive}


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
