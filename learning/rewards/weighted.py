"""How do the rewards come together? A table of every term for every reply, and its weighted mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from learning.rewards import audience, invention, length, punctuation, repetition, stance, vocabulary
from learning.rewards.profile import Profile
from learning.rewards.reply import Reply

Term = Callable[[Reply, Any, Sequence[Reply]], float]
"""A reply, the reward's own part of the profile, and what else the twin said lately -> 0 to 1."""

TERMS: dict[str, Term] = {
    "length": length.reward,
    "vocabulary": vocabulary.reward,
    "punctuation": punctuation.reward,
    "audience": audience.reward,
    "stance": stance.reward,
    "invention": invention.reward,
    "repetition": repetition.reward,
}
LATELY = 256  # replies that a new one is compared with


def scored(reply: Reply, profile: Profile, lately: Sequence[Reply] = ()) -> dict[str, float]:
    """Every term of one reply. Who says nothing has earned nothing: all are 0 then."""
    if not reply.text.strip():
        return dict.fromkeys(TERMS, 0.0)
    return {name: term(reply, getattr(profile, name), lately) for name, term in TERMS.items()}


def table(
    replies: Sequence[Reply], profile: Profile, earlier: Sequence[Reply] = ()
) -> list[dict[str, float]]:
    """Every term of every reply of one policy, each held against the others, but those to its own prompt."""
    found = []
    for reply in replies:
        asked = (reply.told, reply.heard)
        others = [one for one in (*earlier, *replies) if (one.told, one.heard) != asked]
        found.append(scored(reply, profile, others[-LATELY:]))
    return found


def total(terms: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """From 0 to 1: the mean of the terms by their weights; a term that was not measured does not count."""
    counted = {name: weight for name, weight in weights.items() if name in terms}
    return sum(weight * terms[name] for name, weight in counted.items()) / sum(counted.values())
