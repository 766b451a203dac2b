"""What does the twin need from any chat app? It translates both ways and decides nothing.

A chat app hands what it hears to its `Ears` and does what the flow asks of it as a `Platform`. Everything
that arrives is handed over and awaited before it is acknowledged to the chat app, so that it is written down.
"""

from __future__ import annotations

from asyncio import Future
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from storage.records import Media, Message


class ChatUnavailable(Exception):
    """The chat app cannot be reached or is broken; trying later may help.

    `maybe_done`: the answer was lost and it may have done it all the same, so look before you repeat.
    `retry_after`: seconds it asked us to be quiet (a rate limit); 0 when it did not say.
    """

    def __init__(self, message: str, *, maybe_done: bool = False, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.maybe_done = maybe_done
        self.retry_after = retry_after


class ChatRefused(Exception):
    """The chat app said no, and will say no again: blocked, no right to write, the chat is gone."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the chat app puts up with."""

    message_length: int  # what `Platform.length` of one message may come to
    edit_seconds: float  # least time between two edits of a message; 0: as often as you like


@dataclass(frozen=True, slots=True)
class Button:
    """`action` comes back in a Press. At most 60 ASCII characters.

    An action that begins with "ask-" opens a question: its press is handled at once, and gives a Question.
    """

    label: str
    action: str


@dataclass(frozen=True, slots=True)
class Said:
    """What to say to somebody who gave a command or pressed a button."""

    text: str
    buttons: tuple[Button, ...] = ()
    only_to_them: bool = True  # nobody else in the chat sees it, where the chat app can do that
    file: tuple[str, bytes] | None = None  # a name and what is in it


@dataclass(frozen=True, slots=True)
class Question:
    """Ask for some text. The answer comes back as a Press with the same action and `text` filled in."""

    action: str
    title: str  # at most 45 characters
    label: str  # at most 45 characters
    prefill: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who did something."""

    platform: str
    id: str
    name: str  # as people see it in that chat
    is_bot: bool = False
    roles: tuple[str, ...] = ()  # ids of roles they have in that server
    is_admin: bool = False  # may manage this chat there


@dataclass(frozen=True, slots=True)
class Reaction:
    """All that one person's reaction says at that moment: it was `added`, or taken back."""

    message_key: str
    emoji: str  # a plain emoji, or ":name:" of a custom one
    by: Person
    at: datetime
    added: bool


@dataclass(frozen=True, slots=True)
class Invocation:
    """A command. `words` holds its arguments by name (see bot/commands.py), as typed."""

    command: str
    words: dict[str, str]
    by: Person
    chat_id: str
    private: bool
    at: datetime
    server_id: str | None = None
    about: str | None = None  # key of the message it is about (a context menu, or the one replied to)


@dataclass(frozen=True, slots=True)
class Press:
    """A button was pressed, or a question answered (`text`)."""

    action: str
    by: Person
    chat_id: str
    message_id: str
    at: datetime
    text: str | None = None


class Platform(Protocol):
    """Raises ChatUnavailable or ChatRefused, and nothing of the library behind it."""

    @property
    def name(self) -> str:
        """The first part of every message key: "discord", "telegram", "terminal"."""

    @property
    def limits(self) -> Limits: ...

    def length(self, text: str) -> int:
        """How long this Markdown is once converted, in the unit of `limits.message_length`."""

    async def send(
        self,
        chat_id: str,
        text: str,
        *,
        reply_to: str | None = None,
        nonce: str | None = None,
        buttons: Sequence[Button] = (),
    ) -> str:
        """Post Markdown as the twin, pinging nobody; `reply_to` is the key of the message it answers.

        Returns the new message's own id. Where the chat app knows nonces, the same nonce again soon after
        returns the message that is there already. A reply to a message that is gone is sent without it.
        """

    async def show_growing(self, chat_id: str, text: str, *, nonce: str) -> bool:
        """Let people watch an answer grow that is sent only when it is whole, with this nonce.

        False: this chat app cannot do that there, and nothing is shown.
        """

    async def find_sent(
        self, chat_id: str, text: str, *, nonce: str, after: str, known: set[str]
    ) -> str | None:
        """The id of a message of ours that a `send` of this text left there before its answer was lost.

        `after`: key of a message that was there before; `known`: ids of ours that are accounted for.
        None: it never arrived. Raises ChatUnavailable when that cannot be found out now.
        """

    async def edit(self, chat_id: str, message_id: str, text: str, *, buttons: Sequence[Button] = ()) -> None:
        """Replace the whole text and the buttons of one of the twin's own messages."""

    async def delete(self, chat_id: str, message_id: str) -> None:
        """A message that is gone already is fine."""

    async def react(self, chat_id: str, message_id: str, emoji: str) -> None: ...

    def typing(self, chat_id: str) -> AbstractAsyncContextManager[None]:
        """Show that an answer is on its way for as long as the block runs; never raises for that."""

    async def tell(self, chat_id: str, text: str, buttons: Sequence[Button] = ()) -> str:
        """A word from the program itself, not in the owner's voice, never learned from. Returns its id."""

    async def fetch(self, media: Media, most: int) -> bytes:
        """A picture or video that hangs on a message; ChatRefused when it has more than so many bytes.

        Only from where the chat app itself keeps files: an address that somebody wrote is never called.
        """

    async def private_chat(self, person_id: str) -> str:
        """The chat where this person and nobody else reads us."""


@dataclass(frozen=True, slots=True)
class Ears:
    """What the rest of the twin does with what a chat app hears. Each returns once it is written down.

    None of them raises for what people do; ChatUnavailable, ChatRefused never come out of them either.
    """

    message_arrived: Callable[[Message, Platform], Awaitable[Future[Message | None] | None]]
    """Gives the answer to come, for whoever wants to wait for it; None when there will be none."""
    message_edited: Callable[[Message, Platform], Awaitable[object]]  # the whole message as it is now
    message_deleted: Callable[[str, datetime, Platform], Awaitable[object]]  # its key
    typing_seen: Callable[[str, str, Platform], Awaitable[object]]  # chat, person
    reaction_changed: Callable[[Reaction, Platform], Awaitable[object]]
    command_given: Callable[[Invocation, Platform], Awaitable[Said | Question]]
    completions: Callable[[str, str, str, Person], Awaitable[list[str]]]  # command, word, so far, who types
    button_pressed: Callable[[Press, Platform], Awaitable[Said | Question | None]]
    question_asked: Callable[[str, str, str], Awaitable[object]]
    """Only for chat apps without forms, which put a Question as a message: its key, the action, who was
    asked. A reply to that message then arrives as any message, and the flow knows that it answers it."""
    private_chats: Callable[[str], Awaitable[list[str]]]
    """The private chats of this platform that are known, so that a restart can look for what it missed."""
