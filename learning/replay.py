"""Which rows does a preference training see, how often, and how many of the owner's own? No torch."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from learning.recipes import PreferenceRecipe
from learning.rows import Row, all_fitted, read_rows, total_weight, unrolled

TWICE = 2.0  # what comes up much more often is learned by heart


def replayed(
    rows: Sequence[Row], corpus: Path | None, share: float, recipe: PreferenceRecipe, tokenizer: Any
) -> list[dict[str, Any]]:
    """Owner rows of the corpus's training split that make up this share of every epoch, if there are enough:
    each comes up twice in an epoch at most.

    Every epoch sees others as far as there are any, or they would be learned by heart: more rows than one
    epoch wants, of less weight each. Rows that do not fit the recipe's max_length are left out.
    """
    found = read_rows(corpus / "train.jsonl") if corpus else []
    found = all_fitted(found, ["completion"], tokenizer, recipe.max_length)
    wanted = total_weight(rows) * share / (1 - share)
    count = min(len(found), math.ceil(wanted * recipe.epochs_for(total_weight(rows) + wanted)))
    drawn = random.Random(recipe.seed).sample(found, count)
    return [{**row, "weight": min(TWICE, wanted / count)} for row in drawn]


def scheduled(rows: Sequence[Row], recipe: PreferenceRecipe) -> list[Row]:
    """The rows in the order they are trained on, each as often as its weight and the recipe say."""
    return unrolled(rows, recipe.epochs_for(total_weight(rows)), recipe.seed)
