"""What does the pocket model read? Invented small talk, with a twin's card, in groups, in many styles."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache
from itertools import accumulate

from learning.pocket.card import InventedTwin
from learning.pocket.style import PLAIN, invent, type_fast, write
from learning.pocket.topics import Catalogue, Exchange, Told, Topic, catalogue
from learning.pocket.words import Words, column
from storage.records import ChatTurn

HAND_WRITTEN = 0.33  # share of the talk that comes from exchanges.txt; the rest from topics.txt
STYLED = 0.55  # share of the dialogues in somebody's own manner, so that an adapter only has to choose one
MOST_EXCHANGES = 10


def invent_dialogues(count: int, seed: int) -> Iterator[list[ChatTurn]]:
    """Dialogues as `brain.prompt.compose` shapes them, answers included; the same ones for a seed."""
    chance = random.Random(seed)
    for _ in range(count):
        yield invent_dialogue(chance)


def invent_dialogue(chance: random.Random) -> list[ChatTurn]:
    twin = InventedTwin(chance) if chance.random() < 0.6 else None
    exchanges = _talk(twin, chance)[:MOST_EXCHANGES]
    style = invent(chance) if chance.random() < STYLED else PLAIN
    friends = _friends(chance)
    turns: list[ChatTurn] = [{"role": "system", "content": twin.card}] if twin else []
    for said, answer in exchanges:
        turns.append({"role": "user", "content": _heard(said, friends, chance)})
        turns.append({"role": "assistant", "content": write(answer, style, chance)})
    return turns


def _talk(twin: InventedTwin | None, chance: random.Random) -> list[Exchange]:
    known, told = catalogue(), Told(chance)
    talk: list[Exchange] = []
    if twin:
        talk += [twin.question() for _ in range(chance.choices([0, 1, 2, 3], [3, 3, 2, 1])[0])]
        if chance.random() < 0.2:
            talk.append(twin.about_being_one(chance.choice(known.for_twin)))
    elif chance.random() < 0.2:
        talk.append(chance.choice(known.for_bare))
    for _ in range(chance.choices([0, 1, 2, 3, 7], [1, 4, 3, 2, 0.4])[0] or not talk):
        talk += _something(known, told, chance)
    if told.something:
        talk += [turn for _ in range(chance.choice([0, 1, 1, 2])) for turn in told.ask_again()]
    elif chance.random() < 0.06:
        talk += told.ask_in_vain()
    return talk


def _something(known: Catalogue, told: Told, chance: random.Random) -> list[Exchange]:
    if chance.random() < HAND_WRITTEN:
        return [chance.choice(known.for_anyone)]
    topics, weights = _weighted_topics()
    return told.turns(chance.choices(topics, cum_weights=weights)[0])


@cache
def _weighted_topics() -> tuple[tuple[Topic, ...], list[float]]:
    topics = catalogue().topics
    return topics, list(accumulate(topic.weight for topic in topics))


def _friends(chance: random.Random) -> list[str]:
    """Nobody's name in a talk between two; two or three names where several people speak."""
    if chance.random() < 0.85:
        return []
    return [Words(chance)("name") for _ in range(chance.choice([2, 2, 3]))]


def _heard(said: str, friends: list[str], chance: random.Random) -> str:
    """One turn of the others: the line to answer, at times after a short one, with names in a group."""
    lines = [type_fast(said, chance)]
    if chance.random() < (0.5 if friends else 0.05):
        lines.insert(0, chance.choice(column("chatter")))
    if friends:
        lines = [f"{chance.choice(friends)}: {line}" for line in lines]
    return "\n".join(lines)
