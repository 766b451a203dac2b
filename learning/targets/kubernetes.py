"""How does training run on Kubernetes? As one Job of one pod, through the cluster's API."""

from __future__ import annotations

import asyncio
import re
import ssl
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
PATIENCE = 60.0  # seconds that the API may be away while a job runs
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")  # of a pod
RUN_LABEL = "twin/run"


class KubernetesTarget:
    here = False

    def __init__(
        self,
        url: str,
        shared: Shared,
        *,
        namespace: str,
        image: str,
        claim: str,
        python: str = "python",
        gpus: float = 0,
        token: str | None = None,
        look_every: float = LOOK_EVERY,
        patience: float = PATIENCE,
    ) -> None:
        """`token`: None: this pod's own."""
        self._shared, self._python, self._gpus = shared, python, int(gpus)
        self._image, self._claim, self._token = image, claim, token
        self._jobs = f"{url.rstrip('/')}/apis/batch/v1/namespaces/{namespace}/jobs"
        self._pods = f"{url.rstrip('/')}/api/v1/namespaces/{namespace}/pods"
        self._look_every, self._patience = look_every, patience
        self._ended: set[str] = set()
        self._away = 0.0

    def pack(self, job: Job, run_dir: Path) -> Place:
        return self._shared.pack(job, run_dir)

    async def start(self, folder: Path, name: str, added: Mapping[str, str] = NOTHING) -> str:
        """Whatever of this run is at another job is deleted; the same job is gone on with."""
        job = folder / "job.json"
        run = re.sub(r"[^a-z0-9-]", "-", name.lower())[:40]
        id = f"{run}-{stable_id(job.read_text(encoding='utf-8'))[:8]}"
        found = await self._ask("GET", f"{self._jobs}?labelSelector={RUN_LABEL}%3D{run}")
        for other in found["items"]:
            known = other["metadata"]["name"]
            if known == id and not _is_over(other):
                return id
            await self.stop(known)
        await self._ask("POST", self._jobs, self._manifest(id, run, self._shared.remote(job), added))
        return id

    async def poll(self, handle: str) -> Ended | None:
        await asyncio.sleep(self._look_every)
        try:
            job = await self._ask("GET", f"{self._jobs}/{handle}", missing=True)
        except TrainingFailed:
            self._away += self._look_every
            if self._away < self._patience:
                return None
            raise
        self._away = 0.0
        if job is None:
            self._ended.add(handle)
            return Ended(why="The cluster does not know the Job any more.", vanished=True)
        if not _is_over(job):
            return None
        self._ended.add(handle)
        return Ended(0) if job["status"].get("succeeded") else await self._why(handle)

    async def stop(self, handle: str) -> None:
        """Deletes the Job and its pod; what has ended is left for a person to look at."""
        if handle in self._ended:
            return
        gone = {"propagationPolicy": "Foreground", "gracePeriodSeconds": 5}
        for _ in range(int(self._patience / self._look_every)):
            if await self._ask("DELETE", f"{self._jobs}/{handle}", gone, missing=True) is None:
                break
            await asyncio.sleep(self._look_every)
        self._ended.add(handle)

    async def _why(self, handle: str) -> Ended:
        """What the pod says of its end; a pod that was moved away has nothing to say."""
        pods = await self._ask("GET", f"{self._pods}?labelSelector=job-name%3D{handle}")
        for pod in pods["items"]:
            for container in pod.get("status", {}).get("containerStatuses", []):
                if ended := container.get("state", {}).get("terminated"):
                    reason = ended.get("reason", "")
                    return Ended(ended.get("exitCode"), f"Kubernetes says: {reason}.", reason == "OOMKilled")
        return Ended(why="Its pod is gone.", vanished=True)

    def _manifest(self, id: str, run: str, job: Path, added: Mapping[str, str]) -> dict[str, Any]:
        labels = {RUN_LABEL: run, "app.kubernetes.io/name": "twin-trainer"}
        script = '"$0" -m learning.worker "$1" >>"$2" 2>&1'
        log = str(job.with_name("worker.log"))
        resources = {"limits": {"nvidia.com/gpu": str(self._gpus)}} if self._gpus else {}
        container = {
            "name": "trainer",
            "image": self._image,
            "command": ["sh", "-c", f"exec {script}", self._python, str(job), log],
            "env": [{"name": name, "value": value} for name, value in added.items()],
            "resources": resources,
            "volumeMounts": [{"name": "shared", "mountPath": str(self._shared.there)}],
        }
        pod = {
            "restartPolicy": "Never",
            "containers": [container],
            "volumes": [{"name": "shared", "persistentVolumeClaim": {"claimName": self._claim}}],
        }
        return {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": id, "labels": labels},
            "spec": {
                "backoffLimit": 0,  # how often it is tried is counted in our database
                "ttlSecondsAfterFinished": 86400,
                "template": {"metadata": {"labels": labels}, "spec": pod},
            },
        }

    async def _ask(self, method: str, url: str, body: object = None, *, missing: bool = False) -> Any:
        """The answer; None where it is not there and that is allowed. Raises TrainingFailed."""
        try:
            async with httpx.AsyncClient(timeout=20, trust_env=False, verify=_authority()) as client:
                headers = {"Authorization": f"Bearer {self._token or _own_token()}"}
                answer = await client.request(method, url, json=body, headers=headers)
        except httpx.HTTPError as problem:
            raise TrainingFailed(f"Kubernetes at {url} does not answer: {problem!r}.") from problem
        if missing and answer.status_code == httpx.codes.NOT_FOUND:
            return None
        if answer.is_error:
            raise TrainingFailed(f"Kubernetes refused that ({answer.status_code}): {answer.text[:200]}")
        return answer.json()


def _is_over(job: dict[str, Any]) -> bool:
    status = job.get("status", {})
    return bool(status.get("succeeded") or status.get("failed"))


def _own_token() -> str:
    try:
        return (ACCOUNT / "token").read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _authority() -> ssl.SSLContext | bool:
    """The cluster's own, inside a pod."""
    file = ACCOUNT / "ca.crt"
    return ssl.create_default_context(cafile=str(file)) if file.exists() else True
