"""Which tokens are the owner's own? Weights for the loss, from how the others in the same chats write.

Emoji, marks, function words, line breaks and the end of a turn all are tokens; what the owner uses more than
those they talk with says more about them than what everybody uses, and may weigh more in training.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from learning.rows import Row, tokens_of

LOWEST, HIGHEST = 0.5, 2.0  # bounds of a weight
FULL_AT = 4.0  # the z-score from which on a token counts as fully the owner's, or fully not
PRIOR = 500.0  # tokens of prior: how much evidence it takes to call a rare token somebody's own


def log_odds(owner: Counter[int], others: Counter[int], prior: float = PRIOR) -> dict[int, float]:
    """For each token the z-score of its log-odds between the owner and the others; above 0 it is the owner's.

    Informative Dirichlet prior in proportion to both together, `prior` tokens in all: B. L. Monroe, M. P.
    Colaresi, K. M. Quinn, "Fightin' Words" (2008), equations 16, 20 and 22. Empty if either said nothing.
    """
    ours, theirs = owner.total(), others.total()
    if not ours or not theirs:
        return {}
    scores = {}
    for token, both in (owner + others).items():
        alpha = prior * both / (ours + theirs)
        mine, their = owner[token] + alpha, others[token] + alpha
        odds = math.log(mine / (ours + prior - mine)) - math.log(their / (theirs + prior - their))
        scores[token] = odds / math.sqrt(1 / mine + 1 / their)
    return scores


def weights_of(scores: Mapping[int, float], learned: Counter[int], strength: float) -> dict[int, float]:
    """A weight for each token that is learned from, within the bounds, and 1 on average over all of them.

    A token's weight is in proportion to 2 ** (strength * z / FULL_AT), z cut at +-FULL_AT; so the scale of
    the loss, and with it the learning rate, stays what it was. `learned` counts the tokens of all answers.
    """
    raw = {
        token: 2 ** (strength * max(-1.0, min(1.0, scores.get(token, 0.0) / FULL_AT))) for token in learned
    }
    low, high = LOWEST / HIGHEST, HIGHEST / LOWEST
    for _ in range(60):  # bisection: the mean rises with the scale
        scale = (low + high) / 2
        mean = sum(_bounded(scale * raw[token]) * count for token, count in learned.items()) / learned.total()
        low, high = (scale, high) if mean < 1 else (low, scale)
    return {token: _bounded(scale * weight) for token, weight in raw.items()}


def owner_weights(rows: Iterable[Row], tokenizer: Any, strength: float) -> dict[int, float]:
    """The weights of the owner's tokens in these rows; empty for a strength of 0, when all weigh the same.

    The others' text is what was said last before each answer; invented prompts of monologues do not count.
    """
    if not strength:
        return {}
    owner, others, learned = Counter[int](), Counter[int](), Counter[int]()
    end = tokenizer.convert_tokens_to_ids("<end_of_turn>")
    for row in rows:
        ids, start = tokens_of(tokenizer, row["prompt"], row["completion"])
        learned.update(ids[start:])
        if row.get("kind", "answer") == "answer":
            owner.update(ids[start:])
            others.update([*_last_words(row["prompt"], tokenizer), end])
    return weights_of(log_odds(owner, others), learned, strength) if learned else {}


def most_weighted(weights: Mapping[int, float], tokenizer: Any, count: int = 12) -> list[tuple[str, float]]:
    """The tokens with the highest weights, as text; for the report."""
    found = sorted(weights.items(), key=lambda item: (-item[1], item[0]))[:count]
    return [(tokenizer.convert_ids_to_tokens(token), round(weight, 3)) for token, weight in found]


def _last_words(prompt: Sequence[Mapping[str, str]], tokenizer: Any) -> list[int]:
    said = prompt[-1]["content"].strip()
    return list(tokenizer(said, add_special_tokens=False).input_ids)


def _bounded(weight: float) -> float:
    return max(LOWEST, min(HIGHEST, weight))
