"""Is every message answered once when the service is killed again and again? Counted as people see it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from chat_killer import Killer, talk_and_kill
from chat_world import PLATFORMS, a_world

OnProgress = Callable[[float, str], None]
PRIVATE, GROUPS = 10, 3


async def fault_run(
    folder: Path, *, messages: int, kills: int, seed: int, on_progress: OnProgress
) -> dict[str, dict[str, Any]]:
    """So many messages on each platform, in one conversation through one service. Figures by platform."""
    async with a_world(folder) as world:
        service, script = world.service(), world.script(PRIVATE, GROUPS, seed=seed)
        killer = Killer(world.discord, world.telegram, seed)

        def tell(number: int, moment: str) -> None:
            on_progress(number / kills, f"killed {number} times, this time: {moment}")

        try:
            await talk_and_kill(
                service, script, killer, messages=messages * len(PLATFORMS), kills=kills, on_kill=tell
            )
            await service.stop()
        finally:
            service.kill()
        counted = _thumbs(folder / "home" / "twin.db")
        more = {
            name: {"thumbs_given": script.thumbs[name], "thumbs_counted": counted[name]} for name in PLATFORMS
        }
        unknown = len(world.complaints)
        return {
            name: asdict(script.tally(name)) | {"kills": kills, "complaints": unknown} | more[name]
            for name in PLATFORMS
        }


def _thumbs(database: Path) -> dict[str, int]:
    query = """
        SELECT platform, COUNT(*) FROM feedback JOIN messages ON messages.key = reply_key
        WHERE withdrawn_at IS NULL GROUP BY platform
    """
    with sqlite3.connect(database) as connection:
        return dict.fromkeys(PLATFORMS, 0) | dict(connection.execute(query).fetchall())
