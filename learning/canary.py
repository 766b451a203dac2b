"""Do people like the adapter on trial less than the live one? A sequential test on what they say and do.

Wald's probability ratio test on the difference of two means in information time (Wald 1945; Whitehead, "The
Design and Analysis of Sequential Clinical Trials", 1997): look as often as you like, and the share of wrong
decisions stays near `wrong_rollback` (rolled back though as good) and `wrong_promotion` (promoted though
worse by `margin`).

Each opinion is held against its person's own habit, because chats are given to one arm as a whole: whoever
never praises anything must not count against the arm that they happen to be in.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from learning.settings import CanarySettings
from storage.records import Role

HABIT_PRIOR = 4.0  # signals: how much everybody's mean counts beside a person's own past
VARIANCE_PRIOR = 10.0  # signals of variance 0.2 (a thumb that is up seven times in ten)
USUAL_VARIANCE = 0.2
Arm = Literal["canary", "live"]
Decision = Literal["promote", "roll back", "go on"]


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one person made of one reply: 1 liked it, 0 did not. `arm` None: from before the trial."""

    person: str
    role: Role
    value: float
    at: datetime
    arm: Arm | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """Where a trial stands. `difference`: canary minus live, in shares of liked replies, habits taken out."""

    decision: Decision
    words: str
    evidence: float  # log of how much likelier "worse by the margin" is than "as good"
    low: float  # at or below this evidence it is promoted
    high: float  # at or above, rolled back
    difference: float | None = None
    opinions: dict[Arm, int] | None = None  # that counted, by arm

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def weigh(opinions: Iterable[Opinion], settings: CanarySettings, *, last: bool = False) -> Finding:
    """What the opinions say so far. `last`: the trial's time is over, so the likelier of the two it is.

    Where hardly anybody is left on the live one (the owner's chats get the new one first, and there may be no
    others), it is the new one against what was thought of the twin before the trial.

    With nothing against it at the end, the gate's word stands: a quiet owner gets better replies, too.
    """
    low = math.log(settings.wrong_promotion / (1 - settings.wrong_rollback))
    high = math.log((1 - settings.wrong_promotion) / settings.wrong_rollback)
    heard = _heard(opinions, settings)
    arms: dict[Arm, list[Opinion]] = {
        arm: [one for one in heard if one.arm == arm] for arm in ("canary", "live")
    }
    if len(arms["live"]) < settings.min_opinions:  # whoever is left to compare with did so before the trial
        arms["live"] += [one for one in heard if one.arm is None]
    counts = {arm: len(ones) for arm, ones in arms.items()}
    if not all(counts.values()):
        words = f"Nobody has judged {' or '.join(arm for arm, count in counts.items() if not count)} yet."
        return Finding("promote" if last else "go on", words, 0.0, low, high, None, counts)
    habits = _habits(heard)
    measured = [_mean(ones, habits, settings) for ones in arms.values()]
    (ours, our_variance), (theirs, their_variance) = measured
    difference, information = ours - theirs, 1 / (our_variance + their_variance)
    evidence = -settings.margin * information * (difference + settings.margin / 2)
    enough = min(counts.values()) >= settings.min_opinions
    decision: Decision = "go on"
    if last:
        decision = "roll back" if evidence > 0 else "promote"
    elif enough and evidence <= low:
        decision = "promote"
    elif enough and evidence >= high:
        decision = "roll back"
    words = (
        f"{counts['canary']} opinions on the new one and {counts['live']} on the live one: {difference:+.0%} "
        f"liked, each person against their own habit (evidence against it {evidence:+.1f}: promoted at "
        f"{low:.1f}, rolled back at {high:.1f})."
    )
    return Finding(decision, words, evidence, low, high, difference, counts)


def _heard(opinions: Iterable[Opinion], settings: CanarySettings) -> list[Opinion]:
    """Those that count: the owner, the trainers, and whoever had judged replies before the trial began.

    An account that turns up in the middle of a trial has no say: sock puppets are made when they are needed.
    """
    everything = list(opinions)
    known = {one.person for one in everything if one.arm is None}
    return [
        one
        for one in everything
        if one.role is not Role.OTHER or (one.person in known and settings.other_weight)
    ]


def _habits(heard: Sequence[Opinion]) -> dict[str, float]:
    """What share of replies each person liked before the trial, drawn towards what everybody did."""
    before: defaultdict[str, list[float]] = defaultdict(list)
    for one in heard:
        if one.arm is None:
            before[one.person].append(one.value)
    past = [value for values in before.values() for value in values]
    everybody = sum(past) / len(past) if past else 0.5
    return {
        person: (HABIT_PRIOR * everybody + sum(before[person])) / (HABIT_PRIOR + len(before[person]))
        for person in {one.person for one in heard}
    }


def _mean(
    opinions: Sequence[Opinion], habits: dict[str, float], settings: CanarySettings
) -> tuple[float, float]:
    """The weighted mean of one arm, and its variance: of independent opinions or of people."""
    roles = {Role.OWNER: 1.0, Role.TRAINER: settings.trainer_weight, Role.OTHER: settings.other_weight}
    people: defaultdict[str, list[Opinion]] = defaultdict(list)
    for one in opinions:
        people[one.person].append(one)
    weights: dict[str, float] = {}
    for person, ones in people.items():
        capped = min(1.0, settings.per_person / len(ones)) if ones[0].role is not Role.OWNER else 1.0
        weights[person] = roles[ones[0].role] * capped
    total = sum(weights[one.person] for one in opinions)
    mean = sum(weights[one.person] * (one.value - habits[one.person]) for one in opinions) / total
    off = {person: [one.value - habits[person] - mean for one in ones] for person, ones in people.items()}
    squares = sum(value**2 for values in off.values() for value in values)
    spread = (VARIANCE_PRIOR * USUAL_VARIANCE + squares) / (VARIANCE_PRIOR + len(opinions))
    apart = spread * sum(weights[one.person] ** 2 for one in opinions) / total**2
    together = sum((weights[person] * sum(values)) ** 2 for person, values in off.items()) / total**2
    return mean, max(apart, together)
