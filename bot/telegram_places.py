"""Where is a conversation on Telegram, and how is that written?

"42" a private chat, "-100123" a group, "-100123/7" a topic of its forum, "b77/42" the owner's own chat with
42, where the owner (77) let us write in their name. Message ids count per chat, so keys leave topics out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.platform import ChatRefused
from storage.records import message_key

PLATFORM = "telegram"
PLACE = re.compile(r"(?:b(?P<owner>\d+)/)?(?P<chat>-?\d+)(?:/(?P<topic>\d+))?")
FIRST_SUPERGROUP = -1_000_000_000_000  # these and below count their messages themselves


@dataclass(frozen=True, slots=True)
class Place:
    chat: int
    topic: int | None = None
    owner: int | None = None  # we write there in this person's name

    @property
    def chat_id(self) -> str:
        return f"{self.numbering}/{self.topic}" if self.topic else self.numbering

    @property
    def numbering(self) -> str:
        """The part of a message key between the platform and the message's id."""
        return f"b{self.owner}/{self.chat}" if self.owner else str(self.chat)

    @property
    def counter(self) -> str:
        """Chats with the same one draw their message ids from one counter."""
        if self.owner:
            return f"b{self.owner}"
        return str(self.chat) if self.chat <= FIRST_SUPERGROUP else "ours"

    def key(self, message_id: int | str) -> str:
        return message_key(PLATFORM, self.numbering, message_id)

    def message_id(self, key: str | None) -> int | None:
        """The id in the key of a message of this chat; None for any other key."""
        start = message_key(PLATFORM, self.numbering, "")
        number = key.removeprefix(start) if key and key.startswith(start) else ""
        return int(number) if number.isdecimal() else None


def place_of(chat_id: str) -> Place:
    found = PLACE.fullmatch(chat_id)
    if not found:
        raise ChatRefused(f"{chat_id!r} is no chat of Telegram")
    topic, owner = found["topic"], found["owner"]
    return Place(int(found["chat"]), int(topic) if topic else None, int(owner) if owner else None)
