"""A made-up life of any length for benchmarks/memory.py: who said what for whom, and questions about it.

Words are as frequent as in real language (Zipf). A quarter is the owner's own, a tenth is public, the rest
lies in 500 chats, a few of which are busy. What is asked about was said at the very beginning: all the rest
is newer.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice

import numpy

from storage.records import Message

VOCABULARY = 60_000
CHATS = 500
QUESTIONS = 200
SMALL_TALK = ("do", "you", "still", "know", "what", "I", "told", "you", "about", "the", "and")
START = datetime(2018, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and the key of the memory that answers it."""

    question: Message
    key: str


@dataclass
class World:
    seed: int = 7
    said: int = 0
    asked: list[Asked] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._chance = numpy.random.default_rng(self.seed)
        letters = random.Random(self.seed)
        size = [4 + number % 6 for number in range(VOCABULARY)]
        made = ("".join(letters.choices("abcdefghijklmnoprstuvz", k=one)) for one in size)
        self.words = numpy.array([*SMALL_TALK, *islice(made, VOCABULARY - len(SMALL_TALK))])
        frequency = 1 / numpy.arange(1, VOCABULARY + 1)
        self._frequency = frequency / frequency.sum()
        chats = [f"telegram:{1000 + number}" for number in range(CHATS)]
        busy = 1 / numpy.arange(1, CHATS + 1)
        self.audiences = ["owner", "public", *chats]
        self._shares = numpy.array([0.25, 0.1, *(0.65 * busy / busy.sum())])

    def go_on(self, until: int) -> Iterator[list[tuple[str, str, datetime, str]]]:
        """Key, audience, time and text, some thousands at a time, until so many were said."""
        while self.said < until:
            count = min(20_000, until - self.said)
            lengths = self._chance.integers(5, 25, count)
            words = self.words[self._chance.choice(VOCABULARY, lengths.sum(), p=self._frequency)]
            audiences = self._chance.choice(len(self.audiences), count, p=self._shares)
            ends = numpy.cumsum(lengths)
            some = []
            for number in range(count):
                text = list(words[ends[number] - lengths[number] : ends[number]])
                audience, key = self.audiences[audiences[number]], f"memory-{self.said}"
                if len(self.asked) < QUESTIONS:
                    text += self._ask(key, audience, text)
                at = START + timedelta(minutes=self.said)
                some.append((key, audience, at, " ".join(text)))
                self.said += 1
            yield some

    def _ask(self, key: str, audience: str, text: list[str]) -> list[str]:
        """Three words, none of them rare, are what somebody remembers of it, among others, when they ask."""
        known = [str(self.words[rank]) for rank in self._chance.integers(100, 3000, 3)]
        question = [str(self.words[rank]) for rank in self._chance.integers(0, 60, 4)]
        question = [*SMALL_TALK, known[0], *question, known[1], known[2]]
        owner = audience == "owner"
        place = audience if ":" in audience else f"telegram:{1 if owner else 1000 + len(self.asked)}"
        platform, _, chat = place.partition(":")
        self.asked.append(
            Asked(
                Message(
                    key=f"question-{key}",
                    platform=platform,
                    chat_id=chat,
                    author_id="sam" if owner else "ana",
                    author_name="Ana",
                    text=" ".join(question) + "?",
                    sent_at=START + timedelta(days=3000),
                    private=True,
                    by_owner=owner,
                ),
                key,
            )
        )
        return known
