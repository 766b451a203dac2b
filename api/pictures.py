"""How does a picture get into a conversation here, and how is it seen again?

What is sent here lies in its message, drawn anew; what came through a chat app is fetched from there.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Path, Response

from api.handling import Handled
from api.problems import Refused, missing
from api.rules import allow
from api.shapes.auth import Grade, Scope
from api.world import TheWorld
from brain.picture_files import NotAPicture
from brain.pictures import held, holding
from storage.records import Media

router = APIRouter(route_class=Handled, prefix="/api", tags=["chat"])

LARGEST = 5_000_000  # bytes of one


async def media_of(urls: Sequence[str], *, status: int = 422) -> tuple[Media, ...]:
    """What data: URLs show; `status` of the refusal where one of them is no picture."""
    found = []
    for number, url in enumerate(urls, start=1):
        try:
            found.append(await asyncio.to_thread(holding, _data_of(url)))
        except NotAPicture as problem:
            advice = "send a JPEG, PNG, GIF, WebP or BMP as a data: URL"
            raise Refused(f"picture {number} cannot be looked at: {problem}", advice, status=status) from None
    return tuple(found)


@router.get(
    "/messages/{key}/pictures/{number}",
    dependencies=[allow(Grade.TRAINER, Scope.READ)],
    response_class=Response,
    responses={
        200: {
            "content": {
                "image/jpeg": {
                    "schema": {"type": "string", "format": "binary"},
                    "example": "\xff\xd8\xff\xe0...",
                }
            }
        }
    },
)
async def picture(
    key: Annotated[str, Path(max_length=300, description="of a message")],
    number: Annotated[int, Path(ge=0, le=100, description="in its `media`")],
    world: TheWorld,
) -> Response:
    """What hangs on a message, drawn small. What a chat app has is asked for there."""
    message = await world.messages.get(key)
    if message is None or message.deleted_at or number >= len(message.media):
        raise missing("picture", f"{key}/{number}")
    jpeg = held(message.media[number])
    if jpeg is None and world.talk.has_brain and world.talk.brain.pictures:
        try:
            jpeg = await world.talk.brain.pictures.one(key, number)
        except TimeoutError:
            raise Refused("the chat app does not hand it out now", "try again later", status=503) from None
    if jpeg is None:
        raise missing("picture to be seen", f"{key}/{number}")
    return Response(jpeg, media_type="image/jpeg")


def _data_of(url: str) -> bytes:
    head, _, data = url.partition(",")
    if not (head.startswith("data:") and head.endswith(";base64")):
        raise NotAPicture("it is no data: URL in base64, and nothing is fetched from elsewhere")
    if len(data) * 3 // 4 > LARGEST:
        raise NotAPicture(f"it has more than {LARGEST // 1_000_000} MB")
    try:
        return base64.b64decode(data, validate=True)
    except binascii.Error:
        raise NotAPicture("it is not in base64") from None
