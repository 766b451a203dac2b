"""How the twin is doing: figures over time, health, the schedule, the settings."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from api.shapes.page import Shape


class Moment(Shape):
    """What happened in one hour or day, by one adapter."""

    at: datetime = Field(description="when it begins, UTC")
    adapter: str | None = Field(description="null: the base model")
    replies: int
    liked: int = Field(description="replies with a thumb up and nothing against them")
    disliked: int = Field(
        description="replies with a thumb down, correction, complaint, takeover or lost choice"
    )
    with_memories: int = Field(description="replies whose prompt held a memory")
    prompt_tokens: int
    completion_tokens: int
    p50_ms: float | None = Field(description="whole answer, median")
    p95_ms: float | None
    first_token_p50_ms: float | None


class Heard(Shape):
    at: datetime
    platform: str
    messages: int = Field(description="from people, not from the twin")


class OfAdapter(Shape):
    """One adapter over the whole time asked for."""

    adapter: str | None
    replies: int
    liked: int
    disliked: int
    thumbs_rate: float | None = Field(description="liked / (liked + disliked); null: nobody judged")
    memory_hits: float | None = Field(description="share of replies whose prompt held a memory")
    prompt_tokens: int
    completion_tokens: int
    p50_ms: float | None
    p95_ms: float | None


class Pulse(Shape):
    since: datetime
    until: datetime
    bucket: Literal["hour", "day"]
    replies: list[Moment]
    heard: list[Heard]
    adapters: list[OfAdapter]
    waiting: int = Field(description="messages that an answer is due to")
    drafts: int = Field(description="drafts that wait for the owner's word")


class Component(Shape):
    name: str = Field(examples=["database", "model server", "discord", "disk"])
    well: bool
    found: str
    advice: str = ""
    ms: float | None = Field(default=None, description="how long asking took")


class Health(Shape):
    well: bool
    components: list[Component]
    version: str
    up_since: datetime


class Ready(Shape):
    ready: bool
    why: str = ""


class Scheduled(Shape):
    name: str = Field(examples=["learn", "sync github", "backup", "forget"])
    what: str = Field(default="", description="why nothing is learned now, say")
    last_at: datetime | None = None
    last_outcome: str = ""
    next_at: datetime | None = None


class Settings(Shape):
    """As they hold now. Secrets are masked."""

    file: str
    values: dict[str, Any]
