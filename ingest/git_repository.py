"""How is a git repository read without running anything it asks for?

A repository's own settings can name programs to run (hooks, filters, pagers, a monitor of its files, one to
check signatures) and places to fetch from. So git never sees them: it runs in an empty repository of ours,
which borrows only the objects. What the branches point to is read here, from plain files.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

MAX_SECONDS = 300.0
MAX_OUTPUT = 1 << 30
MAX_MEMORY = 4 << 30
MAX_RECORD = 1 << 20
_MAX_REFS_FILE = 32 << 20
_MAX_TIPS = 5_000
_CHUNK = 1 << 16
_HASH = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


class GitUnreadable(Exception):
    """The repository cannot be read; the message says why."""


class GitStopped(Exception):
    """git was at it for too long, said too much or gave up; the message says which."""


@dataclass(frozen=True, slots=True)
class Repository:
    """`head` and `tips` are commits: what is checked out, and what every branch ends with."""

    home: Path
    objects: Path
    head: str | None
    tips: tuple[str, ...]

    def run(
        self, *arguments: str, given: Sequence[str] = (), seconds: float = MAX_SECONDS
    ) -> Iterator[bytes]:
        """What git says, piece by piece. Raises GitStopped when it does not come to a good end."""
        with tempfile.TemporaryFile() as told:
            told.write("".join(f"{line}\n" for line in given).encode())
            told.seek(0)
            process = subprocess.Popen(
                ["git", "--no-pager", "--literal-pathspecs", *arguments],
                stdin=told,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=self.home,
                env=self._environment(),
            )
        _limit_memory(process.pid)
        too_long = threading.Event()

        def stop() -> None:
            too_long.set()
            process.kill()

        timer = threading.Timer(seconds, stop)
        timer.start()
        assert process.stdout is not None
        left = MAX_OUTPUT
        try:
            while left > 0 and (chunk := process.stdout.read1(_CHUNK)):  # type: ignore[attr-defined]
                left -= len(chunk)
                yield chunk
            if left <= 0:
                raise GitStopped("git said more than any history does")
            if process.wait(timeout=seconds) and not too_long.is_set():
                raise GitStopped("git could not read all of it")
            if too_long.is_set():
                raise GitStopped(f"git took more than {seconds:.0f} seconds")
        finally:
            timer.cancel()
            process.kill()
            process.stdout.close()
            process.wait()

    def records(
        self, *arguments: str, given: Sequence[str] = (), end: bytes = b"\0", seconds: float = MAX_SECONDS
    ) -> Iterator[str]:
        """What git says, cut at each `end`. One that is far too long is cut short."""
        rest = b""
        for chunk in self.run(*arguments, given=given, seconds=seconds):
            *whole, rest = (rest + chunk).split(end)
            for record in whole:
                yield record[:MAX_RECORD].decode("utf-8", errors="replace")
            rest = rest[:MAX_RECORD]
        if rest:
            yield rest.decode("utf-8", errors="replace")

    def _environment(self) -> dict[str, str]:
        kept = {key: os.environ[key] for key in ("PATH", "SYSTEMROOT") if key in os.environ}
        return kept | {
            "HOME": str(self.home),
            "GIT_DIR": str(self.home),
            "GIT_OBJECT_DIRECTORY": str(self.objects),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_ALLOW_PROTOCOL": "",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_OPTIONAL_LOCKS": "0",
            "LC_ALL": "C",
        }


def git_folder(path: Path) -> Path | None:
    """Where the repository itself lies: `path/.git`, or `path` when it is bare."""
    for folder in (path / ".git", path):
        parts = [folder, folder / "HEAD", folder / "objects", folder / "refs"]
        if (folder / "HEAD").is_file() and parts[2].is_dir() and parts[3].is_dir():
            return None if any(part.is_symlink() for part in parts) else folder
    return None


@contextmanager
def open_repository(path: Path) -> Iterator[Repository]:
    """Raises GitUnreadable when there is none that can be read safely."""
    folder = git_folder(path)
    if folder is None:
        raise GitUnreadable("no git repository here; name the folder that has a .git folder in it")
    if (folder / "objects" / "info" / "alternates").exists():
        raise GitUnreadable("it borrows from another repository; clone it whole and read the clone")
    try:
        branches = _branches(folder)
        head = _resolve(_text(folder / "HEAD"), branches)
    except OSError as error:
        raise GitUnreadable(f"its branches cannot be read ({error})") from error
    tips = tuple(dict.fromkeys(([head] if head else []) + list(branches.values())))[:_MAX_TIPS]
    with tempfile.TemporaryDirectory(prefix="twin-git-") as home:
        _make_empty(Path(home), folder, sha256=any(len(tip) == 64 for tip in tips))
        yield Repository(Path(home), (folder / "objects").resolve(), head, tips)


def _make_empty(home: Path, folder: Path, *, sha256: bool) -> None:
    version, extension = (1, "[extensions]\n\tobjectformat = sha256\n") if sha256 else (0, "")
    core = f"[core]\n\trepositoryformatversion = {version}\n\tbare = true\n\tcommitGraph = false\n"
    (home / "config").write_text(core + extension)
    (home / "HEAD").write_text("ref: refs/heads/none\n")
    (home / "refs").mkdir()
    (home / "objects").mkdir()
    if (folder / "shallow").is_file() and not (folder / "shallow").is_symlink():
        cuts = [line for line in _text(folder / "shallow").split() if _HASH.fullmatch(line)]
        (home / "shallow").write_text("".join(f"{cut}\n" for cut in cuts))


def _branches(folder: Path) -> dict[str, str]:
    """Every branch here and on the remotes, by its name, and the commit it ends with."""
    found: dict[str, str] = {}
    if (folder / "packed-refs").is_file() and not (folder / "packed-refs").is_symlink():
        for line in _text(folder / "packed-refs").split("\n"):
            commit, _, name = line.strip().partition(" ")
            if _HASH.fullmatch(commit) and name.startswith(("refs/heads/", "refs/remotes/")):
                found[name] = commit
    for kind in ("heads", "remotes"):
        for here, _, names in os.walk(folder / "refs" / kind, followlinks=False):
            for name in names[:_MAX_TIPS]:
                file = Path(here) / name
                if not file.is_symlink() and _HASH.fullmatch(commit := _text(file).strip()):
                    found[file.relative_to(folder).as_posix()] = commit
    return found


def _resolve(head: str, branches: dict[str, str]) -> str | None:
    head = head.strip()
    return head if _HASH.fullmatch(head) else branches.get(head.removeprefix("ref:").strip())


def _text(file: Path) -> str:
    with file.open("rb") as opened:
        return opened.read(_MAX_REFS_FILE).decode("utf-8", errors="replace")


def _limit_memory(pid: int) -> None:
    """A few bytes can ask git for terabytes. Where the system cannot limit it, only time does."""
    try:
        import resource

        resource.prlimit(pid, resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    except (ImportError, AttributeError, OSError, ValueError):
        pass


class Clock:
    """How much of the time for all files together is left."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    @property
    def left(self) -> float:
        return self._until - time.monotonic()
