"""Can a classifier tell the twin's replies from the owner's, to the same prompts? 0.5: it cannot.

Letters in a row and logistic regression: long strong at telling authors apart (Stamatatos 2013).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from learning.evaluation.uncertainty import changed, interval, resamples

FOLDS = 4
MIN_PAIRS = 12

Figures = dict[str, Any]
Scores = tuple[Any, Any]  # how much like the owner each of the owner's and of the twin's replies looks


def scores(owner: Sequence[str], twin: Sequence[str]) -> Scores | None:
    """Out-of-fold scores of both, in the order given; None where there is too little.

    Rows come in the order of time, and a fold is a stretch of time: neighbours, which resemble one another,
    never stand on both sides. The two replies to one prompt stay in the same fold.
    """
    if len(owner) < MIN_PAIRS:
        return None
    found = numpy.zeros((2, len(owner)))
    for fold in numpy.array_split(numpy.arange(len(owner)), FOLDS):
        known = numpy.setdiff1d(numpy.arange(len(owner)), fold)
        texts = [side[place] for side in (owner, twin) for place in known]
        reader = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), sublinear_tf=True, lowercase=False)
        try:
            seen = reader.fit_transform(texts)
        except ValueError:  # nothing was said at all: no word in any reply
            return None
        judge = LogisticRegression(C=10.0, max_iter=200).fit(seen, [1] * len(known) + [0] * len(known))
        for side, replies in enumerate((owner, twin)):
            found[side, fold] = judge.decision_function(reader.transform([replies[place] for place in fold]))
    return found[0], found[1]


def likeness(found: Scores | None, seed: int) -> Figures | None:
    """The AUC with its 95 % interval over prompts."""
    if found is None:
        return None
    aucs = _aucs(found, seed)
    return {"auc": float(aucs[0]), **interval(aucs[1:]), "rows": len(found[0])}


def likeness_change(ours: Scores | None, theirs: Scores | None, seed: int) -> Figures | None:
    """How much easier we are to tell from the owner than they are; the same prompts, resampled together."""
    if ours is None or theirs is None:
        return None
    gaps = _aucs(ours, seed) - _aucs(theirs, seed)
    return changed(float(gaps[0]), gaps[1:], len(ours[0]))


def _aucs(found: Scores, seed: int) -> Any:
    owner, twin = found
    wins = (owner[:, None] > twin[None, :]) + (owner[:, None] == twin[None, :]) / 2
    drawn = numpy.vstack([numpy.ones(len(owner)), resamples(range(len(owner)), seed)])
    return ((drawn @ wins) * drawn).sum(1) / drawn.sum(1) ** 2
