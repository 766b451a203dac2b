"""How does Redis get into trouble on purpose? One of our own, which keeps nothing on a disk."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket

from benchmarks._faults_told import free_port

LASTS = 6.0  # seconds: longer than the cache leaves a Redis alone that has failed


class FaultyRedis:
    """Always on the same port, so that it can come back."""

    def __init__(self) -> None:
        self._binary = shutil.which("redis-server")
        self._port = free_port()
        self._process: asyncio.subprocess.Process | None = None
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self.is_here = self._binary is not None

    async def start(self) -> None:
        if not self._binary:
            return
        command = [self._binary, "--port", str(self._port), "--bind", "127.0.0.1", "--save", ""]
        nothing = asyncio.subprocess.DEVNULL
        self._process = await asyncio.create_subprocess_exec(*command, stdout=nothing, stderr=nothing)
        for _ in range(500):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self._port)) == 0:
                    return
            await asyncio.sleep(0.02)
        raise RuntimeError(f"Redis on port {self._port} does not come up")

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
        await asyncio.sleep(LASTS)
        os.kill(self._process.pid, signal.SIGCONT)
