"""What does a report say of one model? Every figure with its interval."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from learning.evaluation.authorship import Authorship
from learning.evaluation.likelihood import change, nll, preference, separation
from learning.evaluation.likeness import likeness, scores
from learning.evaluation.material import Material
from learning.evaluation.measured import Measured
from learning.evaluation.memory import exposure
from learning.evaluation.questions import share
from learning.evaluation.style import EMOJI, Reference, distances
from learning.evaluation.uncertainty import mean
from learning.evaluation.variety import variety
from learning.evaluation.wilson import wilson

Figures = dict[str, Any]


def figures(
    measured: Measured,
    base: Measured,
    material: Material,
    reference: Reference | None,
    authorship: Authorship | None,
    seed: int,
) -> Figures:
    """By name what was found; None for what there was nothing to find out from."""
    moved = change(measured.owner, base.owner, seed)
    return {
        "nll": nll(measured.owner, seed),
        "from_base": moved["mean"],
        "from_base_low": moved["low"],
        "from_base_high": moved["high"],
        "preference": preference(
            measured.chosen, measured.rejected, seed, [row["conversation"] for row in material.pairs]
        ),
        "thumbs": separation(measured.thumbs, [bool(row["label"]) for row in material.thumbs], seed),
        "style": habits(measured.replies, seed),
        "distances": distances(reference, measured.replies, seed) if reference else None,
        "likeness": likeness(scores(material.answers, measured.replies), seed),
        "authorship": authorship.similarity(material.owner_before, measured.replies, seed)
        if authorship
        else None,
        "variety": variety(measured.replies, seed),
        "capability": share(material.capability, measured.capability),
        "safety": share(material.safety, measured.safety),
        "canaries": exposure(_gains(measured, base, material), measured.said),
        "recited": _recited(measured),
        "benchmarks": measured.benchmarks,
        "samples": measured.replies,
    }


HABITS: dict[str, Callable[[str], float]] = {
    "characters": len,
    "lower_case": lambda reply: reply == reply.lower(),
    "full_stop": lambda reply: reply.endswith("."),
    "emoji": lambda reply: bool(EMOJI.search(reply)),
    "lines": lambda reply: 1 + reply.count("\n"),
}


def habits(replies: Sequence[str], seed: int) -> Figures | None:
    """Habits that can be counted: the mean of each over replies, with its 95 % interval."""
    if not replies:
        return None
    found: Figures = {}
    for name, count in HABITS.items():
        spread = mean([count(reply) for reply in replies], range(len(replies)), seed)
        found |= {name: spread["mean"], f"{name}_low": spread["low"], f"{name}_high": spread["high"]}
    return found


def owner_habits(material: Material, seed: int) -> Figures | None:
    return habits([row["completion"][0]["content"] for row in material.test], seed)


def _gains(measured: Measured, base: Measured, material: Material) -> dict[str, list[float]]:
    gains = iter(ours - bare for ours, bare in zip(measured.canaries, base.canaries, strict=True))
    return {kind: [next(gains) for _ in texts] for kind, texts in material.canaries.items()}


def _recited(measured: Measured) -> Figures | None:
    if not measured.recited:
        return None
    said, asked = sum(measured.recited), len(measured.recited)
    return {"share": said / asked, **wilson(said, asked), "texts": asked}
