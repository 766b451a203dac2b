"""How does a backup become the twin again that it was, on a machine that has nothing?

Everything is unpacked and checked beside what is there; only then it takes its place, so that whatever is
wrong with the file, nothing has changed.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import make_url

from storage import snapshot
from storage.database import Database
from storage.records import RunState, now
from storage.runs import RunStore
from storage.schema import knows
from twin import show
from twin.archive import Archive, OnBytes, in_thread, opened
from twin.backup import DATABASE
from twin.errors import Told
from twin.home import Home
from twin.settings import Settings, read_settings, secrets_of

STAGING = ".restoring"
MAY_BE_THERE = (".env", "backups", STAGING)  # in an empty home, and left alone


@dataclass(frozen=True, slots=True)
class Restored:
    manifest: dict[str, Any]
    set_aside: Path | None  # what was there before
    secrets: list[str]  # variables that were set where it was made, and are not here


async def restore(
    home: Home,
    path: Path,
    passphrase: Callable[[], str],
    *,
    force: bool = False,
    on_progress: show.OnProgress = lambda share, doing: None,
) -> Restored:
    """The twin in this file, in this home. `force`: what is there is set aside in the home. Raises Told."""
    home.root.mkdir(parents=True, exist_ok=True)
    with home.only_one("up"), home.only_one("restore"):
        if _there(home) and not force:
            raise Told(
                f"{home.root} is not empty: a twin lives there",
                "choose another home (--home DIR), or --force sets aside what is there",
                exit_code=2,
            )
        staging = home.root / STAGING
        await asyncio.to_thread(shutil.rmtree, staging, ignore_errors=True)
        try:
            manifest = await _unpack(path, passphrase, staging, on_progress)
            settings = _settings_there(staging, home)
            await _fit(staging, home, manifest, settings.storage.twin)
            await _put_database(staging, home, settings, force)
            aside = _take_place(staging, home)  # not beside us: nobody may stop it halfway
        finally:
            shutil.rmtree(staging, ignore_errors=True)  # likewise
    return Restored(manifest, aside, sorted(set(manifest["secrets"]) - set(secrets_of(settings))))


def _there(home: Home) -> list[Path]:
    """What is in the home, but for what any command leaves in an empty one."""
    return [
        path
        for path in home.root.iterdir()
        if path.name not in MAY_BE_THERE
        and path.suffix != ".lock"
        and not (path.is_dir() and not any(path.iterdir()))
    ]


async def _unpack(
    path: Path, passphrase: Callable[[], str], staging: Path, on_progress: show.OnProgress
) -> dict[str, Any]:
    seen, size = 0, 1

    def done(count: int) -> None:
        nonlocal seen
        seen += count
        on_progress(0.9 * seen / size, "unpacking")

    def work(told: OnBytes) -> dict[str, Any]:
        nonlocal size
        with opened(path, passphrase) as archive:
            _refuse_what_cannot_be(archive, staging)
            size = archive.size or 1
            staging.mkdir(mode=0o700)
            archive.unpack(staging, told)
        if not snapshot.is_sound(staging / DATABASE):
            raise Told(f"{path} cannot be used: the database in it is damaged", "use another backup")
        return archive.manifest

    return await in_thread(work, done)


def _refuse_what_cannot_be(archive: Archive, staging: Path) -> None:
    manifest = archive.manifest
    if not knows(manifest["schema"]):
        raise Told(
            f"{archive.path} was made by a newer twin ({manifest['twin']}, schema {manifest['schema']})",
            "upgrade this twin, then restore",
        )
    if DATABASE not in manifest["members"]:
        raise Told(f"{archive.path} cannot be used: there is no database in it", "use another backup")
    room = shutil.disk_usage(staging.parent).free
    if archive.size > room:
        raise Told(
            f"the disk has {room >> 20} MiB left, and the backup unpacks to {archive.size >> 20} MiB",
            "make room, then run the same command again",
        )


async def _fit(staging: Path, home: Home, manifest: dict[str, Any], twin: str) -> None:
    """The newest schema, the id and the paths of this home, and nothing that still seems to run."""
    await asyncio.to_thread(snapshot.hand_over, staging / DATABASE, twin)
    database = await Database.open(f"sqlite+aiosqlite:///{staging / DATABASE}", twin)
    try:
        adapters = {version: str((home.adapters / version).resolve()) for version in manifest["adapters"]}
        await snapshot.moved(database, adapters, manifest["root"], str(home.root))
        runs = RunStore(database)
        for run in await runs.all():
            if run.state is RunState.RUNNING:
                await runs.finish(run.id, RunState.FAILED, error="It was running when the backup was made.")
    finally:
        await database.close()


def _settings_there(staging: Path, home: Home) -> Settings:
    """As they will be: the twin.toml of the backup, the secrets of this machine."""
    if (home.root / ".env").exists():
        shutil.copy2(home.root / ".env", staging / ".env")
    settings = read_settings(Home(staging))
    (staging / ".env").unlink(missing_ok=True)
    return settings


async def _put_database(staging: Path, home: Home, settings: Settings, force: bool) -> None:
    """Where the settings want it, when that is not in the home."""
    url = settings.storage.url.get_secret_value() if settings.storage.url else None
    if url is None or _is_file(url, home.root / DATABASE):
        return
    database = await Database.open(url, settings.storage.twin)
    try:
        if any((await snapshot.rows(database)).values()) and not force:
            raise Told(
                f"the database {database.name} is not empty", "name an empty one, or --force empties it"
            )
        await snapshot.take_in(database, staging / DATABASE)
    finally:
        await database.close()
    (staging / DATABASE).unlink()


def _is_file(url: str, file: Path) -> bool:
    address = make_url(url)
    same = Path(str(address.database)).absolute() == file.absolute()
    return address.get_backend_name() == "sqlite" and same


def _take_place(staging: Path, home: Home) -> Path | None:
    """By renames; the database last, so that before that nothing looks like a twin."""
    aside = None
    if old := _there(home):
        aside = home.root / f"before-restore-{now():%Y%m%d-%H%M%S}"
        aside.mkdir(mode=0o700)
        for path in old:
            path.rename(aside / path.name)
    for path in sorted(staging.iterdir(), key=lambda one: one.name == DATABASE):
        target = home.root / path.name
        if target.is_dir():
            target.rmdir()  # an empty one, or it were set aside
        path.rename(target)
    return aside
