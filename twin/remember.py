"""The commands about records: read an export, look at what was kept."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from pathlib import Path

from ingest.corrections import Corrections
from ingest.ledger import Ledger
from ingest.pipeline import ingest as read_and_keep
from ingest.sources import SOURCES
from ingest.sources.telegram import record_id
from ingest.tag import TOPICS
from storage.records import Record, now
from twin import show
from twin.build import Stores, open_stores
from twin.errors import Told
from twin.home import Home
from twin.review import open_vault
from twin.settings import Settings


async def ingest_export(
    home: Home, settings: Settings, source: str, path: Path, *, again: bool = False
) -> Ledger:
    if source != "auto" and source not in SOURCES:
        raise Told(
            f"there is no source '{source}'", f"these there are: auto, {', '.join(SOURCES)}", exit_code=2
        )
    if not await asyncio.to_thread(path.exists):
        raise Told(f"there is nothing at {path}", "name the export: a file, a folder or a zip", exit_code=2)
    async with open_stores(home, settings) as stores:
        return await ingest_in(home, settings, stores, source, path, again=again)


async def ingest_in(
    home: Home, settings: Settings, stores: Stores, source: str, path: Path, *, again: bool = False
) -> Ledger:
    """Read one export into the store. Nobody knows before how large it is: the bar counts what was seen."""
    theirs = await stores.deliveries.in_the_owners_name()
    of_the_twin = {record_id(f"telegram:{chat}", id) for app, chat, id in theirs if app == "telegram"}
    if taken := await stores.records.mark_deleted(of_the_twin, now()):  # imported by an older twin
        show.sentence(f"{taken} records are what the twin wrote in your name: taken out")
    with show.counting(f"reading {path.name}") as seen:
        return await read_and_keep(
            source,
            path,
            settings.owner.owner(),
            stores.records,
            key=home.pseudonym_key(),
            roster_path=home.root / "roster.json",
            corrections_path=home.corrections,
            vault=open_vault(home, settings),
            cursors=stores.cursors,
            of_the_twin=of_the_twin,
            again=again,
            on_progress=lambda ledger: seen(ledger.seen),
        )


async def find_records(
    home: Home,
    settings: Settings,
    source: str | None,
    tag: str | None,
    since: datetime | None,
    until: datetime | None,
    limit: int | None,
) -> list[Record]:
    async with open_stores(home, settings) as stores:
        newest = await stores.records.find(
            source=source, tag=tag, since=_utc(since), until=_utc(until), limit=limit, newest_first=True
        )
        return newest[::-1]


async def one_record(home: Home, settings: Settings, beginning: str) -> Record:
    async with open_stores(home, settings) as stores:
        found = await stores.records.beginning_with(beginning)
    if len(found) != 1:
        many = "more than one record" if found else "no record"
        what = f"there is {many} whose id begins with {beginning}"
        raise Told(what, "'twin records list' names them", exit_code=2)
    return found[0]


async def tag_record(home: Home, settings: Settings, beginning: str, topics: str) -> tuple[Record, int]:
    """The owner's word on what a record is about; returns it, and how many near-equal ones follow it."""
    wanted = [word.strip().lower() for word in topics.split(",") if word.strip()]
    if not wanted or not all(re.fullmatch(r"[\w-]{1,40}", word) for word in wanted):
        raise Told(
            f"'{topics}' is no list of tags",
            f"write words with commas between: {', '.join(TOPICS)}, or your own",
            exit_code=2,
        )
    record = await one_record(home, settings, beginning)
    corrections = await asyncio.to_thread(Corrections, home.corrections)
    await asyncio.to_thread(corrections.add, record, wanted)
    async with open_stores(home, settings) as stores:
        before = await stores.records.find()
        after = await asyncio.to_thread(corrections.apply, before)
        changed = [new for old, new in zip(before, after, strict=True) if old != new]
        await stores.records.add_all(changed)
    tagged = next((one for one in after if one.id == record.id), record)
    return tagged, sum(one.id != record.id for one in changed)


async def export_records(
    home: Home,
    settings: Settings,
    path: Path,
    source: str | None,
    tag: str | None,
    since: datetime | None,
    until: datetime | None,
) -> int:
    records = await find_records(home, settings, source, tag, since, until, None)
    return show.write_lines(path, records)


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment
