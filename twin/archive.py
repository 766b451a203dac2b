"""How do many files become one, and come out of it again just as they were, or not at all?

A compressed tar, sealed or not. Its first member is the manifest: what is in it, with the length and SHA-256
of each, so that nothing is believed that was not said at the beginning.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import io
import json
import os
import tarfile
import threading
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO, TypeVar, cast

from learning.adapter_folder import sha256
from twin.errors import Told
from twin.sealed import Opening, SealBroken, Sealing, is_sealed

MANIFEST = "manifest.json"
FORMAT = 1
LARGEST_MANIFEST = 64 << 20
PIECE = 1 << 20

OnBytes = Callable[[int], None]
T = TypeVar("T")


def pack(
    target: Path, files: Mapping[str, Path], about: Mapping[str, Any], passphrase: str | None, done: OnBytes
) -> dict[str, Any]:
    """Write these files (path in the archive -> file) to `target`; returns the manifest.

    `target` gets its name by a rename, once all is on the disk. `done` is told of bytes, each file's twice.
    """
    members = {name: _described(path, done) for name, path in files.items()}
    manifest = {"format": FORMAT, **about, "members": members}
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with open(os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as raw:
            with _writing(raw, passphrase) as tar:
                text = json.dumps(manifest, indent=1).encode()
                tar.addfile(_entry(MANIFEST, len(text), 0o600), io.BytesIO(text))
                for name, path in files.items():
                    with path.open("rb") as content:
                        tar.addfile(
                            _entry(name, members[name]["size"], members[name]["mode"]), _told(content, done)
                        )
            raw.flush()
            os.fsync(raw.fileno())
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
    return manifest


async def in_thread(work: Callable[[OnBytes], T], done: OnBytes) -> T:
    """Work on an archive beside everything else. `work` tells what it is given of every few bytes.

    Cancelled, it ends at the next bytes and is waited for: nothing is written any more after that.
    """
    stopped = threading.Event()

    def told(count: int) -> None:
        if stopped.is_set():
            raise _Stopped
        done(count)

    working = asyncio.ensure_future(asyncio.to_thread(work, told))
    try:
        return await asyncio.shield(working)
    finally:
        stopped.set()
        await asyncio.wait([working])
        working.exception()  # looked at, or the loop complains of it


class _Stopped(Exception):
    """Nobody waits for it any more."""


class Archive:
    """One that is being read: its manifest first, then every member once, in order."""

    def __init__(self, path: Path, tar: tarfile.TarFile, stream: IO[bytes]) -> None:
        self.path, self._tar, self._stream = path, tar, stream
        first = tar.next()
        if first is None or first.name != MANIFEST or first.size > LARGEST_MANIFEST:
            raise _broken(path, "it does not begin with a manifest")
        self.manifest: dict[str, Any] = json.loads(_content(tar, first).read())
        if self.manifest["format"] != FORMAT:
            raise _broken(path, "a newer twin wrote it", "upgrade this twin, then try again")

    @property
    def size(self) -> int:
        return sum(member["size"] for member in self.manifest["members"].values())

    def unpack(
        self, folder: Path, done: OnBytes = lambda count: None, *, only: Collection[str] | None = None
    ) -> None:
        """Every member (or only these) into this folder; all are checked. Raises Told at the first fault."""
        expected = dict(self.manifest["members"])
        while (entry := self._tar.next()) is not None:
            said = expected.pop(entry.name, None)
            if said is None or not entry.isreg() or entry.size != said["size"] or not _is_within(entry.name):
                raise _broken(self.path, "something is in it that does not belong there")
            digest = hashlib.sha256()
            with ExitStack() as closing:
                content, target = _content(self._tar, entry), None
                if only is None or entry.name in only:
                    target = closing.enter_context(_new_file(folder / entry.name, said))
                while piece := content.read(PIECE):
                    digest.update(piece)
                    done(len(piece))
                    if target:
                        target.write(piece)
            if digest.hexdigest() != said["sha256"]:
                raise _broken(self.path, f"{entry.name} in it was changed")
        if expected:
            raise _broken(self.path, f"it is cut short: {next(iter(expected))} is missing")
        while self._stream.read(PIECE):
            pass  # to the very end: only there is it known that nothing is missing


@contextmanager
def opened(path: Path, passphrase: Callable[[], str]) -> Iterator[Archive]:
    """`passphrase` is asked for one where it is needed. Whatever is wrong with the file is Told."""
    try:
        with path.open("rb") as raw, ExitStack() as closing:
            stream: BinaryIO = raw
            if is_sealed(raw.peek(16)):
                stream = cast(BinaryIO, io.BufferedReader(Opening(raw, passphrase()), PIECE))
            elif not raw.peek(2).startswith(b"\x1f\x8b"):
                raise _broken(path, "it is no backup of a twin", "name the file that 'twin backup' wrote")
            plain = cast(BinaryIO, closing.enter_context(gzip.GzipFile(fileobj=stream)))
            tar = closing.enter_context(tarfile.open(fileobj=plain, mode="r|"))
            yield Archive(path, tar, plain)
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as broken:
        raise _broken(path, "it is cut short, or was changed") from broken
    except SealBroken as broken:
        raise _broken(path, str(broken)) from broken
    except (ValueError, KeyError, TypeError, AttributeError) as broken:
        raise _broken(path, "its manifest cannot be read") from broken


def _broken(path: Path, why: str, advice: str = "use another backup") -> Told:
    return Told(f"{path} cannot be used: {why}", advice)


@contextmanager
def _writing(raw: BinaryIO, passphrase: str | None) -> Iterator[tarfile.TarFile]:
    with ExitStack() as closing:
        sink: Any = closing.enter_context(Sealing(raw, passphrase)) if passphrase else raw
        packed = closing.enter_context(gzip.GzipFile("", "wb", 1, sink, mtime=0))
        yield closing.enter_context(tarfile.open(fileobj=packed, mode="w|"))


def _described(path: Path, done: OnBytes) -> dict[str, Any]:
    stat = path.stat()
    done(stat.st_size)
    mode = stat.st_mode & 0o777
    return {"sha256": sha256(path), "size": stat.st_size, "mode": mode, "mtime": stat.st_mtime}


def _entry(name: str, size: int, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, mode
    return entry


def _told(content: BinaryIO, done: OnBytes) -> IO[bytes]:
    """The same file, whose reader is counted."""
    read = content.read

    class Counted(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            piece = read(size)
            done(len(piece))
            return piece

    return cast(IO[bytes], Counted())


def _content(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> IO[bytes]:
    content = tar.extractfile(entry)
    if content is None:
        raise tarfile.ReadError("not a file")
    return content


def _is_within(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and "\\" not in name and "\0" not in name


@contextmanager
def _new_file(path: Path, said: Mapping[str, Any]) -> Iterator[BinaryIO]:
    path.parent.mkdir(parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with open(os.open(path, flags, said["mode"] & 0o755 | 0o600), "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
    os.utime(path, (said["mtime"], said["mtime"]))  # the newest snapshot is told by it
