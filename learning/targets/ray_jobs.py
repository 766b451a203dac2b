"""How does training run on a Ray cluster? Through its Jobs API, which is plain HTTP: no Ray is needed here.

What runs over there is ray_train.py, which spreads each step over the cluster.

Ray forgets its jobs when its head dies, so what is wanted stays in our database; a job that Ray does not know
has vanished, and its run is tried again.
"""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from learning.failures import TrainingFailed
from learning.targets.shared import Shared
from learning.targets.target import NOTHING, Ended, Place
from storage.records import stable_id

if TYPE_CHECKING:
    from learning.jobs import Job

LOOK_EVERY = 1.0  # seconds
PATIENCE = 60.0  # seconds that the cluster may be away while a job runs
GOING = ("PENDING", "RUNNING")


class RayTarget:
    here = False

    def __init__(
        self,
        url: str,
        shared: Shared,
        python: str = "python",
        gpus: float = 0,
        *,
        worker: str = "learning.targets.ray_train",
        look_every: float = LOOK_EVERY,
        patience: float = PATIENCE,
    ) -> None:
        """`gpus`: for each process that trains. `worker`: the module that does a job over there."""
        self._shared, self._python = shared, python
        self._worker = f"{worker} --gpus {gpus}" if gpus else worker
        self._look_every, self._patience = look_every, patience
        self._url = url.rstrip("/")
        self._ended: set[str] = set()
        self._away = 0.0

    def pack(self, job: Job, run_dir: Path) -> Place:
        return self._shared.pack(job, run_dir)

    async def start(self, folder: Path, name: str, added: Mapping[str, str] = NOTHING) -> str:
        """Whatever of this run is at another job is stopped; the same job is gone on with."""
        job = folder / "job.json"
        id = f"{name}-{stable_id(job.read_text(encoding='utf-8'))[:8]}"
        for other in await self._ask("GET", "/api/jobs/"):
            known = str(other.get("submission_id") or "")
            if other.get("status") in GOING and known.rpartition("-")[0] == name:
                if known == id:
                    return id
                await self.stop(known)
        if await self._status(id) is not None:  # ended: Ray takes no name twice
            await self._ask("DELETE", f"/api/jobs/{id}")
        there = self._shared.remote(job)
        log = shlex.quote(str(there.with_name("worker.log")))
        command = f"{shlex.quote(self._python)} -m {self._worker} {shlex.quote(str(there))} >>{log} 2>&1"
        surroundings = {"env_vars": dict(added)} if added else {}
        wanted = {"entrypoint": command, "submission_id": id, "runtime_env": surroundings}
        await self._ask("POST", "/api/jobs/", wanted)
        return id

    async def poll(self, handle: str) -> Ended | None:
        await asyncio.sleep(self._look_every)
        try:
            status = await self._status(handle)
        except TrainingFailed:
            self._away += self._look_every
            if self._away < self._patience:
                return None
            raise
        self._away = 0.0
        if status is None:
            self._ended.add(handle)
            return Ended(why="The Ray cluster does not know it any more.", vanished=True)
        if status["status"] in GOING:
            return None
        self._ended.add(handle)
        stopped = status["status"] == "STOPPED"
        why = str(status.get("message") or "")
        return Ended(status.get("driver_exit_code"), f"Ray says: {why}", vanished=stopped)

    async def stop(self, handle: str) -> None:
        if handle in self._ended:
            return
        if await self._status(handle) is not None:
            await self._ask("POST", f"/api/jobs/{handle}/stop")
            for _ in range(int(self._patience / self._look_every)):
                status = await self._status(handle)
                if status is None or status["status"] not in GOING:
                    break
                await asyncio.sleep(self._look_every)
        self._ended.add(handle)

    async def _status(self, id: str) -> dict[str, Any] | None:
        found: dict[str, Any] | None = await self._ask("GET", f"/api/jobs/{id}", missing=True)
        return found

    async def _ask(self, method: str, path: str, body: object = None, *, missing: bool = False) -> Any:
        """The answer; None where it is not there and that is allowed. Raises TrainingFailed."""
        try:
            async with httpx.AsyncClient(timeout=20, trust_env=False) as client:
                answer = await client.request(method, self._url + path, json=body)
        except httpx.HTTPError as problem:
            raise TrainingFailed(f"The Ray cluster at {self._url} does not answer: {problem!r}.") from problem
        if missing and answer.status_code == httpx.codes.NOT_FOUND:
            return None
        if answer.is_error:
            said = answer.text.strip().splitlines()[-1:] or [""]
            raise TrainingFailed(f"The Ray cluster refused that ({answer.status_code}): {said[0][:200]}")
        return answer.json() if answer.content else None
