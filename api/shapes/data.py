"""The footprint: records, sources, snapshots, names to review."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from api.shapes.page import Asked, Shape
from storage.records import Kind


class Record(Shape):
    id: str
    source: str
    kind: Kind
    author_id: str
    by_owner: bool
    thread_id: str
    said_at: datetime
    text: str
    reply_to: str | None = None
    tags: list[str] = []
    lang: str | None = None
    audience: str = "owner"
    origin: str = ""
    edited_at: datetime | None = None
    deleted_at: datetime | None = None


class SourceCursor(Shape):
    container: str
    updated_at: datetime
    value: dict[str, Any]


class Ledger(Shape):
    """What became of everything that was seen: seen = kept + merged + dropped + failed."""

    source: str
    seen: int
    kept: int
    merged: int
    dropped: dict[str, int] = {}
    failed: dict[str, int] = {}
    skipped: list[Skipped] = Field(default=[], description="the first of them, one by one")
    unknown_fields: list[dict[str, Any]] = []
    seconds: float = 0.0
    closes: bool = True
    unchanged: bool = False


class Skipped(Shape):
    where: str
    why: str
    failed: bool


class Source(Shape):
    name: str
    records: int
    first_at: datetime | None = None
    last_at: datetime | None = None
    configured: bool = Field(default=False, description="read by the clock")
    cursors: list[SourceCursor] = []
    last: dict[str, Any] | None = Field(default=None, description="how reading it went the last time")


class Tag(Shape):
    name: str
    records: int


class SourceKind(Shape):
    """What can be uploaded as."""

    name: str


class Corpus(Shape):
    """A frozen training snapshot."""

    id: str
    made_at: datetime
    counts: dict[str, int]


class OneCorpus(Corpus):
    card: dict[str, Any] = Field(description="the data card: strata, splits, what was left out and why")


class Stranger(Shape):
    """A name that nobody known answers to."""

    name: str
    count: int
    contexts: list[str] = []


class Decide(Asked):
    verdict: Literal["person", "no", "later"]


class Tags(Asked):
    tags: list[str] = Field(max_length=20, examples=[["personal", "cooking"]])


Ledger.model_rebuild()
