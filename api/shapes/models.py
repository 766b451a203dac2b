"""Adapters, what was measured of them, and what a change would change."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from api.shapes.page import Asked, Shape
from storage.records import AdapterState


class Adapter(Shape):
    """One node of the lineage tree: `parent` points up."""

    version: str
    base_model: str
    method: str
    created_at: datetime
    parent: str | None = None
    state: AdapterState
    reasons: list[str] = []
    canary_share: float | None = None
    canary_since: datetime | None = None
    corpus: str | None = None
    samples: int = Field(default=0, description="how many samples it learned from")
    evaluated: bool = False
    passed: bool | None = Field(default=None, description="what the gate said; null: not asked")


class Axis(Shape):
    """One thing the gate looks at."""

    name: str
    passed: bool
    judged: bool
    words: str


class Figure(Shape):
    """One figure of an evaluation. `low` and `high`: its interval at 95 %."""

    name: str = Field(examples=["nll.mean"])
    value: float | None
    low: float | None = None
    high: float | None = None


class Evaluation(Shape):
    """What was measured of one adapter, beside what it was compared with."""

    version: str
    models: dict[str, list[Figure]] = Field(description='by role: "base", "live", "candidate"')
    axes: list[Axis] = []
    passed: bool | None = None
    report: dict[str, Any] = Field(default={}, description="everything, as it was written down")


class OneAdapter(Adapter):
    path: str
    sha256: str
    recipe: dict[str, Any]
    evaluation: Evaluation | None = None
    children: list[str] = []


class SideBySide(Shape):
    """Evaluations beside each other; `figures` has a row for each name that any of them has."""

    versions: list[str]
    figures: list[Row]
    evaluations: list[Evaluation]


class Row(Shape):
    name: str
    figures: list[Figure | None]


class Change(Shape):
    """What a promotion, canary or rollback would change. Shown before it is done."""

    action: Literal["promote", "canary", "rollback"]
    now: str | None = Field(description="what answers now; null: the base model")
    canary_now: str | None
    after: str | None
    canary_after: str | None = None
    share: float | None = None
    allowed: bool
    sentences: list[str] = Field(description="what changes, in words")
    warnings: list[str] = []
    chats: int = Field(description="chats with an answer in the last 14 days")
    chats_changed: int = Field(description="of those, how many another adapter would answer")


class Canary(Asked):
    share: float | None = Field(
        default=None, gt=0, lt=1, description="of the chats; null: what the settings say"
    )


class Why(Asked):
    why: str = Field(default="asked for in the dashboard", min_length=1, max_length=300)


class Against(Asked):
    against: str | None = Field(default=None, description="another version; null: the live one")


class Promotion(Shape):
    id: int
    version: str | None
    previous: str | None
    at: datetime
    why: str


class Answering(Shape):
    """What answers people now."""

    live: str | None
    canary: str | None
    share: float | None
    base_model: str
    sees: bool = Field(default=False, description="whether it is shown pictures, or only told of them")


SideBySide.model_rebuild()
