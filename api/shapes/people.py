"""People and what they allow; who may hear what; what is forgotten."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import ConfigDict, Field

from api.shapes.page import Asked, Shape
from storage.records import Consent


class Person(Shape):
    """Somebody other than the owner who spoke with the twin, or said what they allow."""

    platform: str
    person_id: str
    name: str
    consent: Consent
    changed_at: datetime | None = None
    messages: int = 0
    last_at: datetime | None = None
    limits: Limits = Field(default_factory=lambda: Limits(), description="their own; null: the usual one")
    tokens_today: int = Field(default=0, description="read and written for them, today in UTC")


class Limits(Asked):
    """How much somebody may ask for."""

    model_config = ConfigDict(from_attributes=True)

    per_minute: int | None = Field(default=None, ge=1, lt=2**31, description="messages that are answered")
    tokens_per_day: int | None = Field(default=None, ge=1, lt=2**62, description="read and written for them")


class NewConsent(Asked):
    consent: Consent


class Audience(Shape):
    """Who may hear it back: "owner", "public", or one thread."""

    audience: str
    records: int


class Chat(Shape):
    platform: str
    chat_id: str
    server_id: str | None = None
    private: bool = False
    mode: str | None = Field(default=None, description="null: as the settings say")
    draft: bool | None = None
    quiet_until: datetime | None = None
    quiet_why: str | None = None


class ChatChange(Asked):
    mode: Literal["off", "mentions", "always"] | None = None
    draft: bool | None = None


class Fact(Shape):
    id: str
    text: str
    told_at: datetime


class NewFact(Asked):
    text: str = Field(min_length=1, max_length=1000, examples=["I moved to Lisbon."])


class Forget(Asked):
    what: str = Field(
        min_length=1,
        max_length=300,
        description="a record's id, a placeholder, a name, platform:id, or ALL",
        examples=["<PERSON_3f2a>"],
    )


class ForgetForGood(Forget):
    confirm: Literal["forget"] = Field(description="the word: forget")


class Receipt(Shape):
    """What would go, or went."""

    what: str
    done: bool
    records: int
    messages: int
    answers_made_with_their_words_in_view: int
    snapshots: dict[str, int] = {}
    preferences: dict[str, int] = {}
    rewritten: dict[str, str | None] = {}
    adapters: list[dict[str, Any]] = []
    untraceable_adapters: list[str] = []


Person.model_rebuild()
