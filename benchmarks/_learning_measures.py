"""How does benchmarks/learning.py measure an adapter? Preference, forgetting, and can it be told apart?"""

from __future__ import annotations

import random
import zlib
from collections.abc import Sequence
from typing import Any

import numpy

from benchmarks._learning_owner import Owner, asked, hers
from learning.evaluation.replies import greedy
from learning.logprobs import answer_logprobs
from learning.rows import Row, tokens_of

BUCKETS = 2048
FOLDS = 5


def measured(model: Any, tokenizer: Any, owner: Owner) -> dict[str, float]:
    """pref_accuracy 0..1, nll in nats a token of what she used to write, likeness_auc (0.5 is best)."""
    pairs = owner.held_out_pairs()
    chosen, rejected = (means(model, tokenizer, pairs, side) for side in ("chosen", "rejected"))
    words = [row[:-1] for row in logprobs(model, tokenizer, owner.corpus["test"], "completion")]
    replies = greedy(model, tokenizer, [asked(said) for said, _ in owner.held_out])
    return {
        "pref_accuracy": sum(a > b for a, b in zip(chosen, rejected, strict=True)) / len(pairs),
        "nll": -sum(map(sum, words)) / sum(map(len, words)),
        "likeness_auc": likeness(replies, [hers(answer) for _, answer in owner.held_out]),
    }


def logprobs(model: Any, tokenizer: Any, rows: Sequence[Row], answer: str) -> list[list[float]]:
    encoded = [tokens_of(tokenizer, row["prompt"], row[answer]) for row in rows]
    return answer_logprobs(model, encoded, tokenizer.pad_token_id)


def means(model: Any, tokenizer: Any, rows: Sequence[Row], answer: str) -> list[float]:
    return [sum(row) / len(row) for row in logprobs(model, tokenizer, rows, answer)]


def likeness(ours: Sequence[str], theirs: Sequence[str]) -> float:
    """AUC of a logistic regression over runs of 1 to 4 characters, cross-validated by prompt.

    `ours` and `theirs` answer the same prompts in the same order.
    """
    features = numpy.stack([_features(text) for text in (*ours, *theirs)])
    labels = numpy.repeat([0.0, 1.0], len(ours))
    prompts = numpy.tile(numpy.arange(len(ours)), 2)
    order = list(range(len(ours)))
    random.Random(0).shuffle(order)
    fold = numpy.array(order)[prompts] % FOLDS
    found = []
    for held in range(FOLDS):
        weights = _fit(features[fold != held], labels[fold != held])
        scores, truth = features[fold == held] @ weights, labels[fold == held]
        gaps = scores[truth == 1][:, None] - scores[truth == 0][None, :]
        found.append(float(((gaps > 0) + (gaps == 0) / 2).mean()))
    return sum(found) / FOLDS


def _features(text: str) -> Any:
    """(BUCKETS + 1,) of unit length, and a constant."""
    counts = numpy.zeros(BUCKETS + 1)
    marked = f"\x02{text}\x03"
    for length in (1, 2, 3, 4):
        for start in range(len(marked) - length + 1):
            counts[zlib.crc32(marked[start : start + length].encode()) % BUCKETS] += 1
    counts = numpy.log1p(counts)
    counts /= max(1e-9, float(numpy.linalg.norm(counts)))
    counts[-1] = 1.0
    return counts


def _fit(features: Any, labels: Any, ridge: float = 1e-2, steps: int = 300, rate: float = 4.0) -> Any:
    weights = numpy.zeros(features.shape[1])
    for _ in range(steps):
        chance = 1 / (1 + numpy.exp(-(features @ weights)))
        weights -= rate * (features.T @ (chance - labels) / len(labels) + ridge * weights)
    return weights
