"""Which pictures of a conversation does the model get to see, and how do they get into the prompt?

A turn names its pictures by ids ("message key#number/frame"); `compose` leaves a mark where each stands.
They are fetched from the chat app when an answer needs them, drawn anew (brain/picture_files.py), kept in
this process's memory for the next answer, and never written anywhere: the stamp says which ones were seen.
What comes without a chat app that keeps it is drawn anew when it comes, and lies in its message.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import logging
import mimetypes
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from brain.framing import PICTURE
from brain.model_client import ModelRefused
from brain.picture_files import NotAPicture, frames
from brain.prompt import Turn
from storage.messages import MessageStore
from storage.records import ChatTurn, Media, Message, Prompt

log = logging.getLogger(__name__)

Fetch = Callable[[str, Media, int], Awaitable[bytes]]
"""What hangs on a message of that platform, at most so many bytes. Raises CannotSee."""
Get = Callable[[str], Awaitable[Message | None]]

MOST_BYTES = 20_000_000
VIDEO_FRAMES = 3
GIF_FRAMES = 2
PATIENCE_SECONDS = 10.0  # for all pictures of one answer
KEPT = 32
HELD = "data:image/jpeg;base64,"  # how the `ref` of what lies in its message begins
AT_ONCE = 2  # decoding takes a core each
MARK = re.compile(PICTURE.format("([^\ue001]*)"))


class CannotSee(Exception):
    """The chat app does not hand it out, or not now."""


async def _nowhere(platform: str, media: Media, most: int) -> bytes:
    raise CannotSee(f"nobody fetches from {platform}")


class Pictures:
    """`most`: pictures in one prompt, 0 for a model that only reads. `fetch` is set once there are apps."""

    def __init__(self, messages: MessageStore, most: int, fetch: Fetch = _nowhere) -> None:
        self.most = most
        self.fetch = fetch
        self._messages = messages
        self._kept: OrderedDict[str, list[bytes]] = OrderedDict()
        self._decoding = asyncio.Semaphore(AT_ONCE)

    async def look(
        self, turns: Sequence[Turn], get: Get | None = None
    ) -> tuple[list[Turn], dict[str, bytes]]:
        """The turns with the pictures that could be had, and those as JPEGs. Never raises for a picture.

        `get`: where their messages are looked up, where that is not what we kept.
        """
        ids = [picture for turn in turns for picture in turn.pictures]
        seen: dict[str, bytes] = {}
        if ids:
            files = dict.fromkeys(one.rpartition("/")[0] for one in ids)
            tasks = {file: asyncio.create_task(self._frames(file, get)) for file in files}
            await asyncio.wait(tasks.values(), timeout=PATIENCE_SECONDS)
            for file, task in tasks.items():
                if not task.done():
                    task.cancel()
                    log.warning("%s could not be looked at in time", file)
                    continue
                for number, jpeg in enumerate(task.result()):
                    if (name := f"{file}/{number}") in ids:
                        seen[name] = jpeg
        return [replace(turn, pictures=tuple(p for p in turn.pictures if p in seen)) for turn in turns], seen

    def refused(self, refusal: ModelRefused) -> bool:
        """Whether to ask again without pictures; a model that says it has no eyes is not shown any more."""
        if refusal.status != 400:
            return False
        if re.search(r"image|multi-?modal|vision", refusal.message, re.IGNORECASE):
            log.warning("the model does not look at pictures; from now on it is told their names only")
            self.most = 0
        return True

    async def one(self, key: str, number: int) -> bytes | None:
        """What hangs on that message, as a JPEG; None where it is nothing to be seen, or not to be had."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            return next(iter(await self._frames(f"{key}#{number}")), None)

    async def _frames(self, file: str, get: Get | None = None) -> list[bytes]:
        if file in self._kept:
            self._kept.move_to_end(file)
            return self._kept[file]
        key, _, number = file.rpartition("#")
        message = await (get or self._messages.get)(key)
        if message is None or message.deleted_at or int(number) >= len(message.media):
            return []
        media = message.media[int(number)]
        try:
            data = held(media) or await self.fetch(message.platform, media, MOST_BYTES)
            async with self._decoding:
                found = await asyncio.to_thread(frames, data, frames_of(media))
        except (CannotSee, NotAPicture) as reason:
            log.info("%s is not looked at: %s", file, reason)
            return []
        self._kept[file] = found
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return found


def holding(data: bytes) -> Media:
    """A picture that lies in its message, drawn anew. Raises NotAPicture. Takes CPU time."""
    jpeg = frames(data)[0]
    return Media("image", mime="image/jpeg", size=len(jpeg), ref=HELD + base64.b64encode(jpeg).decode())


def held(media: Media) -> bytes | None:
    """The picture itself; None: a chat app has it."""
    if not media.ref.startswith(HELD):
        return None
    try:
        return base64.b64decode(media.ref.removeprefix(HELD), validate=True)
    except binascii.Error:
        return None


def pictures_of(message: Message, *, emoji: bool = False) -> list[str]:
    """Ids of what is to be seen there, frame by frame: of emoji, or of everything else."""
    return [
        f"{message.key}#{number}/{frame}"
        for number, media in enumerate(message.media)
        if (media.kind == "emoji") is emoji
        for frame in range(frames_of(media))
    ]


def frames_of(media: Media) -> int:
    """How many of its frames are worth a look; 0: it is nothing to be seen, or too large."""
    if not media.ref or media.size > MOST_BYTES:
        return 0
    if media.kind == "video":
        return VIDEO_FRAMES
    if media.kind == "image" and "image/gif" in (media.mime, mimetypes.guess_type(media.name)[0]):
        return GIF_FRAMES
    return 1 if media.kind in ("image", "sticker", "emoji") else 0


def shown(prompt: Prompt, seen: Mapping[str, bytes]) -> list[dict[str, Any]]:
    """The prompt as a model with eyes takes it: where a mark stands, the picture."""
    return [{**turn, "content": _parts(turn["content"], seen)} for turn in prompt]


def told(prompt: Prompt) -> list[ChatTurn]:
    """The prompt in words only, as it is kept."""
    return [{**turn, "content": MARK.sub("", turn["content"])} for turn in prompt]


def stamped(prompt: Prompt, seen: Mapping[str, bytes]) -> tuple[str, ...]:
    """Which pictures were shown, in their order: each id and the hash of what the model got."""
    ids = [found for turn in prompt for found in MARK.findall(turn["content"]) if found in seen]
    return tuple(f"{one} {hashlib.sha256(seen[one]).hexdigest()}" for one in ids)


def _parts(content: str, seen: Mapping[str, bytes]) -> str | list[dict[str, Any]]:
    if not any(name in seen for name in MARK.findall(content)):
        return MARK.sub("", content)
    parts: list[dict[str, Any]] = []
    for number, piece in enumerate(MARK.split(content)):  # words, an id, words, an id, ...
        if number % 2 and piece in seen:
            url = f"data:image/jpeg;base64,{base64.b64encode(seen[piece]).decode()}"
            parts.append({"type": "image_url", "image_url": {"url": url}})
        elif not number % 2 and piece.strip():
            parts.append({"type": "text", "text": piece.strip("\n")})
    return parts
