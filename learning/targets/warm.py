"""How does a training begin at once? With a worker that has loaded its libraries before there is a job.

They take longer to load than a small training takes; so one worker waits, at the price of its memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from learning.targets.target import NOTHING


class Warm:
    def __init__(self) -> None:
        self._child: asyncio.subprocess.Process | None = None

    async def ready(self, environment: dict[str, str]) -> None:
        """See that one waits; nothing happens when it does."""
        if self._child is None or self._child.returncode is not None:
            self._child = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "learning.worker", "--wait", str(os.getpid())),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                env=environment,
                start_new_session=True,
            )

    async def begin(self, job: Path, added: Mapping[str, str] = NOTHING) -> asyncio.subprocess.Process | None:
        """The one that waited, at this job from now on, with that in its environment; None: none did."""
        child, self._child = self._child, None
        if child is None or child.returncode is not None or child.stdin is None:
            return None
        try:
            order = {"job": str(job), "environment": dict(added)}
            child.stdin.write(f"{json.dumps(order)}\n".encode())
            await child.stdin.drain()
            child.stdin.close()
        except ConnectionError:  # it has just died
            return None
        return child

    async def stop(self) -> None:
        child, self._child = self._child, None
        if child is not None and child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            await child.wait()
