"""The pulse page: figures over time, the health of every part, the schedule, the settings."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query

from api.handling import Handled
from api.inbox import aware
from api.problems import Refused
from api.rules import allow
from api.shapes import pulse as shapes
from api.shapes.auth import Grade, Scope
from api.shapes.page import Page
from api.world import TheWorld
from storage.pulse import Told
from storage.records import now

router = APIRouter(route_class=Handled, prefix="/api", tags=["pulse"])

BUCKETS = {"hour": timedelta(hours=1), "day": timedelta(days=1)}
MOST_BUCKETS = 1000


@router.get("/pulse", dependencies=[allow(Grade.VIEWER, Scope.READ)])
async def pulse(
    world: TheWorld,
    since: Annotated[datetime | None, Query(description="default: 14 days ago")] = None,
    until: datetime | None = None,
    bucket: Literal["hour", "day"] = "day",
) -> shapes.Pulse:
    """Messages, time to answer, and how answers were liked, by adapter and over time."""
    end = aware(until) or now()
    begin = aware(since) or end - timedelta(days=14)
    if not timedelta() < end - begin <= MOST_BUCKETS * BUCKETS[bucket]:
        raise Refused(f"between since and until lie 1 to {MOST_BUCKETS} {bucket}s", status=422)
    counted = await world.pulse.replies(begin, end, BUCKETS[bucket])
    waiting, drafts = await world.pulse.waiting()
    return shapes.Pulse(
        since=begin,
        until=end,
        bucket=bucket,
        replies=[shapes.Moment.model_validate(one) for one in counted],
        heard=[
            shapes.Heard.model_validate(one) for one in await world.pulse.heard(begin, end, BUCKETS[bucket])
        ],
        adapters=[_of(one) for one in await world.pulse.replies(begin, end, None)],
        waiting=waiting,
        drafts=drafts,
    )


@router.get("/schedule", dependencies=[allow(Grade.VIEWER, Scope.READ)])
async def schedule(world: TheWorld) -> Page[shapes.Scheduled]:
    """What happens by the clock."""
    return Page(items=list(await world.workshop.schedule()))


@router.get("/settings", dependencies=[allow(Grade.OWNER, Scope.MANAGE)])
async def settings(world: TheWorld) -> shapes.Settings:
    """As they hold in this process; secrets are masked. They are changed in twin.toml."""
    return world.workshop.settings()


def _of(told: Told) -> shapes.OfAdapter:
    judged = told.liked + told.disliked
    return shapes.OfAdapter(
        adapter=told.adapter,
        replies=told.replies,
        liked=told.liked,
        disliked=told.disliked,
        thumbs_rate=told.liked / judged if judged else None,
        memory_hits=told.with_memories / told.replies if told.replies else None,
        prompt_tokens=told.prompt_tokens,
        completion_tokens=told.completion_tokens,
        p50_ms=told.p50_ms,
        p95_ms=told.p95_ms,
    )
