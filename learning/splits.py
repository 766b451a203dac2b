"""What is trained on, what is held back? Split by time, a gap between, nothing said twice across it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from brain.prompt import heard
from learning.duplicates import Duplicates, plain
from learning.settings import CorpusSettings

SPLITS = ("train", "validation", "test")
SHORT = 24  # characters: replies up to this length repeat by nature, so they are capped

Row = dict[str, Any]


def split(
    sessions: list[list[Row]], settings: CorpusSettings, left_out: Counter[str]
) -> dict[str, list[Row]]:
    """Oldest sessions train, newest test, none is cut in two, and a gap lies before each later split."""
    sessions.sort(key=lambda rows: (rows[0]["said_at"], rows[0]["id"]))
    total = sum(map(len, sessions))
    embargo = _embargo(sessions, settings)
    splits: dict[str, list[Row]] = {name: [] for name in SPLITS}
    wanted = {"test": settings.test_share * total, "validation": settings.validation_share * total}
    later: datetime | None = None  # when the split after the one being filled begins
    opens: datetime | None = None
    name = "test"
    for rows in reversed(sessions):
        while name != "train" and len(splits[name]) >= wanted[name]:
            name, later = ("validation" if name == "test" else "train"), opens
        if later and datetime.fromisoformat(rows[-1]["ended_at"]) > later - embargo:
            left_out["embargo"] += len(rows)
            continue
        opens = datetime.fromisoformat(rows[0]["said_at"])
        splits[name] = rows + splits[name]
    return splits


def _embargo(sessions: list[list[Row]], settings: CorpusSettings) -> timedelta:
    """Never more than a twentieth of the whole time, so that one day of chat still leaves some."""
    if not sessions:
        return timedelta()
    ends = max(datetime.fromisoformat(rows[-1]["ended_at"]) for rows in sessions)
    span = ends - datetime.fromisoformat(sessions[0][0]["said_at"])
    return min(timedelta(hours=settings.embargo_hours), span / 20)


def before_the_test(rows: list[Row], splits: dict[str, list[Row]], left_out: Counter[str]) -> list[Row]:
    """A sample from the time of the test would tell what happened then."""
    opens = min((row["said_at"] for name in SPLITS[1:] for row in splits[name]), default=None)
    early = [row for row in rows if opens is None or row["ended_at"] < opens]
    left_out["later than training"] += len(rows) - len(early)
    return early


def without_leaks(rows: list[Row], later: Iterable[Row], left_out: Counter[str]) -> list[Row]:
    held_out = Duplicates(exchange(row) for row in later)
    kept = [row for row in rows if exchange(row) not in held_out]
    left_out["also in a later split"] += len(rows) - len(kept)
    return kept


def without_refrains(rows: list[Row], settings: CorpusSettings, left_out: Counter[str]) -> list[Row]:
    said: Counter[str] = Counter()
    kept = []
    for row in reversed(rows):  # the newest ones stay
        reply = plain(row["completion"][0]["content"])
        said[reply] += len(reply) <= SHORT
        if said[reply] <= settings.repeat_cap:
            kept.append(row)
    left_out["repeated short reply"] += len(rows) - len(kept)
    return kept[::-1]


def capped(
    rows: list[Row], others: int, share: float, what: str, settings: CorpusSettings, left_out: Counter[str]
) -> list[Row]:
    """At most this share of training. Where there is nothing else at all, they are all there is."""
    room = room_for(others, share) if others else len(rows)
    return drawn(rows, room, what, settings, left_out)


def room_for(others: int, share: float) -> int:
    """How many rows are this share of training beside so many others."""
    return int(others * share / (1 - share))


def drawn(
    rows: list[Row], room: int, what: str, settings: CorpusSettings, left_out: Counter[str]
) -> list[Row]:
    """As many as there is room for, the same ones each time."""
    rows, room = sorted(rows, key=in_order), max(0, room)
    kept = rows if len(rows) <= room else random.Random(settings.seed).sample(rows, room)
    left_out[f"more {what} than their share"] += len(rows) - len(kept)
    return kept


def exchange(row: Row) -> str:
    """What makes two rows the same: the last words heard and the answer to them."""
    return f"{heard(row['prompt'])}\n{row['completion'][0]['content']}"


def in_order(row: Row) -> tuple[str, str]:
    return row["said_at"], row["id"]
