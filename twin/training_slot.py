"""Whose turn is it to train, where twins share one machine? One at a time, in the order they asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

STALE_SECONDS = 10.0  # who has not asked again for so long does not want it any more


class TrainingSlot:
    """In one process. Whoever has trained comes after those who have waited meanwhile."""

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        self._clock = clock or (lambda: asyncio.get_running_loop().time())
        self._holder: str | None = None
        self._waiting: dict[str, float] = {}  # who, and when they asked last; the first is next

    def claim(self, twin: str) -> bool:
        """Whether it may train now. `give_back`, also where there was nothing to do."""
        now = self._clock()
        for gone in [one for one, asked in self._waiting.items() if now - asked > STALE_SECONDS]:
            del self._waiting[gone]
        if self._holder is None and next(iter(self._waiting), twin) == twin:
            self._waiting.pop(twin, None)
            self._holder = twin
        return self._holder == twin

    def wait(self, twin: str) -> None:
        """It has something to train. To be said again, and to be followed by claims."""
        self._waiting[twin] = self._clock()

    def give_back(self, twin: str) -> None:
        if self._holder == twin:
            self._holder = None
