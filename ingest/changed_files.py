"""Has an export or a folder changed since it was read? Looking costs next to nothing while it has not.

First every file's size and time, then, only if one of those differs, what is in the files. The two figures of
each path are kept as a cursor.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from storage.cursors import CursorStore
from storage.records import Cursor, now

VERSION = 1
_JUST_NOW = 2.0  # seconds; a clock may be too coarse to show that a file was written again right after
_BLOCK = 1 << 20
# Pictures, sound and films: no reader looks into them, and an export may hold a hundred gigabytes of them.
_SHOWN = (
    ".jpg",
    ".jpeg",
    ".png",
    ".gif",
    ".webp",
    ".heic",
    ".mp3",
    ".m4a",
    ".ogg",
    ".opus",
    ".mp4",
    ".mov",
    ".webm",
)


@dataclass(frozen=True, slots=True)
class State:
    """`look` changes when a size or a time does; empty: not to be relied on. `words` is of the content."""

    look: str
    words: str


async def before(cursors: CursorStore, source: str, path: Path) -> State | None:
    cursor = await cursors.get("sync:files", _name(source, path))
    if cursor is None or cursor.value.get("version") != VERSION:
        return None  # reading it once more is all it takes
    return State(cursor.value["look"], cursor.value["words"])


async def remember(cursors: CursorStore, source: str, path: Path, state: State) -> None:
    value = {"version": VERSION, "look": state.look, "words": state.words}
    await cursors.put(Cursor("sync:files", _name(source, path), value, now()))


def examine(path: Path, last: State | None) -> tuple[State, bool]:
    """How it is now, and whether what is in it differs from `last`. Blocks. Raises OSError."""
    look, newest = _look(path)
    settled = look if newest < time.time() - _JUST_NOW else ""
    if last and last.look and last.look == look:
        return last, False
    words = _words(path)
    return State(settled, words), last is None or last.words != words


def _look(path: Path) -> tuple[str, float]:
    digest, newest = hashlib.blake2b(digest_size=16), 0.0
    for name, file in _files(path):
        about = file.lstat()
        newest = max(newest, about.st_mtime)
        digest.update(f"{name}\0{about.st_size}\0{about.st_mtime_ns}\0".encode(errors="surrogateescape"))
    return digest.hexdigest(), newest


def _words(path: Path) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for name, file in _files(path):
        digest.update(f"{name}\0{file.lstat().st_size}\0".encode(errors="surrogateescape"))
        if name.lower().endswith(_SHOWN):
            continue
        with file.open("rb") as content:
            while block := content.read(_BLOCK):
                digest.update(block)
    return digest.hexdigest()


def _files(path: Path) -> Iterator[tuple[str, Path]]:
    """Regular files only, in a fixed order: a pipe would wait for ever, a link could lead anywhere."""
    if not path.is_dir():
        yield path.name, path
        return
    for folder, subfolders, names in os.walk(path, followlinks=False):
        subfolders.sort()
        for name in sorted(names):
            file = Path(folder) / name
            if stat.S_ISREG(file.lstat().st_mode):
                yield file.relative_to(path).as_posix(), file


def _name(source: str, path: Path) -> str:
    return f"{source} {path}"
