"""How is an export opened without harm? A folder, a zip or a single file; nothing is ever unpacked."""

from __future__ import annotations

import io
import lzma
import os
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from storage.records import Skipped

MAX_FILES = 500_000
MAX_DEPTH = 24
MAX_TOTAL = 256 << 30  # what a zip may claim to hold
MAX_RATIO, RATIO_FLOOR = 200, 16 << 20  # chat exports shrink to a tenth; a bomb shrinks to a thousandth
READ_ERRORS = (
    OSError,
    EOFError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    RuntimeError,
    NotImplementedError,
)


class ExportUnreadable(Exception):
    """The export as a whole cannot be read; the message says what to do."""


class Export:
    """The files of one export by relative name. `refused` are those that are not safe to open."""

    def __init__(self, root: Path, archive: zipfile.ZipFile | None) -> None:
        self._root = root
        self._archive = archive
        self.refused: list[Skipped] = []
        found = self._in_zip(archive) if archive else self._in_folder()
        self.names = tuple(sorted(found))

    def open(self, name: str) -> BinaryIO:
        """Read one file from its beginning. Whatever goes wrong while reading is an OSError."""
        try:
            raw = self._archive.open(name) if self._archive else (self._root / name).open("rb")
        except KeyError as error:
            raise FileNotFoundError(name) from error
        except READ_ERRORS as error:
            raise OSError(str(error)) from error
        return io.BufferedReader(_Guarded(raw), 1 << 18)

    def head(self, name: str, size: int) -> bytes:
        """The first bytes; empty when the file cannot be read."""
        try:
            with self.open(name) as file:
                return file.read(size)
        except OSError:
            return b""

    def _in_folder(self) -> Iterator[str]:
        if not self._root.is_dir():
            self._root, only = self._root.parent, self._root.name
            yield only
            return
        count = 0
        for folder, subfolders, files in os.walk(self._root, followlinks=False):
            here = Path(folder).relative_to(self._root)
            if len(here.parts) >= MAX_DEPTH:
                subfolders.clear()
                self.refused.append(Skipped(here.as_posix(), "nested too deeply"))
                continue
            subfolders[:] = sorted(name for name in subfolders if not (Path(folder) / name).is_symlink())
            for name in files:
                count += 1
                if count > MAX_FILES:
                    self.refused.append(Skipped(here.as_posix(), f"more than {MAX_FILES:,} files"))
                    return
                relative = (here / name).as_posix()
                if stat.S_ISREG((Path(folder) / name).lstat().st_mode):
                    yield relative
                else:  # a link could lead anywhere, a pipe would wait for ever
                    self.refused.append(Skipped(relative, "a link or device, not a file"))

    def _in_zip(self, archive: zipfile.ZipFile) -> Iterator[str]:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        if len(entries) > MAX_FILES or sum(entry.file_size for entry in entries) > MAX_TOTAL:
            raise ExportUnreadable(
                "The archive claims to hold far more than an export does; unpack it yourself first."
            )
        for entry in entries:
            if reason := _unsafe(entry):
                self.refused.append(Skipped(entry.filename, reason))
            else:
                yield entry.filename


def _unsafe(entry: zipfile.ZipInfo) -> str | None:
    parts = PurePosixPath(entry.filename.replace("\\", "/")).parts
    if ".." in parts or entry.filename.startswith(("/", "\\")) or (parts and parts[0].endswith(":")):
        return "its name leads outside the archive"
    if len(parts) > MAX_DEPTH:
        return "nested too deeply"
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "a link or device, not a file"
    if entry.file_size > RATIO_FLOOR and entry.file_size > MAX_RATIO * max(entry.compress_size, 1):
        return "it unpacks to far more than an export would"
    if entry.flag_bits & 1:
        return "it is encrypted"
    return None


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


@contextmanager
def open_export(path: Path) -> Iterator[Export]:
    """Raises ExportUnreadable when there is nothing at `path` that can be opened at all."""
    archive = None
    try:
        if path.is_file():
            with path.open("rb") as file:
                packed = file.read(4) in (b"PK\x03\x04", b"PK\x05\x06")
            archive = zipfile.ZipFile(path) if packed else None
        elif not path.is_dir():
            raise ExportUnreadable(f"There is no file or folder at {path}. Check the path and try again.")
        export = Export(path, archive)
    except (*READ_ERRORS, ValueError) as error:
        if archive:
            archive.close()
        raise ExportUnreadable(f"Cannot open {path}: {error}. Copy or download the export again.") from error
    try:
        yield export
    finally:
        if archive:
            archive.close()


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
