"""Which URLs does the embedded model server answer?"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from jinja2 import TemplateError

from brain.embedded_server.adapters import AdapterRefused
from brain.embedded_server.answers import Answer, ChatAnswer, CompletionAnswer, EventQueue, collect, stream
from brain.embedded_server.engine import Engine, EngineStopped, Generation, UnknownModelName
from brain.embedded_server.protocol import (
    ApiError,
    ChatRequest,
    CompletionRequest,
    GenerationRequest,
    Json,
    LoadRequest,
    TokenizeRequest,
    UnloadRequest,
    sentence_of,
)
from brain.embedded_server.sampling import Wanted

VERSION = "embedded-1"


def make_app(engine: Engine, *, adapters_under: Path | None = None) -> FastAPI:
    """The HTTP side of an engine that somebody else starts and stops."""
    app = FastAPI(title="twin embedded model server", docs_url=None, redoc_url=None)
    app.add_exception_handler(ApiError, _api_error)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(EngineStopped, _stopping)
    texts = Texts(engine)

    @app.get("/health")
    async def health() -> Response:
        return Response(status_code=200 if engine.alive else 503)

    @app.get("/version")
    async def version() -> Json:
        return {"version": VERSION}

    @app.get("/metrics")
    async def metrics() -> PlainTextResponse:
        return PlainTextResponse(engine.metrics.as_text(engine.served_name))

    @app.get("/v1/models")
    async def models() -> Json:
        base = _model_card(engine.served_name, root=engine.model.name, parent=None)
        cards = [base | {"max_model_len": engine.model.max_length}]
        for adapter in engine.adapters():
            cards.append(_model_card(adapter.name, root=str(adapter.path), parent=engine.served_name))
        return {"object": "list", "data": cards}

    @app.post("/tokenize")
    async def tokenize(body: TokenizeRequest) -> Json:
        if body.messages is not None:
            tokens = texts.tokens_of_chat(body.messages)
        else:
            tokens = texts.tokens_of(body.prompt or "", special=body.add_special_tokens)
        return {"count": len(tokens), "max_model_len": engine.model.max_length, "tokens": tokens}

    @app.post("/v1/chat/completions")
    async def chat(body: ChatRequest, request: Request) -> Response:
        prompt_ids = texts.tokens_of_chat(body.messages)
        max_tokens = texts.room_for(prompt_ids, body.max_completion_tokens or body.max_tokens, at_least=1)
        wanted = body.wanted(max_tokens, body.top_logprobs if body.logprobs else None)
        answer = ChatAnswer(body, body.model or engine.served_name, texts.decode)
        return await _respond(engine, request, body, prompt_ids, wanted, answer)

    @app.post("/v1/completions")
    async def completions(body: CompletionRequest, request: Request) -> Response:
        prompt_ids = (
            texts.tokens_of(body.prompt, special=True) if isinstance(body.prompt, str) else body.prompt
        )
        prompt_text = body.prompt if isinstance(body.prompt, str) else texts.text_of(prompt_ids)
        texts.check(prompt_ids)
        max_tokens = texts.room_for(prompt_ids, body.max_tokens, at_least=0 if body.echo else 1)
        scored = body.echo and body.logprobs is not None
        wanted = body.wanted(max_tokens, body.logprobs, prompt_logprobs=scored)
        name = body.model or engine.served_name
        answer = CompletionAnswer(body, prompt_ids, prompt_text, name, texts.decode)
        return await _respond(engine, request, body, prompt_ids, wanted, answer)

    @app.post("/v1/load_lora_adapter")
    async def load_lora_adapter(body: LoadRequest) -> PlainTextResponse:
        if body.load_inplace:
            raise ApiError(400, "load_inplace changes answers half-way; load a new name instead.")
        path = await asyncio.to_thread(_adapter_folder, body.lora_path, adapters_under)
        try:
            await asyncio.wrap_future(engine.load(body.lora_name, path))
        except AdapterRefused as error:
            raise ApiError(400, str(error), "InvalidUserInput") from error
        return PlainTextResponse(f"Success: LoRA adapter '{body.lora_name}' added successfully.")

    @app.post("/v1/unload_lora_adapter")
    async def unload_lora_adapter(body: UnloadRequest) -> PlainTextResponse:
        try:
            await asyncio.wrap_future(engine.unload(body.lora_name))
        except UnknownModelName as error:
            message = f"The lora adapter '{body.lora_name}' cannot be found."
            raise ApiError(404, message, "NotFoundError") from error
        return PlainTextResponse(f"Success: LoRA adapter '{body.lora_name}' removed successfully.")

    return app


class Texts:
    """What a request says, in tokens; refuses what does not fit the model."""

    def __init__(self, engine: Engine) -> None:
        self._tokenizer = engine.model.tokenizer
        self._max_length = engine.model.max_length
        self._vocabulary = engine.model.vocabulary
        self.decode = functools.lru_cache(maxsize=65536)(lambda token_id: self._tokenizer.decode([token_id]))

    def tokens_of(self, text: str, *, special: bool) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=special).input_ids)

    def text_of(self, tokens: Sequence[int]) -> str:
        return str(self._tokenizer.decode(tokens))

    def tokens_of_chat(self, messages: Sequence[Mapping[str, Any]]) -> list[int]:
        if any(part.get("type") != "text" for one in messages for part in _parts(one)):
            raise ApiError(400, "This model reads text only; it has no vision for an image or a video.")
        try:
            tokens = self._tokenizer.apply_chat_template(
                messages, add_generation_prompt=True, tokenize=True, return_dict=False
            )
        except TemplateError as error:
            raise ApiError(400, str(error)) from error
        return list(tokens)

    def check(self, tokens: Sequence[int]) -> None:
        if not tokens:
            raise ApiError(400, "You must pass at least one prompt")
        if (worst := max(tokens)) >= self._vocabulary or min(tokens) < 0:
            raise ApiError(400, f"Token id {worst} is out of vocabulary")

    def room_for(self, prompt_ids: Sequence[int], max_tokens: int | None, *, at_least: int) -> int:
        """How many tokens the answer may have: what was asked for, as far as the context has room."""
        room = self._max_length - len(prompt_ids)
        wanted = room if max_tokens is None else max_tokens
        if room < at_least or wanted > self._max_length:
            raise ApiError(
                400,
                f"This model's maximum context length is {self._max_length} tokens. However, your prompt has "
                f"{len(prompt_ids)} tokens and you asked for {max_tokens} more. Please reduce one of them.",
                param="max_tokens",
            )
        if wanted < at_least:
            raise ApiError(400, f"max_tokens must be at least {at_least}, got {wanted}.", param="max_tokens")
        return min(wanted, room)


def _parts(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    content = message.get("content")
    return [part for part in content if isinstance(part, Mapping)] if isinstance(content, list) else []


def _adapter_folder(path: str, adapters_under: Path | None) -> Path:
    folder = Path(path).resolve()
    if adapters_under and not folder.is_relative_to(adapters_under.resolve()):
        raise ApiError(400, f"Adapters are loaded from below {adapters_under} only.", "InvalidUserInput")
    if not folder.is_dir():
        raise ApiError(404, f"No adapter found for {path}: there is no such folder.", "NotFoundError")
    return folder


async def _respond(
    engine: Engine,
    request: Request,
    body: GenerationRequest,
    prompt_ids: list[int],
    wanted: Wanted,
    answer: Answer,
) -> Response:
    events = EventQueue(engine.metrics)
    generation = Generation(prompt_ids, wanted, events.emit)
    try:
        engine.submit(body.model, generation)
    except UnknownModelName as error:
        message = f"The model `{body.model}` does not exist."
        raise ApiError(404, message, "NotFoundError", "model") from error
    if body.stream:
        sse = stream(events, generation, answer, with_usage=body.wants_usage)
        return StreamingResponse(sse, media_type="text/event-stream")
    whole = await _unless_disconnected(request, collect(events, generation, answer))
    return Response(status_code=499) if whole is None else JSONResponse(whole)


async def _unless_disconnected(request: Request, work: Awaitable[Json]) -> Json | None:
    """The result, or None as soon as the client has gone; then the work is cancelled."""

    async def disconnect() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    working, leaving = asyncio.ensure_future(work), asyncio.ensure_future(disconnect())
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        working.cancel()
        leaving.cancel()


def _model_card(name: str, *, root: str, parent: str | None) -> Json:
    return {"id": name, "object": "model", "owned_by": "twin", "root": root, "parent": parent}


async def _api_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ApiError)
    return JSONResponse(error.body, status_code=error.status)


async def _stopping(_: Request, error: Exception) -> JSONResponse:
    body = ApiError(503, "The model server is stopping.", "ServiceUnavailableError").body
    return JSONResponse(body, status_code=503)


async def _invalid_request(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    body = ApiError(400, sentence_of(error.errors()), "Bad Request").body
    return JSONResponse(body, status_code=400)
