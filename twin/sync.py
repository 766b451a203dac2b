"""Reading every configured source again: what is new and what has changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from ingest.api_source import ApiSource, Trouble
from ingest.apis import API_SOURCES, EXPORT_ONLY, ApiNotConfigured
from ingest.changed_files import before, examine, remember
from ingest.files import ExportUnreadable
from ingest.ledger import Ledger
from ingest.sources import SOURCES
from ingest.sync import SyncReport
from ingest.sync import sync as read_api
from ingest.sync_settings import WatchedPath
from storage.records import Consent, Cursor, now
from twin import show
from twin.build import Stores, open_stores
from twin.errors import Told
from twin.home import Home
from twin.remember import ingest_in
from twin.review import open_vault
from twin.settings import Settings

OUTCOMES = "synced"  # the source of the cursors that say how each one went the last time
WORTH_TELLING = 5.0  # seconds of waiting
Progress = Callable[[Ledger], None]


@dataclass(slots=True)
class Synced:
    """What one run did, source by source; `unchanged` are watched paths that nobody had to read."""

    reports: list[SyncReport] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)

    @property
    def well(self) -> bool:
        return all(report.well for report in self.reports)

    def as_json(self) -> dict[str, Any]:
        reports = [report.as_json() for report in self.reports]
        return {"sources": reports, "unchanged": self.unchanged, "well": self.well}

    def rows(self) -> list[tuple[object, ...]]:
        return [
            (
                report.ledger.source,
                report.ledger.seen,
                report.ledger.kept,
                report.ledger.merged,
                report.ledger.dropped.total(),
                report.ledger.failed.total(),
                report.deleted,
                f"{report.ledger.seen / report.ledger.seconds:,.0f}/s"
                if report.ledger.seconds > 0.01
                else "",
            )
            for report in self.reports
        ]


async def sync_all(home: Home, settings: Settings, names: list[str], again: bool = False) -> Synced:
    """Those named, or every configured one."""
    apis, files = _chosen(settings, names)
    with home.only_one("sync"):
        async with open_stores(home, settings) as stores:
            return await sync_in(home, settings, stores, apis, files, again)


async def sync_in(
    home: Home,
    settings: Settings,
    stores: Stores,
    apis: list[ApiSource],
    files: list[WatchedPath],
    again: bool = False,
) -> Synced:
    """One after the other; the trouble of one leaves the others alone."""
    done = Synced()
    agreed = frozenset(await stores.people.who(Consent.AGREED))
    for source in apis:
        with show.counting(f"reading {source.name}") as seen:
            report = await read_api(
                source,
                settings.owner.owner(),
                stores.records,
                stores.cursors,
                key=home.pseudonym_key(),
                roster_path=home.root / "roster.json",
                corrections_path=home.corrections,
                vault=open_vault(home, settings),
                rescan=timedelta(days=settings.sync.rescan_days),
                agreed=agreed,
                again=again,
                on_progress=lambda ledger, seen=seen: seen(ledger.seen),  # type: ignore[misc]
            )
        done.reports.append(report)
        await _note(stores, source.name, report)
    for watched in files:
        read = await _read_if_changed(home, settings, stores, watched, again)
        if read is None:
            done.unchanged.append(str(_at_home(home, watched.path)))
        else:
            done.reports.append(read)
        await _note(stores, watched_name(home, watched), read)
    return done


async def _note(stores: Stores, name: str, report: SyncReport | None) -> None:
    """What became of it, for `twin doctor`. None: nothing had changed."""
    why = next((trouble.why for trouble in report.troubles), "") if report else ""
    kept, well = (report.ledger.kept, report.well) if report else (0, True)
    await stores.cursors.put(Cursor(OUTCOMES, name, {"well": well, "kept": kept, "trouble": why}, now()))


def watched_name(home: Home, watched: WatchedPath) -> str:
    return f"{watched.source} {_at_home(home, watched.path)}"


async def _read_if_changed(
    home: Home, settings: Settings, stores: Stores, watched: WatchedPath, again: bool
) -> SyncReport | None:
    """None where nothing in it has changed."""
    path = _at_home(home, watched.path)
    try:
        last = None if again else await before(stores.cursors, watched.source, path)
        state, changed = await asyncio.to_thread(examine, path, last)
        report = None
        if changed:
            report = SyncReport(await ingest_in(home, settings, stores, watched.source, path, again=again))
        if state != last:
            await remember(stores.cursors, watched.source, path, state)
        return report
    except (ExportUnreadable, OSError) as problem:
        why = f"there is nothing at {path}" if isinstance(problem, FileNotFoundError) else str(problem)
        return SyncReport(Ledger(watched.source), troubles=[Trouble(str(path), why)])


def _at_home(home: Home, path: Path) -> Path:
    """What twin.toml says is meant from where it lies."""
    path = path.expanduser()
    return path if path.is_absolute() else home.root / path


def _chosen(settings: Settings, names: list[str]) -> tuple[list[ApiSource], list[WatchedPath]]:
    files = [one for one in settings.sync.files if not names or {one.source, "files"} & set(names)]
    apis, why_not = usable(settings)
    told = {one.source for one in files} | {"files"}
    for name in names:
        if name in why_not and name not in told:
            raise Told(f"{name} is not set up: {why_not[name]}", "docs/sync.md shows how", exit_code=2)
        if name in EXPORT_ONLY and name not in told:
            raise Told(EXPORT_ONLY[name], f"twin ingest {name} PATH, or [[sync.files]]", exit_code=2)
        if name not in API_SOURCES and name not in told:
            known = ", ".join(dict.fromkeys([*API_SOURCES, *SOURCES, "files"]))
            raise Told(f"nothing is set up to sync '{name}'", f"these can be: {known}", exit_code=2)
    apis = [source for source in apis if not names or source.name in names]
    if not apis and not files:
        raise Told("no source is set up to be synced", "docs/sync.md shows how to set up each", exit_code=2)
    return apis, files


def usable(settings: Settings) -> tuple[list[ApiSource], dict[str, str]]:
    """The APIs that can be read, and of the others what is missing."""
    apis, why_not = [], {}
    for name, make in API_SOURCES.items():
        try:
            apis.append(make(settings.sync, settings.owner.owner(), _discord(settings), partial(_wait, name)))
        except ApiNotConfigured as reason:
            why_not[name] = str(reason)
    return apis, why_not


async def _wait(source: str, seconds: float) -> None:
    """As long as the source asks us to; a long wait is told, so that nobody thinks we hang."""
    if seconds >= WORTH_TELLING:
        show.sentence(f"{source} asks us to wait {seconds:.0f} seconds")
    await asyncio.sleep(seconds)


def _discord(settings: Settings) -> tuple[str | None, str | None]:
    """The bot of the chats reads, too: its token and where Discord is."""
    token = settings.discord.token
    return token.get_secret_value() if token else None, settings.discord.api_url


def to_sync(settings: Settings) -> list[str]:
    """The sources that are set up, each once."""
    apis, _ = usable(settings)
    return list(dict.fromkeys([*(api.name for api in apis), *(one.source for one in settings.sync.files)]))


async def sync_one(home: Home, settings: Settings, stores: Stores, source: str) -> Synced:
    """Inside the service: one source. Raises Told when it cannot be read."""
    apis, files = _chosen(settings, [source])
    async with _one_at_a_time:
        with home.only_one("sync"):
            return await sync_in(home, settings, stores, apis, files)


_one_at_a_time = asyncio.Lock()  # in this process; the home's lock is for others, and refuses
