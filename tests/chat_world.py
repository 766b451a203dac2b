"""Both chat apps, a model and the real service between them: the world that faults are let loose on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import overheard
from chat_script import Place, Script, Tally, places_on_discord, places_on_telegram
from chat_service import ChatService
from discord_server import DiscordServer
from quick_model import QuickModel
from telegram_server import TelegramServer

PLATFORMS = ("discord", "telegram")
AT_ONCE = {"delivery": "stream", "burst_seconds": 0.3, "speed": 0}


@dataclass
class World:
    discord: DiscordServer
    telegram: TelegramServer
    model: QuickModel
    home: Path
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def owner(self) -> dict[str, str]:
        return {"discord": str(self.discord.user("Sam").id), "telegram": str(self._sam_on_telegram)}

    @property
    def _sam_on_telegram(self) -> int:
        known = [user.id for user in self.telegram.users.values() if user.name == "Sam"]
        return known[0] if known else self.telegram.user("Sam").id

    def service(
        self,
        name: str = "home",
        *,
        platforms: tuple[str, ...] = PLATFORMS,
        settings: Mapping[str, Mapping[str, Any]] | None = None,
        program: str = "twin",
        only: str | None = None,
    ) -> ChatService:
        parts: dict[str, dict[str, Any]] = {part: dict(values) for part, values in (settings or {}).items()}
        parts.setdefault("model", {"base": "quick", "servers": [self.model.url]})
        parts["chat"] = AT_ONCE | parts.get("chat", {})
        return ChatService(
            self.home / name,
            self.owner,
            discord=self.discord if "discord" in platforms else None,
            telegram=self.telegram if "telegram" in platforms else None,
            settings=parts,
            program=program,
            only=only,
        )

    def places(self, platform: str, private: int = 2, groups: int = 1) -> list[Place]:
        if platform == "discord":
            return places_on_discord(self.discord, private, groups)
        return places_on_telegram(self.telegram, private, groups)

    def script(self, private: int = 2, groups: int = 1, *, seed: int = 0, **more: Any) -> Script:
        places = [place for name in PLATFORMS for place in self.places(name, private, groups)]
        return Script(places, seed, **more)

    async def model_was_asked(self, times: int, seconds: float = 30.0) -> None:
        async with asyncio.timeout(seconds):
            while len(self.model.asked) < times:
                await asyncio.sleep(0.02)

    def told(self, platform: str) -> list[str]:
        """What the program itself has told the owner there."""
        if platform == "discord":
            return self.discord.sent(self.discord.dm(self.discord.user("Sam")))
        return self.telegram.ours(self.telegram.users[self._sam_on_telegram])

    @property
    def complaints(self) -> list[str]:
        """Of the servers: what was asked of them that they do not know, or should not have been."""
        return [*self.discord.unknown_routes, *self.discord.violations, *self.telegram.unknown_methods]


@asynccontextmanager
async def a_world(home: Path, *, piece_seconds: float = 0.02) -> AsyncIterator[World]:
    discord, telegram, model = DiscordServer(), TelegramServer(), QuickModel(piece_seconds=piece_seconds)
    await discord.start()
    await model.start()
    try:
        async with telegram.running():
            yield World(discord, telegram, model, home)
            overheard.nothing_said_is_in(home)
    finally:
        await model.stop()
        await discord.stop()


def assert_perfect(script: Script) -> None:
    tallies = {name: script.tally(name) for name in {place.platform for place in script.places}}
    assert {name: tally for name, tally in tallies.items() if not tally.perfect} == {}, _said(script)


def _said(script: Script) -> str:
    lines = []
    for place in script.places:
        asked = [number for number, where in script.asked.items() if where is place]
        lines.append(f"{place.platform} {asked}: {[text for _, text in place.answers()]}")
    return "\n".join(lines)


__all__ = ["PLATFORMS", "Tally", "World", "a_world", "assert_perfect"]
