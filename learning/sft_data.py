"""What does supervised fine-tuning read? A snapshot's rows: in order, dealt out, in tokens, weighted."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from learning.order import Dealt, dealt, schedule
from learning.packing import encoded, packed
from learning.recipes import SftRecipe
from learning.rows import Row, all_fitted, read_rows
from learning.token_weights import owner_weights


@dataclass(frozen=True)
class SftData:
    """What is learned from and what is held out; the rest is worked out once, when it is asked for."""

    rows: list[dict[str, Any]]
    held: list[dict[str, Any]]
    recipe: SftRecipe
    tokenizer: Any
    processes: int = 1

    @cached_property
    def weights(self) -> dict[int, float]:
        """By token id; empty when all tokens weigh the same."""
        return owner_weights(self.rows, self.tokenizer, self.recipe.own_tokens)

    @cached_property
    def training(self) -> tuple[Any, Dealt]:
        """All epochs' micro-batches one after the other, and how they were dealt out."""
        planned = schedule(self.rows, self.recipe.epochs, self.recipe.seed)
        return self._packed(
            planned, self.weights, self.recipe.effective_batch, at_least=math.ceil(self.recipe.epochs)
        )

    @cached_property
    def validation(self) -> Any:
        """Unweighted: two trainings are compared by the likelihood itself. None when nothing is held out."""
        return self._packed(self.held, {}, len(self.held))[0] if self.held else None

    def _packed(
        self, rows: Sequence[Row], weights: Mapping[int, float], update: int, at_least: int = 1
    ) -> tuple[Any, Dealt]:
        parts = {row["id"]: encoded(row, self.tokenizer, weights) for row in rows}
        found = [parts[row["id"]] for row in rows]
        lengths = [len(row.ids) for row in found]
        dealing = dealt(lengths, update, self.recipe.token_budget, self.processes, at_least)
        return packed(found, dealing), dealing


def read(data_dir: Path, recipe: SftRecipe, tokenizer: Any, processes: int = 1) -> SftData:
    """The rows of a snapshot's folder that fit the recipe's length; long prompts lose their oldest turns."""
    rows, held = (
        all_fitted(read_rows(data_dir / f"{name}.jsonl"), ["completion"], tokenizer, recipe.max_length)
        for name in ("train", "validation")
    )
    return SftData(rows, held, recipe, tokenizer, processes)
