"""What we cannot have in a quick test: a chat app to look at, a model that says what it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import overheard

from bot.platform import Button, ChatRefused, ChatUnavailable, Limits
from brain.events import Chunk, Usage
from brain.model_client import ModelRefused, ModelUnavailable, UnknownModel
from storage.records import Media, Message, message_key, now


class FakePlatform:
    name = "kitchen-app"

    def __init__(self, message_length: int = 2000, edit_seconds: float = 0.0) -> None:
        self.limits = Limits(message_length, edit_seconds)
        self.shown: dict[str, str] = {}  # what a person sees now, by message id
        self.where: dict[str, str] = {}  # the chat of each of them
        self.edits = 0
        self.told: list[str] = []
        self.buttons: list[Button] = []  # all that were ever offered
        self.typing_now = 0
        self.quoted: list[str | None] = []
        self.fails: list[Exception] = []  # what the next sends raise, instead of sending
        self.loses: int = 0  # so many sends arrive, and their answer does not
        self.closed_to: set[str] = set()  # people whose private chat cannot be opened
        self.before_send: Callable[[], Awaitable[object]] | None = None
        self.files: dict[str, bytes] = {}  # what hangs on messages, by its ref
        self._nonces: dict[str, str] = {}

    def length(self, text: str) -> int:
        return len(text)

    async def send(
        self,
        chat_id: str,
        text: str,
        *,
        reply_to: str | None = None,
        nonce: str | None = None,
        buttons: Sequence[Button] = (),
    ) -> str:
        assert 0 < len(text) <= self.limits.message_length
        if self.before_send:
            await self.before_send()
        if self.fails:
            raise self.fails.pop(0)
        if nonce and nonce in self._nonces:
            return self._nonces[nonce]
        message_id = f"sent-{len(self.where) + 1}"
        self.shown[message_id], self.where[message_id] = text, chat_id
        self.quoted.append(reply_to)
        if nonce:
            self._nonces[nonce] = message_id
        if self.loses:
            self.loses -= 1
            raise ChatUnavailable("no answer came", maybe_done=True)
        return message_id

    async def show_growing(self, chat_id: str, text: str, *, nonce: str) -> bool:
        return False

    async def find_sent(
        self, chat_id: str, text: str, *, nonce: str, after: str, known: set[str]
    ) -> str | None:
        for message_id, shown in self.shown.items():
            if self.where[message_id] == chat_id and shown == text and message_id not in known:
                return message_id
        return None

    async def edit(self, chat_id: str, message_id: str, text: str, *, buttons: Sequence[Button] = ()) -> None:
        assert 0 < len(text) <= self.limits.message_length
        if message_id not in self.shown:
            raise ChatRefused("that message is gone")
        self.edits += 1
        self.shown[message_id] = text

    async def delete(self, chat_id: str, message_id: str) -> None:
        self.shown.pop(message_id, None)

    async def react(self, chat_id: str, message_id: str, emoji: str) -> None: ...

    @asynccontextmanager
    async def typing(self, chat_id: str) -> AsyncIterator[None]:
        self.typing_now += 1
        try:
            yield
        finally:
            self.typing_now -= 1

    async def tell(self, chat_id: str, text: str, buttons: Sequence[Button] = ()) -> str:
        if chat_id in self.closed_to:
            raise ChatRefused("they do not want that")
        self.told.append(text)
        self.buttons += buttons
        return f"told-{len(self.told)}"

    async def fetch(self, media: Media, most: int) -> bytes:
        if media.ref not in self.files:
            raise ChatRefused("that is gone")
        return self.files[media.ref]

    async def private_chat(self, person_id: str) -> str:
        return person_id

    def texts(self, chat_id: str = "kitchen") -> list[str]:
        """What stands in that chat, oldest first."""
        return [text for message_id, text in self.shown.items() if self.where[message_id] == chat_id]


class ScriptedModel:
    """A model server in miniature: adapters can be loaded, each model answers with its own name and words."""

    def __init__(self, answer: str = "hello there friend", base: str = "base") -> None:
        self.base = base
        self.answer = answer
        self.answers: list[str] = []  # what it says first, one each time
        self.loaded: dict[str, str] = {}
        self.prompts: list[list[dict[str, str]]] = []
        self.down = False
        self.dies_after: int | None = None  # pieces
        self.refuses: set[str] = set()
        self.hold: asyncio.Event | None = None  # answers wait for it after their first piece
        self.in_pieces = True  # or the whole answer at once
        self.cancelled = 0  # answers that nobody waited for to the end

    replicas, retries, turned_away, waiting = {}, 0, 0, 0  # what brain/replica_metrics.py tells of it

    async def healthy(self) -> bool:
        return not self.down

    async def models(self) -> list[str]:
        return [self.base, *self.loaded]

    async def context(self) -> int | None:
        return None  # it does not say

    async def load_adapter(self, name: str, path: str) -> None:
        if name in self.refuses:
            raise ModelRefused(400, f"{name} is no good")
        self.loaded[name] = path

    async def unload_adapter(self, name: str) -> None:
        del self.loaded[name]

    async def stream_chat(self, model, messages, sampling, *, session=None) -> AsyncIterator[Chunk]:
        if self.down:
            raise ModelUnavailable("nobody listens")
        if model != self.base and model not in self.loaded:
            raise UnknownModel(404, f"there is no {model}")
        self.prompts.append([dict(turn) for turn in messages])
        answer = (self.answers.pop(0) if self.answers else self.answer).format(model=model)
        pieces = [f"{piece} " for piece in answer.split()] if self.in_pieces else [answer]
        for number, piece in enumerate(pieces):
            if number == self.dies_after:
                raise ModelUnavailable("the stream was cut")
            try:
                yield Chunk(text=piece)
                if self.hold and number == 0:
                    await self.hold.wait()
            except (asyncio.CancelledError, GeneratorExit):
                self.cancelled += 1
                raise
        yield Chunk(text="", usage=Usage(prompt_tokens=7, completion_tokens=len(pieces)))


def said(
    text: str,
    *,
    by: str = "ana",
    chat: str = "kitchen",
    number: str | None = None,
    platform_name: str = "kitchen-app",
    **more,
) -> Message:
    """Something somebody typed just now, in a private chat unless said otherwise."""
    more = {"private": True} | more
    overheard.note(text)
    return Message(
        key=message_key(platform_name, chat, number or f"{now().timestamp()}"),
        platform=platform_name,
        chat_id=chat,
        author_id=by,
        text=text,
        **({"sent_at": now(), "author_name": by.title()} | more),
    )


async def until(condition: Callable[[], object], seconds: float = 60) -> None:
    """Wait for it; a coroutine function is asked again and again, too."""
    async with asyncio.timeout(seconds):
        while True:
            found = condition()
            if await found if asyncio.iscoroutine(found) else found:
                return
            await asyncio.sleep(0.002)
