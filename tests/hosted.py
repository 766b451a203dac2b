"""How does a test run many twins at once? `twin host` as a child of ours, on homes that it writes."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from chat_service import ROOT, as_toml

from twin.home import Home
from twin.host import Host
from twin.settings import read_settings
from twin.shared_models import SharedModels

QUIET = {
    "schedule": dict.fromkeys(("sync", "learn", "evaluate", "forget"), "off"),
    "chat": {"delivery": "whole", "burst_seconds": 0, "speed": 0},
    "api": {"on": False},
}


class HostService:
    """One process; every home in `folder` is a twin of it."""

    def __init__(self, folder: Path, program: str = "twin", **environment: str) -> None:
        """`program`: a module. `environment`: the host's own, on top of ours."""
        self.folder, self._program = folder, program
        self._environment = {name: value for name, value in os.environ.items() if name[:5] != "TWIN_"}
        self._environment |= environment
        self.process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)

    def write(self, name: str, settings: Mapping[str, Mapping[str, Any]], **secrets: str) -> Path:
        """A home, new or changed: twin.toml on top of QUIET, and its .env."""
        home = self.folder / name
        home.mkdir(exist_ok=True)
        parts = {"owner": {"name": name.capitalize()}} | QUIET
        for part, values in settings.items():
            parts[part] = dict(parts.get(part, {})) | dict(values)
        (home / ".env").write_text("".join(f"{key}={value}\n" for key, value in secrets.items()))
        beside = home / "twin.toml.part"
        beside.write_text(as_toml(parts), encoding="utf-8")
        beside.replace(home / "twin.toml")
        return home

    @property
    def output(self) -> Path:
        return self.folder / "output"

    def start(self) -> None:
        command = [sys.executable, "-m", self._program, "host", str(self.folder)]
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=self._environment, stdout=output, stderr=subprocess.STDOUT
            )

    @property
    def board(self) -> dict[str, Any]:
        try:
            return dict(json.loads((self.folder / "host.json").read_text())["twins"])
        except (OSError, ValueError):
            return {}

    def state(self, name: str) -> str:
        return str(self.board.get(name, {}).get("state", ""))

    @asynccontextmanager
    async def inside(self) -> AsyncIterator[None]:
        """In this process and looking often, where no start and no end of a process is asked about."""
        stop = asyncio.Event()
        settings = read_settings(Home(self.folder), hosted=True)
        async with SharedModels(Home(self.folder), settings) as models:
            host = Host(self.folder, models, settings)
            running = asyncio.create_task(host.run(stop, every=0.05))
            try:
                yield
            finally:
                stop.set()
                await running
                await host.close()

    async def until(self, condition: Any, seconds: float = 60.0) -> Any:
        end = time.monotonic() + seconds
        while not (found := condition()):
            ended = self.process is not None and self.process.poll() is not None
            if ended or time.monotonic() > end:
                words = self.output.read_text(errors="replace")[-3000:] if self.process else ""
                raise AssertionError(f"it does not come to that: {self.board}\n{words}")
            await asyncio.sleep(0.02)
        return found

    async def run(self, *names: str) -> None:
        """Until all of these are up."""
        await self.until(lambda: all(self.state(name) == "runs" for name in names))

    async def stop(self) -> int:
        """SIGTERM, and its exit code."""
        assert self.process
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        try:
            return await asyncio.to_thread(self.process.wait, 60)
        finally:
            self.kill()

    def rss_mb(self) -> float:
        assert self.process
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def cpu_seconds(self) -> float:
        """Processor time so far, user and system."""
        assert self.process
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()
