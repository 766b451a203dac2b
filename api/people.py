"""The people page: who allows what, may ask for how much, may hear what; facts; forgetting."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Path, Query

from api.handling import Handled
from api.paging import Cursor, Limit, paged, words_at
from api.problems import Refused, missing
from api.rules import allow
from api.shapes import people as shapes
from api.shapes.auth import Grade, Scope
from api.shapes.page import Done, Page
from api.world import TheWorld
from storage.records import Chat, Consent, Limits

router = APIRouter(route_class=Handled, prefix="/api", tags=["people"])

Platform = Annotated[str, Path(max_length=40, pattern=r"^[a-z][a-z-]*$")]
Id = Annotated[str, Path(min_length=1, max_length=200)]


@router.get("/people", dependencies=[allow(Grade.OWNER, Scope.READ)])
async def people(
    world: TheWorld, limit: Limit = 50, cursor: Cursor = None, consent: Consent | None = None
) -> Page[shapes.Person]:
    """Everybody but the owner who spoke with the twin, and what they allow."""
    after = words_at(cursor, 2)
    found = await world.pages.people(limit + 1, (after[0], after[1]) if after else None, consent)
    return paged(found, limit, lambda one: [one.platform, one.person_id], shapes.Person.model_validate)


@router.put("/people/{platform}/{person_id}/consent", dependencies=[allow(Grade.OWNER, Scope.MANAGE)])
async def set_consent(platform: Platform, person_id: Id, given: shapes.NewConsent, world: TheWorld) -> Done:
    """What they have told you. Whoever opted out is only let in again by themselves."""
    known = await world.people.consent(platform, person_id)
    if known is Consent.OPTED_OUT and given.consent is Consent.AGREED:
        raise Refused("they have opted out", "only they can agree again: /privacy, in a chat with the twin")
    await world.people.set_consent(platform, person_id, given.consent)
    return Done(told=f"noted: {given.consent}")


@router.get("/limits", dependencies=[allow(Grade.OWNER, Scope.READ)])
async def usual_limits(world: TheWorld) -> shapes.Limits:
    """What holds for whoever has no limits of their own: [limits] in twin.toml. null: none."""
    return shapes.Limits.model_validate(world.usual_limits)


@router.put("/people/{platform}/{person_id}/limits", dependencies=[allow(Grade.OWNER, Scope.MANAGE)])
async def set_limits(platform: Platform, person_id: Id, given: shapes.Limits, world: TheWorld) -> Done:
    """How much they may ask for; null: the usual. Whoever asks for more is told so once, and not answered."""
    await world.people.set_limits(platform, person_id, Limits(given.per_minute, given.tokens_per_day))
    return Done(told="that holds from their next message on")


@router.get("/audiences", dependencies=[allow(Grade.OWNER, Scope.READ)])
async def audiences(world: TheWorld, limit: Limit = 50, cursor: Cursor = None) -> Page[shapes.Audience]:
    """How many records each audience may hear back."""
    after = words_at(cursor, 1)
    found = await world.pages.audiences(limit + 1, after[0] if after else None)
    return paged(
        found,
        limit,
        lambda one: [one.name],
        lambda one: shapes.Audience(audience=one.name, records=one.records),
    )


@router.get("/chats", dependencies=[allow(Grade.OWNER, Scope.READ)])
async def chats(
    world: TheWorld, platform: Annotated[str | None, Query(max_length=40)] = None
) -> Page[shapes.Chat]:
    """What was decided about single chats; the rest is as the settings say. "*": about all of them."""
    return Page(items=[shapes.Chat.model_validate(one) for one in await world.chats.all(platform)])


@router.put("/chats/{platform}/{chat_id:path}", dependencies=[allow(Grade.OWNER, Scope.MANAGE)])
async def set_chat(platform: Platform, chat_id: Id, given: shapes.ChatChange, world: TheWorld) -> shapes.Chat:
    """When the twin speaks there, and whether you see its answers first. null: as the settings say."""
    known = await world.chats.get(platform, chat_id) or Chat(platform, chat_id)
    changed = replace(known, mode=given.mode, draft=given.draft)
    await world.chats.put(changed)
    return shapes.Chat.model_validate(changed)


@router.get("/facts", dependencies=[allow(Grade.OWNER, Scope.READ)])
async def facts(world: TheWorld) -> Page[shapes.Fact]:
    """What you told the twin to know; everybody may hear it."""
    return Page(items=[shapes.Fact.model_validate(one) for one in await world.facts.all()])


@router.post("/facts", dependencies=[allow(Grade.OWNER, Scope.MANAGE)], status_code=201)
async def add_fact(new: shapes.NewFact, world: TheWorld) -> Done:
    """Know this from now on."""
    added = await world.facts.add(new.text.strip())
    return Done(told="I will remember that" if added else "I knew that")


@router.delete("/facts/{fact_id}", dependencies=[allow(Grade.OWNER, Scope.MANAGE)])
async def forget_fact(fact_id: Id, world: TheWorld) -> Done:
    """Know it no more."""
    if not await world.facts.remove(fact_id):
        raise missing("fact", fact_id)
    return Done(told="forgotten")


@router.post("/forget/preview", dependencies=[allow(Grade.OWNER, Scope.MANAGE)])
async def trace(given: shapes.Forget, world: TheWorld) -> shapes.Receipt:
    """What would go, and which adapters learned from it. Nothing is deleted."""
    return shapes.Receipt.model_validate(await world.workshop.forget(given.what, really=False))


@router.post("/forget", dependencies=[allow(Grade.OWNER, Scope.MANAGE)])
async def forget(given: shapes.ForgetForGood, world: TheWorld) -> shapes.Receipt:
    """Take it out for good. It cannot be undone."""
    return shapes.Receipt.model_validate(await world.workshop.forget(given.what, really=True))
