"""Which samples came from a record or a signal? So deletion finds its way from footprint to weights."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from learning.duplicates import plain
from learning.rows import read_rows
from storage.records import Adapter, stable_id

TELLING = 12  # characters that make words somebody's own
HOLDS = ("record_ids", "context_ids")  # whose words are learned, and whose are only read


def samples_of(record_ids: Iterable[str], corpora_dir: Path) -> dict[str, list[str]]:
    """By snapshot, the ids of the samples that hold any of these records, silences too."""
    wanted = set(record_ids)
    return _by_folder(corpora_dir, lambda row: any(not wanted.isdisjoint(row.get(key, ())) for key in HOLDS))


def samples_of_signals(signal_ids: Iterable[str], preferences_dir: Path) -> dict[str, list[str]]:
    """By preference set, the ids of the pairs and thumbs that were made from any of these signals."""
    signals = set(signal_ids)
    return _by_folder(preferences_dir, lambda row: any(row["id"] in made_of(row, one) for one in signals))


def samples_saying(texts: Iterable[str], preferences_dir: Path) -> dict[str, list[str]]:
    """By preference set, the ids of the pairs and thumbs in which one of these texts can be read.

    A text shorter than TELLING is anybody's; what it taught is found by its signals.
    """
    wanted = {said for text in texts if len(said := plain(text)) >= TELLING}
    return _by_folder(preferences_dir, lambda row: _says(row, wanted)) if wanted else {}


def every_sample(folders: Path) -> dict[str, list[str]]:
    """All there is, the empty ones too."""
    every: dict[str, list[str]] = {card.parent.name: [] for card in sorted(folders.glob("*/card.json"))}
    return every | _by_folder(folders, lambda row: True)


def made_of(row: dict[str, Any], signal_id: str) -> tuple[str, ...]:
    rejected = [turn["content"] for turn in row.get("rejected", ())]
    alone = (stable_id(kind, signal_id) for kind in ("thumb", "demonstrations", "hindsight"))
    return *alone, *(stable_id("pair", signal_id, text) for text in rejected)


def _says(row: dict[str, Any], wanted: Collection[str]) -> bool:
    parts = ("prompt", "chosen", "rejected", "completion")
    said = plain("\n".join(turn["content"] for part in parts for turn in row.get(part, ())))
    return any(text in said for text in wanted)


def _by_folder(folders: Path, holds: Callable[[dict[str, Any]], bool]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for file in sorted(folders.glob("*/*.jsonl")):
        ids = [row["id"] for row in read_rows(file) if holds(row)]
        if ids:
            found.setdefault(file.parent.name, []).extend(ids)
    return found


@dataclass(frozen=True, slots=True)
class Taught:
    """An adapter that learned from some samples, itself or through the one it was trained on."""

    adapter: Adapter
    samples: int  # of its own lineage; 0: only its ancestors'
    through: str | None = None  # that ancestor


def taught_by(samples: Collection[str], adapters: Sequence[Adapter]) -> list[Taught]:
    """Oldest first; `adapters` as the database lists them, each after its parent."""
    wanted, found = set(samples), dict[str, Taught]()
    for adapter in adapters:
        own = len(wanted.intersection(adapter.lineage))
        if own or adapter.parent in found:
            through = None if own else adapter.parent
            found[adapter.version] = Taught(adapter, own, through)
    return list(found.values())
