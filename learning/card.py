"""What is in a snapshot, and what was left out? The data card: counts only, never a word anybody said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

from brain.prompt import Persona
from learning.names import PLACEHOLDER
from learning.sessions import Thread
from learning.settings import CorpusSettings
from learning.splits import SPLITS
from learning.strata import Stratum, by_dimension, exponent
from storage.records import Record

Row = dict[str, Any]


def card_of(
    given: Sequence[Record],
    usable: Sequence[Record],
    threads: Sequence[Thread],
    splits: Mapping[str, Sequence[Row]],
    silences: Sequence[Row],
    strata: Sequence[Stratum],
    left_out: Counter[str],
    persona: Persona,
    settings: CorpusSettings,
) -> dict[str, Any]:
    rows = [row for name in SPLITS for row in splits[name]]
    train = splits["train"]
    return {
        "persona": persona.card(),
        "settings": settings.model_dump(mode="json"),
        "counts": {
            **{name: len(splits[name]) for name in SPLITS},
            "style": sum(row["kind"] == "style" for row in train),
            "initiatives": sum(row["kind"] == "initiative" for row in train),
            "augmented": sum("augmented" in row for row in train),
            "silences": len(silences),
        },
        "records": {
            "given": len(given),
            "deleted": sum(record.deleted_at is not None for record in given),
            "without words": sum(not record.text.strip() and not record.deleted_at for record in given),
            "the owner's": sum(record.by_owner for record in usable),
            "threads": len(threads),
            "conversations": sum(1 for thread in threads for _ in thread.sessions()),
        },
        "gaps": _gaps(threads),
        "left_out": {why: count for why, count in sorted(left_out.items()) if count},
        "tags": {name: _counted(tag for row in splits[name] for tag in row["tags"]) for name in SPLITS},
        "sources": _counted(row["source"] for row in rows),
        "languages": {name: _counted(row["lang"] for row in splits[name]) for name in SPLITS},
        "lengths": {name: _counted(row["length"] for row in splits[name]) for name in SPLITS},
        "characters": {name: _spread([_length(row) for row in splits[name]]) for name in SPLITS},
        "formality": {name: _spread([row["formality"] for row in splits[name]]) for name in SPLITS},
        "patterns": {name: _counted(row["pattern"] for row in splits[name]) for name in SPLITS},
        "months": {name: _counted(row["said_at"][:7] for row in splits[name]) for name in SPLITS},
        "placeholders": _counted(
            found[1:-1].rpartition("_")[0] or found[1:-1]
            for record in usable
            for found in PLACEHOLDER.findall(record.text)
        ),
        "silences": _counted(row["addressed"] for row in silences),
        "exponent": round(exponent(sum(one.rows for one in strata), settings), 3),
        "balance": by_dimension(strata),
        "strata": [one.as_json() for one in strata],
        "opens": {name: min((row["said_at"] for row in splits[name]), default=None) for name in SPLITS},
    }


def _gaps(threads: Sequence[Thread]) -> dict[str, Any]:
    """How long a silence ends a conversation: in how many threads that was learned, and the minutes."""
    minutes = [thread.gap.total_seconds() / 60 for thread in threads if thread.others]
    return {"learned": sum(thread.own_pace for thread in threads if thread.others), **_spread(minutes)}


def _length(row: Row) -> int:
    return len(row["completion"][0]["content"])


def _counted(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))


def _spread(values: Sequence[float]) -> dict[str, Any]:
    if not values:
        return {"count": 0}
    ordered = sorted(values)
    return {
        "count": len(ordered),
        "lowest": round(ordered[0], 2),
        "median": round(median(ordered), 2),
        "nine tenths below": round(ordered[int(0.9 * (len(ordered) - 1))], 2),
        "highest": round(ordered[-1], 2),
    }
