"""How does a test run the real service? `twin up` as a child of ours, to be killed and started again."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import discord_quietly  # noqa: F401  before anything that imports discord
from discord_server import DiscordServer
from telegram_server import TelegramServer

ROOT = Path(__file__).parents[1]
START_SECONDS = 90.0


class ChatService:
    """One process on one home. What is not given it does not talk to."""

    def __init__(
        self,
        home: Path,
        owner: Mapping[str, str],
        *,
        discord: DiscordServer | None = None,
        telegram: TelegramServer | None = None,
        settings: Mapping[str, Mapping[str, Any]] | None = None,
        program: str = "twin",
        only: str | None = None,
    ) -> None:
        """`owner`: their accounts. `settings`: what else is in twin.toml. `program`: a module.

        `only`: which parts of the service this process is.
        """
        self.home, self._discord, self._telegram = home, discord, telegram
        self._program, self._only = program, only
        self.process: subprocess.Popen[bytes] | None = None
        self.starts = 0
        parts: dict[str, dict[str, Any]] = {"owner": {"name": "Sam"}, "owner.accounts": dict(owner)}
        self._environment = {name: value for name, value in os.environ.items() if name[:5] != "TWIN_"}
        if discord:
            parts["discord"] = {"api_url": discord.api_url, "gateway_url": discord.gateway_url}
            self._environment["TWIN_DISCORD__TOKEN"] = discord.gateway.token
        if telegram:
            parts["telegram"] = {"base_url": telegram.base_url, "base_file_url": telegram.base_file_url}
            self._environment["TWIN_TELEGRAM__TOKEN"] = telegram.token
        for part, values in (settings or {}).items():
            parts[part] = parts.get(part, {}) | dict(values)
        home.mkdir(parents=True, exist_ok=True)
        (home / "twin.toml").write_text(as_toml(parts), encoding="utf-8")

    @property
    def output(self) -> Path:
        return self.home / "output"

    def start(self) -> None:
        command = [sys.executable, "-m", self._program, "--home", str(self.home), "up"]
        command += ["--only", self._only] if self._only else []
        self.starts += 1
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=self._environment, stdout=output, stderr=subprocess.STDOUT
            )

    async def up(self, seconds: float = START_SECONDS) -> None:
        """Start it, and wait until it hears."""
        sessions = self._discord.gateway.identified if self._discord else 0
        began = time.monotonic()
        self.start()
        while not self._hears(sessions, began):
            if not self.running or time.monotonic() > began + seconds:
                raise AssertionError(f"the service does not come up:\n{self.last_words()}")
            await asyncio.sleep(0.02)

    def _hears(self, sessions: int, began: float) -> bool:
        if self._discord and self._discord.gateway.identified == sessions:
            return False
        asked = reversed(self._telegram.calls) if self._telegram else ()
        later = (call for call in asked if call.at > began)
        return self._telegram is None or any(call.method == "getUpdates" for call in later)

    def is_up(self) -> bool:
        """Whether it has said so since its latest start; it may stand by for a copy that talks."""
        return self.output.read_text(errors="replace").count("twin is up") == self.starts

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        """kill -9: nothing of it runs after this line."""
        if self.process:
            self.process.kill()
            self.process.wait()

    async def stop(self, seconds: float = 60.0) -> int:
        """SIGTERM, and its exit code."""
        assert self.process
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        try:
            return await asyncio.to_thread(self.process.wait, seconds)
        finally:
            self.kill()

    def last_words(self, lines: int = 30) -> str:
        return "\n".join(self.output.read_text(errors="replace").splitlines()[-lines:])

    def rss_mb(self) -> float:
        assert self.process
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def as_toml(parts: Mapping[str, Mapping[str, Any]]) -> str:
    """Strings, numbers, booleans and lists are written in TOML as in JSON."""
    lines: list[str] = []
    for part, values in parts.items():
        lines.append(f"[{part}]")
        lines += [f"{name} = {json.dumps(value)}" for name, value in values.items()]
    return "\n".join(lines) + "\n"
