"""What can be talked about? Reads topics.txt and exchanges.txt into topics that give a few turns each."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass
from functools import cache

from learning.pocket.grammar import expand, fill
from learning.pocket.words import Words, sections

Exchange = tuple[str, str]  # what a friend writes, what is answered


@dataclass(frozen=True, slots=True)
class Topic:
    """Turns as templates; `question` asks later for what was told, `unknown` answers it when nothing was."""

    name: str
    weight: float
    exchanges: tuple[Exchange, ...]
    question: str = ""
    answer: str = ""
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class Catalogue:
    topics: tuple[Topic, ...]
    for_anyone: tuple[Exchange, ...]
    for_bare: tuple[Exchange, ...]  # asked of the model without a card
    for_twin: tuple[Exchange, ...]  # asked of somebody's twin; "$owner" is whose


class Told:
    """What one conversation has told so far, so that it can be asked again."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._memory: dict[str, tuple[Topic, Words]] = {}

    def turns(self, topic: Topic) -> list[Exchange]:
        """Talk about a topic, and remember what was told."""
        words = Words(self._chance)
        if topic.question:
            self._memory[topic.name] = topic, words
        return [(self._say(said, words), self._say(answer, words)) for said, answer in topic.exchanges]

    @property
    def something(self) -> bool:
        return bool(self._memory)

    def ask_again(self) -> list[Exchange]:
        """Ask for something that was told."""
        topic, words = self._chance.choice(list(self._memory.values()))
        return [(self._say(topic.question, words), self._say(topic.answer, words))]

    def ask_in_vain(self) -> list[Exchange]:
        """Ask for something that nobody told."""
        never = [topic for topic in catalogue().topics if topic.unknown and topic.name not in self._memory]
        topic = self._chance.choice(never)
        words = Words(self._chance)
        return [(self._say(topic.question, words), self._say(topic.unknown, words))]

    def _say(self, template: str, words: Words) -> str:
        return fill(expand(template, self._chance), words)


@cache
def catalogue() -> Catalogue:
    by_audience = {
        heading: tuple(_exchange(line) for line in body) for heading, body in sections("exchanges.txt")
    }
    return Catalogue(
        topics=tuple(itertools.starmap(_topic, sections("topics.txt"))),
        for_anyone=by_audience["anyone"],
        for_bare=by_audience["bare"],
        for_twin=by_audience["twin"],
    )


def _exchange(line: str) -> Exchange:
    said, answer = line.split(" | ")
    return said, answer


def _topic(heading: str, body: list[str]) -> Topic:
    name, weight = heading.split(", ")
    by_mark: dict[str, list[str]] = {mark: [] for mark in "<>?!~"}
    for line in body:
        by_mark[line[0]].append(line[2:])
    return Topic(
        name,
        float(weight),
        tuple(zip(by_mark["<"], by_mark[">"], strict=True)),
        *("".join(by_mark[mark]) for mark in "?!~"),
    )
