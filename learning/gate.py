"""May a candidate go live? A pure function of what was measured; every reason is a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from learning.settings import GateSettings

CHANCE = 0.5
Figures = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Axis:
    """One thing that was looked at. Not `judged`: there was too little to go by, so it cannot fail."""

    name: str
    passed: bool
    words: str
    judged: bool = True


@dataclass(frozen=True, slots=True)
class Verdict:
    passed: bool
    reasons: tuple[str, ...]  # why not; what was found where it passed
    axes: tuple[Axis, ...]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def judge(candidate: Figures, live: Figures, problems: Sequence[str], settings: GateSettings) -> Verdict:
    """Hold the candidate's figures against the live adapter's (or the base model's, where none is live)."""
    axes = (
        _integrity(problems),
        _owner_words(candidate.get("nll"), live.get("nll"), settings),
        _preference(candidate.get("preference"), live.get("preference"), settings),
        _variety(candidate.get("style"), settings),
        _length(candidate.get("style"), live.get("style"), settings),
    )
    failed = tuple(axis.words for axis in axes if not axis.passed)
    return Verdict(not failed, failed or tuple(axis.words for axis in axes if axis.judged), axes)


def _integrity(problems: Sequence[str]) -> Axis:
    return Axis("integrity", not problems, "; ".join(problems) or "The adapter's files are whole and sound.")


def _owner_words(ours: Figures | None, theirs: Figures | None, settings: GateSettings) -> Axis:
    name = "owner's words"
    if not ours or not theirs:
        return Axis(name, True, "There is no held-out text by the owner to measure on.", judged=False)
    rise = ours["mean"] / theirs["mean"] - 1 if theirs["mean"] else 0.0
    words = (
        f"The owner's words cost {ours['mean']:.3f} nats a token, {rise:+.1%} against {theirs['mean']:.3f}"
    )
    fine = rise <= settings.max_nll_rise  # false for NaN as well
    return Axis(
        name, fine, f"{words}{'.' if fine else f'; at most {settings.max_nll_rise:+.1%} is allowed.'}"
    )


def _preference(ours: Figures | None, theirs: Figures | None, settings: GateSettings) -> Axis:
    name = "preference"
    pairs = ours["pairs"] if ours else 0
    if not ours or not theirs or pairs < settings.min_heldout_pairs:
        words = f"Too few held-out corrections to judge by: {pairs} of {settings.min_heldout_pairs}."
        return Axis(name, True, words, judged=False)
    before, after = theirs["accuracy"], ours["accuracy"]
    words = f"The better words win in {after:.0%} of {pairs} held-out corrections, {before:.0%} before"
    if not after >= before - settings.max_preference_drop:
        return Axis(name, False, f"{words}: fewer than the live one.")
    if not after > CHANCE:
        return Axis(name, False, f"{words}: no better than chance.")
    return Axis(name, True, f"{words}.")


def _variety(style: Figures | None, settings: GateSettings) -> Axis:
    name = "variety"
    if not style:
        return Axis(name, True, "No replies were sampled.", judged=False)
    fine = style["distinct"] >= settings.min_distinct
    words = f"{style['distinct']:.0%} of its sampled replies differ from each other"
    return Axis(name, fine, f"{words}{'.' if fine else f'; at least {settings.min_distinct:.0%} must.'}")


def _length(ours: Figures | None, theirs: Figures | None, settings: GateSettings) -> Axis:
    """One that no longer knows where to stop rambles in ever new words: variety would not see it."""
    name = "length"
    if not ours or not theirs or not theirs["characters"]:
        return Axis(name, True, "No replies were sampled.", judged=False)
    ratio = ours["characters"] / theirs["characters"]
    words = f"Its replies are {ratio:.1f} times as long as the live one's"
    fine = ratio <= settings.max_length_ratio
    return Axis(
        name, fine, f"{words}{'.' if fine else f'; at most {settings.max_length_ratio:g} is allowed.'}"
    )
