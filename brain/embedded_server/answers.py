"""How do the engine's events become a response, whole or as a stream?"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Protocol

from brain.embedded_server.engine import Event, Failed, Generation, Piece, PromptRead
from brain.embedded_server.metrics import Metrics
from brain.embedded_server.protocol import (
    ApiError,
    ChatRequest,
    CompletionRequest,
    Decode,
    Json,
    chat_logprobs,
    completion_logprobs,
    usage,
)


class EventQueue:
    """The bridge from the engine's thread to one request's coroutine."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._loop = asyncio.get_running_loop()
        self._events: asyncio.Queue[Event] = asyncio.Queue()

    def emit(self, event: Event) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody listens any more
            self._loop.call_soon_threadsafe(self._events.put_nowait, event)

    async def read(self, generation: Generation) -> AsyncIterator[PromptRead | Piece]:
        """Until all answers are finished. Leaving early cancels the generation."""
        began, unfinished, first = time.perf_counter(), generation.wanted.n, True
        try:
            while unfinished:
                event = await self._events.get()
                if isinstance(event, Failed):
                    raise ApiError(500, event.why, "InternalServerError")
                if isinstance(event, Piece):
                    unfinished -= event.finish_reason is not None
                    if first:
                        self._metrics.first_token.observe(time.perf_counter() - began)
                        first = False
                yield event
                if generation.wanted.max_tokens == 0:
                    break
            self._metrics.whole_request.observe(time.perf_counter() - began)
        finally:
            generation.cancelled = True


class Answer(Protocol):
    """One kind of response: how its parts look."""

    def opening(self, prompt: PromptRead) -> list[Json]: ...

    def chunk(self, piece: Piece) -> Json: ...

    def whole(self, prompt: PromptRead, answers: list[list[Piece]]) -> Json: ...

    def closing(self, prompt_tokens: int, made: int) -> Json: ...


class ChatAnswer:
    def __init__(self, request: ChatRequest, model_name: str, decode: Decode) -> None:
        self._request = request
        self._decode = decode
        self._head: Json = {"id": f"chatcmpl-{uuid.uuid4().hex[:16]}", "created": int(time.time())}
        self._head["model"] = model_name

    def opening(self, prompt: PromptRead) -> list[Json]:
        role = {"role": "assistant", "content": ""}
        choices = [
            {"index": index, "delta": role, "logprobs": None, "finish_reason": None}
            for index in range(self._request.n)
        ]
        return [self._chunk([choice]) for choice in choices]

    def chunk(self, piece: Piece) -> Json:
        choice = {
            "index": piece.index,
            "delta": {"content": piece.text},
            "logprobs": self._logprobs([piece]),
            "finish_reason": piece.finish_reason,
        }
        if piece.finish_reason:
            choice["stop_reason"] = piece.stop_reason
        return self._chunk([choice])

    def closing(self, prompt_tokens: int, made: int) -> Json:
        return self._chunk([]) | {"usage": usage(prompt_tokens, made)}

    def whole(self, prompt: PromptRead, answers: list[list[Piece]]) -> Json:
        choices = [
            {
                "index": index,
                "message": {"role": "assistant", "content": "".join(piece.text for piece in pieces)},
                "logprobs": self._logprobs(pieces),
                "finish_reason": pieces[-1].finish_reason,
                "stop_reason": pieces[-1].stop_reason,
            }
            for index, pieces in enumerate(answers)
        ]
        return self._head | {"object": "chat.completion", "choices": choices}

    def _chunk(self, choices: list[Json]) -> Json:
        return self._head | {"object": "chat.completion.chunk", "choices": choices}

    def _logprobs(self, pieces: list[Piece]) -> Json | None:
        if not self._request.logprobs:
            return None
        return chat_logprobs([piece.logprob for piece in pieces if piece.logprob], self._decode)


class CompletionAnswer:
    def __init__(
        self,
        request: CompletionRequest,
        prompt_ids: list[int],
        prompt_text: str,
        model_name: str,
        decode: Decode,
    ) -> None:
        self._request = request
        self._decode = decode
        self._echo_ids = prompt_ids if request.echo else []
        self._echo_text = prompt_text if request.echo else ""
        self._offsets = [0] * request.n
        self._head: Json = {"id": f"cmpl-{uuid.uuid4().hex[:16]}", "object": "text_completion"}
        self._head |= {"created": int(time.time()), "model": model_name}

    def opening(self, prompt: PromptRead) -> list[Json]:
        if not self._request.echo:
            return []
        only_that = "length" if self._request.max_tokens == 0 else None
        return [
            self._chunk([self._choice(index, self._echo_text, prompt, [], only_that)])
            for index in range(self._request.n)
        ]

    def chunk(self, piece: Piece) -> Json:
        return self._chunk([self._choice(piece.index, piece.text, None, [piece], piece.finish_reason)])

    def closing(self, prompt_tokens: int, made: int) -> Json:
        return self._chunk([]) | {"usage": usage(prompt_tokens, made)}

    def whole(self, prompt: PromptRead, answers: list[list[Piece]]) -> Json:
        choices = []
        for index, pieces in enumerate(answers):
            text = self._echo_text + "".join(piece.text for piece in pieces)
            reason = pieces[-1].finish_reason if pieces else "length"
            choices.append(self._choice(index, text, prompt if self._request.echo else None, pieces, reason))
        return self._chunk(choices)

    def _chunk(self, choices: list[Json]) -> Json:
        return self._head | {"choices": choices}

    def _choice(
        self, index: int, text: str, echo: PromptRead | None, pieces: list[Piece], reason: str | None
    ) -> Json:
        stop_reason = pieces[-1].stop_reason if pieces else None
        choice: Json = {"index": index, "text": text, "logprobs": None}
        choice |= {"finish_reason": reason, "stop_reason": stop_reason}
        if self._request.logprobs is not None:
            ids = (self._echo_ids if echo else []) + [piece.token_id for piece in pieces]
            logprobs = [*(echo.logprobs if echo else []), *(piece.logprob for piece in pieces)]
            choice["logprobs"] = completion_logprobs(ids, logprobs, self._decode, self._offsets[index])
            self._offsets[index] += sum(len(token) for token in choice["logprobs"]["tokens"])
        return choice


async def collect(events: EventQueue, generation: Generation, answer: Answer) -> Json:
    """The whole response in one piece."""
    prompt = PromptRead([])
    answers: list[list[Piece]] = [[] for _ in range(generation.wanted.n)]
    async for event in events.read(generation):
        if isinstance(event, PromptRead):
            prompt = event
        else:
            answers[event.index].append(event)
    made = sum(len(pieces) for pieces in answers)
    return answer.whole(prompt, answers) | {"usage": usage(len(generation.prompt_ids), made)}


async def stream(
    events: EventQueue, generation: Generation, answer: Answer, *, with_usage: bool
) -> AsyncIterator[str]:
    """The same response as server-sent events, a piece per token."""
    made = 0
    try:
        async for event in events.read(generation):
            if isinstance(event, PromptRead):
                for chunk in answer.opening(event):
                    yield _event(chunk)
            else:
                made += 1
                yield _event(answer.chunk(event))
        if with_usage:
            yield _event(answer.closing(len(generation.prompt_ids), made))
    except ApiError as error:
        yield _event(error.body)
    yield "data: [DONE]\n\n"


def _event(body: Json) -> str:
    return f"data: {json.dumps(body, ensure_ascii=False, separators=(',', ':'))}\n\n"
