"""Where does each kind of feedback go, and how much does it weigh? Pure functions and one table; no torch.

Reasons and sources: docs/decisions/0011-where-each-signal-goes.md.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from storage.records import Feedback, Role, Signal


class Place(StrEnum):
    """What a signal becomes; the value is the name of the file that holds it."""

    PAIR = "pairs"  # better words against the reply: DPO
    DEMONSTRATION = "demonstrations"  # the better words alone: DPO's sft term
    THUMB = "thumbs"  # one reply, liked or not: KTO
    HINDSIGHT = "hindsight"  # one reply and what somebody said about it afterwards


@dataclass(frozen=True, slots=True)
class Route:
    """`label`: what a thumb says. `sampled`: fresh replies of the live model are beaten as well."""

    places: tuple[Place, ...]
    label: bool | None = None
    sampled: bool = False


ROUTES: Mapping[Signal, Route] = {
    # The owner's own words, meant as an example: everything can be learned from them.
    Signal.CORRECTION: Route((Place.PAIR, Place.DEMONSTRATION), sampled=True),
    # The owner's own words too, but maybe about something else: only that they are better.
    Signal.TAKEOVER: Route((Place.PAIR,)),
    # Both are the twin's: one is better than the other, neither need be good.
    Signal.CHOICE: Route((Place.PAIR,)),
    Signal.UP: Route((Place.THUMB,), label=True),
    Signal.DOWN: Route((Place.THUMB,), label=False),
    Signal.COMPLAINT: Route((Place.HINDSIGHT,), label=False),
}
WITHOUT_WORDS = {Signal.COMPLAINT: ROUTES[Signal.DOWN]}

SMALL_EDIT = 0.3  # share of the reply; below it DPO alone makes both versions unlikely (Smaug, 2402.13228)
SMALL_EDIT_WEIGHT = 2.0  # of the demonstration beside such a pair; beside others it is 1
WEIGHTIEST = 4.0  # thumbs of one kind may be so rare that balancing them would shout

T = TypeVar("T")


def route(feedback: Feedback) -> Route:
    """Where this signal goes. Words that say nothing are no words."""
    if not (feedback.text or "").strip():
        return WITHOUT_WORDS.get(feedback.kind, ROUTES[feedback.kind])
    return ROUTES[feedback.kind]


def weight(
    feedback: Feedback, newest: datetime, role_weights: Mapping[Role, float], half_life_days: float | None
) -> float:
    """By role and age, 0 to 1. The age is counted from the newest signal, so a pause makes nothing weaker."""
    by_role = role_weights.get(feedback.role, 0.0)
    if half_life_days is None:
        return by_role
    days = max(0.0, (newest - feedback.given_at).total_seconds() / 86400)
    return by_role * float(0.5 ** (days / half_life_days))


def edit_ratio(reply: str, better: str) -> float:
    """How much of a reply a correction changes: 0 nothing, 1 everything."""
    return 1 - difflib.SequenceMatcher(None, reply, better, autojunk=False).ratio()


def demonstration_weight(reply: str, better: str) -> float:
    return SMALL_EDIT_WEIGHT if edit_ratio(reply, better) < SMALL_EDIT else 1.0


def capped(items: Sequence[T], keys: Iterable[Hashable], most: int) -> list[T]:
    """At most so many items of each key, in their order; `items` are oldest first, and the newest stay."""
    seen: Counter[Hashable] = Counter()
    kept = []
    for item, key in zip(reversed(items), reversed(list(keys)), strict=True):
        seen[key] += 1
        if seen[key] <= most:
            kept.append(item)
    return kept[::-1]


def thumb_weights(likes: int, dislikes: int) -> tuple[float, float]:
    """KTO's weights for likes and dislikes: weight x number is the same on both sides (TRL: 1 to 4/3 to 1).

    The rarer side is raised by at most WEIGHTIEST; what is then missing is taken from the other side.
    """
    if not likes or not dislikes:
        return 1.0, 1.0
    if likes < dislikes:
        raised = min(WEIGHTIEST, dislikes / likes)
        return raised, raised * likes / dislikes
    raised = min(WEIGHTIEST, likes / dislikes)
    return raised * dislikes / likes, raised


QUOTED = re.compile(r"(?<!\w)[\"'“”„‘«»`](.{1,60}?)[\"'“”’«»`](?!\w)")


def complained_about(complaint: str, reply: str) -> list[tuple[int, int]]:
    """Where in the reply are the words that the complaint quotes? Half-open ranges of characters."""
    found = []
    for words in dict.fromkeys(match.strip() for match in QUOTED.findall(complaint)):
        if words:
            pattern = rf"(?<!\w){re.escape(words)}(?!\w)" if words[0].isalnum() else re.escape(words)
            found += [match.span() for match in re.finditer(pattern, reply, re.IGNORECASE)]
    return sorted(found)
