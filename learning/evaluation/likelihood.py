"""How likely does a model find what the owner said, and the better words rather than the worse?"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy

from learning.evaluation.uncertainty import changed, difference, interval, mean, resamples
from learning.evaluation.wilson import wilson

Logprobs = Sequence[Sequence[float]]  # of every token of an answer, the one that ends the turn included
Figures = dict[str, Any]


def nll(logprobs: Logprobs, seed: int) -> Figures | None:
    """Mean negative log-likelihood of a token of the owner's own words, with a 95 % interval over rows.

    Without the token that ends a turn: a correction that adds a word at the end is not forgetting the owner.
    """
    costs, counts = _costs(logprobs)
    if not len(counts):
        return None
    drawn = resamples(range(len(counts)), seed)
    return {
        "mean": float(costs.sum() / counts.sum()),
        **interval(drawn @ costs / (drawn @ counts)),
        "rows": len(counts),
        "tokens": int(counts.sum()),
    }


def nll_rise(ours: Logprobs, theirs: Logprobs, seed: int) -> Figures | None:
    """How much more, as a share, the owner's words cost us than them, on the same rows."""
    (costs, counts), (other, _) = _costs(ours), _costs(theirs)
    if not len(counts):
        return None
    drawn = resamples(range(len(counts)), seed)
    rises = (drawn @ costs) / (drawn @ other) - 1
    return changed(float(costs.sum() / other.sum() - 1), rises, len(counts))


def change(ours: Logprobs, theirs: Logprobs, seed: int) -> dict[str, float]:
    """Mean absolute difference of a token's log-probability, in nats: zero for one and the same model.

    With a 95 % interval over rows; of no rows it is zero, too.
    """
    rows = list(zip(ours, theirs, strict=True))
    gaps = numpy.array([sum(abs(a - b) for a, b in zip(one, two, strict=True)) for one, two in rows])
    counts = numpy.array([len(one) for one, _ in rows])
    if not counts.sum():
        return {"mean": 0.0, "low": 0.0, "high": 0.0}
    drawn = resamples(range(len(rows)), seed)
    found = (drawn @ gaps) / numpy.maximum(1, drawn @ counts)
    return {"mean": float(gaps.sum() / counts.sum()), **interval(found)}


def margins(chosen: Logprobs, rejected: Logprobs) -> list[float]:
    """By how many nats a token the better words are likelier than the worse ones."""
    return [_mean(good) - _mean(bad) for good, bad in zip(chosen, rejected, strict=True)]


def preference(
    chosen: Logprobs, rejected: Logprobs, seed: int, conversations: Sequence[Hashable] | None = None
) -> Figures | None:
    """How often the better words are likelier, per token, than the reply they correct; and by how much.

    Intervals of 95 %: Wilson's for the share, a bootstrap over conversations for the margin.
    """
    found = margins(chosen, rejected)
    if not found:
        return None
    right = sum(margin > 0 for margin in found)
    spread = mean(found, conversations or range(len(found)), seed)
    return {
        "accuracy": right / len(found),
        **wilson(right, len(found)),
        "margin": spread["mean"],
        "margin_low": spread["low"],
        "margin_high": spread["high"],
        "pairs": len(found),
    }


def preference_change(
    ours: Sequence[float], theirs: Sequence[float], conversations: Sequence[Hashable], seed: int
) -> Figures | None:
    """How many more of the pairs we get right than they do; of the same pairs' margins."""
    if not ours:
        return None
    return difference([m > 0 for m in ours], [m > 0 for m in theirs], conversations, seed)


def separation(logprobs: Logprobs, liked: Sequence[bool], seed: int = 0) -> Figures | None:
    """How often a liked reply is likelier, per token, than a disliked one (0.5: cannot tell them apart)."""
    if len(set(liked)) < 2:
        return None
    aucs = _aucs(logprobs, liked, seed)
    return {"auc": float(aucs[0]), **interval(aucs[1:]), "thumbs": len(liked)}


def separation_change(ours: Logprobs, theirs: Logprobs, liked: Sequence[bool], seed: int) -> Figures | None:
    if len(set(liked)) < 2:
        return None
    gaps = _aucs(ours, liked, seed) - _aucs(theirs, liked, seed)
    return changed(float(gaps[0]), gaps[1:], len(liked))


def _aucs(logprobs: Logprobs, liked: Sequence[bool], seed: int) -> Any:
    """The AUC of all rows, and after it those of the resamples; ups and downs are drawn each on their own."""
    scores, up = numpy.array([_mean(row) for row in logprobs]), numpy.array(liked, dtype=bool)
    ups, downs = scores[up][:, None], scores[~up][None, :]
    wins = numpy.where(numpy.isnan(ups + downs), numpy.nan, (ups > downs) + (ups == downs) / 2)
    both = [resamples(range(size), seed + place) for place, size in enumerate(wins.shape)]
    one, two = (numpy.vstack([numpy.ones(drawn.shape[1]), drawn]) for drawn in both)
    return ((one @ wins) * two).sum(1) / (one.sum(1) * two.sum(1))


def _costs(logprobs: Logprobs) -> tuple[Any, Any]:
    rows = [(-sum(row[:-1]), len(row) - 1) for row in logprobs if len(row) > 1]
    return numpy.array([cost for cost, _ in rows]), numpy.array([count for _, count in rows])


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
