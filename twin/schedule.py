"""What happens by the clock? Every job puts a run into the queue; whoever is free does it.

The jobs lie in memory and come from the settings, so there is nothing that two processes could share or a
crash could damage. One copy of the service, the leader, has the clock.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from storage.processes import this_process
from storage.records import Cursor, Run, now
from storage.unavailable import DatabaseUnavailable
from twin.build import Stores
from twin.current import Current
from twin.kinds import KINDS, Kind
from twin.learning_state import MINE, LearningState
from twin.settings import Settings
from twin.sync import to_sync
from twin.when import OFF, trigger

log = logging.getLogger(__name__)

HEARTBEAT = "heartbeat"
BEAT_SECONDS = 5.0
LOOK_SECONDS = 2.0
DEAD_SECONDS = 30.0  # without a heartbeat the scheduler is built anew
LEASE_SECONDS = 20.0
STOP_SECONDS = 2.0

Enqueue = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Job:
    name: str
    when: str  # as in twin.toml
    do: Enqueue


class Schedule:
    def __init__(
        self,
        current: Current,
        stores: Stores,
        kinds: Mapping[str, Kind] = KINDS,
        *,
        several: bool = False,
        beat_seconds: float = BEAT_SECONDS,
    ) -> None:
        """`several`: other copies of the service may be on this database, and one of them leads."""
        self._current, self._stores, self._kinds = current, stores, kinds
        self._several, self._beat_seconds = several, beat_seconds
        self._learning = LearningState(current.home, stores)
        self._scheduler: AsyncIOScheduler | None = None
        self._jobs: dict[str, str] = {}  # as they were built: name -> when
        self._planned: Mapping[str, str | None] = {}  # when each was next in the life before
        self._beat_at = 0.0
        self._writing: set[asyncio.Future[object]] = set()
        current.on_change(self._settings_changed)

    async def run(self, every: float = LOOK_SECONDS) -> None:
        """Until it is cancelled: lead where nobody else does, and see that the scheduler lives."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                try:
                    if not await self._leads():
                        await self._stop()
                    elif self._scheduler is None:
                        await self._start()
                    elif loop.time() - self._beat_at > max(DEAD_SECONDS, 3 * self._beat_seconds):
                        log.error("the scheduler fell silent and is built anew")
                        await self._stop()
                except DatabaseUnavailable as reason:
                    log.error("the schedule waits for the database: %s", reason)
                await asyncio.sleep(every)
        finally:
            await self._stop()
            if self._several:
                await asyncio.shield(self._stores.leases.give_back(MINE, this_process()))

    async def _leads(self) -> bool:
        return not self._several or await self._stores.leases.take(MINE, this_process(), LEASE_SECONDS)

    async def _start(self) -> None:
        options = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        self._scheduler = AsyncIOScheduler(job_defaults=options)
        self._jobs = {}
        beat = await self._stores.cursors.get(MINE, HEARTBEAT)
        self._planned = beat.value["jobs"] if beat else {}
        await self._build(self._current.settings)
        self._planned = {}
        self._scheduler.start()
        self._beat_at = asyncio.get_running_loop().time()
        await self._heartbeat()

    async def _stop(self) -> None:
        """What is being written is let through first: APScheduler would cut it off."""
        scheduler, self._scheduler = self._scheduler, None
        if scheduler is not None and scheduler.running:  # not when we are stopped while it is built
            scheduler.pause()
            if self._writing:
                await asyncio.wait(self._writing, timeout=STOP_SECONDS)
            scheduler.shutdown(wait=False)

    async def _settings_changed(self, settings: Settings) -> None:
        if self._scheduler is not None:
            await self._build(settings)
            await self._heartbeat()

    async def _build(self, settings: Settings) -> None:
        """The jobs of these settings; one that stays as it is keeps its time."""
        assert self._scheduler is not None
        zone = settings.owner.owner().zones[-1][1]
        wanted = {job.name: job for job in self.jobs(settings)}
        for name in set(self._jobs) - set(wanted):
            self._scheduler.remove_job(name)
            del self._jobs[name]
        for name, job in wanted.items():
            if self._jobs.get(name) != f"{job.when} {zone}":
                await self._add(job, zone)
                self._jobs[name] = f"{job.when} {zone}"
        beat = Job(HEARTBEAT, "", self._heartbeat)
        self._scheduler.add_job(
            self._patiently,
            "interval",
            [beat],
            seconds=self._beat_seconds,
            id=HEARTBEAT,
            replace_existing=True,
        )

    async def _add(self, job: Job, zone: tzinfo) -> None:
        """What was due while nobody was there is done once, now; what was never done is not put off."""
        assert self._scheduler is not None
        when = trigger(job.when, zone)
        assert when is not None
        more: dict[str, Any] = {}
        last = (await self._stores.runs.last([job.name.partition(" ")[0]])).get(job.name)
        if last and (due := when.get_next_fire_time(last.created_at, last.created_at)):
            more["next_run_time"] = max(due, now())
        elif not last and (planned := self._planned.get(job.name)):
            first = when.get_next_fire_time(None, now())
            more["next_run_time"] = max(now(), min(datetime.fromisoformat(planned), first or now()))
        self._scheduler.add_job(self._patiently, when, [job], id=job.name, replace_existing=True, **more)

    async def _patiently(self, job: Job) -> None:
        """What a database does is no traceback, and the clock goes on."""
        task = asyncio.ensure_future(job.do())
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)
        try:
            await asyncio.shield(task)
        except DatabaseUnavailable as reason:
            log.error("%s could not be done now: %s", job.name, reason)

    def jobs(self, settings: Settings) -> list[Job]:
        """Those that are switched on, and of a kind that there is."""
        schedule = settings.schedule
        found = [Job("learn", schedule.learn, self._look_whether_to_learn)]
        for name in ("retrain", "evaluate", "backup", "forget"):
            found.append(Job(name, getattr(schedule, name), self._enqueuing(name)))
        for source in to_sync(settings):
            when = schedule.sync_of.get(source, schedule.sync)
            found.append(Job(f"sync {source}", when, self._enqueuing("sync", source)))
        return [job for job in found if job.when.strip() != OFF and job.name.split()[0] in self._kinds]

    def _enqueuing(self, kind: str, source: str | None = None) -> Enqueue:
        async def do() -> None:
            key = f"{kind} {source}" if source else kind
            parameters = {"source": source} if source else {}
            await enqueue(self._stores, self._current.settings, kind, key=key, parameters=parameters)

        return do

    async def _look_whether_to_learn(self) -> None:
        """Looking is cheap and leaves no trace: a run is queued only where there is something to do."""
        verdict = await self._learning.verdict(self._current.settings)
        if verdict.kind:
            log.info("learning: %s", verdict.why)
            await enqueue(self._stores, self._current.settings, verdict.kind)

    async def _heartbeat(self) -> None:
        """Written by a job like the others: it proves that the scheduler lives, and what comes next."""
        if self._scheduler is None:
            return
        jobs = {job.id: _iso(job.next_run_time) for job in self._scheduler.get_jobs() if job.id != HEARTBEAT}
        value = {"leader": this_process(), "jobs": jobs}
        await self._stores.cursors.put(Cursor(MINE, HEARTBEAT, value, now()))
        self._beat_at = asyncio.get_running_loop().time()


async def enqueue(
    stores: Stores,
    settings: Settings,
    kind: str,
    *,
    key: str | None = None,
    by: str = "schedule",
    parameters: Mapping[str, Any] | None = None,
    tell: str | None = None,
) -> Run | None:
    """Into the queue, as the settings want it; None: such a one waits there already."""
    trains = KINDS[kind].exclusive if kind in KINDS else False
    return await stores.runs.enqueue(
        kind,
        exclusive=trains,
        key=key or kind,
        requested_by=by,
        parameters=parameters,
        target=settings.runs.target if trains else "local",
        tell=tell or "owner",
    )


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
