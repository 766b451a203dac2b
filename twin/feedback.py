"""What people said of replies, as training sees it, for a person to read and for other trainers."""

from __future__ import annotations

import asyncio
from pathlib import Path

from learning import preferences
from learning.judged import Judged
from learning.rows import read_rows
from learning.settings import LearningSettings
from storage.records import Consent, Feedback, Message
from twin import show
from twin.build import Stores, open_stores
from twin.home import Home
from twin.settings import Settings


async def collect(
    stores: Stores, settings: Settings, learning: LearningSettings
) -> tuple[list[Judged], dict[str, int]]:
    """What can be learned from, and how many signals cannot, by why not."""
    people = await agreed(stores, settings)
    return await preferences.collect(stores.feedback, stores.messages, learning, people)


async def agreed(stores: Stores, settings: Settings) -> set[str]:
    """Whose words may be learned from: whoever said so, and the owner, under all of their accounts."""
    accounts = settings.owner.owner().accounts
    own = {f"{platform}:{id}" for platform, ids in accounts.items() for id in ids}
    return own | await stores.people.who(Consent.AGREED)


async def feedback_of(stores: Stores, settings: Settings) -> list[Judged]:
    """What a cycle would learn from now."""
    return (await collect(stores, settings, settings.learning))[0]


async def effective_feedback(home: Home, settings: Settings) -> list[tuple[Feedback, Message | None]]:
    async with open_stores(home, settings) as stores:
        signals = await stores.feedback.effective()
        return [(signal, await stores.messages.get(signal.reply_key)) for signal in signals]


async def export_feedback(home: Home, settings: Settings, path: Path) -> int:
    """Pairs and thumbs in the rows that TRL and other trainers read; nothing is held back."""
    everything = settings.learning.model_copy(update={"heldout_share": 1e-9})
    async with open_stores(home, settings) as stores:
        judged, _ = await collect(stores, settings, everything)
        pool = await preferences.freeze(judged, home.preferences, everything, None)
    rows = [row for name in preferences.FILES for row in read_rows(pool.path / name)]
    return await asyncio.to_thread(show.write_lines, path, rows)
