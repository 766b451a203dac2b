"""What does the twin of benchmarks/soak.py begin with, and what does its database say in the end?"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks._soak_people import Given
from twin.build import open_stores
from twin.demo import EXAMPLES, EXPORTS
from twin.home import Home
from twin.remember import ingest_in
from twin.settings import read_settings
from twin.snapshots import build_corpus_in

OWNER = {"name": "Mira Vale", "aliases": ["mira", "mira v"], "languages": ["en"], "timezone": "Europe/Lisbon"}
# Of what the pocket model cannot help, as in examples/mira/twin.toml; and three epochs of so little text
# leave planted canaries in its mind.
ADVISORY = [
    *(f"style: {what}" for what in ("function words", "letters", "length", "emoji", "punctuation")),
    "likeness",
    "loops",
    "canaries",
]


async def remember(folder: Path) -> None:
    """The sample person's exports are read and a corpus is built; nothing is trained."""
    home = Home(folder)
    home.make()
    shutil.copy(EXAMPLES / "mira" / "twin.toml", home.settings_file)
    settings = read_settings(home)
    async with open_stores(home, settings) as stores:
        for source, part in EXPORTS:
            await ingest_in(home, settings, stores, source, EXAMPLES / "mira" / part)
        await build_corpus_in(home, settings, stores)


def eager(judgements: float, trial_minutes: float, epochs: float, seed: int) -> dict[str, Mapping[str, Any]]:
    """The settings under which it learns as soon as there is anything to learn."""
    when = {"judgements": judgements, "cool_down_minutes": 0, "runs_a_day": 1000, "hours_a_day": 24}
    trial = {"share": 0.5 if trial_minutes else 0, "days": max(trial_minutes, 1) / 1440, "min_opinions": 4}
    return {
        "owner": OWNER,
        "model": {"base": "pocket", "temperature": 0.5, "max_tokens": 40},
        "chat": {"history": 1},
        "learning": {"heldout_share": 0.3, "min_feedback": 8},
        "learning.gate": {"advisory": ADVISORY},
        "learning.canary": trial,
        "learning.when": when,
        "learning.recipes.sft": {"epochs": epochs, "seed": seed},
        "learning.recipes.dpo": {"seed": seed},
        "schedule": {"learn": "every 2 seconds", "evaluate": "off", "backup": "every 10 minutes"},
        "runs": {"attempts": 20},
        "api": {"on": False},
    }


@dataclass(frozen=True, slots=True)
class Point:
    """What a learn run says of held-out corrections: the one that answered then, and the new one."""

    at: datetime
    live: float
    candidate: float
    pairs: int
    outcome: str


@dataclass(frozen=True, slots=True)
class Kept:
    """What the database of a home says."""

    runs: dict[str, int]  # learning, by state
    unfinished: list[str]
    kinds: dict[str, int]  # all runs, by kind
    attempts: int  # beyond the first one
    promotions: int
    rollbacks: int
    points: list[Point]
    feedback: int
    missing: list[Given]
    answered: dict[str, str]  # which reply answered this question, by their keys
    errors: list[str]


def kept_by(folder: Path, given: Iterable[Given]) -> Kept:
    with sqlite3.connect(folder / "twin.db", timeout=30) as database:
        runs = database.execute(
            "SELECT id, kind, state, attempts, metrics, finished_at, error FROM runs ORDER BY created_at"
        ).fetchall()
        changes = Counter(database.execute("SELECT is_rollback FROM promotions").fetchall())
        judged = {
            Given(*row)
            for row in database.execute(
                "SELECT d.platform, d.message_id, f.kind FROM feedback f JOIN deliveries d USING (reply_key)"
            )
        }
        answered = dict(
            database.execute(
                "SELECT key, substr(outcome, 13) FROM messages WHERE outcome LIKE 'answered by %'"
            ).fetchall()
        )
        (feedback,) = database.execute("SELECT COUNT(*) FROM feedback WHERE withdrawn_at IS NULL").fetchone()
    learned = [run for run in runs if run[1] in ("learn", "retrain")]
    return Kept(
        runs=dict(Counter(run[2] for run in learned)),
        unfinished=[f"{run[1]} {run[2]}" for run in runs if run[2] in ("queued", "running")],
        kinds=dict(Counter(run[1] for run in runs)),
        attempts=sum(max(0, run[3] - 1) for run in runs),
        promotions=changes[(0,)],
        rollbacks=changes[(1,)],
        points=[
            point
            for run in learned
            if run[2] == "passed" and (point := _point(folder, run[0], json.loads(run[4]), run[5]))
        ],
        feedback=feedback,
        missing=[one for one in given if one not in judged],
        answered=answered,
        errors=[f"{run[1]}: {run[6]}" for run in runs if run[2] == "failed"],
    )


def _point(folder: Path, run_id: str, metrics: Mapping[str, Any], finished_at: str) -> Point | None:
    report = folder / "runs" / run_id / "report.json"
    if metrics.get("outcome") not in ("live", "on trial", "refused") or not report.exists():
        return None
    models = json.loads(report.read_text(encoding="utf-8"))["models"]
    live, candidate = models["live"]["preference"], models["candidate"]["preference"]
    if not candidate["pairs"]:
        return None
    at = datetime.fromisoformat(finished_at).replace(tzinfo=UTC)
    return Point(at, live["accuracy"], candidate["accuracy"], candidate["pairs"], metrics["outcome"])


def database_mb(folder: Path) -> float:
    """What is in it; its journal, which is written over and over again, is `journal_mb`."""
    with sqlite3.connect(folder / "twin.db", timeout=30) as database:
        (pages,), (size,) = (database.execute(f"PRAGMA page_{what}").fetchone() for what in ("count", "size"))
    return float(pages * size / 1e6)


def journal_mb(folder: Path) -> float:
    journal = folder / "twin.db-wal"
    return journal.stat().st_size / 1e6 if journal.exists() else 0.0
