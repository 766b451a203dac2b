"""Which settings hold right now? Those that were read last and made sense; twin.toml may change meanwhile."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable

from twin import show
from twin.errors import Told
from twin.home import Home
from twin.settings import Settings, read_settings

log = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
Changed = Callable[[Settings], Awaitable[None]]
Wrong = Callable[[str], Awaitable[None]]


class Current:
    """`settings` is replaced as a whole; whoever keeps a part of them keeps the old ones."""

    def __init__(self, home: Home, settings: Settings) -> None:
        self.home, self.settings = home, settings
        self._seen = _content(home)
        self._changed: list[Changed] = []
        self._wrong: list[Wrong] = []

    def on_change(self, changed: Changed, wrong: Wrong | None = None) -> None:
        self._changed.append(changed)
        self._wrong += [wrong] if wrong else []

    async def watch(self, every: float = LOOK_SECONDS) -> None:
        """For ever."""
        while True:
            await asyncio.sleep(every)
            await self.look()

    async def look(self) -> None:
        """Read the file again if it says something else. A wrong one is told once, and changes nothing."""
        seen = await asyncio.to_thread(_content, self.home)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            self.settings = await asyncio.to_thread(read_settings, self.home)
        except Told as wrong:
            show.sentence(f"twin.toml has changed and cannot be used; the old settings stay: {wrong.what}")
            log.error("twin.toml has changed and cannot be used; the old settings stay")
            for tell in self._wrong:
                await tell(wrong.what)
            return
        show.sentence("twin.toml has changed; what it says about the schedule and learning holds from now on")
        for changed in self._changed:
            await changed(self.settings)


def _content(home: Home) -> str:
    """By content: an editor that saves without a change changes nothing."""
    try:
        return hashlib.sha256(home.settings_file.read_bytes()).hexdigest()
    except OSError:
        return ""
