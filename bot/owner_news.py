"""How does the owner hear of what goes on? Once for each trouble, in their own chat with the twin."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.authority import Authority
from bot.platform import Button, ChatRefused, ChatUnavailable, Platform

log = logging.getLogger(__name__)


@dataclass
class OwnerNews:
    authority: Authority
    platforms: dict[str, Platform] = field(default_factory=dict)  # those that are set up, by name
    elsewhere: set[str] = field(default_factory=set)  # of these, what another copy of the service runs
    _troubles: dict[str, str] = field(default_factory=dict)

    @property
    def reaches(self) -> bool:
        """Whether the owner has an account on a chat app that this copy of the service runs."""
        here = self.platforms.keys() - self.elsewhere
        return any(self.authority.owner_ids(name) for name in here)

    async def tell(self, text: str, buttons: Sequence[Button] = (), *, on: str | None = None) -> str | None:
        """In the owner's private chat, on the platform named if they can be reached there, else on another.

        Returns the key of the message, or None when the owner could not be reached.
        """
        here = [name for name in self.platforms if name not in self.elsewhere]
        order = sorted(here, key=lambda name: name != on)
        for platform in [self.platforms[name] for name in order]:
            for owner in self.authority.owner_ids(platform.name):
                try:
                    chat_id = await platform.private_chat(owner)
                    return f"{platform.name}:{chat_id}:{await platform.tell(chat_id, text, buttons)}"
                except (ChatRefused, ChatUnavailable) as reason:
                    log.warning("the owner cannot be told on %s: %s", platform.name, reason)
        return None

    async def trouble(self, what: str, text: str) -> None:
        """Tell the owner of this trouble, unless they know of it already."""
        if what not in self._troubles:
            self._troubles[what] = text
            await self.tell(text)

    async def over(self, what: str, text: str) -> None:
        """The trouble is over; whoever heard of it hears this."""
        if self._troubles.pop(what, None) is not None:
            await self.tell(text)
