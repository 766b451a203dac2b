"""A database with a live adapter and one on trial, and people who judge their replies."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from learning.settings import CanarySettings
from learning.trial import watch
from storage.adapters import AdapterStore
from storage.database import Database
from storage.feedback import FeedbackStore
from storage.leases import LeaseStore
from storage.messages import MessageStore
from storage.records import Adapter, AdapterState, Feedback, Message, Role, Signal, Stamp, now

SETTINGS = CanarySettings(min_opinions=4)


@dataclass
class Chats:
    """A database with a live adapter and one on trial, and who said what of their replies."""

    database: Database
    started: datetime = field(default_factory=now)
    count: int = 0

    def __post_init__(self) -> None:
        self.adapters = AdapterStore(self.database)
        self.messages = MessageStore(self.database)
        self.feedback = FeedbackStore(self.database)
        self.leases = LeaseStore(self.database)

    async def begin(self) -> None:
        for version in ("old", "new"):
            at = datetime(2026, 5, 1, tzinfo=UTC)
            await self.adapters.add(Adapter(version, "base", "dpo", f"a/{version}", version, at))
        await self.adapters.go_live("old", "it was first")
        await self.adapters.start_canary("new", 0.5)
        [canary] = await self.adapters.all(AdapterState.CANARY)
        self.started = canary.canary_since

    async def reply(
        self, by: str, text: str = "", *, days: float = 0.01, ms: float = 500, asked: str = "", speakers=()
    ) -> str:
        self.count += 1
        key = f"discord:~{self.count}"
        prompt = ({"role": "user", "content": asked},) if asked else ()
        stamp = Stamp(by, "base", "h", prompt, {}, speakers=speakers, total_ms=ms)
        message = Message(
            key=key,
            platform="discord",
            chat_id=f"chat {by}",
            author_id="twin",
            author_name="twin",
            text=text or f"an answer, number {self.count}",
            sent_at=self.started + timedelta(days=days, seconds=self.count),
            by_twin=True,
            stamp=stamp,
        )
        await self.messages.add(message)
        return key

    async def judge(self, key: str, kind: Signal, by: str = "me", role: Role = Role.OWNER) -> None:
        await self.feedback.record(
            Feedback(key, by, role, kind, now(), "better" if kind == "correction" else None)
        )

    async def judged(self, adapter: str, ups: int, downs: int, *, days: float = 0.01, **who) -> None:
        for number in range(ups + downs):
            kind = Signal.UP if number < ups else Signal.DOWN
            await self.judge(await self.reply(adapter, days=days), kind, **who)

    async def look(self, days: float = 1, settings: CanarySettings = SETTINGS):
        at = self.started + timedelta(days=days)
        return await watch(self.adapters, self.messages, self.feedback, settings, at)

    async def states(self) -> dict[str, str]:
        return {adapter.version: str(adapter.state) for adapter in await self.adapters.all()}
