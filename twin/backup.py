"""How is everything that makes this twin kept in one file, while it runs? And which such files stay?

In: the database, adapters (not the refused ones), the snapshots and preference sets they learned from,
roster, key of the pseudonyms, vault, twin.toml. Not in: what logs in anywhere, logs, what can be made anew.
"""

from __future__ import annotations

import asyncio
import platform
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ingest.pipeline import REVIEW
from storage import snapshot
from storage.records import Adapter, AdapterState, now
from twin import show
from twin.archive import in_thread, opened, pack
from twin.build import Stores
from twin.errors import Told
from twin.home import Home
from twin.settings import Settings, secrets_of
from twin.snapshots import corpora

DATABASE = "twin.db"
SETTINGS = "twin.toml"
SINGLE = ("roster.json", REVIEW, "corrections.json", "pseudonym.key", "vault.bin")
NAME = re.compile(r"twin-(\d{8}-\d{6})\.tar\.gz(\.sealed)?")
TRIES = 3  # what is forgotten or thrown away meanwhile makes it begin anew

_PASSWORD = re.compile(r"(://[^:/@\s\"']*):[^\s\"']*@")
_IN_QUERY = re.compile(r"([?&](?:password|token|secret|key)=)[^&\s\"']*", re.IGNORECASE)
_SECRET_LINE = re.compile(
    r"^[ \t#]*([\w.\"]*(?:token|secret|password|passphrase|key)\"?[ \t]*=).*$", re.IGNORECASE | re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was read again from beginning to end."""

    path: Path
    manifest: Mapping[str, Any]
    missing: Sequence[str] = ()  # adapters whose folder is not there
    removed: Sequence[Path] = ()  # older backups whose time was over

    def as_json(self) -> dict[str, Any]:
        members = self.manifest["members"].values()
        return {
            "path": str(self.path),
            "bytes": self.path.stat().st_size,
            "files": len(members),
            "bytes_of_files": sum(one["size"] for one in members),
            **{key: self.manifest[key] for key in ("made_at", "schema", "rows", "adapters", "secrets")},
            "missing": list(self.missing),
            "removed": [path.name for path in self.removed],
        }


async def back_up(home: Home, settings: Settings, stores: Stores) -> Path:
    """One more backup in the folder of the settings, and the older ones rotated: for the schedule."""
    return (await make_backup(home, settings, stores)).path


async def make_backup(
    home: Home,
    settings: Settings,
    stores: Stores,
    *,
    target: Path | None = None,
    passphrase: str | None = None,
    on_progress: show.OnProgress = lambda share, doing: None,
) -> Made:
    """Write, read again, and only then rotate. `target`: elsewhere, and nothing is rotated.

    `passphrase`: seal it with this; None: as the settings say. Raises Told.
    """
    passphrase = passphrase or _passphrase(settings)
    rotated = target is None
    with home.only_one("backup"):
        target = target or _next(home, settings, sealed=passphrase is not None)
        if target.exists():
            raise Told(f"{target} is there already", "name a file that is not there yet")
        await asyncio.to_thread(target.parent.mkdir, parents=True, exist_ok=True)
        unfinished = (*target.parent.glob(".twin-*.tar.gz*"), *target.parent.glob(".twin-check-*"))
        for left in [*home.root.glob(".backup-*"), *unfinished]:
            shutil.rmtree(left) if left.is_dir() else left.unlink()  # of one that was killed
        try:
            for tries in range(1, TRIES + 1):
                try:
                    manifest, missing = await _write(home, settings, stores, target, passphrase, on_progress)
                    break
                except FileNotFoundError:
                    if tries == TRIES:
                        raise
            bar = _bar(manifest, on_progress, 2 / 3, "reading it again")
            await in_thread(partial(verify, target, passphrase), bar)
        except BaseException:  # stopped, too: what nobody has read again is no backup
            await asyncio.to_thread(target.unlink, missing_ok=True)
            raise
        removed = await asyncio.to_thread(_rotate, home, settings) if rotated else []
    return Made(target, manifest, missing, removed)


def verify(path: Path, passphrase: str | None, done: Any = lambda count: None) -> dict[str, Any]:
    """Read it from beginning to end; returns its manifest. Raises Told at the first thing that is wrong."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".twin-check-") as folder:
        with opened(path, lambda: passphrase or "") as archive:
            archive.unpack(Path(folder), done, only={DATABASE})
        if not snapshot.is_sound(Path(folder) / DATABASE):
            raise Told(f"{path} cannot be used: the database in it is damaged", "use another backup")
        return archive.manifest


@dataclass(frozen=True, slots=True)
class Kept:
    """A backup in the folder."""

    path: Path
    made_at: datetime

    def gone_by(self, settings: Settings) -> datetime:
        """When rotation has removed it, at the latest, as long as backups go on being made."""
        return self.made_at + _longest(settings)


def backups(home: Home, settings: Settings) -> list[Kept]:
    """Those in the folder of the settings, oldest first."""
    found = [(path, NAME.fullmatch(path.name)) for path in folder_of(home, settings).glob("twin-*")]
    kept = [
        Kept(path, datetime.strptime(name[1], "%Y%m%d-%H%M%S").replace(tzinfo=UTC))
        for path, name in found
        if name
    ]
    return sorted(kept, key=lambda one: one.made_at)


def outdated(kept: Sequence[Kept], at: datetime, days: int, weeks: int) -> list[Kept]:
    """Those whose time is over: neither the newest of one of the last days, nor of one of the last weeks.

    Days and weeks of the calendar, in UTC. The newest of all always stays.
    """
    stay = {max(kept, key=lambda one: one.made_at)} if kept else set()
    newest: dict[tuple[object, ...], Kept] = {}
    for one in sorted(kept, key=lambda one: one.made_at):
        day, week = one.made_at.date(), one.made_at.date().isocalendar()[:2]
        if (at.date() - day).days < days:
            newest["day", day] = one
        if (_monday(at) - _monday(one.made_at)).days < 7 * weeks:
            newest["week", week] = one
    stay |= set(newest.values())
    return [one for one in kept if one not in stay]


def folder_of(home: Home, settings: Settings) -> Path:
    return home.root / settings.backup.folder.expanduser()


def without_secrets(text: str, secrets: Iterable[str]) -> str:
    """A twin.toml without what logs in anywhere, also where it was commented out."""
    text = _SECRET_LINE.sub(r"# \1", text)
    text = _IN_QUERY.sub(r"\1", _PASSWORD.sub(r"\1@", text))
    for secret in secrets:
        if "://" not in secret:  # an address is no secret, and its password is gone
            text = text.replace(secret, "")
    return text


def _monday(at: datetime) -> Any:
    return at.date() - timedelta(days=at.weekday())


def _longest(settings: Settings) -> timedelta:
    return timedelta(days=max(settings.backup.keep_days, 7 * settings.backup.keep_weeks))


def _rotate(home: Home, settings: Settings) -> list[Path]:
    backup = settings.backup
    gone = outdated(backups(home, settings), now(), backup.keep_days, backup.keep_weeks)
    for one in gone:
        one.path.unlink(missing_ok=True)
    return [one.path for one in gone]


def _next(home: Home, settings: Settings, *, sealed: bool) -> Path:
    name = f"twin-{now():%Y%m%d-%H%M%S}.tar.gz"
    return folder_of(home, settings) / (f"{name}.sealed" if sealed else name)


def _passphrase(settings: Settings) -> str | None:
    if not settings.backup.encrypt:
        return None
    if settings.backup.passphrase is None:
        raise Told(
            "backups are to be encrypted, and there is no passphrase",
            "put TWIN_BACKUP__PASSPHRASE=... into the environment, and keep it where the backups are not",
        )
    return settings.backup.passphrase.get_secret_value()


async def _write(
    home: Home,
    settings: Settings,
    stores: Stores,
    target: Path,
    passphrase: str | None,
    on_progress: show.OnProgress,
) -> tuple[dict[str, Any], list[str]]:
    on_progress(0.0, "copying the database")
    with tempfile.TemporaryDirectory(dir=home.root, prefix=".backup-") as folder:
        staging = Path(folder)
        await snapshot.write_snapshot(stores.database, staging / DATABASE)
        adapters, missing = _usable(home, await stores.adapters.all())
        files = {DATABASE: staging / DATABASE}
        files |= await asyncio.to_thread(_copied, home, settings, staging)
        for version_, path in adapters.items():
            files |= _files(path, f"adapters/{version_}")
        files |= await asyncio.to_thread(_learned_from, home, await stores.adapters.all(), adapters)
        about = {
            "made_at": now().isoformat(),
            "twin": version("twin"),
            "python": platform.python_version(),
            "schema": snapshot.schema_of(staging / DATABASE),
            "root": str(home.root),
            "rows": snapshot.rows_of(staging / DATABASE),
            "adapters": sorted(adapters),
            "secrets": _not_in(home, settings),
        }
        sizes = {"members": {name: {"size": path.stat().st_size} for name, path in files.items()}}
        bar = _bar(sizes, on_progress, 0.0, "writing")
        return await in_thread(partial(pack, target, files, about, passphrase), bar), missing


def _not_in(home: Home, settings: Settings) -> list[str]:
    """What the secrets are called that are set here and are in no file of the backup."""
    text = home.settings_file.read_text(encoding="utf-8") if home.settings_file.exists() else ""
    kept = without_secrets(text, ())
    return sorted(name for name, value in secrets_of(settings).items() if value not in kept)


def _bar(manifest: Mapping[str, Any], on_progress: show.OnProgress, start: float, doing: str) -> Any:
    """Counts bytes: each file is read three times, to be described, written and checked."""
    total = 3 * sum(member["size"] for member in manifest["members"].values()) or 1
    seen = 0

    def done(count: int) -> None:
        nonlocal seen
        seen += count
        on_progress(min(1.0, start + seen / total), doing)

    return done


def _usable(home: Home, adapters: Iterable[Adapter]) -> tuple[dict[str, Path], list[str]]:
    """Where those are that may answer (again), and which of them are nowhere."""
    found, missing = {}, []
    for adapter in adapters:
        if adapter.state is AdapterState.REFUSED:
            continue
        folders = [Path(adapter.path), home.adapters / adapter.version]
        if there := next((one for one in folders if one.is_dir()), None):
            found[adapter.version] = there
        else:
            missing.append(adapter.version)
    return found, missing


def _copied(home: Home, settings: Settings, staging: Path) -> dict[str, Path]:
    """Small files that may change while we write: as they are now."""
    files = {}
    for name in SINGLE:
        if (home.root / name).exists():
            files[name] = Path(shutil.copy2(home.root / name, staging / name))
    if home.settings_file.exists():
        text = home.settings_file.read_text(encoding="utf-8")
        files[SETTINGS] = staging / SETTINGS
        files[SETTINGS].write_text(without_secrets(text, secrets_of(settings).values()), encoding="utf-8")
    return files


def _learned_from(home: Home, adapters: Iterable[Adapter], kept: Mapping[str, Path]) -> dict[str, Path]:
    """Snapshots that these adapters learned from, the newest one, and all preference sets."""
    wanted = {adapter.corpus for adapter in adapters if adapter.version in kept}
    wanted |= {one.id for one in corpora(home)[-1:]}
    folders = [home.corpora / name for name in sorted(filter(None, wanted))]
    folders += [card.parent for card in sorted(home.preferences.glob("*/card.json"))]
    files: dict[str, Path] = {}
    for folder in folders:
        files |= _files(folder, f"{folder.parent.name}/{folder.name}")
    return files


def _files(folder: Path, name: str) -> dict[str, Path]:
    return {
        f"{name}/{path.relative_to(folder).as_posix()}": path
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
