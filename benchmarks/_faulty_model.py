"""How does a model server get into trouble on purpose? A quick one as a process of its own, at our mercy."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

PROGRAM = Path(__file__).parents[1] / "tests" / "quick_model.py"
LASTS = 3.0  # seconds


class FaultyModel:
    """Always on the same port, so that it can come back."""

    def __init__(self, piece_seconds: float = 0.02) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self._piece_seconds = piece_seconds
        self._process: asyncio.subprocess.Process | None = None
        self.name = f"127.0.0.1:{self._port}"  # in the metrics
        self.url = f"http://{self.name}/v1"

    async def start(self) -> None:
        command = [sys.executable, str(PROGRAM), str(self._port), str(self._piece_seconds), "quietly"]
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stdin=pipe)
        assert self._process.stdout
        if await self._process.stdout.readline() != b"ready\n":
            raise RuntimeError(f"the model server on port {self._port} does not come up")

    async def stop(self) -> None:
        if self._process and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def die_and_return(self) -> None:
        await self.stop()
        await asyncio.sleep(LASTS)
        await self.start()

    async def stand_still(self) -> None:
        assert self._process
        os.kill(self._process.pid, signal.SIGSTOP)
        await asyncio.sleep(2 * LASTS)
        os.kill(self._process.pid, signal.SIGCONT)

    async def misbehave(self, how: str) -> bool:
        """`how`: "fails" (500 to every question), "hangs" (in the middle of each answer).

        Whether any answer was harmed by it.
        """
        before = await self._hear(how)
        await asyncio.sleep(LASTS)
        return await self._hear("well") > before

    async def _hear(self, word: str) -> int:
        assert self._process
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{word}\n".encode())
        await self._process.stdin.drain()
        return int(await self._process.stdout.readline())
