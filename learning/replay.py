"""Which rows does a preference training see, how often, and how many of the owner's own? No torch."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from learning.recipes import PreferenceRecipe, Recipe
from learning.rows import Row, all_fitted, read_rows, total_weight, unrolled


def replayed(
    rows: Sequence[Row], corpus: Path | None, share: float, recipe: Recipe, tokenizer: Any
) -> list[dict[str, Any]]:
    """Owner rows of the corpus's training split: this share of all that is then trained on, if there are
    enough of them. Drawn by the recipe's seed; rows that do not fit its max_length are left out.
    """
    wanted = round(total_weight(rows) * share / (1 - share))
    found = read_rows(corpus / "train.jsonl") if corpus else []
    found = all_fitted(found, ["completion"], tokenizer, recipe.max_length)
    return random.Random(recipe.seed).sample(found, min(wanted, len(found)))


def scheduled(rows: Sequence[Row], recipe: PreferenceRecipe) -> list[Row]:
    """The rows in the order they are trained on, each as often as its weight and the recipe say."""
    return unrolled(rows, recipe.epochs_for(total_weight(rows)), recipe.seed)
