"""What is there on Telegram, and what do people do there? People, chats, messages; each act makes an update.

Private chats of the bot draw message ids from one counter, supergroups from their own, an owner's chats from
the owner's: as on the real thing.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import overheard

Json = dict[str, Any]
T = TypeVar("T")
DEFAULT_UPDATES = {
    "message",
    "edited_message",
    "callback_query",
    "my_chat_member",
    "business_connection",
    "business_message",
    "edited_business_message",
    "deleted_business_messages",
}


@dataclass
class User:
    id: int
    name: str
    username: str | None = None
    is_bot: bool = False
    blocks_us: bool = False

    def json(self) -> Json:
        more = {"username": self.username} if self.username else {}
        return {"id": self.id, "first_name": self.name, "is_bot": self.is_bot, **more}


@dataclass
class Chat:
    id: int
    type: str
    title: str
    counter: itertools.count
    admins: set[int] = field(default_factory=set)
    topics: dict[int, str] = field(default_factory=dict)
    is_forum: bool = False
    bot_is_member: bool = True
    moved_to: int | None = None
    connection: str | None = None  # one of an owner's own chats
    messages: dict[int, Json] = field(default_factory=dict)
    actions: list[str] = field(default_factory=list)
    drafts: list[Json] = field(default_factory=list)
    reactions: dict[tuple[int, int], list[Json]] = field(default_factory=dict)  # (message, who)

    def json(self) -> Json:
        if self.type == "private":
            return {"id": self.id, "type": "private", "first_name": self.title}
        more = {"is_forum": True} if self.is_forum else {}
        return {"id": self.id, "type": self.type, "title": self.title, **more}


@dataclass
class Connection:
    id: str
    owner: User
    can_reply: bool = True
    can_delete: bool = True
    is_enabled: bool = True

    def json(self) -> Json:
        return {
            "id": self.id,
            "user": self.owner.json(),
            "user_chat_id": self.owner.id,
            "date": int(time.time()),
            "is_enabled": self.is_enabled,
            "rights": {"can_reply": self.can_reply, "can_delete_sent_messages": self.can_delete},
        }


class World:
    def __init__(self) -> None:
        self.bot = User(1000, "Twin", "twin_bot", is_bot=True)
        self.privacy = False  # the bot sees only what is meant for it
        self.can_connect_to_business = True
        self.users: dict[int, User] = {}
        self.chats: dict[int, Chat] = {}
        self.business_chats: dict[tuple[int, int], Chat] = {}  # owner, the other
        self.connections: dict[str, Connection] = {}
        self.files: dict[str, bytes] = {}
        self.emoji: dict[str, Json] = {}  # that somebody drew: stickers by their ids
        self.updates: list[Json] = []  # not acknowledged yet
        self.allowed = set(DEFAULT_UPDATES)
        self._ids = itertools.count(2001)
        self._update_ids = itertools.count(700)
        self._private_counter = itertools.count(11)
        self._owner_counters: dict[int, itertools.count] = {}
        self.changed = asyncio.Event()

    # who and what there is

    def user(
        self, name: str, *, username: str | None = None, is_bot: bool = False, number: int | None = None
    ) -> User:
        user = User(number or next(self._ids), name, username, is_bot)
        self.users[user.id] = user
        self.chats[user.id] = Chat(user.id, "private", name, self._private_counter)
        return user

    def group(self, title: str, *, admin: bool = True, forum: bool = False) -> Chat:
        chat = Chat(-1_000_000_000_000 - next(self._ids), "supergroup", title, itertools.count(1))
        chat.is_forum = forum
        if admin:
            chat.admins.add(self.bot.id)
        self.chats[chat.id] = chat
        return chat

    def topic(self, chat: Chat, name: str) -> int:
        opened = {"forum_topic_created": {"name": name, "icon_color": 7322096}, "from": self.bot.json()}
        number = self._add(chat, opened, update=None)
        chat.topics[number] = name
        chat.messages[number].update(message_thread_id=number, is_topic_message=True)
        return number

    def connect(self, owner: User, *, can_reply: bool = True) -> Connection:
        connection = Connection(f"connection-{next(self._ids)}", owner, can_reply)
        self.connections[connection.id] = connection
        self.update("business_connection", connection.json())
        return connection

    def file(self, content: bytes) -> str:
        file_id = f"file-{next(self._ids)}"
        self.files[file_id] = content
        return file_id

    # what people do

    def say(
        self,
        chat: Chat | User,
        user: User,
        text: str | None = None,
        *,
        reply_to: int | None = None,
        topic: int | None = None,
        **more: Any,
    ) -> int:
        """Returns the message's id. `more` is put into it as it is."""
        overheard.note(text)
        chat = self._chat(chat)
        message: Json = {"from": user.json(), **more}
        if text is not None:
            message["text"] = text
        if topic:
            message |= {"message_thread_id": topic, "is_topic_message": True}
        if reply_to or topic:
            answered = chat.messages[reply_to or topic]
            message["reply_to_message"] = {k: v for k, v in answered.items() if k != "reply_to_message"}
        seen = not self.privacy or chat.type == "private" or self.bot.id in chat.admins
        seen = seen or (text or "").startswith("/")
        seen = seen or message.get("reply_to_message", {}).get("from", {}).get("id") == self.bot.id
        return self._add(chat, message, update="message" if seen else None)

    def edit(self, chat: Chat | User, message_id: int, text: str) -> None:
        message = self._chat(chat).messages[message_id]
        message |= {"text": text, "edit_date": int(time.time())}
        self.update("edited_message", message)

    def react(self, user: User, chat: Chat | User, message_id: int, *emoji: str, custom: str = "") -> None:
        """All that this person's reaction is from now on."""
        chat = self._chat(chat)
        new = [{"type": "emoji", "emoji": one} for one in emoji]
        if custom:
            new.append({"type": "custom_emoji", "custom_emoji_id": custom})
        old = chat.reactions.get((message_id, user.id), [])
        chat.reactions[message_id, user.id] = new
        change = {
            "chat": chat.json(),
            "message_id": message_id,
            "date": int(time.time()),
            "old_reaction": old,
            "new_reaction": new,
            "user": user.json(),
        }
        if chat.type == "private" or self.bot.id in chat.admins:
            self.update("message_reaction", change)

    def unreact(self, user: User, chat: Chat | User, message_id: int) -> None:
        self.react(user, chat, message_id)

    def press(self, user: User, chat: Chat | User, message_id: int, label: str) -> str:
        """Returns the id that the bot has to answer."""
        message = self._chat(chat).messages[message_id]
        rows = message["reply_markup"]["inline_keyboard"]
        button = next(one for row in rows for one in row if one["text"] == label)
        query = {
            "id": f"query-{next(self._ids)}",
            "from": user.json(),
            "chat_instance": "1",
            "message": message,
            "data": button["callback_data"],
        }
        self.update("callback_query", query)
        return query["id"]

    def business_say(
        self, connection: Connection, other: User, text: str, *, by_owner: bool = False, **more: Any
    ) -> int:
        chat = self.business_chat(connection, other.id)
        writer = connection.owner if by_owner else other
        message = {"from": writer.json(), "text": text, "business_connection_id": connection.id, **more}
        return self._add(chat, message, update="business_message")

    def business_edit(self, connection: Connection, other: User, message_id: int, text: str) -> None:
        message = self.business_chat(connection, other.id).messages[message_id]
        message |= {"text": text, "edit_date": int(time.time())}
        self.update("edited_business_message", message)

    def business_delete(self, connection: Connection, other: User, *message_ids: int) -> None:
        chat = self.business_chat(connection, other.id)
        for message_id in message_ids:
            del chat.messages[message_id]
        gone = {"business_connection_id": connection.id, "chat": chat.json(), "message_ids": message_ids}
        self.update("deleted_business_messages", gone)

    # what can be seen

    def messages(self, chat: Chat | User) -> list[Json]:
        """Oldest first, of whomever."""
        return [message for _, message in sorted(self._chat(chat).messages.items())]

    def ours(self, chat: Chat | User) -> list[str]:
        """The texts that the bot has there."""
        mine = (one for one in self.messages(chat) if one.get("from", {}).get("id") == self.bot.id)
        return [message["text"] for message in mine if "text" in message]

    async def wait_for(self, look: Callable[[], T], seconds: float = 10) -> T:
        """What `look` finds, once it finds something."""
        async with asyncio.timeout(seconds):
            while not (found := look()):
                self.changed.clear()
                try:
                    await asyncio.wait_for(self.changed.wait(), 0.05)
                except TimeoutError:
                    pass
            return found

    # for the methods

    def business_chat(self, connection: Connection, other: int) -> Chat:
        owner = connection.owner.id
        if (owner, other) not in self.business_chats:
            counter = self._owner_counters.setdefault(owner, itertools.count(5001))
            name = self.users[other].name
            self.business_chats[owner, other] = Chat(
                other, "private", name, counter, connection=connection.id
            )
        return self.business_chats[owner, other]

    def add_ours(self, chat: Chat, message: Json) -> Json:
        """The bot wrote it; nobody is told, except about what it wrote in an owner's name."""
        message["from"] = self.bot.json()
        update = None
        if chat.connection:
            connection = self.connections[chat.connection]
            message["from"] = connection.owner.json()
            message["sender_business_bot"] = self.bot.json()
            message["business_connection_id"] = connection.id
            update = "business_message"
        return chat.messages[self._add(chat, message, update=update)]

    def update(self, kind: str, content: Json) -> None:
        if kind in self.allowed:
            self.updates.append({"update_id": next(self._update_ids), kind: dict(content)})
        self.changed.set()

    def _add(self, chat: Chat, message: Json, *, update: str | None) -> int:
        number = next(chat.counter)
        whole = {"message_id": number, "date": int(time.time()), "chat": chat.json(), **message}
        chat.messages[number] = whole
        if update:
            self.update(update, whole)
        self.changed.set()
        return number

    def _chat(self, chat: Chat | User) -> Chat:
        return self.chats[chat.id] if isinstance(chat, User) else chat
