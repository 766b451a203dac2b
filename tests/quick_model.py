"""A model server that needs no model: which question was answered, and what when it dies?

It speaks the OpenAI protocol as vLLM does. Questions carry numbers ("#12"); each answer names those of the
words it was asked last, so that every answer in a chat can be matched with its question from outside.
"""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

from aiohttp import web

NUMBER = re.compile(r"#(\d+)")
NAME = "quick"
TAIL = "is what you asked, and that is all there is to say"


class QuickModel:
    def __init__(self, *, piece_seconds: float = 0.0) -> None:
        self.piece_seconds = piece_seconds
        self.down = False  # every request is cut off
        self.dies_after: int | None = None  # pieces; then the connection is cut, each time
        self.asked: list[str] = []  # the last words of each prompt
        self.url = ""
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        application = web.Application()
        application.router.add_get("/health", self._health)
        application.router.add_get("/v1/models", self._models)
        application.router.add_post("/v1/chat/completions", self._answer)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()

    async def _health(self, request: web.Request) -> web.Response:
        return web.Response(status=503 if self.down else 200)

    async def _models(self, request: web.Request) -> web.Response:
        return web.json_response({"data": [{"id": NAME}]})

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        try:
            return await self._stream(request)
        except ConnectionError:  # whoever asked has gone
            return web.Response()

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        words = last_words(body["messages"])
        self.asked.append(words)
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        pieces = [f"{piece} " for piece in answer_to(words).split()]
        if not self.down:
            await stream.prepare(request)
            for number, piece in enumerate(pieces):
                if self.down or number == self.dies_after:
                    break
                await stream.write(_event({"choices": [{"delta": {"content": piece}}]}))
                await asyncio.sleep(self.piece_seconds)
            else:
                used = {"prompt_tokens": len(words.split()), "completion_tokens": len(pieces)}
                await stream.write(_event({"choices": [], "usage": used}) + b"data: [DONE]\n\n")
                return stream
        if request.transport:
            request.transport.abort()
        return stream


def answer_to(words: str) -> str:
    return " ".join([*(f"#{number}" for number in NUMBER.findall(words)), TAIL])


def last_words(messages: list[dict[str, str]]) -> str:
    """Of one person: where several talk, each line begins with a name."""
    lines = messages[-1]["content"].splitlines()
    speakers = [line.partition(": ")[0] if ": " in line else "" for line in lines]
    while speakers and speakers[0] != speakers[-1]:
        del speakers[0], lines[0]
    later = next((at for at in range(len(speakers), 0, -1) if speakers[at - 1] != speakers[-1]), 0)
    return "\n".join(lines[later:])


def _event(data: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(data).encode() + b"\n\n"
