"""The inbox page: answers to label, drafts to approve, and everything that was said of answers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from api.feedback_files import as_file, read_lines
from api.handling import Handled
from api.paging import Cursor, Limit, number_at, paged
from api.problems import Refused, missing
from api.rules import Asking, allow
from api.shapes import inbox as shapes
from api.shapes.auth import Grade, Scope
from api.shapes.page import Done, Page
from api.showing import message_shown, replies_shown
from api.world import TheWorld
from storage.records import Feedback, Role, Signal, now

PAIR = (  # one line of TRL's preference format
    '{"prompt": [{"role": "user", "content": "When is dinner?"}], '
    '"chosen": [{"role": "assistant", "content": "at seven, bring the drill"}], '
    '"rejected": [{"role": "assistant", "content": "Dinner is served at 19:00."}]}\n'
)

router = APIRouter(route_class=Handled, prefix="/api", tags=["inbox"])

Key = Annotated[str, Path(max_length=300)]
WITH_WORDS = {Signal.CORRECTION, Signal.COMPLAINT, Signal.CHOICE, Signal.TAKEOVER}


@router.get("/replies", dependencies=[allow(Grade.TRAINER, Scope.READ)])
async def replies(
    world: TheWorld,
    limit: Limit = 50,
    cursor: Cursor = None,
    platform: Annotated[str | None, Query(max_length=40)] = None,
    adapter: Annotated[str | None, Query(max_length=100, description='"base": the base model')] = None,
    labelled: Annotated[bool | None, Query(description="with feedback that counts, or without")] = None,
    since: datetime | None = None,
    until: datetime | None = None,
    saying: Annotated[str | None, Query(max_length=200)] = None,
) -> Page[shapes.Reply]:
    """The twin's answers that people could read, newest first, each with what it answers."""
    found = await world.pages.replies(
        limit + 1,
        number_at(cursor),
        platform=platform,
        adapter=adapter,
        labelled=labelled,
        since=aware(since),
        until=aware(until),
        saying=saying,
    )
    shown = dict(zip((one.number for one in found), await replies_shown(world, found), strict=True))
    return paged(found, limit, lambda one: one.number, lambda one: shown[one.number])


@router.get("/replies/{key}", dependencies=[allow(Grade.TRAINER, Scope.READ)])
async def reply(key: Key, world: TheWorld) -> shapes.Reply:
    """One answer."""
    found = await world.pages.listed(key)
    if found is None or not found.message.by_twin:
        raise missing("reply", key)
    return (await replies_shown(world, [found]))[0]


@router.post("/replies/{key}/feedback", dependencies=[allow(Grade.TRAINER, Scope.FEEDBACK)], status_code=201)
async def give(key: Key, new: shapes.NewFeedback, asking: Asking, world: TheWorld) -> shapes.Feedback:
    """Say how good an answer is. Of one person's thumbs on one answer, the newest counts."""
    text = (new.text or "").strip() or None
    reply = await world.messages.get(key)
    if reply is None or not reply.by_twin:
        raise missing("reply", key)
    if new.kind in WITH_WORDS and text is None:
        raise Refused(f"a {new.kind} needs its words", "send them as `text`", status=422)
    if new.kind is Signal.CORRECTION and text == reply.text:
        raise Refused("that is what it said; there is nothing to learn from it", status=422)
    given = Feedback(key, asking.id, asking.role, new.kind, now(), text if new.kind in WITH_WORDS else None)
    await world.feedback.record(given)
    return shapes.Feedback.model_validate(given)


@router.get("/feedback", dependencies=[allow(Grade.TRAINER, Scope.READ)])
async def feedback(
    world: TheWorld,
    limit: Limit = 50,
    cursor: Cursor = None,
    kind: Signal | None = None,
    role: Role | None = None,
    counts: Annotated[bool | None, Query(description="false: only what was withdrawn")] = None,
    platform: Annotated[str | None, Query(max_length=40)] = None,
) -> Page[shapes.Feedback]:
    """Everything that was ever said of answers, newest first."""
    found = await world.pages.feedback(
        limit + 1, number_at(cursor), kind=kind, role=role, counts=counts, platform=platform
    )
    return paged(found, limit, lambda one: one[0], lambda one: shapes.Feedback.model_validate(one[1]))


@router.delete("/feedback/{feedback_id}", dependencies=[allow(Grade.TRAINER, Scope.FEEDBACK)])
async def withdraw(feedback_id: Key, asking: Asking, world: TheWorld) -> shapes.Feedback:
    """It stops counting and stays in the history. Your own; the owner may withdraw anybody's."""
    found = await world.pages.one_feedback(feedback_id)
    if found is None:
        raise missing("feedback", feedback_id)
    if found.given_by != asking.id and not asking.is_owner:
        raise Refused("that was said by somebody else", "only they or the owner can take it back", status=403)
    await world.feedback.withdraw(found.reply_key, found.given_by, found.kind, now())
    return shapes.Feedback.model_validate(await world.pages.one_feedback(feedback_id))


@router.get(
    "/feedback/export",
    dependencies=[allow(Grade.OWNER, Scope.FEEDBACK)],
    response_class=Response,
    responses={
        200: {
            "content": {
                "application/x-ndjson": {"schema": {"type": "string"}, "example": PAIR},
                "application/vnd.apache.parquet": {
                    "schema": {"type": "string", "format": "binary"},
                    "example": "PAR1...PAR1",
                },
            }
        }
    },
)
async def export(
    world: TheWorld,
    kind: shapes.ExportKind = shapes.ExportKind.PREFERENCE,
    file: shapes.FileKind = shapes.FileKind.JSONL,
) -> Response:
    """A file that trainers read: TRL's preference or unpaired format; or every signal, to import again."""
    rows = await world.workshop.export(kind)
    return await as_file(rows, kind, file)


@router.post(
    "/feedback/import",
    dependencies=[allow(Grade.OWNER, Scope.FEEDBACK)],
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/x-ndjson": {"schema": {"type": "string"}, "example": PAIR}},
        }
    },
)
async def import_(request: Request, asking: Asking, world: TheWorld) -> shapes.ImportReport:
    """JSON lines in any of the formats of the export. A line that cannot be read leaves the others alone."""
    return await read_lines(await request.body(), world, asking.id)


@router.get("/drafts", dependencies=[allow(Grade.OWNER, Scope.READ)])
async def drafts(world: TheWorld, limit: Limit = 50, cursor: Cursor = None) -> Page[shapes.Draft]:
    """What the twin would say, and waits to be allowed to."""
    found = await world.pages.drafts(limit + 1, number_at(cursor))
    keys = {one.message.reply_to for one in found if one.message.reply_to}
    questions = {one.key: one for one in await world.messages.get_all(keys)}
    return paged(
        found,
        limit,
        lambda one: one.number,
        lambda one: shapes.Draft(
            key=one.message.key,
            draft=message_shown(one.message, unsent=True),
            question=message_shown(asked) if (asked := questions.get(one.message.reply_to or "")) else None,
            asked_at=one.message.sent_at,
        ),
    )


@router.post("/drafts/{key}/approve", dependencies=[allow(Grade.OWNER, Scope.FEEDBACK)])
async def approve(key: Key, given: shapes.Approve, world: TheWorld) -> Done:
    """Send it; with other words, those are sent and correct it."""
    words = (given.text or "").strip() or None
    return Done(told=await world.workshop.decide_draft(key, "edit" if words else "send", words))


@router.post("/drafts/{key}/skip", dependencies=[allow(Grade.OWNER, Scope.FEEDBACK)])
async def skip(key: Key, world: TheWorld) -> Done:
    """Do not send it; that counts as a thumb down."""
    return Done(told=await world.workshop.decide_draft(key, "skip", None))


def aware(moment: datetime | None) -> datetime | None:
    """Without a zone, UTC is meant."""
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment
