"""The chat page: conversations on every chat app, and talking to the twin here."""

from __future__ import annotations

import base64
import secrets
from collections.abc import AsyncGenerator
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query
from fastapi.responses import StreamingResponse

from api.handling import Handled
from api.paging import Cursor, Limit, number_at, paged
from api.pictures import media_of
from api.problems import Refused, missing
from api.rules import Asking, allow
from api.shapes import chat as shapes
from api.shapes.auth import Grade, Scope
from api.shapes.page import Done, Page
from api.showing import message_shown, messages_shown
from api.talk import CANDIDATE, WEB
from api.who import Who
from api.world import TheWorld, World
from storage.pages import Talked
from storage.records import Feedback, Message, Signal, message_key, now

router = APIRouter(route_class=Handled, prefix="/api", tags=["chat"])

Id = Annotated[str, Path(max_length=300, description="of a conversation")]
Key = Annotated[str, Path(max_length=300, description="of a message")]
Once = Annotated[str | None, Header(alias="Idempotency-Key", max_length=200)]
STREAM: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {"schema": {"$ref": "#/components/schemas/Growing"}}}}
}


@router.get("/conversations", dependencies=[allow(Grade.TRAINER, Scope.READ)])
async def conversations(
    world: TheWorld,
    limit: Limit = 50,
    cursor: Cursor = None,
    platform: Annotated[str | None, Query(max_length=40)] = None,
) -> Page[shapes.Conversation]:
    """Every chat, whoever spoke last first."""
    found = await world.pages.conversations(limit + 1, number_at(cursor), platform)
    return paged(found, limit, lambda one: one.number, _shown)


@router.post("/conversations", dependencies=[allow(Grade.TRAINER, Scope.CHAT)], status_code=201)
async def new_conversation(new: shapes.NewConversation) -> shapes.Conversation:
    """An empty one; it is listed once something is said in it."""
    chat_id = secrets.token_hex(8)
    return shapes.Conversation(
        id=id_of(WEB, chat_id),
        platform=WEB,
        chat_id=chat_id,
        title=new.title,
        private=True,
        messages=0,
        last_at=now(),
        last_text="",
        web=True,
    )


@router.get("/conversations/{conversation_id}/messages", dependencies=[allow(Grade.TRAINER, Scope.READ)])
async def messages(
    conversation_id: Id, world: TheWorld, limit: Limit = 50, cursor: Cursor = None
) -> Page[shapes.Message]:
    """Newest first."""
    platform, chat_id = _place(conversation_id)
    found = await world.pages.messages(platform, chat_id, limit + 1, number_at(cursor))
    shown = dict(zip((one.message.key for one in found), await messages_shown(world, found), strict=True))
    return paged(found, limit, lambda one: one.number, lambda one: shown[one.message.key])


@router.post(
    "/conversations/{conversation_id}/messages",
    dependencies=[allow(Grade.TRAINER, Scope.CHAT, answers=True)],
    responses=STREAM,
    response_class=StreamingResponse,
)
async def say(
    conversation_id: Id, said: shapes.Say, asking: Asking, world: TheWorld, once: Once = None
) -> StreamingResponse:
    """Say something, with pictures or without; hear the answer grow: `question`, `text`..., `done` events.

    With two adapters, both answer, each in its slot; `choose` says which one counts.
    """
    chat_id = _of_ours(conversation_id)
    _ = world.talk.brain
    media = await media_of(said.pictures)
    name = f"{asking.id}-{once}" if once else secrets.token_hex(8)
    question = Message(
        key=message_key(WEB, chat_id, name),
        platform=WEB,
        chat_id=chat_id,
        author_id=asking.id,
        author_name=world.owner_name if asking.is_owner else asking.name,
        text=said.text,
        sent_at=now(),
        by_owner=asking.is_owner,
        private=True,
        to_twin=True,
        media=media,
    )
    if not await world.messages.add(question):
        raise Refused("that was said already", "its answer is in the conversation, or on its way")
    return _stream(world.talk.answer(question, said.adapters))


@router.post(
    "/conversations/{conversation_id}/regenerate",
    dependencies=[allow(Grade.TRAINER, Scope.CHAT, answers=True)],
    responses=STREAM,
    response_class=StreamingResponse,
)
async def regenerate(conversation_id: Id, wanted: shapes.Regenerate, world: TheWorld) -> StreamingResponse:
    """Another answer to the last words. The one before is set aside: kept, and still to be judged."""
    chat_id = _of_ours(conversation_id)
    _ = world.talk.brain
    for one in await world.pages.messages(WEB, chat_id, 20):
        if not one.message.by_twin:
            return _stream(world.talk.answer(one.message, wanted.adapters))
        if not one.unsent:
            await world.messages.set_aside(one.message.key, "regenerated")
    raise Refused("nothing was said there yet")


@router.post("/replies/{key}/stop", dependencies=[allow(Grade.TRAINER, Scope.CHAT)])
async def stop(key: Key, world: TheWorld) -> Done:
    """Enough: what was said so far is the answer."""
    if not await world.talk.stop(key):
        raise missing("answer on its way here", key)
    return Done(told="stopped")


@router.post("/choices", dependencies=[allow(Grade.TRAINER, Scope.FEEDBACK)], status_code=201)
async def choose(chosen: shapes.Choose, asking: Asking, world: TheWorld) -> shapes.Message:
    """Of two answers to the same words, the better one stays in the conversation; the twin learns of it."""
    better, worse = await world.pages.listed(chosen.better), await world.pages.listed(chosen.worse)
    if not better or not worse:
        raise missing("reply", chosen.worse if better else chosen.better)
    if better.message.key == worse.message.key or not better.message.by_twin or not worse.message.by_twin:
        raise Refused("those are not two answers", status=422)
    if better.message.reply_to is None or better.message.reply_to != worse.message.reply_to:
        raise Refused("those two do not answer the same words", status=422)
    given = Feedback(
        worse.message.key, asking.id, asking.role, Signal.CHOICE, now(), text=better.message.text
    )
    await world.feedback.record(given)
    if better.message.platform == WEB and better.outcome == CANDIDATE:
        await world.messages.bring_out(better.message.key, "chosen")
        await world.messages.set_aside(worse.message.key, f"worse than {better.message.key}")
    return message_shown(better.message)


@router.get("/replies/{key}/why", dependencies=[allow(Grade.TRAINER, Scope.READ)])
async def why(key: Key, asking: Asking, world: TheWorld) -> shapes.Why:
    """Why this answer? Adapter, prompt, sampling, memories, tokens and time."""
    found = await world.pages.listed(key)
    if found is None or not found.message.by_twin:
        raise missing("reply", key)
    stamp = found.message.stamp
    if stamp is None:
        raise Refused("what made this answer is not kept (any more)", status=404)
    question = await world.messages.get(found.message.reply_to) if found.message.reply_to else None
    return shapes.Why(
        reply=message_shown(found.message, unsent=found.unsent),
        question=message_shown(question) if question else None,
        adapter=stamp.adapter,
        base_model=stamp.base_model,
        prompt=[dict(turn) for turn in stamp.prompt],
        prompt_hash=stamp.prompt_hash,
        sampling=dict(stamp.sampling),
        recalled=await _recalled(world, asking, stamp.recalled),
        pictures=len(stamp.pictures),
        speakers=list(stamp.speakers),
        first_token_ms=stamp.first_token_ms,
        total_ms=stamp.total_ms,
        prompt_tokens=stamp.prompt_tokens,
        completion_tokens=stamp.completion_tokens,
        outcome=found.outcome,
    )


async def _recalled(world: World, asking: Who, ids: tuple[str, ...]) -> list[shapes.Recalled]:
    known = await world.pages.records_by_id(ids) if asking.is_owner and ids else {}
    return [
        shapes.Recalled(id=id, source=one.source, said_at=one.said_at, text=one.text)
        if (one := known.get(id))
        else shapes.Recalled(id=id)
        for id in ids
    ]


def _stream(growing: AsyncGenerator[shapes.Growing]) -> StreamingResponse:
    async def lines() -> AsyncGenerator[str]:
        async for event in growing:
            yield f"event: {event.event}\ndata: {event.model_dump_json()}\n\n"

    return StreamingResponse(lines(), media_type="text/event-stream", headers={"x-accel-buffering": "no"})


def _shown(talked: Talked) -> shapes.Conversation:
    last = talked.last
    return shapes.Conversation(
        id=id_of(talked.platform, talked.chat_id),
        platform=talked.platform,
        chat_id=talked.chat_id,
        title=talked.title,
        private=last.private,
        messages=talked.messages,
        last_at=last.sent_at,
        last_text=last.text[:200],
        web=talked.platform == WEB,
    )


def id_of(platform: str, chat_id: str) -> str:
    return base64.urlsafe_b64encode(f"{platform}:{chat_id}".encode()).decode().rstrip("=")


def _place(conversation_id: str) -> tuple[str, str]:
    try:
        text = base64.urlsafe_b64decode(conversation_id + "=" * (-len(conversation_id) % 4)).decode()
    except ValueError:
        raise missing("conversation", conversation_id) from None
    platform, colon, chat_id = text.partition(":")
    if not colon:
        raise missing("conversation", conversation_id)
    return platform, chat_id


def _of_ours(conversation_id: str) -> str:
    platform, chat_id = _place(conversation_id)
    if platform != WEB or not (chat_id.isalnum() and len(chat_id) <= 64):
        raise Refused("that conversation is on a chat app", "answer it there; here it can only be read")
    return chat_id
