"""Which metric tells of which fault? Read from /metrics of the service, as a monitor would."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

EJECTED, FAILED = "twin_replica_ejections_total", "twin_replica_failures_total"
CACHE = "twin_cache_failures_total"
SLOW = "twin_database_seconds{kind=write} above 1 s"
WITHIN = 20.0  # seconds after the fault; probes and patience have ended by then
Figures = Counter[tuple[str, str]]
"""By the metric's name, and the replica it is about, if it is about one."""


@dataclass(frozen=True, slots=True)
class Monitor:
    url: str
    secret: str

    async def figures(self) -> Figures:
        async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
            answer = await http.get(f"{self.url}/metrics", headers={"Authorization": f"Bearer {self.secret}"})
        answer.raise_for_status()
        found: Figures = Counter()
        for family in text_string_to_metric_families(answer.text):
            for one in family.samples:
                found[one.name, one.labels.get("replica", "")] += int(one.value)
                if family.name == "twin_database_seconds" and one.labels.get("kind") == "write":
                    if one.name.endswith("_count"):
                        found[SLOW, ""] += int(one.value)
                    elif one.labels.get("le") == "1.0":
                        found[SLOW, ""] -= int(one.value)
        return found

    async def tells(self, any_of: list[set[tuple[str, str]]], before: Figures) -> set[str]:
        """The names of the metrics that rose: all of one of these sets. Empty: none did in time."""
        end = asyncio.get_running_loop().time() + WITHIN
        while True:
            now = await self.figures()
            for metrics in any_of:
                if all(now[one] > before[one] for one in metrics):
                    return {name for name, _ in metrics}
            if asyncio.get_running_loop().time() > end:
                return set()
            await asyncio.sleep(0.5)


async def new_secret(home: Path) -> str:
    """A token that may read the metrics; the owner's account comes first."""
    await _twin(home, "password", "--generate")
    return str((await _twin(home, "token", "create", "monitor", "--scopes", "read"))["secret"])


async def _twin(home: Path, *words: str) -> dict[str, object]:
    command = [sys.executable, "-m", "twin", "--home", str(home), *words, "--json"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    told, _ = await process.communicate()
    found: dict[str, object] = json.loads(told)
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
