"""What is a source with an API? The contract that every reader of one keeps.

A reader is an async generator: it is handed how far it came the last time and yields what it finds, container
by container (a channel, a list, a feed). It yields `Reached` after everything before that point; the engine
(ingest/sync.py) keeps those things first and the new position then. So a reader may be killed anywhere: the
next run begins at the last `Reached` and meets a few things again, which changes nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ingest.api_client import ApiBroken, ApiForbidden, ApiRejected, ApiUnavailable
from ingest.drift import Drift
from ingest.source import Owner, Person
from storage.records import Record, Skipped

RESCAN_EVERY = timedelta(hours=12)  # the trailing days, where looking at them again costs many questions
Position = Mapping[str, Any]  # plain JSON; each source knows what it means


@dataclass(frozen=True, slots=True)
class Gone:
    """The source says outright that this record was deleted there."""

    id: str


@dataclass(frozen=True, slots=True)
class Scanned:
    """Everything said in [since, until) was read, without a gap: `present` are the ids of all that is there.

    What the store has of that time in this thread (or, without one, from this container) and is not present
    was deleted. Only to be yielded after a complete scan in which every item could be read.
    """

    container: str
    since: datetime
    until: datetime
    present: frozenset[str]
    thread: str = ""


@dataclass(frozen=True, slots=True)
class Reached:
    """How far this container has been read; everything before it was yielded earlier."""

    container: str
    position: Position


@dataclass(frozen=True, slots=True)
class Trouble:
    """A container that could not be read (on) this time; its position stays. Known trouble fails nothing."""

    container: str
    why: str
    known: bool = False


Item = Record | Skipped | Person | Gone | Scanned | Reached | Trouble


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader is handed."""

    owner: Owner
    began: datetime
    rescan: timedelta  # how far back to look for edits and deletions
    positions: Mapping[str, Position]  # by container; empty at first
    agreed: frozenset[str] = frozenset()  # "platform:id" of other people whose words may be kept
    kept: Callable[[], Awaitable[list[Record]]] | None = None  # what the store has of this source
    gone: Callable[[], Awaitable[set[str]]] | None = None  # ids of what was deleted there, and may come back
    drift: Drift = field(default_factory=Drift)  # counts what the reader does not know of the answers

    def at(self, container: str) -> Position:
        return self.positions.get(container, {})


@dataclass(frozen=True, slots=True)
class ApiSource:
    """`version` is that of its positions: a later format gets a later number."""

    name: str
    read: Callable[[Reading], AsyncIterator[Item]]
    version: int = 1


async def contained(container: str, before: Position, items: AsyncIterator[Item]) -> AsyncIterator[Item]:
    """The items of one container; its trouble is told and leaves the others alone.

    403 and 404 mark the position and keep it: the container is tried again, but it no longer counts as a
    failure. A key that is refused or a limit that takes too long ends the whole source, so it goes through.
    """
    position = before
    try:
        async for item in items:
            if isinstance(item, Reached) and item.container == container:
                position = item.position
            yield item
    except ApiForbidden as refused:
        known = "refused" in before
        yield Reached(container, {**position, "refused": refused.status})
        yield Trouble(container, str(refused), known)
    except (ApiUnavailable, ApiRejected, ApiBroken) as problem:
        yield Trouble(container, str(problem))
