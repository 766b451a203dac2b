"""How is an export opened without harm? A folder, a zip or one file; nothing is unpacked into a folder."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, BinaryIO

from ingest.drift import Drift
from ingest.zips import READ_ERRORS, WHOLE_BOMB, holds_too_much, open_part, unsafe
from storage.records import Skipped

MAX_FILES = 500_000
MAX_DEPTH = 24
MAX_TOTAL = 256 << 30  # what an export may claim to hold
MAX_PARTS, PART_LEVELS = 64, 2  # archives in an archive (Notion), or side by side in a folder (Takeout)
MAX_TEXT_FILE = 32 << 20
_HEADS_ROOM = 64 << 20  # bytes of beginnings of files, kept while everybody looks at the same export


class ExportUnreadable(Exception):
    """The export as a whole cannot be read; the message says what to do."""


class Export:
    """The files of one export by relative name. `refused` are those that are not safe to open; `drift` counts
    what their reader does not know of them.

    With `parts`, archives at the top are looked into as well: "part-1.zip/notes/a.md" is a name then.
    """

    def __init__(
        self, root: Path | None, archive: zipfile.ZipFile | None, parts: ExitStack | None = None
    ) -> None:
        self._root = root or Path()
        self._archive = archive
        self._stack = parts
        self._parts: dict[str, zipfile.ZipFile] = {}
        self._files = self._claimed = 0
        self._heads: dict[str, tuple[int, bytes]] = {}
        self._room = 0
        self.refused: list[Skipped] = []
        self.drift = Drift()
        found = self._in_zip(archive, "") if archive else list(self._in_folder())
        self.names = tuple(sorted(self._with_parts("", found, archive, PART_LEVELS)))
        self._known = frozenset(self.names)

    def holds(self, name: str) -> bool:
        return name in self._known

    def open(self, name: str) -> BinaryIO:
        """Read one file from its beginning. Whatever goes wrong while reading is an OSError."""
        archive, inner = self._place_of(name)
        try:
            raw = archive.open(inner) if archive else (self._root / name).open("rb")
        except (KeyError, ValueError) as error:
            raise FileNotFoundError(name) from error
        except READ_ERRORS as error:
            raise OSError(str(error)) from error
        return io.BufferedReader(_Guarded(raw), 1 << 18)

    def head(self, name: str, size: int) -> bytes:
        """The first bytes; empty when the file cannot be read."""
        asked, found = self._heads.get(name, (0, b""))
        if asked >= size:
            return found[:size]
        try:
            with self.open(name) as file:
                found = file.read(size)
        except OSError:
            found = b""
        if self._room > 0:
            self._room -= len(found)
            self._heads[name] = size, found
        return found

    def keep_heads(self) -> None:
        """Beginnings that are asked for are not read again and again from now on, as far as there is room."""
        self._room = _HEADS_ROOM

    def modified(self, name: str) -> datetime | None:
        """When the file was last written; naive in a zip, which keeps the clock of whoever packed it."""
        archive, inner = self._place_of(name)
        try:
            if archive is None:
                return datetime.fromtimestamp((self._root / name).lstat().st_mtime, UTC)
            written = archive.getinfo(inner).date_time
            return datetime(*written) if written[0] > 1980 else None  # noqa: DTZ001
        except (OSError, ValueError, OverflowError, KeyError):
            return None

    def _place_of(self, name: str) -> tuple[zipfile.ZipFile | None, str]:
        for prefix in sorted(self._parts, key=len, reverse=True):
            if name.startswith(prefix):
                return self._parts[prefix], name.removeprefix(prefix)
        return self._archive, name

    def _in_folder(self) -> Iterator[str]:
        if not self._root.is_dir():
            self._root, only = self._root.parent, self._root.name
            yield only
            return
        folders = [""]
        while folders:
            here = folders.pop()
            if here.count("/") >= MAX_DEPTH:
                self.refused.append(Skipped(here.rstrip("/"), "nested too deeply"))
                continue
            try:
                entries = sorted(os.scandir(self._root / here), key=lambda entry: entry.name)
            except OSError as error:
                self.refused.append(Skipped(here.rstrip("/") or ".", f"the folder cannot be read ({error})"))
                continue
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(f"{here}{entry.name}/")
                elif not entry.is_file(follow_symlinks=False):  # a link leads anywhere, a pipe waits for ever
                    self.refused.append(Skipped(here + entry.name, "a link or device, not a file"))
                elif self._files == MAX_FILES:
                    self.refused.append(Skipped(here.rstrip("/"), f"more than {MAX_FILES:,} files"))
                    return
                else:
                    self._files += 1
                    yield here + entry.name

    def _in_zip(self, archive: zipfile.ZipFile, prefix: str) -> list[str]:
        entries = [entry for entry in archive.infolist() if not entry.filename.endswith("/")]
        self._files += len(entries)
        self._claimed += sum(entry.file_size for entry in entries)
        if self._files > MAX_FILES or self._claimed > MAX_TOTAL or holds_too_much(archive, entries):
            raise ExportUnreadable(WHOLE_BOMB)
        found: dict[str, None] = {}
        for entry in entries:
            if reason := unsafe(entry, MAX_DEPTH):
                self.refused.append(Skipped(prefix + entry.filename, reason))
            elif entry.filename in found:
                self.refused.append(Skipped(prefix + entry.filename, "a second file of the same name"))
            else:
                found[entry.filename] = None
        return list(found)

    def _with_parts(
        self, prefix: str, names: list[str], archive: zipfile.ZipFile | None, levels: int
    ) -> Iterator[str]:
        for name in names:
            if self._stack is None or not levels or "/" in name or not name.lower().endswith(".zip"):
                yield prefix + name
                continue
            here = f"{prefix}{name}/"
            try:
                if len(self._parts) >= MAX_PARTS:
                    raise ExportUnreadable(f"more than {MAX_PARTS} archives in one export")
                part = open_part(archive, self._root, name, self._stack)
                inner = self._in_zip(part, here)
            except (ExportUnreadable, ValueError, *READ_ERRORS) as error:
                self.refused.append(Skipped(prefix + name, f"an archive that cannot be opened ({error})"))
                continue
            self._parts[here] = part
            yield from self._with_parts(here, inner, part, levels - 1)


class _Guarded(io.RawIOBase):
    """Any read error, of zlib or of the disk, is an OSError from here on."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._raw.read(len(buffer))
        except READ_ERRORS as error:
            raise OSError(str(error)) from error
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._raw.close()
        super().close()


@dataclass(frozen=True, slots=True)
class _Shared:
    """What is open already, and what closes it."""

    stack: ExitStack
    exports: dict[tuple[Path, bool], Export] = field(default_factory=dict)


_SHARED: ContextVar[_Shared | None] = ContextVar("_SHARED", default=None)


@contextmanager
def one_look() -> Iterator[None]:
    """Inside, an export is opened once for all who look at it: listing a large folder takes its time."""
    with ExitStack() as stack:
        token = _SHARED.set(_Shared(stack))
        try:
            yield
        finally:
            _SHARED.reset(token)


@contextmanager
def open_export(path: Path, *, parts: bool = False) -> Iterator[Export]:
    """Raises ExportUnreadable when there is nothing at `path` that can be opened at all."""
    if (shared := _SHARED.get()) is None:
        with _open(path, parts) as export:
            yield export
        return
    if (path, parts) not in shared.exports:
        shared.exports[path, parts] = shared.stack.enter_context(_open(path, parts))
        shared.exports[path, parts].keep_heads()
    yield shared.exports[path, parts]


@contextmanager
def _open(path: Path, parts: bool) -> Iterator[Export]:
    with ExitStack() as stack:
        archive = None
        try:
            if path.is_file():
                with path.open("rb") as file:
                    packed = file.read(4) in (b"PK\x03\x04", b"PK\x05\x06")
                archive = stack.enter_context(zipfile.ZipFile(path)) if packed else None
            elif not path.is_dir():
                raise ExportUnreadable(f"There is no file or folder at {path}. Check the path and try again.")
            export = Export(path, archive, stack if parts else None)
        except (*READ_ERRORS, ValueError) as error:
            raise ExportUnreadable(
                f"Cannot open {path}: {error}. Copy or download the export again."
            ) from error
        yield export


@contextmanager
def open_document(file: IO[bytes]) -> Iterator[Export]:
    """A document that is a zip inside, such as a .docx. Raises ExportUnreadable when it is damaged."""
    try:
        archive = zipfile.ZipFile(file)
    except (*READ_ERRORS, ValueError) as error:
        raise ExportUnreadable(f"not a whole document ({error})") from error
    with archive:
        yield Export(None, archive)


def read_text(export: Export, name: str) -> str | Skipped:
    """A whole text file, whatever its encoding, with plain line ends; or why it cannot be had."""
    try:
        with export.open(name) as file:
            data = file.read(MAX_TEXT_FILE + 1)
    except OSError as error:
        return Skipped(name, f"the file cannot be read ({error})")
    if len(data) > MAX_TEXT_FILE:
        return Skipped(name, f"larger than {MAX_TEXT_FILE >> 20} MiB")
    text = decode(data)
    if text is None:
        return Skipped(name, "not text")
    if not text.strip():
        return Skipped(name, "empty", failed=False)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def decode(data: bytes) -> str | None:
    """Text whatever its encoding; None when it is not text at all."""
    for mark, encoding in (
        (b"\xef\xbb\xbf", "utf-8"),
        (b"\xff\xfe", "utf-16-le"),
        (b"\xfe\xff", "utf-16-be"),
    ):
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, errors="replace")
    if b"\0" in data:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
        odd = sum(1 for letter in text if letter == "\ufffd" or (letter < " " and letter not in "\t\n\r\f"))
        return None if odd > len(text) * 0.02 else text
