"""The twin as any OpenAI client knows a model: /v1/chat/completions and /v1/models.

What the client sends is the conversation, pictures too; its system messages are let be, because the twin is
who it is.
The words asked and the answer are kept as a private chat of that token, to be judged and learned from.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.responses import StreamingResponse

from api.handling import Handled
from api.pictures import media_of
from api.problems import OF_THE_WORLD, Refused, openai_error
from api.rules import Asking, allow
from api.shapes import openai as shapes
from api.shapes.auth import Grade, Scope
from api.talk import API, answer_to
from api.who import Who
from api.world import TheWorld, World
from brain.live_adapter import BASE
from brain.reply import Reply
from storage.records import AdapterState, Message, message_key, now, reply_key

router = APIRouter(route_class=Handled, prefix="/v1", tags=["openai"])

TWIN = "twin"  # the model that answers as it does in chats
Growing = asyncio.Queue[str | Reply | Exception]


class Handed:
    """A conversation that somebody hands in, as the brain looks it up; its last words are the question."""

    def __init__(self, said: list[Message]) -> None:
        self._said = said

    async def get(self, key: str) -> Message | None:
        return next((one for one in self._said if one.key == key), None)

    async def recent(
        self, chat_id: str, platform: str, limit: int = 20, before: datetime | None = None
    ) -> list[Message]:
        return self._said[-limit - 1 : -1]


@router.post(
    "/chat/completions",
    dependencies=[allow(Grade.TRAINER, Scope.CHAT, answers=True)],
    response_model=shapes.ChatCompletion,
    responses={
        400: {"model": shapes.ErrorAnswer},
        404: {"model": shapes.ErrorAnswer},
        503: {"model": shapes.ErrorAnswer},
    },
)
async def complete(asked: shapes.ChatRequest, asking: Asking, world: TheWorld) -> Any:
    """Answer as the twin. With `stream`, as server-sent chunks that end with [DONE]."""
    brain = world.talk.brain
    by = await _who_answers(asked.model, world)
    said = await _conversation(asked, asking, world)
    question, handed = said[-1], Handed(said)
    await world.messages.add(question)
    sampling = _sampling(asked)
    key = reply_key(API)
    if not asked.stream:
        reply = await brain.reply_to([question], by=by, among=handed, sampling=sampling)
        await world.messages.add(answer_to(question, key, reply.text, reply.stamp))
        return _completion(asked, key, reply)
    growing: Growing = asyncio.Queue()

    async def think() -> None:
        try:
            reply = await brain.reply_to([question], _into(growing), by=by, among=handed, sampling=sampling)
            await world.messages.add(answer_to(question, key, reply.text, reply.stamp))
            growing.put_nowait(reply)
        except tuple(OF_THE_WORLD) as problem:
            growing.put_nowait(problem)

    thinking = asyncio.create_task(think())
    return StreamingResponse(_chunks(asked, key, growing, thinking), media_type="text/event-stream")


@router.get("/models", dependencies=[allow(Grade.VIEWER, Scope.CHAT)])
async def models(world: TheWorld) -> shapes.ModelList:
    """The twin first, then the base model and every adapter that may answer."""
    began = int(world.up_since.timestamp())
    cards = [shapes.ModelCard(id=name, created=began, owned_by="twin") for name in (TWIN, BASE)]
    for adapter in await world.adapters.all():
        if adapter.state is not AdapterState.REFUSED:
            made = int(adapter.created_at.timestamp())
            cards.append(shapes.ModelCard(id=adapter.version, created=made, owned_by="twin"))
    return shapes.ModelList(data=cards)


@router.get("/models/{model}", dependencies=[allow(Grade.VIEWER, Scope.CHAT)])
async def model(model: Annotated[str, Path(max_length=200)], world: TheWorld) -> shapes.ModelCard:
    """One of them."""
    found = next((card for card in (await models(world)).data if card.id == model), None)
    if found is None:
        raise Refused(f"the model '{model}' does not exist", "GET /v1/models lists them", status=404)
    return found


async def _who_answers(model: str, world: World) -> str | None:
    if model in (TWIN, ""):
        return None
    if model != BASE and await world.adapters.get(model) is None:
        raise Refused(f"the model '{model}' does not exist", "GET /v1/models lists them", status=404)
    return model


async def _conversation(asked: shapes.ChatRequest, asking: Who, world: World) -> list[Message]:
    chat_id = asking.token.id if asking.token else asking.id
    author = world.owner_name if asking.is_owner else asking.name
    said: list[Message] = []
    began = now() - timedelta(seconds=len(asked.messages))
    for number, turn in enumerate(asked.messages):
        if turn.role not in ("user", "assistant"):
            continue
        text, media = _words(turn), await media_of(_pictures(turn), status=400)
        if not text and not media:
            continue
        by_twin = turn.role == "assistant"
        said.append(
            Message(
                key=message_key(API, chat_id, secrets.token_hex(8)),
                platform=API,
                chat_id=chat_id,
                author_id="twin" if by_twin else asking.id,
                author_name="twin" if by_twin else author,
                text=text,
                sent_at=began + timedelta(seconds=number),
                by_twin=by_twin,
                by_owner=asking.is_owner and not by_twin,
                private=True,
                to_twin=not by_twin,
                media=media,
            )
        )
    if not said or said[-1].by_twin:
        raise Refused(
            "there is nothing to answer",
            "the last message must be the user's, with text or a picture",
            status=400,
        )
    return said


def _words(turn: shapes.ChatMessage) -> str:
    if isinstance(turn.content, str):
        return turn.content.strip()
    return "\n".join(part.text for part in turn.content or [] if part.text).strip()


def _pictures(turn: shapes.ChatMessage) -> list[str]:
    if turn.role != "user" or not isinstance(turn.content, list):
        return []
    return [part.image_url.url for part in turn.content if part.image_url]


def _sampling(asked: shapes.ChatRequest) -> dict[str, Any]:
    stop = (asked.stop,) if isinstance(asked.stop, str) else tuple(asked.stop or ())
    chosen = {
        "temperature": asked.temperature,
        "top_p": asked.top_p,
        "max_tokens": asked.max_completion_tokens or asked.max_tokens,
        "seed": asked.seed,
        "stop": stop or None,
    }
    return {name: value for name, value in chosen.items() if value is not None}


def _completion(asked: shapes.ChatRequest, key: str, reply: Reply) -> shapes.ChatCompletion:
    return shapes.ChatCompletion(
        id=_id(key),
        created=int(now().timestamp()),
        model=asked.model,
        choices=[
            shapes.Choice(message=shapes.AnswerMessage(content=reply.text), finish_reason=_finish(reply))
        ],
        usage=_usage(reply),
        system_fingerprint=reply.stamp.adapter or BASE,
    )


def _into(growing: Growing) -> Any:
    seen = 0

    async def on_text(text: str) -> None:
        nonlocal seen
        growing.put_nowait(text[seen:])
        seen = len(text)

    return on_text


async def _chunks(
    asked: shapes.ChatRequest, key: str, growing: Growing, thinking: asyncio.Task[None]
) -> AsyncGenerator[str]:
    """Whoever hangs up stops the model."""
    head = {
        "id": _id(key),
        "object": "chat.completion.chunk",
        "created": int(now().timestamp()),
        "model": asked.model,
    }

    def chunk(delta: dict[str, Any], finish: str | None = None) -> str:
        choices = [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]
        return f"data: {json.dumps(head | {'choices': choices})}\n\n"

    try:
        yield chunk({"role": "assistant", "content": ""})
        while isinstance(piece := await growing.get(), str):
            yield chunk({"content": piece})
        if isinstance(piece, Exception):
            status = next(code for kind, code in OF_THE_WORLD.items() if isinstance(piece, kind))
            yield f"data: {json.dumps({'error': openai_error(status, str(piece))})}\n\n"
            return
        yield chunk({}, _finish(piece))
        if asked.stream_options and asked.stream_options.include_usage:
            usage = _usage(piece).model_dump()
            yield f"data: {json.dumps(head | {'choices': [], 'usage': usage})}\n\n"
        yield "data: [DONE]\n\n"
    finally:
        thinking.cancel()


def _finish(reply: Reply) -> Any:
    return "length" if reply.finish_reason == "length" else "stop"


def _usage(reply: Reply) -> shapes.Usage:
    asked, told = reply.stamp.prompt_tokens, reply.stamp.completion_tokens
    return shapes.Usage(prompt_tokens=asked, completion_tokens=told, total_tokens=asked + told)


def _id(key: str) -> str:
    return f"chatcmpl-{key}"
