"""What is asked in reinforcement learning? The prompts the owner and the twin have really been given."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from learning.rewards.profile import ANSWER
from learning.rewards.reply import place_of
from learning.rlhf_recipe import RlhfRecipe
from learning.rows import Row, all_fitted, read_rows

PROFILE = "profile.json"  # what the rewards compared with, beside the adapter


@dataclass(frozen=True, slots=True)
class Prompts:
    """Rows with "prompt", "source" and "thread". `samples`: ids of all rows whose words had a say in it."""

    train: list[dict[str, Any]]
    heldout: list[dict[str, Any]]
    samples: list[str]


def prompts_of(data_dir: Path, preferences_dir: Path | None, tokenizer: Any, recipe: RlhfRecipe) -> Prompts:
    """Those of a corpus snapshot and of a preference set, each once, cut to leave room for the reply."""
    corpus = read_rows(data_dir / "train.jsonl")
    judged = _rows(preferences_dir, ("pairs.jsonl", "thumbs.jsonl"))
    heldout = [*read_rows(data_dir / "validation.jsonl"), *_rows(preferences_dir, ("heldout_pairs.jsonl",))]
    known = _distinct(heldout, ())
    chosen = random.Random(recipe.seed).sample(known, min(recipe.heldout_prompts, len(known)))
    train = _distinct([*corpus, *judged], known)
    return Prompts(
        _cut(train, tokenizer, recipe),
        _cut(chosen or train[: recipe.heldout_prompts], tokenizer, recipe),
        list(dict.fromkeys(row["id"] for row in [*corpus, *judged])),
    )


def _rows(folder: Path | None, names: Sequence[str]) -> list[dict[str, Any]]:
    return [row for name in names for row in read_rows(folder / name)] if folder else []


def _distinct(rows: Iterable[Row], but: Iterable[Row]) -> list[dict[str, Any]]:
    """One row for each thing that was asked, answers to somebody only, none that is also in `but`."""
    seen = {_asked(row) for row in but}
    found = []
    for row in rows:
        if row.get("kind", ANSWER) == ANSWER and _asked(row) not in seen:
            seen.add(_asked(row))
            source, thread = place_of(row)
            found.append({"prompt": row["prompt"], "source": source, "thread": thread})
    return found


def _asked(row: Row) -> str:
    return "\n".join(turn["content"] for turn in row["prompt"])


def _cut(rows: Sequence[Row], tokenizer: Any, recipe: RlhfRecipe) -> list[dict[str, Any]]:
    nothing = [{**row, "nothing": []} for row in rows]
    return all_fitted(nothing, ["nothing"], tokenizer, recipe.max_length - recipe.max_new_tokens)
