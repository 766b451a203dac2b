"""Does it write like the owner? Distances on several habits, between what is the best and what is a stranger.

Each is a distance of distributions. Raw ones say little, so each is put on a scale: 0 is how far the owner's
own earlier words are from their later ones (the ceiling of likeness), 1 is how far other people are.
Function words: Mosteller and Wallace 1964; letters: Kešelj 2003; habits are kept apart and never averaged,
for no one measure of style can be trusted alone (arXiv 2604.26460).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy

from learning.evaluation.uncertainty import changed, interval, resamples

EMOJI = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf]")
WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
MARKS = ".,!?…:;'\"()-–—~*"
LETTERS = 2000  # the commonest letter triples that are compared
SMALL = 0.1  # a scale shorter than this is noise: owner and others do not differ in that habit
STEPS = (8, 16, 24, 36, 52, 76, 112, 168, 250, 10**9)  # characters of a reply

Figures = dict[str, Any]
Counts = Mapping[str, float]


def function_words(text: str) -> Counts:
    words = Counter(WORD.findall(text.lower()))
    kept = {word: float(count) for word, count in words.items() if word in _function_words()}
    return kept | {"": float(sum(words.values()) - sum(kept.values()))}


def letters(text: str) -> Counts:
    """Three letters in a row, with the ends of the text."""
    framed = f"\n{text}\n"
    return Counter(framed[place : place + 3] for place in range(len(framed) - 2))


def length(text: str) -> Counts:
    return {str(next(step for step in STEPS if len(text) <= step)): 1.0}


def bursts(text: str) -> Counts:
    """Messages one after the other: the lines of a reply."""
    return {str(min(4, len([line for line in text.split("\n") if line.strip()]))): 1.0}


def emoji(text: str) -> Counts:
    return {str(min(3, len(EMOJI.findall(text)))): 1.0}


def punctuation(text: str) -> Counts:
    """Marks by the character, capitals, and how the text ends."""
    last, first = text.rstrip()[-1:] or " ", text.lstrip()[:1]
    return {
        **{mark: float(text.count(mark)) for mark in MARKS},
        "text": float(len(text)) / 10,
        f"ends {last if last in MARKS else 'open'}": 5.0,
        f"begins {'high' if first.isupper() else 'low'}": 5.0,
    }


HABITS: dict[str, Callable[[str], Counts]] = {
    "function words": function_words,
    "letters": letters,
    "length": length,
    "bursts": bursts,
    "emoji": emoji,
    "punctuation": punctuation,
}


class Reference:
    """The owner's earlier words and other people's: the two ends of every scale."""

    def __init__(self, owner: Sequence[str], heldout: Sequence[str], others: Sequence[str]) -> None:
        self._columns: dict[str, list[str]] = {}
        self._owner: dict[str, Any] = {}
        self.ceiling: dict[str, float] = {}
        self.floor: dict[str, float] = {}
        for habit, count in HABITS.items():
            total: Counter[str] = Counter()
            for text in owner:
                total.update(count(text))
            self._columns[habit] = [name for name, _ in total.most_common(LETTERS)]
            self._owner[habit] = self.table(habit, owner).sum(0)
            self.ceiling[habit] = float(self.distances(habit, self.table(habit, heldout).sum(0)[None])[0])
            self.floor[habit] = float(self.distances(habit, self.table(habit, others).sum(0)[None])[0])

    def table(self, habit: str, texts: Sequence[str]) -> Any:
        """Counts by text and column; what the owner never wrote is one column of its own."""
        columns = {name: place for place, name in enumerate(self._columns[habit])}
        found = numpy.zeros((len(texts), len(columns) + 1))
        for row, text in enumerate(texts):
            for name, count in HABITS[habit](text).items():
                found[row, columns.get(name, len(columns))] += count
        return found

    def distances(self, habit: str, totals: Any) -> Any:
        """Jensen-Shannon distance (0 to 1) of each row of totals from the owner's."""
        ours = self._owner[habit] / max(1e-9, self._owner[habit].sum())
        theirs = totals / numpy.maximum(1e-9, totals.sum(1, keepdims=True))
        middle = (ours + theirs) / 2
        return numpy.sqrt(numpy.clip((_entropy(ours, middle) + _entropy(theirs, middle)) / 2, 0, 1))

    def scaled(self, habit: str, distances: Any) -> Any:
        """0: as near as the owner is to themselves; 1: as far as other people."""
        width = max(SMALL, self.floor[habit] - self.ceiling[habit])
        return (distances - self.ceiling[habit]) / width

    def told_apart(self, habit: str) -> bool:
        """Whether other people differ from the owner in it at all."""
        return self.floor[habit] - self.ceiling[habit] > SMALL


def distances(reference: Reference, replies: Sequence[str], seed: int) -> Figures:
    """For each habit the distance, where it lies between ceiling (0) and floor (1), and its 95 % interval."""
    drawn = resamples(range(len(replies)), seed)
    found = {}
    for habit in HABITS:
        table = reference.table(habit, replies)
        here = reference.distances(habit, table.sum(0)[None])
        place = float(reference.scaled(habit, here)[0])
        found[habit] = {
            "distance": float(here[0]),
            "scaled": place,
            **interval(_centred(reference.scaled(habit, reference.distances(habit, drawn @ table)), place)),
        }
    return found


def drift(reference: Reference, ours: Sequence[str], theirs: Sequence[str], seed: int) -> Figures:
    """How much further from the owner we are than they, on the scale, replies to the same prompts paired.

    Habits in which other people do not differ from the owner have no scale and are left out.
    """
    drawn = numpy.vstack([numpy.ones(len(ours)), resamples(range(len(ours)), seed)])
    found = {}
    for habit in filter(reference.told_apart, HABITS):
        one, two = (
            reference.scaled(habit, reference.distances(habit, drawn @ reference.table(habit, replies)))
            for replies in (ours, theirs)
        )
        gaps, gap = (one - two)[1:], float(one[0] - two[0])
        found[habit] = changed(gap, _centred(gaps, gap), len(ours))
    return found


def _centred(resampled: Any, value: float) -> Any:
    """Resampled texts repeat themselves, which by itself makes every distance larger: that is taken out."""
    return resampled - resampled.mean() + value


@cache
def _function_words() -> frozenset[str]:
    lines = (Path(__file__).parent / "function_words.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split()[1:])


def _entropy(one: Any, middle: Any) -> Any:
    """Kullback-Leibler divergence in bits along the last axis."""
    safe = numpy.where(one > 0, one, 1.0)
    return numpy.where(one > 0, one * numpy.log2(safe / numpy.maximum(1e-12, middle)), 0.0).sum(-1)
