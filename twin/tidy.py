"""What do runs leave behind that nobody needs any more? Old checkpoints, old logs, halves of folders."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Iterable
from pathlib import Path

from learning.jobs import MEASURED
from twin.home import Home

DAY = 86400.0
CHECKPOINT_DAYS = 2.0  # a training that was not taken up by then never will be


async def tidy(home: Home, keep_days: float, *, busy: bool) -> int:
    """Remove it and return how many folders and files went. `busy`: something trains, so only what is old."""
    return await asyncio.to_thread(_tidy, home, keep_days, busy)


def _tidy(home: Home, keep_days: float, busy: bool) -> int:
    work = [path for path in home.runs.glob("work/*") if path.name != MEASURED]
    checkpoints = _older(work, min(keep_days, CHECKPOINT_DAYS))
    halves = [] if busy else [*home.adapters.glob(".*.unfinished"), *home.preferences.glob(".*")]
    of_runs = [path for path in home.runs.iterdir() if path.name != "work"] if home.runs.exists() else []
    gone = [*checkpoints, *halves, *_older([*of_runs, *home.runs.glob(f"work/{MEASURED}")], keep_days)]
    for path in gone:
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
    return len(gone)


def _older(paths: Iterable[Path], days: float) -> list[Path]:
    """By the newest thing in each."""
    since = time.time() - days * DAY
    return [path for path in paths if _last_touched(path) < since]


def _last_touched(path: Path) -> float:
    times = [path.stat().st_mtime]
    for part in path.rglob("*") if path.is_dir() else ():
        try:
            times.append(part.stat().st_mtime)
        except FileNotFoundError:  # a training is just replacing a checkpoint
            times.append(time.time())
    return max(times)
