"""How fast does the twin recall, does it find the right thing, and does anything get to the wrong ears?

    python -m benchmarks.memory [--quick] [--json] [--world FOLDER]

Made-up lives of a thousand, a hundred thousand and a million memories on SQLite, asked 200 questions about
what was said at the very beginning, each in the chat that may know. Compared with: SQLite's own ranking
(FTS5, bm25) of what has any of the words, with the same audiences allowed. Then some hundreds of secrets,
and who hears them. With --world the lives stay in FOLDER, and the next run only asks.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sqlite3
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # the secrets are the tests' own

import memories as told
import numpy

from benchmarks._memory_world import Asked, World
from brain.memory import Recall, Recaller, audiences_of, words_of
from storage.database import Database
from storage.feedback import FeedbackStore
from storage.memories import SHELF, MemoryStore
from storage.messages import MessageStore
from storage.records_store import RecordStore
from storage.vectors import Vectors
from twin import show

FULL = (1_000, 100_000, 1_000_000)
QUICK = (1_000, 20_000)
DIRECTIONS = 384
BASELINE_QUESTIONS, BASELINE_SECONDS = 40, 20.0  # fewer, where each of them takes seconds
OnProgress = Callable[[float, str], None]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="up to 20,000 memories instead of a million")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--world", type=Path, help="keep the lives there, and take those that are there")
    options = parser.parse_args()
    sizes = QUICK if options.quick else FULL
    with tempfile.TemporaryDirectory() as folder, show.progress("memory") as on_progress:
        lives = options.world or Path(folder)
        lives.mkdir(parents=True, exist_ok=True)
        figures = asyncio.run(measure(lives, sizes, on_progress)) | asyncio.run(_leaks(Path(folder)))
    if options.json:
        print(json.dumps({"figures": figures, "conditions": conditions(sizes)}))
    else:
        rows = [
            (name, value if isinstance(value, int) else f"{value:.3g}") for name, value in figures.items()
        ]
        show.table("recalling", ("what", "is"), rows)
    return 0


async def measure(folder: Path, sizes: tuple[int, ...], on_progress: OnProgress) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for place, size in enumerate(sizes):
        on_progress(place / len(sizes), f"{size:,} memories")
        world, path = World(), folder / f"life-{size}.db"
        if path.exists():
            next(world.go_on(size))  # what is asked about was said at the very beginning
        else:
            figures |= await _live(world, path, size)
        database = await Database.open(f"sqlite:///{path}")
        try:
            recaller = Recaller(MemoryStore(database), Recall(said=5, examples=0))
            figures |= await _ask(recaller, world.asked, size)
        finally:
            await database.close()
        figures |= await asyncio.to_thread(_ask_fts5, path, world.asked, size)
        figures |= await _nearest(world, size)
    return figures


async def _live(world: World, path: Path, size: int) -> dict[str, float]:
    """Whole or not at all: a life that was broken off is begun anew."""
    unfinished = path.with_suffix(".unfinished")
    for old in path.parent.glob(f"{unfinished.name}*"):
        old.unlink()
    database = await Database.open(f"sqlite:///{unfinished}")
    try:
        keeping = await asyncio.to_thread(_keep, unfinished, world, size)
        began, memories = time.process_time(), MemoryStore(database)
        while await memories.tidy():  # as the service does, a minute later
            pass
        tidying = time.process_time() - began
    finally:
        await database.close()
    with sqlite3.connect(unfinished) as last:
        last.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    unfinished.rename(path)
    for left in path.parent.glob(f"{unfinished.name}-*"):
        left.unlink()
    return {f"keep_us_{size}": keeping, f"tidy_cpu_s_{size}": tidying}


def _keep(path: Path, world: World, until: int) -> float:
    """Microseconds for each, the index of words included. Straight into the table, as the triggers do it."""
    began, before = time.perf_counter(), world.said
    with sqlite3.connect(path, isolation_level=None) as database:
        database.execute("PRAGMA cache_size = -65536")
        database.execute("PRAGMA synchronous = OFF")
        shelves = {name: number for number, name in enumerate(world.audiences, start=1)}
        last: defaultdict[str, int] = defaultdict(
            int, database.execute("SELECT audience, last FROM memory_shelves")
        )
        for some in world.go_on(until):
            rows = []
            for key, audience, at, text in some:
                last[audience] += 1
                rows.append((shelves[audience] * SHELF + last[audience], key, audience, audience, at, text))
            database.execute("BEGIN IMMEDIATE")
            database.executemany(
                "INSERT INTO memories (number, kind, key, source, speaker, speaker_name, by_owner, audience,"
                " thread, said_at, text) VALUES (?, 'said', ?, 'journal', 'owner', '', 1, ?, ?, ?, ?)",
                sorted((*row[:4], f"{row[4]:%Y-%m-%d %H:%M:%S}", row[5]) for row in rows),
            )
            database.executemany(
                "INSERT OR REPLACE INTO memory_shelves (number, audience, kind, last)"
                " VALUES (?, ?, 'said', ?)",
                [(shelves[audience], audience, count) for audience, count in last.items()],
            )
            database.execute("COMMIT")
    return 1e6 * (time.perf_counter() - began) / (world.said - before)


async def _ask(recaller: Recaller, asked: list[Asked], size: int) -> dict[str, Any]:
    for one in asked[:20]:
        await recaller.for_answer([one.question])  # what is asked first reads the file
    took, cpu, found = [], [], 0
    for one in asked:
        began, worked = time.perf_counter(), time.process_time()
        recalled = await recaller.for_answer([one.question])
        took.append(1000 * (time.perf_counter() - began))
        cpu.append(1000 * (time.process_time() - worked))
        found += one.key in {memory.key for memory in recalled[:5]}
    found_first = {f"recall_at_5_{size}": found / len(asked)}
    return _named(size, "recall", took) | _named(size, "recall_cpu", cpu) | found_first


def _ask_fts5(path: Path, asked: list[Asked], size: int) -> dict[str, Any]:
    query = (
        "SELECT m.key FROM memory_words w JOIN memories m ON m.number = w.rowid WHERE memory_words MATCH ?"
        " AND m.audience IN ({}) ORDER BY w.rank LIMIT 5"
    )
    took: list[float] = []
    cpu: list[float] = []
    found = 0
    until = time.perf_counter() + BASELINE_SECONDS
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA cache_size = -65536")
        for one in asked[:BASELINE_QUESTIONS]:
            if took and time.perf_counter() > until:
                break
            words = " OR ".join(f'"{word}"' for word in words_of(one.question.text))
            allowed = audiences_of(one.question)
            began, worked = time.perf_counter(), time.process_time()
            keys = database.execute(query.format(", ".join("?" * len(allowed))), [words, *allowed]).fetchall()
            took.append(1000 * (time.perf_counter() - began))
            cpu.append(1000 * (time.process_time() - worked))
            found += (one.key,) in keys
    return (
        _named(size, "fts5", took)
        | _named(size, "fts5_cpu", cpu)
        | {
            f"fts5_recall_at_5_{size}": found / len(took),
            f"fts5_questions_{size}": len(took),
        }
    )


async def _nearest(world: World, size: int) -> dict[str, Any]:
    """By meaning alone, for the owner, who may have a third of all: how long, since they are made up."""
    chance, vectors = numpy.random.default_rng(0), Vectors()
    for shelf, share in ((1, 0.25), (2, 0.1), (3, 0.65)):
        for first in range(0, int(size * share), 50_000):
            count = min(50_000, int(size * share) - first)
            whole = chance.integers(-127, 127, (count, DIRECTIONS), dtype=numpy.int8)
            vectors._take(shelf, [(shelf * SHELF + first + n, row.tobytes()) for n, row in enumerate(whole)])
    took = []
    for _ in range(50):
        vector = chance.normal(size=DIRECTIONS).tolist()
        began = time.perf_counter()
        vectors.nearest(vector, [1, 2], 64)
        took.append(1000 * (time.perf_counter() - began))
    return _named(size, "vectors", took)


async def _leaks(folder: Path) -> dict[str, int]:
    database = await Database.open(f"sqlite:///{folder / 'secrets.db'}")
    try:
        cases = list(told.secrets())
        stores = RecordStore(database), MessageStore(database), FeedbackStore(database)
        keys = [await told.keep(secret, number, stores) for number, secret in enumerate(cases)]
        recaller = Recaller(MemoryStore(database), Recall())
        leaks = lost = 0
        for key, secret in zip(keys, cases, strict=True):
            heard = key in {one.key for one in await recaller.for_answer([secret.asker])}
            leaks += heard and not secret.may_know
            lost += secret.may_know and not heard
    finally:
        await database.close()
    return {"leaks": leaks, "leak_cases": sum(not secret.may_know for secret in cases), "withheld": lost}


def _named(size: int, what: str, took: list[float]) -> dict[str, float]:
    return {f"{what}_p{q}_ms_{size}": round(float(numpy.percentile(took, q)), 2) for q in (50, 95)}


def conditions(sizes: tuple[int, ...]) -> dict[str, Any]:
    return {
        "machine": f"{platform.machine()}, {platform.system()}, {os.cpu_count()} CPUs, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}",
        "load": round(os.getloadavg()[1], 1),
        "sizes": list(sizes),
        "vectors": f"{DIRECTIONS} directions, made up; a third may be compared",
    }


if __name__ == "__main__":
    sys.exit(main())
