"""What is one turn, and what has changed in it meanwhile?"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from bot.platform import Platform
from storage.records import Message


@dataclass(eq=False)
class Turn:
    """What one person says, from its first message to the answer."""

    platform: Platform
    chat_id: str
    author_id: str
    began: float = field(default_factory=time.monotonic)
    until: float = 0.0  # gathering goes on until then, if nothing else comes
    news: asyncio.Event = field(default_factory=asyncio.Event)
    sending: bool = False  # too late to take anything more in
    asked: frozenset[str] = frozenset()  # keys of what is being answered
    answer: asyncio.Future[Message | None] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    @property
    def name(self) -> tuple[str, str, str]:
        return self.platform.name, self.chat_id, self.author_id

    def wait_for_more(self, seconds: float, most: float) -> None:
        self.until = min(max(self.until, time.monotonic() + seconds), self.began + max(most, seconds))
