"""What is the API handed? The stores, the brain, and a workshop for what other folders do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Protocol

from fastapi import Depends, Request

from api.events import Events
from api.rates import Rates
from api.settings import ApiSettings
from api.shapes import data, pulse, training
from api.talk import Talk
from storage.access import AccessStore
from storage.adapters import AdapterStore
from storage.answered import AnsweredStore
from storage.chats import ChatStore, FactStore, PersonStore
from storage.cursors import CursorStore
from storage.database import Database
from storage.feedback import FeedbackStore
from storage.messages import MessageStore
from storage.pages import Pages
from storage.pulse import PulseStore
from storage.records import Limits, Run, now
from storage.records_store import RecordStore
from storage.runs import RunStore


class Workshop(Protocol):
    """What the API asks others to do. Raises problems.Refused where it is not done."""

    # training
    def kinds(self) -> Sequence[training.RunKind]: ...
    async def start(self, kind: str, parameters: Mapping[str, Any], by: str) -> Run: ...
    async def cancel(self, run_id: str, by: str) -> Run: ...
    async def recipes(self) -> Sequence[training.Recipe]: ...

    # models
    async def promote(self, version: str, share: float | None, by: str) -> str: ...

    # data
    def source_kinds(self) -> Sequence[str]: ...
    async def ingest(self, source: str, path: Path, by: str) -> Run: ...
    async def corpora(self) -> Sequence[data.Corpus]: ...
    async def data_card(self, id: str) -> Mapping[str, Any]: ...
    async def strangers(self) -> Sequence[data.Stranger]: ...
    async def decide(self, name: str, verdict: str) -> str: ...
    async def tag(self, record_id: str, tags: Sequence[str]) -> str: ...
    async def configured_sources(self) -> Sequence[str]: ...

    # people
    async def forget(self, what: str, *, really: bool) -> Mapping[str, Any]: ...

    # inbox
    async def export(self, kind: str) -> Sequence[Mapping[str, Any]]: ...
    async def decide_draft(self, key: str, verdict: str, text: str | None) -> str: ...

    # pulse
    async def examine(self) -> Sequence[pulse.Component]: ...
    async def schedule(self) -> Sequence[pulse.Scheduled]: ...
    def settings(self) -> pulse.Settings: ...


@dataclass
class World:
    """Everything behind the API, in one process."""

    settings: ApiSettings
    database: Database
    workshop: Workshop
    talk: Talk
    owner_name: str
    base_model: str
    version: str
    runs_dir: Path  # a folder for each run, with its log and its figures
    uploads: Path  # where an export lies until it is read
    events: Events
    rates: Rates
    trial_share: float  # of the chats, where nobody says how many
    setup_code: str = ""  # what the first owner has to know
    owner_discord_ids: frozenset[str] = frozenset()  # who may sign in with Discord unasked
    usual_limits: Limits = field(default_factory=Limits)  # of people who have none of their own
    up_since: datetime = field(default_factory=now)

    def __post_init__(self) -> None:
        self.access = AccessStore(self.database)
        self.answered = AnsweredStore(self.database)
        self.adapters = AdapterStore(self.database)
        self.runs = RunStore(self.database)
        self.messages = MessageStore(self.database)
        self.feedback = FeedbackStore(self.database)
        self.records = RecordStore(self.database)
        self.cursors = CursorStore(self.database)
        self.people = PersonStore(self.database)
        self.chats = ChatStore(self.database)
        self.facts = FactStore(self.database)
        self.pages = Pages(self.database)
        self.pulse = PulseStore(self.database)


def _world(request: Request) -> World:
    found: World = request.app.state.world
    return found


TheWorld = Annotated[World, Depends(_world)]
