"""What does the twin need from any chat app? It translates both ways and decides nothing."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Limits:
    """What the chat app puts up with."""

    message_length: int  # characters in one message
    edit_seconds: float  # least time between two edits of a message; 0: as often as you like


class Platform(Protocol):
    @property
    def name(self) -> str:
        """The first part of every message key: "discord", "telegram", "terminal"."""

    @property
    def limits(self) -> Limits: ...

    async def send(self, chat_id: str, text: str, *, reply_to: str | None = None) -> str:
        """Post a message as the twin; `reply_to` is the key of the message it answers. Returns its own id."""

    async def edit(self, chat_id: str, message_id: str, text: str) -> None:
        """Replace the whole text of one of the twin's own messages."""

    async def delete(self, chat_id: str, message_id: str) -> None: ...

    async def react(self, chat_id: str, message_id: str, emoji: str) -> None: ...

    def typing(self, chat_id: str) -> AbstractAsyncContextManager[None]:
        """Show that an answer is on its way for as long as the block runs."""

    async def tell(self, chat_id: str, text: str) -> None:
        """A word from the program itself, not in the owner's voice, and never learned from."""
