"""Where is the pocket model? Trained once for each fingerprint, kept in the cache, whole or not there."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from learning.pocket.recipe import PocketRecipe, fingerprint

Progress = Callable[[float, str], None]
ROOM_NEEDED = 64 * 2**20  # the folder takes some 7 MB; a little more keeps us off the edge
PARTIAL = "partial-"
CHILD_SETTINGS = {
    "OMP_NUM_THREADS": "1",
    "HF_HUB_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    # glibc would hand every large tensor back to the kernel and fetch it again: a fifth of the time.
    "MALLOC_MMAP_THRESHOLD_": str(2**30),
    "MALLOC_TRIM_THRESHOLD_": str(2**31),
    "MALLOC_TOP_PAD_": str(2**26),
}
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class PocketUnavailable(Exception):
    """There is no pocket model and none could be made; the message says what to do."""


def default_cache_dir() -> Path:
    """`$TWIN_CACHE`, or the user's cache folder."""
    if chosen := os.environ.get("TWIN_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "twin"


def is_pocket(model: Path | str) -> bool:
    """Whether this model folder holds a stand-in that we trained, so that it can be labelled as one."""
    try:
        config = json.loads((Path(model) / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and config.get("twin_pocket") is True


def ensure(
    cache_dir: Path, on_progress: Progress = lambda done, words: None, *, recipe: PocketRecipe | None = None
) -> Path:
    """The folder of the pocket model; trains it if it is not there yet: two minutes on two idle cores.

    Training runs in a child process: the caller loads no torch, and Ctrl-C or a crash leaves nothing
    half-made. Several processes may ask at once: one trains, the others wait. Raises PocketUnavailable.
    """
    recipe = recipe or PocketRecipe()
    shelf = cache_dir / "pocket"
    final = shelf / fingerprint(recipe)
    if final.is_dir():
        return final
    with _said_plainly(cache_dir):
        shelf.mkdir(parents=True, exist_ok=True)
        with _one_at_a_time(shelf / f"{final.name}.lock", on_progress):
            if not final.is_dir():
                _make(final, recipe, on_progress)
    return final


def _make(final: Path, recipe: PocketRecipe, on_progress: Progress) -> None:
    for abandoned in final.parent.glob(f"{PARTIAL}{final.name}-*"):  # of a process that was killed
        shutil.rmtree(abandoned, ignore_errors=True)
    if shutil.disk_usage(final.parent).free < ROOM_NEEDED:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with tempfile.TemporaryDirectory(prefix=f"{PARTIAL}{final.name}-", dir=final.parent) as made:
        folder = Path(made) / "model"
        folder.mkdir()
        _train_in_child(folder, Path(made) / "errors.txt", recipe, on_progress)
        for file in folder.iterdir():
            _to_disk(file)
        folder.rename(final)


def _train_in_child(folder: Path, errors: Path, recipe: PocketRecipe, on_progress: Progress) -> None:
    command = [sys.executable, "-m", "learning.pocket.make", str(folder), recipe.model_dump_json()]
    project = str(Path(__file__).parents[2])
    paths = os.pathsep.join(filter(None, [project, os.environ.get("PYTHONPATH")]))
    surroundings = {**os.environ, **CHILD_SETTINGS, "PYTHONPATH": paths}
    with errors.open("wb") as complaints:
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=complaints, env=surroundings)
        try:
            assert child.stdout is not None
            for line in child.stdout:
                done, words = json.loads(line)
                on_progress(done, words)
            status = child.wait()
        finally:
            child.kill()
            child.wait()
            if child.stdout:
                child.stdout.close()
    if status != 0:
        raise _failure(status, errors.read_text(encoding="utf-8", errors="replace"))


def _failure(status: int, complaints: str) -> Exception:
    if any(f"os error {number}" in complaints or f"[Errno {number}]" in complaints for number in NO_ROOM):
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if status < 0:
        why = f"it was killed by signal {-status}; if memory was short, close something (it needs about 1 GB)"
    else:
        why = (complaints.strip().splitlines() or ["it said nothing"])[-1]
    return PocketUnavailable(f"The pocket model could not be trained: {why}.")


@contextmanager
def _one_at_a_time(lock: Path, on_progress: Progress) -> Iterator[None]:
    with lock.open("w") as held:
        while True:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                on_progress(0.0, "waiting for another process that is training it")
                time.sleep(0.5)
            else:
                yield
                return


@contextmanager
def _said_plainly(cache_dir: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        hint = "Set TWIN_CACHE to a folder that you may write to."
        if error.errno in NO_ROOM:
            hint = f"Free {ROOM_NEEDED // 2**20} MB there, or set TWIN_CACHE to a folder on another disk."
        raise PocketUnavailable(
            f"The pocket model cannot be kept in {cache_dir}: {error.strerror}. {hint}"
        ) from error


def _to_disk(file: Path) -> None:
    """After a power cut, too, a folder that has its final name is whole."""
    with file.open("rb") as written:
        os.fsync(written.fileno())
