"""Runs: what works, what waits, what it came to; and recipes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from api.shapes.page import Asked, Shape
from storage.records import RunState


class Run(Shape):
    id: str
    kind: str = Field(examples=["learn", "sft", "dpo", "evaluate", "ingest", "sync", "corpus"])
    state: RunState
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    heartbeat_at: datetime | None = None
    progress: float = Field(description="0 to 1")
    metrics: dict[str, Any] = Field(default={}, description="the latest: loss, margins, what it is doing")
    worker: str | None = None
    error: str | None = None
    has_log: bool = False
    requested_by: str = ""
    parameters: dict[str, Any] = {}
    due_at: datetime | None = None
    attempts: int = 0
    cancelled_by: str | None = None
    artefacts: dict[str, Any] = {}


class NewRun(Asked):
    """`kind`: one of those that `/api/runs/kinds` lists; `parameters` are its own."""

    kind: str = Field(pattern=r"^[a-z][a-z-]{0,39}$", examples=["learn"])
    parameters: dict[str, Any] = Field(default={}, examples=[{"again": True}])


class RunKind(Shape):
    kind: str
    what: str = Field(description="what it does, in a sentence")
    parameters: dict[str, Any] = Field(default={}, description="their JSON schema")


class Log(Shape):
    """The end of a run's log. Ask again with `after=next` for what has come since."""

    text: str
    next: int = Field(description="in bytes")
    size: int
    ended: bool = Field(description="the run is over, so nothing follows")


class Point(Shape):
    step: int
    at: datetime | None = None
    value: float


class Series(Shape):
    """One curve of a run."""

    name: str = Field(examples=["loss", "rewards/margins", "eval_loss"])
    points: list[Point]


class Recipe(Shape):
    """How a method trains: its defaults as they hold here, and what can be set."""

    method: str
    what: str
    values: dict[str, Any]
    parameters: dict[str, Any] = Field(description="JSON schema")
