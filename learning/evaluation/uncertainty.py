"""How sure is a figure? Bootstrap over rows or conversations (Efron 1979).

Differences between two models come from the same rows, resampled together: what makes a row hard is then
in both, and drops out. Their interval is two-sided 90 %: each end is a one-sided 95 % bound, as is usual for
non-inferiority (ICH E9). Figures by themselves carry 95 %.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import Any

import numpy

from learning.evaluation.wilson import DIFFERENCE, FIGURE

RESAMPLES = 1000

Array = numpy.ndarray[Any, Any]


def resamples(groups: Sequence[Hashable], seed: int) -> Array:
    """How often each row is drawn in each resample: whole groups are, with replacement. (RESAMPLES, rows)"""
    names = {group: index for index, group in enumerate(dict.fromkeys(groups))}
    place = numpy.array([names[group] for group in groups], dtype=int)
    drawn = numpy.random.default_rng(seed).multinomial(len(names), [1 / len(names)] * len(names), RESAMPLES)
    return numpy.asarray(drawn[:, place], dtype=float)


def interval(values: Array, level: float = FIGURE) -> dict[str, float]:
    """The middle `level` of the resampled values. Not a number stays not a number: it never looks good."""
    if not numpy.isfinite(values).all():
        return {"low": math.nan, "high": math.nan}
    low, high = numpy.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return {"low": float(low), "high": float(high)}


def mean(values: Sequence[float], groups: Sequence[Hashable], seed: int) -> dict[str, float]:
    """A mean with its 95 % interval."""
    drawn, figures = resamples(groups, seed), numpy.array(values, dtype=float)
    return {"mean": float(figures.mean()), **interval(drawn @ figures / drawn.sum(1))}


def difference(
    ours: Sequence[float], theirs: Sequence[float], groups: Sequence[Hashable], seed: int
) -> dict[str, float]:
    """Mean of ours minus theirs, row by row, with its 90 % interval. Both are of the same rows."""
    gaps = numpy.array(ours, dtype=float) - numpy.array(theirs, dtype=float)
    drawn = resamples(groups, seed)
    return changed(float(gaps.mean()), drawn @ gaps / drawn.sum(1), len(gaps))


def ratio(ours: Sequence[float], theirs: Sequence[float], seed: int) -> dict[str, float]:
    """Mean of ours over mean of theirs, of the same rows, with its 90 % interval."""
    one, two = numpy.array(ours, dtype=float), numpy.array(theirs, dtype=float)
    drawn = resamples(range(len(one)), seed)
    found = (drawn @ one) / numpy.maximum(1e-9, drawn @ two)
    return {"ratio": float(one.sum() / max(1e-9, two.sum())), **interval(found, DIFFERENCE)}


def changed(value: float, resampled: Array, rows: int) -> dict[str, float]:
    """A difference between two models as the gate reads it."""
    return {"difference": value, **interval(resampled, DIFFERENCE), "rows": rows}
