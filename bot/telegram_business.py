"""In whose name may we write, and what did we write there?

An owner of Telegram Business lets us read and answer their private chats through a connection. It gets a new
id whenever they connect us again, so chats are known by the owner's id and the connection is looked up.
Other people can connect our bot, too; the twin speaks for its owner only.

Telegram reports what we wrote in the owner's name like any other message there ("echo"). These are
remembered, a few for each chat, as they are the only way to tell after a lost answer whether a message went
out: there we may edit the owner's own messages as well, so trying that out would overwrite their words.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from telegram import Bot, BusinessConnection, Message

from bot.latest import Latest
from bot.platform import ChatRefused
from bot.telegram_format import units
from bot.telegram_places import PLATFORM, Place
from storage.cursors import CursorStore
from storage.records import Cursor, now, stable_id

ECHOES = 20  # for each chat
NOT_CONNECTED = (
    "no connection to that account. In Telegram, open Settings > Chat Automation and choose this bot"
)
NO_REPLY = "we may read there, but not reply. In Telegram, Settings > Chat Automation, allow to reply"


@dataclass(frozen=True, slots=True)
class Connection:
    id: str
    owner: int
    enabled: bool
    can_reply: bool
    can_delete: bool


class Business:
    def __init__(self, bot: Bot, cursors: CursorStore, owner_ids: Collection[str]) -> None:
        self._bot, self._cursors, self._owner_ids = bot, cursors, owner_ids
        self._by_owner: dict[int, Connection] = {}
        self._strangers: Latest[str, None] = Latest()

    async def learn(self, told: BusinessConnection) -> int | None:
        """Remember the connection. Returns whose it is, or None if the twin does not speak for them."""
        if str(told.user.id) not in self._owner_ids:
            self._strangers[told.id] = None
            return None
        rights = told.rights
        connection = Connection(
            told.id,
            told.user.id,
            told.is_enabled,
            bool(rights and rights.can_reply),
            bool(rights and (rights.can_delete_sent_messages or rights.can_delete_all_messages)),
        )
        self._by_owner[connection.owner] = connection
        facts = {
            "id": connection.id,
            "enabled": connection.enabled,
            "can_reply": connection.can_reply,
            "can_delete": connection.can_delete,
        }
        await self._cursors.put(Cursor(PLATFORM, f"business:{connection.owner}", facts, now()))
        return connection.owner

    async def owner_of(self, connection_id: str) -> int | None:
        if connection_id in self._strangers:
            return None
        for connection in self._by_owner.values():
            if connection.id == connection_id:
                return connection.owner
        return await self.learn(await self._bot.get_business_connection(connection_id))

    async def connection(self, owner: int, *, to_write: bool = True) -> Connection:
        """The one to use in this owner's chats. Raises ChatRefused when there is none, or not for that."""
        if owner not in self._by_owner:
            cursor = await self._cursors.get(PLATFORM, f"business:{owner}")
            if cursor is None:
                raise ChatRefused(NOT_CONNECTED)
            self._by_owner[owner] = Connection(owner=owner, **cursor.value)
        connection = self._by_owner[owner]
        if not connection.enabled:
            raise ChatRefused(NOT_CONNECTED)
        if to_write and not connection.can_reply:
            raise ChatRefused(NO_REPLY)
        return connection

    async def echoed(self, message: Message, place: Place) -> None:
        text = message.text or ""
        sent = [one for one in await self._echoes(place) if one[0] != message.message_id]
        sent.append((message.message_id, units(text), stable_id(text)))
        facts = {"sent": [list(one) for one in sent[-ECHOES:]]}
        await self._cursors.put(Cursor(PLATFORM, f"echo:{place.numbering}", facts, now()))

    async def find_echo(
        self, place: Place, text: str, after: int, known: set[str]
    ) -> tuple[int, bool] | None:
        """A message of ours with this text or the beginning of it, and whether it is the whole text."""
        new = [one for one in await self._echoes(place) if one[0] > after and str(one[0]) not in known]
        encoded = text.encode("utf-16-le")
        for message_id, length, fingerprint in new:
            beginning = encoded[: length * 2].decode("utf-16-le", "replace")
            if fingerprint == stable_id(beginning):
                return message_id, length * 2 == len(encoded)
        return None

    async def _echoes(self, place: Place) -> list[tuple[int, int, str]]:
        cursor = await self._cursors.get(PLATFORM, f"echo:{place.numbering}")
        return [(one[0], one[1], one[2]) for one in cursor.value["sent"]] if cursor else []
