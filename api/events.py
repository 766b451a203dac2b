"""What is new, without asking? The database is looked at once for all who listen in this process.

Every event is a row, so a reader that comes back names the last one it saw and misses nothing, in whichever
process. How far each has read is a place in storage/changes.py, which is also the event's id.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from api.shapes import inbox, models, training
from api.showing import message_shown
from storage.changes import Change, Changes, Place
from storage.pages import Listed
from storage.records import Feedback, Promotion, Run
from storage.unavailable import DatabaseUnavailable

log = logging.getLogger(__name__)

LOOK_SECONDS, FIGURES_SECONDS, HEARTBEAT_SECONDS = 0.5, 5.0, 15.0
KEPT = 4096  # events that a slow reader may be behind, before it reads them from the database
MOST_READERS = 2000

Figures = Callable[[], Awaitable[dict[str, Any]]]


class TooManyReaders(Exception):
    """More than this process should keep."""


@dataclass(frozen=True, slots=True)
class Event:
    """`told` for whoever may read what people say, `quiet` for everybody else; None: not theirs at all."""

    change: Change | None
    name: str
    told: str
    quiet: str | None


class Events:
    """`figures`: what is told now and then, such as how much waits; the same twice is told once."""

    def __init__(self, changes: Changes, figures: Figures | None = None) -> None:
        self._changes = changes
        self._figures = figures
        self._last_figures: dict[str, Any] = {}
        self._events: deque[Event] = deque(maxlen=KEPT)
        self._count = 0  # of all there ever were; the last one in the queue has this number
        self._news = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None
        self._place = Place()  # behind the last event, while somebody looks
        self._beginning = asyncio.Lock()
        self._closed = False
        self.readers = 0

    async def read(self, place: Place | None, *, words: bool) -> AsyncGenerator[str]:
        """Server-sent events from that place on (None: from now on), for ever. `words`: may they be read?"""
        if self.readers >= MOST_READERS:
            raise TooManyReaders
        self.readers += 1
        try:
            here, seen = await self._begin(), self._count
            hello = place or here
            yield f"retry: 1000\nid: {hello}\nevent: hello\ndata: {{}}\n\n"
            if place is not None:
                async for text, behind in self._catch_up(place, words):
                    place = behind
                    yield text
            place = place or here
            while not self._closed:
                news = self._news
                if self._count - seen > len(self._events):  # too slow for what is kept
                    seen = self._count
                    async for text, behind in self._catch_up(place, words):
                        place = behind
                        yield text
                behind_us, seen = self._since(seen), self._count  # more may come while this is read
                for event in behind_us:
                    if event.change is None or _is_new(event.change, place):
                        place = _behind(place, event.change)
                        if said := _text(event, place, words):
                            yield said
                try:
                    await asyncio.wait_for(news.wait(), HEARTBEAT_SECONDS)
                except TimeoutError:
                    yield ": still here\n\n"
        finally:
            self.readers -= 1

    async def close(self) -> None:
        """Whoever reads is at the end now, and nobody looks any more: the database may be closed."""
        self._closed = True
        self._tell()
        if looking := self._looking:
            looking.cancel()
            await asyncio.wait([looking])

    async def _begin(self) -> Place:
        """Where we are; the first reader makes somebody look."""
        async with self._beginning:
            if self._looking is None:
                self._place = await self._changes.here()
                self._looking = asyncio.create_task(self._look())
        return self._place

    async def _catch_up(self, place: Place, words: bool) -> AsyncGenerator[tuple[str, Place]]:
        while changes := await self._changes.since(place):
            for change in changes:
                place = change.place
                if text := _text(_event(change), place, words):
                    yield text, place

    def _since(self, seen: int) -> list[Event]:
        behind = self._count - seen
        return [self._events[index] for index in range(len(self._events) - behind, len(self._events))]

    async def _look(self) -> None:
        last = 0.0
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if not self.readers:
                self._looking = None
                return
            try:
                found = [_event(change) for change in await self._changes.since(self._place)]
                if self._figures and time.monotonic() - last > FIGURES_SECONDS:
                    last, figures = time.monotonic(), await self._figures()
                    if figures != self._last_figures:
                        self._last_figures = figures
                        text = json.dumps(figures)
                        found.append(Event(None, "metrics", text, text))
            except DatabaseUnavailable as reason:
                log.error("events wait for the database: %s", reason)
                continue
            for event in found:
                self._place = event.change.place if event.change else self._place
                self._events.append(event)
                self._count += 1
            if found:
                self._tell()

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()


def _text(event: Event, place: Place, words: bool) -> str | None:
    data = event.told if words else event.quiet
    if data is None:
        return None
    id = f"id: {place}\n" if event.change else ""
    return f"{id}event: {event.name}\ndata: {data}\n\n"


def _event(change: Change) -> Event:
    match change.what:
        case Listed() as listed:
            told = message_shown(listed.message, unsent=listed.unsent).model_dump_json()
            name = "draft" if change.is_draft else "message"
            quiet = {"platform": listed.message.platform, "by_twin": listed.message.by_twin}
            return Event(change, name, told, json.dumps(quiet))
        case Feedback() as feedback:
            told = inbox.Feedback.model_validate(feedback).model_dump_json()
            return Event(change, "feedback", told, json.dumps({"kind": str(feedback.kind)}))
        case Run() as run:
            told = training.Run.model_validate(run).model_dump_json()
            return Event(change, "run", told, told)
        case Promotion() as promotion:
            told = models.Promotion.model_validate(promotion).model_dump_json()
            return Event(change, "adapter", told, told)


def _is_new(change: Change, place: Place) -> bool:
    """Whether a reader at this place has not had it yet: catching up may have been faster."""
    match change.what:
        case Listed(number=number):
            return number > place.message
        case Feedback():
            return change.place.feedback > place.feedback
        case Promotion(id=number):
            return number > place.promotion
        case Run():
            return change.place.runs > place.runs


def _behind(place: Place, change: Change | None) -> Place:
    match change and change.what:
        case Listed(number=number):
            return replace(place, message=number)
        case Feedback():
            return replace(place, feedback=change.place.feedback)  # type: ignore[union-attr]
        case Promotion(id=number):
            return replace(place, promotion=number)
        case Run():
            return replace(place, runs=change.place.runs)  # type: ignore[union-attr]
    return place
