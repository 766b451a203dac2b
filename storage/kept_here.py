"""What does this process keep where there is no Redis? The latest values, of so many bytes at most."""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

MOST_BYTES = 16 * 2**20  # some thousand vectors of texts, or ten thousands of numbers
ENTRY_BYTES = 400  # that an entry takes beside its value and its key


@dataclass(frozen=True, slots=True)
class _Entry:
    until: float
    value: str  # JSON
    tags: frozenset[str]
    bytes: int


class KeptHere:
    """Is asked as cashews is, as far as storage/cache.py asks.

    What carries a tag is known by the entries alone: a list of them beside the entries would go on naming
    what is gone, and grow as long as somebody talks.
    """

    def __init__(self, most_bytes: int = MOST_BYTES, clock: Callable[[], float] = time.monotonic) -> None:
        self._most_bytes, self._clock = most_bytes, clock
        self._entries: OrderedDict[str, _Entry] = OrderedDict()  # all live equally long: the first ends first
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    async def get(self, key: str) -> Any:
        self._drop_the_old()
        entry = self._entries.get(key)
        return json.loads(entry.value) if entry else None

    async def set(self, key: str, value: Any, *, expire: float, tags: Sequence[str]) -> bool:
        """`expire`: seconds, for every entry the same. False: it is too large to be kept."""
        self._drop(key)
        text = json.dumps(value)
        size = len(text) + len(key) + ENTRY_BYTES
        if size > self._most_bytes:
            return False
        self._entries[key] = _Entry(self._clock() + expire, text, frozenset(tags), size)
        self.bytes += size
        self._drop_the_old()
        return True

    async def delete_tags(self, *tags: str) -> None:
        for key in [key for key, entry in self._entries.items() if not entry.tags.isdisjoint(tags)]:
            self._drop(key)

    def _drop_the_old(self) -> None:
        at = self._clock()
        while self._entries:
            key, entry = next(iter(self._entries.items()))
            if entry.until > at and self.bytes <= self._most_bytes:
                return
            self._drop(key)

    def _drop(self, key: str) -> None:
        if entry := self._entries.pop(key, None):
            self.bytes -= entry.bytes
