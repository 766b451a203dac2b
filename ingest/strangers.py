"""Which names does nobody in the roster answer to? Kept for the owner to say: a person, or not.

A word in the middle of a sentence with a capital, that nobody writes without one, may be a name. It is
counted by the records that have it, so that reading an export twice counts nothing twice.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ingest.spellings import fold
from ingest.words import COMMON, EVERYDAY, NOT_PEOPLE
from storage.records import Record

MAX_RECORDS, MAX_CONTEXTS, MAX_WAITING, MAX_HEARD = 50, 3, 2_000, 200_000
_BIG = r"[A-ZÀ-ÖØ-ÞĀ-ŽА-ЯЁ][^\W\d_A-ZÀ-ÖØ-ÞА-ЯЁ]{2,24}"
_MAYBE_NAME = re.compile(rf"(?<=[^\W\d_,;] )(?<![.!?:] )({_BIG}(?: {_BIG})?)\b")
_SMALL = re.compile("[a-zß-öø-ÿа-яё]{3,25}")
_CUE = re.compile(r"\b(?:with|and|ask|tell|met|from|mit|und|bei|con|y|avec|chez|et|com|e|с|и|у|od|z|su) $")


@dataclass(slots=True)
class Stranger:
    """A name nobody answers to: where it was met, and a few of the places, already pseudonymised."""

    name: str
    sources: dict[str, list[str]] = field(default_factory=dict)  # source -> ids of records
    contexts: list[str] = field(default_factory=list)
    cued: int = 0  # how often a word such as "with" stood before it

    @property
    def count(self) -> int:
        return sum(map(len, self.sources.values()))

    def as_json(self) -> dict[str, Any]:
        counts = {source: len(ids) for source, ids in self.sources.items()}
        return {"name": self.name, "count": self.count, "sources": counts, "contexts": self.contexts}


class Strangers:
    """Everybody unknown, and what the owner said about them; one file beside the roster."""

    def __init__(self) -> None:
        self._waiting: dict[str, Stranger] = {}
        self._decided: set[str] = set()
        self._small: set[str] = set()  # words somebody wrote without a capital
        self._heard: set[str] = set()  # what stood between two blanks, and was looked at for such words

    def hear(self, words: Sequence[str]) -> None:
        """A text without capitals, cut at its blanks: nobody is met there, but words without capitals are."""
        if self._heard.issuperset(words):
            return
        if len(self._heard) > MAX_HEARD:
            self._heard.clear()
        for word in set(words) - self._heard:
            self._small.update(_SMALL.findall(word))
        self._heard.update(words)

    def meet(self, record: Record) -> None:
        """Look at one record that was kept. Its text is pseudonymised: whoever is known is not in it."""
        text = record.text
        self._small.update(_SMALL.findall(text))
        if text == text.lower():
            return
        for found in _MAYBE_NAME.finditer(text):
            key = fold(found[1])
            if key in self._decided or not NOT_PEOPLE.isdisjoint(key.split()):
                continue
            if not (COMMON | EVERYDAY).isdisjoint(key.split()) and " " not in key:
                continue
            stranger = self._waiting.setdefault(key, Stranger(found[1]))
            ids = stranger.sources.setdefault(record.source, [])
            if record.id in ids or len(ids) >= MAX_RECORDS:
                continue
            ids.append(record.id)
            stranger.cued += bool(_CUE.search(text[: found.start()]))
            if len(stranger.contexts) < MAX_CONTEXTS:
                stranger.contexts.append(_around(text, *found.span()))

    def waiting(self) -> list[Stranger]:
        """The likeliest names first; words that also go without a capital are none."""
        small = set(map(fold, self._small))
        names = [one for key, one in self._waiting.items() if key not in small and one.count]
        return sorted(names, key=lambda one: (-one.cued, -one.count, one.name))[:MAX_WAITING]

    def find(self, name: str) -> Stranger | None:
        return self._waiting.get(fold(name))

    def decide(self, name: str) -> None:
        """Never ask about this one again."""
        self._decided.add(fold(name))
        self._waiting.pop(fold(name), None)

    def forget(self, record_ids: Collection[str], holds: Callable[[str], bool]) -> None:
        """Whoever was met in one of these records is not shown in what was said there any more.

        A name that `holds` something to forget is never asked about again.
        """
        ids = set(record_ids)
        for key, one in list(self._waiting.items()):
            met = {source: [id for id in found if id not in ids] for source, found in one.sources.items()}
            if met != one.sources:
                one.sources.clear()
                one.sources.update({source: found for source, found in met.items() if found})
                one.contexts.clear()
            one.contexts[:] = [context for context in one.contexts if not holds(context)]
            if not one.sources or holds(one.name):
                del self._waiting[key]

    def save(self, path: Path) -> None:
        """For the owner's eyes alone: these are real names."""
        state = {
            "waiting": [
                {"name": one.name, "sources": one.sources, "contexts": one.contexts, "cued": one.cued}
                for one in self.waiting()
            ],
            "decided": sorted(self._decided),
        }
        fresh = path.with_name(f"{path.name}.new")
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        with open(os.open(fresh, flags, 0o600), "w", encoding="utf-8") as file:
            json.dump(state, file, ensure_ascii=False)
        fresh.replace(path)

    def load(self, path: Path) -> None:
        if not path.exists():
            return
        state = json.loads(path.read_text(encoding="utf-8"))
        self._waiting.update({fold(one["name"]): Stranger(**one) for one in state["waiting"]})
        self._decided.update(state["decided"])


def _around(text: str, start: int, end: int) -> str:
    before, after = text[max(0, start - 40) : start], text[end : end + 40]
    return f"{before}{text[start:end]}{after}".replace("\n", " ")
