"""What people said of replies, as training sees it, for a person to read and for other trainers."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ingest.redact import Redactor
from learning import preferences
from learning.judged import Judged
from learning.preferences import EffectiveFeedback
from learning.rows import read_rows
from learning.settings import LearningSettings
from storage.records import Consent, Feedback, Message, Role
from twin import show
from twin.build import Stores, open_stores
from twin.home import Home
from twin.review import open_roster
from twin.second_look import SecondLook
from twin.settings import Settings

_PLACEHOLDER = re.compile(r"<([A-Z]{2,12})_[0-9a-f]{4,}>")


async def collect(
    home: Home, stores: Stores, settings: Settings, learning: LearningSettings
) -> tuple[list[Judged], dict[str, int]]:
    """What can be learned from, and how many signals cannot, by why not."""
    people = await agreed(stores, settings)
    private = await asyncio.to_thread(private_things, home, settings)
    return await preferences.collect(trusted(stores, settings), stores.messages, learning, people, private)


@dataclass(frozen=True, slots=True)
class Trusted:
    """The signals as they count today: who taught once and is no trainer any more, or blocked, does not."""

    feedback: EffectiveFeedback
    trainers: Sequence[str]
    block: Sequence[str]

    async def effective(self) -> list[Feedback]:
        return [
            signal if signal.role is not Role.TRAINER or self._teaches(signal) else _of_nobody(signal)
            for signal in await self.feedback.effective()
        ]

    def _teaches(self, signal: Feedback) -> bool:
        """Which roles somebody had in a server is not kept: there, whoever gave it as a trainer is one."""
        platform = signal.reply_key.partition(":")[0]
        if f"{platform}:user:{signal.given_by}" in self.block:
            return False
        by_role = any(one.startswith(f"{platform}:role:") for one in self.trainers)
        return by_role or f"{platform}:{signal.given_by}" in self.trainers


def trusted(stores: Stores, settings: Settings) -> Trusted:
    return Trusted(stores.feedback, settings.chat.trainers, settings.chat.block)


def private_things(home: Home, settings: Settings) -> preferences.Private:
    """What finds numbers, addresses and secrets in words that are to be imitated; names are said daily."""
    roster, _ = open_roster(home, settings)
    redactor, crude = Redactor(roster), SecondLook()

    def is_private(text: str) -> bool:
        kinds = set(_PLACEHOLDER.findall(redactor.redact(text))) - {"PERSON"}
        return bool(kinds or crude.kinds(text))

    return is_private


def _of_nobody(signal: Feedback) -> Feedback:
    return replace(signal, role=Role.OTHER)


async def agreed(stores: Stores, settings: Settings) -> set[str]:
    """Whose words may be learned from: whoever said so, and the owner, under all of their accounts."""
    accounts = settings.owner.owner().accounts
    own = {f"{platform}:{id}" for platform, ids in accounts.items() for id in ids}
    return own | await stores.people.who(Consent.AGREED)


async def feedback_of(home: Home, stores: Stores, settings: Settings) -> list[Judged]:
    """What a cycle would learn from now."""
    return (await collect(home, stores, settings, settings.learning))[0]


async def effective_feedback(home: Home, settings: Settings) -> list[tuple[Feedback, Message | None]]:
    async with open_stores(home, settings) as stores:
        signals = await stores.feedback.effective()
        return [(signal, await stores.messages.get(signal.reply_key)) for signal in signals]


async def export_feedback(home: Home, settings: Settings, path: Path) -> int:
    """Pairs and thumbs in the rows that TRL and other trainers read; nothing is held back."""
    everything = settings.learning.model_copy(update={"heldout_share": 1e-9})
    async with open_stores(home, settings) as stores:
        judged, _ = await collect(home, stores, settings, everything)
        pool = await preferences.freeze(judged, home.preferences, everything, None)
    rows = [row for name in preferences.FILES for row in read_rows(pool.path / name)]
    return await asyncio.to_thread(show.write_lines, path, rows)
