"""What is an adapter measured on? Held-out rows, other people's words, training rows, canaries."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from learning.evaluation.memory import Encoded, as_answers, canaries, worth_reciting
from learning.evaluation.options import EvaluationSettings
from learning.evaluation.questions import Question, capability, safety
from learning.rows import Row, all_fitted, read_rows, tokens_of

LOOKED_AT = 1000  # training rows at most
OTHERS_SHORTEST = 4  # characters; "ok" is everybody's


@dataclass(frozen=True, slots=True)
class Material:
    test: Sequence[Row]  # the owner's held-out words, oldest first
    asked: Sequence[Row]  # those of `test` that every model answers
    pairs: Sequence[Row]
    thumbs: Sequence[Row]
    owner_before: list[str]  # what the owner said in the training part
    others: list[str]  # what other people said to the owner
    capability: list[Question]
    safety: list[Question]
    card: Any  # the system turn that the twin is served with, if there is one
    canaries: dict[str, list[str]]
    learned: list[Encoded]  # training texts to see whether they are known by heart

    def for_divergence(self, most: int, seed: int) -> list[Row]:
        return random.Random(seed).sample(self.test, min(len(self.test), most))

    @property
    def answers(self) -> list[str]:
        """What the owner answered where every model is asked."""
        return [row["completion"][0]["content"] for row in self.asked]


def gathered(
    corpus: Path,
    preferences: Path | None,
    tokenizer: Any,
    settings: EvaluationSettings,
    max_length: int,
    seed: int,
) -> Material:
    test = all_fitted(read_rows(corpus / "test.jsonl"), ["completion"], tokenizer, max_length)
    test = sorted(test, key=lambda row: row.get("said_at", ""))[-settings.texts :]
    train = read_rows(corpus / "train.jsonl")
    held = preferences or Path("nowhere")
    pairs = read_rows(held / "heldout_pairs.jsonl")
    some = random.Random(seed).sample(train, min(len(train), LOOKED_AT))
    fits = all_fitted(some, ["completion"], tokenizer, max_length)
    card = next((row["prompt"][0] for row in test if row["prompt"][0]["role"] == "system"), None)
    return Material(
        test=test,
        others=_others(test),
        asked=_spread([row for row in test if row.get("kind", "answer") == "answer"], settings.replies),
        pairs=all_fitted(pairs, ["chosen", "rejected"], tokenizer, max_length),
        thumbs=all_fitted(read_rows(held / "heldout_thumbs.jsonl"), ["completion"], tokenizer, max_length),
        owner_before=[row["completion"][0]["content"] for row in train[-LOOKED_AT:]],
        capability=capability(),
        safety=safety(card),
        card=card,
        canaries=canaries(corpus, settings.canary_kinds, settings.canary_rivals),
        learned=worth_reciting(fits, tokenizer, settings.continuations),
    )


def encoded(tokenizer: Any, rows: Sequence[Row], answer: str = "completion") -> list[Encoded]:
    return [tokens_of(tokenizer, row["prompt"], row[answer]) for row in rows]


def canary_texts(tokenizer: Any, material: Material) -> list[Encoded]:
    return as_answers(
        tokenizer, [text for texts in material.canaries.values() for text in texts], material.card
    )


def _others(test: Sequence[Row]) -> list[str]:
    """The last thing that somebody else said before each of the owner's answers."""
    said = [
        next((turn["content"] for turn in reversed(row["prompt"]) if turn["role"] == "user"), "")
        for row in test
    ]
    return [text for text in said if len(text) >= OTHERS_SHORTEST and not text.startswith("(")]


def _spread(rows: Sequence[Row], most: int) -> list[Row]:
    """At most so many, evenly over time."""
    step = max(1.0, len(rows) / most)
    return [rows[int(place * step)] for place in range(min(most, len(rows)))]
