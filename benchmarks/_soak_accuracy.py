"""How much of what the owner taught does each adapter prefer that answered in benchmarks/soak.py?

Each run measures on what was held out by then, and what the owner corrects becomes harder as the twin gets
better: such figures cannot be compared. Here all are measured on the corrections held out at the end.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks._learning_measures import means
from learning.base_model import load_base, load_tokenizer, with_adapter
from learning.pocket import default_cache_dir, ensure
from learning.rows import read_rows


def accuracies(home: Path, began: datetime) -> dict[str, Any]:
    """`pairs`, and for each that answered: from which minute on, its name, the share of pairs it prefers."""
    frozen = sorted(home.glob("preferences/*/heldout_pairs.jsonl"), key=lambda file: file.stat().st_mtime)
    pairs = read_rows(frozen[-1]) if frozen else []
    answered = [(0.0, None), *_promoted(home, began)]
    if not pairs:
        return {"pairs": 0, "answered": []}
    base = ensure(default_cache_dir())
    tokenizer, found = load_tokenizer(base), dict[str | None, float]()
    for version in dict.fromkeys(version for _, version in answered):
        model = load_base(base)
        if version:
            model = with_adapter(model, home / "adapters" / version)
        chosen, rejected = (means(model, tokenizer, pairs, side) for side in ("chosen", "rejected"))
        found[version] = sum(a > b for a, b in zip(chosen, rejected, strict=True)) / len(pairs)
    return {
        "pairs": len(pairs),
        "answered": [
            {"minute": minute, "version": version or "base", "preferred": round(found[version], 3)}
            for minute, version in answered
        ],
    }


def _promoted(home: Path, began: datetime) -> Iterator[tuple[float, str | None]]:
    with sqlite3.connect(home / "twin.db", timeout=30) as database:
        for version, at in database.execute("SELECT version, at FROM promotions ORDER BY id"):
            when = datetime.fromisoformat(at).replace(tzinfo=UTC)
            yield round((when - began).total_seconds() / 60, 2), version
