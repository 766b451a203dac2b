"""What keeps the owner's words alive while preferences are learned? Some of them, mixed in; no torch."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from learning.recipes import Recipe
from learning.rows import Row, all_fitted, read_rows


def replayed(
    rows: Sequence[Row], corpus: Path | None, share: float, recipe: Recipe, tokenizer: Any
) -> list[dict[str, Any]]:
    """Owner rows of the corpus's training split: this share of all that is then trained on, if there are
    enough of them. Drawn by the recipe's seed; rows that do not fit its max_length are left out.
    """
    wanted = round(sum(float(row.get("weight", 1.0)) for row in rows) * share / (1 - share))
    found = read_rows(corpus / "train.jsonl") if corpus else []
    found = all_fitted(found, ["completion"], tokenizer, recipe.max_length)
    return random.Random(recipe.seed).sample(found, min(wanted, len(found)))
