"""How does the candidate differ from the live one? Row by row on the same rows: what the gate judges."""

from __future__ import annotations

from typing import Any

from learning.evaluation.figures import Figures
from learning.evaluation.likelihood import margins, nll_rise, preference_change, separation_change
from learning.evaluation.likeness import likeness_change, scores
from learning.evaluation.material import Material
from learning.evaluation.measured import Measured
from learning.evaluation.questions import held, kept
from learning.evaluation.style import Reference, drift
from learning.evaluation.uncertainty import difference, ratio
from learning.evaluation.variety import is_loop


def compared(
    ours: Measured,
    theirs: Measured,
    base: Measured,
    material: Material,
    reference: Reference | None,
    seed: int,
) -> dict[str, Figures | None]:
    """By axis {difference, low, high, rows}, ours minus theirs; None for what cannot be compared."""
    owner = material.answers
    conversations = [row["conversation"] for row in material.pairs]
    one, two = margins(ours.chosen, ours.rejected), margins(theirs.chosen, theirs.rejected)
    replies = range(len(ours.replies))
    return {
        "nll": nll_rise(ours.owner, theirs.owner, seed),
        "preference": preference_change(one, two, conversations, seed),
        "margin": difference(one, two, conversations, seed) if one else None,
        "thumbs": separation_change(
            ours.thumbs, theirs.thumbs, [bool(row["label"]) for row in material.thumbs], seed
        ),
        "style": drift(reference, ours.replies, theirs.replies, seed) if reference and replies else None,
        "likeness": likeness_change(scores(owner, ours.replies), scores(owner, theirs.replies), seed),
        "loops": _shares(
            [is_loop(said) for said in ours.replies], [is_loop(said) for said in theirs.replies], seed
        ),
        "length": ratio([len(said) for said in ours.replies], [len(said) for said in theirs.replies], seed)
        if replies
        else None,
        "capability": kept(ours.capability, theirs.capability, base.capability, seed),
        "safety": held(ours.safety, theirs.safety, base.safety, seed),
        "recited": _shares(ours.recited, theirs.recited, seed),
    }


def _shares(ours: list[bool], theirs: list[bool], seed: int) -> dict[str, Any] | None:
    return difference(ours, theirs, range(len(ours)), seed) if ours else None
