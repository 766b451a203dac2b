"""How does training run on this machine? As a child in a process group of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from learning.targets.target import NOTHING, Ended, Place
from learning.targets.warm import Warm
from storage import tracing

if TYPE_CHECKING:
    from learning.jobs import Job

LOOK_EVERY = 0.2  # seconds
STOPPING_TAKES = 3.0  # seconds until a child that was asked to stop is killed, with all it has started
ROOT = Path(__file__).parents[2]
MEMORY_EVENTS = Path("/sys/fs/cgroup/memory.events")


def _nothing() -> None: ...


class LocalTarget:
    """For one job after the other."""

    here = True

    def __init__(self, kills: Callable[[], int] | None = None, warm: Warm | None = None) -> None:
        """`kills`: how often the system has killed for want of memory; default: as this machine counts.

        `warm`: may have a worker ready.
        """
        self._warm = warm
        self._child: asyncio.subprocess.Process | None = None
        self._over: asyncio.Task[int] | None = None  # one wait for its end: asyncio keeps each until then
        self._kills = kills or out_of_memory_kills
        self._kills_before = 0

    def pack(self, job: Job, run_dir: Path) -> Place:
        for old in ("progress.jsonl", "result.json"):
            (run_dir / old).unlink(missing_ok=True)
        (run_dir / "job.json").write_text(job.model_dump_json(indent=2), encoding="utf-8")
        return Place(run_dir, _nothing)

    async def start(self, folder: Path, name: str, added: Mapping[str, str] = NOTHING) -> str:
        self._kills_before = self._kills()
        if self._warm and (ready := await self._warm.begin((folder / "job.json").resolve(), added)):
            return self._begun(ready)
        with (folder / "worker.log").open("ab") as written:
            child = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "learning.worker",
                str((folder / "job.json").resolve()),
                str(os.getpid()),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=written,
                stderr=written,
                env={**environment(), **added},
                start_new_session=True,  # Ctrl-C is for us to pass on, and one signal reaches all of it
            )
        return self._begun(child)

    def _begun(self, child: asyncio.subprocess.Process) -> str:
        self._child, self._over = child, asyncio.create_task(child.wait())
        return str(child.pid)

    async def poll(self, handle: str) -> Ended | None:
        assert self._child is not None
        assert self._over is not None
        await asyncio.wait((self._over,), timeout=LOOK_EVERY)
        if self._child.returncode is None:
            return None
        killed = self._child.returncode == -signal.SIGKILL
        return Ended(self._child.returncode, out_of_memory=killed and self._kills() > self._kills_before)

    async def stop(self, handle: str) -> None:
        assert self._child is not None
        if self._child.returncode is None:
            _signal_all(self._child.pid, signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._child.wait(), STOPPING_TAKES)
        _signal_all(self._child.pid, signal.SIGKILL)  # also what a child that ended has left behind
        await self._child.wait()


def _signal_all(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def out_of_memory_kills(events: Path = MEMORY_EVENTS) -> int:
    """As the kernel counts them for our container or login; 0 where it does not."""
    try:
        counts = dict(line.split() for line in events.read_text(encoding="utf-8").splitlines())
        return int(counts.get("oom_kill", 0))
    except (OSError, ValueError):
        return 0


def environment() -> dict[str, str]:
    """Of a child: ours, without what we may have been told of somebody else's trace."""
    ours = {name: value for name, value in os.environ.items() if name != tracing.PARENT}
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    quiet = {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "HF_HUB_DISABLE_TELEMETRY": "1"}
    return {**quiet, **ours, "PYTHONPATH": os.pathsep.join(paths)}
