"""Live events: one stream for everything that happens."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, HTTPException, Query
from fastapi.responses import StreamingResponse

from api.events import MOST_READERS
from api.handling import Handled
from api.problems import Refused
from api.rules import ORDER, Asking, allow
from api.shapes.auth import Grade, Scope
from api.world import TheWorld
from storage.changes import Place

EVENT = 'id: 1042\nevent: message\ndata: {"key": "web:~5f2c", "chat_id": "8101", "platform": "telegram"}\n\n'

router = APIRouter(route_class=Handled, prefix="/api", tags=["events"])

Last = Annotated[str | None, Query(max_length=100, description="as the header, for those who cannot set it")]


@router.get(
    "/events",
    dependencies=[allow(Grade.VIEWER, Scope.READ)],
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}, "example": EVENT}}}},
)
async def events(
    asking: Asking,
    world: TheWorld,
    last_event_id: Last = None,
    header: Annotated[str | None, Header(alias="Last-Event-ID", max_length=100)] = None,
) -> StreamingResponse:
    """`message`, `draft`, `feedback`, `run`, `adapter` and `metrics` events, as they happen.

    Coming back with the last event's id, nothing is missed. Viewers get no words and no names.
    """
    wanted = header or last_event_id
    place = Place.read(wanted) if wanted else None
    if wanted and place is None:
        raise Refused("that is no event's id", "leave it out to begin now", status=422)
    if world.events.readers >= MOST_READERS:
        raise HTTPException(503, "too many read events here already", {"Retry-After": "10"})
    words = ORDER.index(asking.grade) >= ORDER.index(Grade.TRAINER)
    reading = world.events.read(place, words=words)
    return StreamingResponse(reading, media_type="text/event-stream", headers={"x-accel-buffering": "no"})
