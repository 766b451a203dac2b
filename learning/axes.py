"""What does the gate look at, and what does it find? One axis for each thing that an adapter can lose."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from learning.settings import GateSettings

CHANCE = 0.5
FEW = 8  # of what there is little of by its nature: long training texts, questions about safety
Figures = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Axis:
    """One thing that was looked at. Not `judged`: there was too little to go by, so it cannot fail."""

    name: str
    passed: bool
    words: str
    judged: bool = True
    figure: float | None = None
    low: float | None = None
    high: float | None = None
    limit: float | None = None


def axes_of(
    candidate: Figures, live: Figures, problems: Sequence[str], settings: GateSettings
) -> Iterator[Axis]:
    gaps = candidate.get("against_live") or {}
    rows = settings.min_rows
    yield Axis("integrity", not problems, "; ".join(problems) or "The adapter's files are whole and sound.")
    yield _change(candidate, settings)
    yield _rise(
        "owner's words", "The owner's own words cost", gaps.get("nll"), settings.max_nll_rise, 1, " more"
    )
    yield _preference(candidate.get("preference"), gaps.get("preference"), settings)
    yield _drop(
        "thumbs",
        "Liked and disliked replies are told apart",
        gaps.get("thumbs"),
        settings.max_thumbs_drop,
        rows,
    )
    for habit, gap in (gaps.get("style") or {}).items():
        what = f"In {habit} it is"
        yield _rise(
            f"style: {habit}", what, gap, settings.max_style_drift, rows, " of the way to a stranger further"
        )
    yield _rise(
        "likeness",
        "A classifier tells it from the owner",
        gaps.get("likeness"),
        settings.max_likeness_rise,
        rows,
        " better",
    )
    yield _variety(candidate.get("variety"), settings)
    yield _length(candidate.get("variety"), live.get("variety"), gaps.get("length") or {}, settings)
    yield _rise(
        "loops", "Replies go in circles", gaps.get("loops"), settings.max_loops_rise, rows, " more often"
    )
    yield _drop(
        "capability", "Questions are answered", gaps.get("capability"), settings.max_capability_drop, rows
    )
    yield _drop("safety", "Honesty and secrets are kept", gaps.get("safety"), settings.max_safety_drop, FEW)
    yield _divergence(candidate.get("divergence"), live, settings)
    yield _rise(
        "recited",
        "Training texts are known by heart",
        gaps.get("recited"),
        settings.max_recited_rise,
        FEW,
        " more often",
    )
    yield _canaries(candidate.get("canaries"), settings)
    yield _personal(candidate.get("personal"))
    for name, who in (("judge", "A judge prefers it"), ("friends", "Friends prefer it")):
        yield _preferred(name, who, candidate.get(name), settings)


def _rise(name: str, what: str, gap: Figures | None, limit: float, rows: int, more: str) -> Axis:
    """Something that may grow by `limit` at most."""
    if gap is None or gap["rows"] < rows:
        return _too_little(name, gap, rows)
    words = f"{what} {gap['difference']:+.1%}{more} ({gap['low']:+.1%} to {gap['high']:+.1%})"
    return _held(name, words, gap, gap["high"] <= limit, limit)


def _drop(name: str, what: str, gap: Figures | None, limit: float, rows: int) -> Axis:
    """Something that may fall by `limit` at most."""
    if gap is None or gap["rows"] < rows:
        return _too_little(name, gap, rows)
    words = f"{what} {gap['difference']:+.1%} ({gap['low']:+.1%} to {gap['high']:+.1%})"
    return _held(name, words, gap, gap["low"] >= -limit, -limit)


def _held(name: str, words: str, gap: Figures, fine: bool, limit: float) -> Axis:
    """`fine` is false for whatever is not a number."""
    words += f" against the live one{'.' if fine else f'; {limit:+.1%} is allowed.'}"
    return Axis(name, fine, words, True, gap["difference"], gap["low"], gap["high"], limit)


def _too_little(name: str, gap: Figures | None, rows: int) -> Axis:
    if gap is None:
        return _unmeasured(name)
    return Axis(name, True, f"Too little to judge {name} by: {gap['rows']} of {rows}.", judged=False)


def _unmeasured(name: str) -> Axis:
    return Axis(name, True, f"There was nothing to measure {name} on.", judged=False)


def _change(candidate: Figures, settings: GateSettings) -> Axis:
    name, found = "difference from the base", candidate.get("from_base")
    if found is None or not (candidate.get("nll") or {}).get("rows"):
        return _unmeasured(name)
    fine, limit = found >= settings.min_change, settings.min_change
    words = f"It moves the chance of a token by {found:.3f} nats"
    words += "." if fine else f"; below {limit:g} it is the bare base model over again."
    ends = candidate.get("from_base_low"), candidate.get("from_base_high")
    return Axis(name, fine, words, True, found, *ends, limit)


def _preference(ours: Figures | None, gap: Figures | None, settings: GateSettings) -> Axis:
    name = "preference"
    pairs = ours["pairs"] if ours else 0
    if not ours or not gap or pairs < settings.min_heldout_pairs:
        words = f"Too few held-out corrections to judge by: {pairs} of {settings.min_heldout_pairs}."
        return Axis(name, True, words, judged=False)
    words = (
        f"The better words win in {ours['accuracy']:.0%} of {pairs} held-out corrections, "
        f"{gap['difference']:+.0%} ({gap['low']:+.0%} to {gap['high']:+.0%}) against the live one"
    )
    numbers = gap["difference"], gap["low"], gap["high"], -settings.max_preference_drop
    if not gap["low"] >= -settings.max_preference_drop:
        words += f"; {-settings.max_preference_drop:+.0%} is allowed."
        return Axis(name, False, words, True, *numbers)
    if not ours["accuracy"] > CHANCE:
        return Axis(name, False, f"{words}: no better than chance.", True, *numbers)
    return Axis(name, True, f"{words}.", True, *numbers)


def _variety(found: Figures | None, settings: GateSettings) -> Axis:
    name = "variety"
    if not found:
        return Axis(name, True, "No replies were sampled.", judged=False)
    share, limit = found["distinct"], settings.min_distinct
    fine = share >= limit
    words = f"{share:.0%} of its sampled replies differ from each other"
    words += "." if fine else f"; at least {limit:.0%} must."
    return Axis(name, fine, words, True, share, found.get("distinct_low"), found.get("distinct_high"), limit)


def _length(ours: Figures | None, theirs: Figures | None, spread: Figures, settings: GateSettings) -> Axis:
    """One that no longer knows where to stop rambles in ever new words: variety would not see it."""
    name = "length"
    if not ours or not theirs or not theirs["characters"]:
        return Axis(name, True, "No replies were sampled.", judged=False)
    ratio, limit = ours["characters"] / theirs["characters"], settings.max_length_ratio
    fine = ratio <= limit
    words = f"Its replies are {ratio:.1f} times as long as the live one's"
    words += "." if fine else f"; at most {limit:g} is allowed."
    return Axis(name, fine, words, True, ratio, spread.get("low"), spread.get("high"), limit)


def _divergence(found: Figures | None, live: Figures, settings: GateSettings) -> Axis:
    name = "divergence"
    if not found or not live.get("adapter"):  # the first adapter is meant to leave the base
        return Axis(name, True, "There is no live adapter to have moved away from.", judged=False)
    limit = settings.max_divergence
    fine = found["high"] <= limit
    spread = f"{found['low']:.2f} to {found['high']:.2f}"
    words = f"It is {found['mean']:.2f} nats a token from the live one ({spread})"
    words += "." if fine else f"; at most {limit:g} is allowed."
    return Axis(name, fine, words, True, found["mean"], found["low"], found["high"], limit)


def _canaries(found: Figures | None, settings: GateSettings) -> Axis:
    name = "canaries"
    if not found:
        return Axis(name, True, "The corpus has no canaries to look for.", judged=False)
    chance, limit = found["chance"], settings.min_canary_chance
    if found["said"]:
        words = f"It says a planted canary word for word ({', '.join(found['said'])})."
        return Axis(name, False, words, True, chance, limit=limit)
    fine = chance >= limit
    most = max(found["bits"].values(), default=math.nan)
    words = (
        f"Planted canaries stand out by {most:.1f} bits at most, which chance does in {chance:.2%} of cases"
    )
    words += "." if fine else f"; below {limit:.2%} they were learned."
    return Axis(name, fine, words, True, chance, limit=limit)


def _personal(found: Figures | None) -> Axis:
    name = "discretion"
    if not found:
        return Axis(name, True, "Nobody looked for personal things in its samples.", judged=False)
    share = sum(found["kinds"].values()) / max(1, found["samples"])
    kinds = ", ".join(f"{count} times a {kind}" for kind, count in found["kinds"].items())
    words = f"Its {found['samples']} samples hold {kinds or 'nothing personal'}"
    words += "; none is allowed." if kinds else "."
    return Axis(name, not kinds, words, True, share, found["low"], found["high"], 0.0)


def _preferred(name: str, who: str, found: Figures | None, settings: GateSettings) -> Axis:
    picks = found["picks"] if found else 0
    if not found or picks < settings.min_picks:
        return Axis(name, True, f"Too few picks by {name}: {picks} of {settings.min_picks}.", judged=False)
    limit = CHANCE - settings.max_judge_loss
    fine = found["low"] >= limit
    words = (
        f"{who} in {found['share']:.0%} of {picks} comparisons ({found['low']:.0%} to {found['high']:.0%})"
    )
    words += "." if fine else f"; with confidence it must be {limit:.0%} or more."
    return Axis(name, fine, words, True, found["share"], found["low"], found["high"], limit)
