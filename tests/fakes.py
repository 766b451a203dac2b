"""What we cannot have in a quick test: a chat app to look at, a model that says what it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.platform import Limits
from brain.model_client import Chunk, ModelRefused, ModelUnavailable, UnknownModel, Usage
from storage.records import Message, message_key, now


class FakePlatform:
    name = "kitchen-app"

    def __init__(self, message_length: int = 2000, edit_seconds: float = 0.0) -> None:
        self.limits = Limits(message_length, edit_seconds)
        self.shown: dict[str, str] = {}  # what a person sees now, by message id
        self.edits = 0
        self.told: list[str] = []
        self.typing_now = 0

    async def send(self, chat_id: str, text: str, *, reply_to: str | None = None) -> str:
        assert len(text) <= self.limits.message_length
        message_id = f"sent-{len(self.shown) + 1}"
        self.shown[message_id] = text
        return message_id

    async def edit(self, chat_id: str, message_id: str, text: str) -> None:
        assert len(text) <= self.limits.message_length
        self.edits += 1
        self.shown[message_id] = text

    async def delete(self, chat_id: str, message_id: str) -> None:
        del self.shown[message_id]

    async def react(self, chat_id: str, message_id: str, emoji: str) -> None: ...

    @asynccontextmanager
    async def typing(self, chat_id: str) -> AsyncIterator[None]:
        self.typing_now += 1
        try:
            yield
        finally:
            self.typing_now -= 1

    async def tell(self, chat_id: str, text: str) -> None:
        self.told.append(text)


class ScriptedModel:
    """A model server in miniature: adapters can be loaded, each model answers with its own name and words."""

    def __init__(self, answer: str = "hello there friend", base: str = "base") -> None:
        self.base = base
        self.answer = answer
        self.loaded: dict[str, str] = {}
        self.prompts: list[list[dict[str, str]]] = []
        self.down = False
        self.dies_after: int | None = None  # pieces
        self.refuses: set[str] = set()
        self.hold: asyncio.Event | None = None  # answers wait for it after their first piece

    async def models(self) -> list[str]:
        return [self.base, *self.loaded]

    async def load_adapter(self, name: str, path: str) -> None:
        if name in self.refuses:
            raise ModelRefused(400, f"{name} is no good")
        self.loaded[name] = path

    async def unload_adapter(self, name: str) -> None:
        del self.loaded[name]

    async def stream_chat(self, model, messages, sampling) -> AsyncIterator[Chunk]:
        if self.down:
            raise ModelUnavailable("nobody listens")
        if model != self.base and model not in self.loaded:
            raise UnknownModel(404, f"there is no {model}")
        self.prompts.append([dict(turn) for turn in messages])
        pieces = [piece + " " for piece in self.answer.format(model=model).split()]
        for number, piece in enumerate(pieces):
            if number == self.dies_after:
                raise ModelUnavailable("the stream was cut")
            yield Chunk(text=piece)
            if self.hold and number == 0:
                await self.hold.wait()
        yield Chunk(text="", usage=Usage(prompt_tokens=7, completion_tokens=len(pieces)))


def said(text: str, *, by: str = "ana", chat: str = "kitchen", number: str | None = None, **more) -> Message:
    """Something somebody typed just now."""
    return Message(
        key=message_key("kitchen-app", chat, number or f"{now().timestamp()}"),
        platform="kitchen-app",
        chat_id=chat,
        author_id=by,
        author_name=by.title(),
        text=text,
        sent_at=now(),
        **more,
    )
