"""How does a frozen preference set lose what was forgotten? It is frozen anew without it, under a new id."""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path

from learning.lineage import made_of
from learning.preferences import FILES, frozen
from learning.rows import read_rows


def withdraw(preferences_dir: Path, samples: Mapping[str, Collection[str]]) -> dict[str, str | None]:
    """Take these samples (ids, by set) out; returns each set's new id, None where nothing was left of it.

    The new set is whole before the old one goes, so a crash half-way can be made good by doing it again.
    """
    return {
        name: _without(preferences_dir / name, frozenset(ids))
        for name, ids in samples.items()
        if (preferences_dir / name).exists()
    }


def _without(old: Path, ids: frozenset[str]) -> str | None:
    files = {name: [row for row in read_rows(old / name) if row["id"] not in ids] for name in FILES}
    rows = [row for found in files.values() for row in found]
    card = json.loads((old / "card.json").read_text(encoding="utf-8"))
    left = [one for one in card["signal_ids"] if any(row["id"] in made_of(row, one) for row in rows)]
    new = frozen(files, left, old.parent).id if rows else None
    if new != old.name:
        shutil.rmtree(old)
    return new
