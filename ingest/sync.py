"""How does what an API has come into the store? Kept first, and only then is the position moved on.

read -> the same passage as every export -> keep -> delete what is gone -> remember how far we came
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from ingest.api_client import ApiTrouble
from ingest.api_source import ApiSource, Gone, Item, Position, Reached, Reading, Scanned, Trouble
from ingest.ledger import Ledger
from ingest.pipeline import Passage
from ingest.source import Owner, Person, file_of
from ingest.vault import Vault
from storage.cursors import CursorStore
from storage.records import Cursor, Record, Skipped, now
from storage.records_store import CHUNK, RecordStore

log = logging.getLogger(__name__)


class PositionsUnknown(Exception):
    """A newer twin wrote how far this source was read."""


@dataclass(slots=True)
class SyncReport:
    """One run over one source. Trouble that was known before is told, and is no failure."""

    ledger: Ledger
    deleted: int = 0
    troubles: list[Trouble] = field(default_factory=list)

    @property
    def well(self) -> bool:
        return all(trouble.known for trouble in self.troubles)

    def as_json(self) -> dict[str, Any]:
        troubles = [{"container": one.container, "why": one.why, "known": one.known} for one in self.troubles]
        return {**self.ledger.as_json(), "deleted": self.deleted, "troubles": troubles, "well": self.well}


async def sync(
    source: ApiSource,
    owner: Owner,
    keep: RecordStore,
    cursors: CursorStore,
    *,
    key: bytes,
    roster_path: Path,
    corrections_path: Path | None = None,
    vault: Vault | None = None,
    rescan: timedelta,
    agreed: frozenset[str] = frozenset(),
    again: bool = False,
    on_progress: Callable[[Ledger], None] = lambda ledger: None,
) -> SyncReport:
    """Read what is new there, and what changed lately. `again`: from the very beginning.

    Whatever the API does to us is in the report. Killed anywhere, the next run goes on from what was kept.
    """
    report = SyncReport(Ledger(source.name))
    try:
        positions = {} if again else await _positions(source, cursors)
    except PositionsUnknown as refusal:
        report.troubles.append(Trouble("", str(refusal)))
        return report
    passage = await asyncio.to_thread(
        lambda: Passage.opened(
            owner,
            report.ledger,
            key=key,
            roster_path=roster_path,
            corrections_path=corrections_path,
            vault=vault,
        )
    )

    async def kept() -> list[Record]:
        return await keep.find(source=source.name)

    async def gone() -> set[str]:
        return await keep.deleted_at_source(source.name)

    reading = Reading(owner, now(), rescan, positions, agreed, kept, gone)
    run = _Run(source, keep, cursors, passage, report, on_progress)
    try:
        async with aclosing(source.read(reading)) as items:  # type: ignore[type-var]
            async for item in items:
                await run.take(item)
    except ApiTrouble as problem:
        report.troubles.append(Trouble("", str(problem)))
    await run.settle()
    report.ledger.unknown = reading.drift.found()
    await asyncio.to_thread(passage.save)
    for trouble in report.troubles:
        log.warning("sync %s %s: %s", source.name, trouble.container, trouble.why)
    return report


async def _positions(source: ApiSource, cursors: CursorStore) -> dict[str, Position]:
    positions: dict[str, Position] = {}
    for cursor in await cursors.all(f"sync:{source.name}"):
        version = cursor.value.get("version")
        if version != source.version:
            raise PositionsUnknown(
                f"how far {source.name} was read is written in version {version}, and this twin knows "
                f"{source.version}. Upgrade this twin, or read it all again: twin sync {source.name} --again"
            )
        positions[cursor.container] = {
            name: value for name, value in cursor.value.items() if name != "version"
        }
    return positions


class _Run:
    """What was read and is not kept yet, and the ways to settle that."""

    def __init__(
        self,
        source: ApiSource,
        keep: RecordStore,
        cursors: CursorStore,
        passage: Passage,
        report: SyncReport,
        on_progress: Callable[[Ledger], None],
    ) -> None:
        self._source, self._keep, self._cursors = source, keep, cursors
        self._passage = passage
        self._report, self._on_progress = report, on_progress
        self._waiting: list[Record | Skipped] = []
        self._gone: list[str] = []
        self._met_people = False
        self._began = time.monotonic()

    async def take(self, item: Item) -> None:
        match item:
            case Record() | Skipped():
                if isinstance(item, Record):  # deleted and back again in one and the same run
                    self._gone = [gone for gone in self._gone if gone != item.id]
                self._waiting.append(item)
                if len(self._waiting) >= CHUNK:
                    await self.settle()
            case Person():
                self._passage.learn(item)
                self._met_people = True
            case Gone():
                self._gone.append(item.id)
            case Scanned():
                await self.settle()
                self._gone += await self._vanished(item)
            case Reached():
                await self.settle()
                value = {**item.position, "version": self._source.version}
                await self._cursors.put(Cursor(f"sync:{self._source.name}", item.container, value, now()))
            case Trouble():
                self._report.troubles.append(item)

    async def settle(self) -> None:
        """Everything taken so far is in the store when this returns."""
        ledger, waiting = self._report.ledger, self._waiting
        self._waiting = []
        if waiting:
            outcomes = await asyncio.to_thread(lambda: list(self._passage.outcomes(waiting)))
            await self._save_roster()  # before a record names somebody by a placeholder
            await self._passage.keep(outcomes, self._keep, live=True)
        if self._gone:
            self._report.deleted += await self._keep.mark_deleted(self._gone, now())
            self._gone = []
        ledger.seconds = time.monotonic() - self._began
        self._on_progress(ledger)

    async def _save_roster(self) -> None:
        if self._met_people:
            await asyncio.to_thread(self._passage.save)
            self._met_people = False

    async def _vanished(self, scanned: Scanned) -> list[str]:
        """Nothing at all is no proof: some APIs answer so to whoever lost the right to read."""
        if not scanned.present:
            return []
        found = await self._keep.find(
            source=None if scanned.thread else self._source.name,
            thread_id=scanned.thread or None,
            since=scanned.since,
            until=scanned.until,
        )
        return [
            record.id
            for record in found
            if record.id not in scanned.present
            and (scanned.thread or file_of(record.origin) == scanned.container)
        ]
