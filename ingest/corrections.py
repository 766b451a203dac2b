"""What did the owner say a record is about? That counts for it, and for texts that nearly say the same."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ingest.tag import TOPICS
from storage.records import Record, with_changes

NEARLY = 0.6  # share of the words two texts have in common from which one's tags count for the other
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Correction:
    """The topics of one record, and its words as hashes: nobody can read it here again."""

    record_id: str
    tags: tuple[str, ...]
    words: frozenset[str]


class Corrections:
    """All of them, in one small file of the home."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._all: dict[str, Correction] = {}
        self._by_word: defaultdict[str, set[str]] = defaultdict(set)
        if path.exists():
            for record_id, tags, words in json.loads(path.read_text(encoding="utf-8")):
                self._keep(Correction(record_id, tuple(tags), frozenset(words)))

    def add(self, record: Record, tags: Sequence[str]) -> None:
        """From now on; an earlier word about the same record is forgotten."""
        self._drop(record.id)
        self._keep(Correction(record.id, tuple(tags), _words(record.text)))
        self._save()

    def forget(self, record_ids: Iterable[str]) -> int:
        """How many there were of these records."""
        known = [record_id for record_id in record_ids if record_id in self._all]
        for record_id in known:
            self._drop(record_id)
        if known:
            self._save()
        return len(known)

    def apply(self, records: Sequence[Record]) -> list[Record]:
        """These records, with the owner's topics in place of the rules' where there is a word on them."""
        if not self._all:
            return list(records)
        return [self._applied(record) for record in records]

    def _applied(self, record: Record) -> Record:
        found = self._on(record)
        return with_changes(record, tags=with_topics(record.tags, found.tags)) if found else record

    def _on(self, record: Record) -> Correction | None:
        if record.id in self._all:
            return self._all[record.id]
        words = _words(record.text)
        if not words:
            return None
        shared = Counter(record_id for word in words for record_id in self._by_word.get(word, ()))
        near = ((count / len(words | self._all[one].words), one) for one, count in shared.items())
        share, best = max(near, default=(0.0, ""))
        return self._all[best] if share >= NEARLY else None

    def _keep(self, correction: Correction) -> None:
        self._all[correction.record_id] = correction
        for word in correction.words:
            self._by_word[word].add(correction.record_id)

    def _drop(self, record_id: str) -> None:
        if gone := self._all.pop(record_id, None):
            for word in gone.words:
                self._by_word[word].discard(record_id)

    def _save(self) -> None:
        fresh = self._path.with_name(f"{self._path.name}.new")
        rows = [[one.record_id, list(one.tags), sorted(one.words)] for one in self._all.values()]
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(rows, file)
        fresh.replace(self._path)


def with_topics(tags: Sequence[str], topics: Sequence[str]) -> tuple[str, ...]:
    """A source's own tags stay; the topics are these now."""
    return tuple(dict.fromkeys([*(tag for tag in tags if tag not in TOPICS), *topics]))


def _words(text: str) -> frozenset[str]:
    return frozenset(map(_hashed, _WORD.findall(text.casefold())))


@lru_cache(maxsize=50_000)
def _hashed(word: str) -> str:
    return hashlib.blake2b(word.encode(), digest_size=6).hexdigest()
