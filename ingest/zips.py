"""Which archives are safe to look into? Entries are judged by what they claim, before a byte is unpacked."""

from __future__ import annotations

import lzma
import shutil
import stat
import tempfile
import zipfile
import zlib
from contextlib import ExitStack
from pathlib import Path, PurePosixPath
from typing import IO

MAX_RATIO, RATIO_FLOOR = 200, 16 << 20  # chat exports shrink to a tenth; a bomb shrinks to a thousandth
TOTAL_FLOOR = 1 << 30  # many small files may shrink well; a gigabyte of them does not
PART_RATIO = 4  # what is packed already hardly shrinks again
WHOLE_BOMB = "The archive claims to hold far more than an export does; unpack it yourself first."
READ_ERRORS = (
    OSError,
    EOFError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    RuntimeError,
    NotImplementedError,
)


def unsafe(entry: zipfile.ZipInfo, max_depth: int) -> str | None:
    """Why this entry is left alone; None when it may be read."""
    name = entry.filename.replace("\\", "/")
    if not name:
        return "it has no name"
    parts = PurePosixPath(name).parts
    if ".." in parts or name.startswith("/") or (parts and parts[0].endswith(":")):
        return "its name leads outside the archive"
    if len(parts) > max_depth:
        return "nested too deeply"
    if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG):
        return "a link or device, not a file"
    ratio = PART_RATIO if name.lower().endswith(".zip") else MAX_RATIO
    if entry.file_size > RATIO_FLOOR and entry.file_size > ratio * max(entry.compress_size, 1):
        return "it unpacks to far more than an export would"
    if entry.flag_bits & 1:
        return "it is encrypted"
    return None


def holds_too_much(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo]) -> bool:
    """Thousands of files that share the same few bytes, or that shrink too well taken together."""
    assert archive.fp is not None
    here = archive.fp.tell()
    size = archive.fp.seek(0, 2)
    archive.fp.seek(here)
    packed = sum(entry.compress_size for entry in entries)
    total = sum(entry.file_size for entry in entries)
    return packed > size or (total > TOTAL_FLOOR and total > MAX_RATIO * packed)


def open_part(inside: zipfile.ZipFile | None, folder: Path, name: str, stack: ExitStack) -> zipfile.ZipFile:
    """An archive in a folder or in another archive. The latter is copied to a file without a name first."""
    if inside is None:
        return stack.enter_context(zipfile.ZipFile(folder / name))
    copy: IO[bytes] = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
    with inside.open(name) as packed:
        shutil.copyfileobj(packed, copy, 1 << 20)
    return stack.enter_context(zipfile.ZipFile(copy))
