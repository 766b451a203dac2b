"""What did the answers take, by day, person or chat? As a table for people, as JSON for machines."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import cast

from storage.records import now
from storage.usage import KEYS, By
from twin import show
from twin.build import open_stores
from twin.errors import Told
from twin.home import Home
from twin.settings import Settings


async def spent(home: Home, settings: Settings, by: str, days: int, json: bool) -> None:
    if by not in KEYS:
        raise Told(f"there is no usage by '{by}'", f"one of: {', '.join(KEYS)}", exit_code=2)
    async with open_stores(home, settings) as stores:
        sums = await stores.usage.sums(cast(By, by), now() - timedelta(days=days))
    if json:
        show.as_json({"by": by, "days": days, "usage": {name: asdict(one) for name, one in sums.items()}})
        return
    show.table(
        f"answers of the last {days} days",
        (by, "replies", "tokens read", "tokens written", "seconds"),
        [
            (name, one.replies, one.prompt_tokens, one.completion_tokens, round(one.milliseconds / 1000, 1))
            for name, one in sums.items()
        ],
    )
