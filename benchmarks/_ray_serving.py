"""What does a killed node cost whoever is being answered through Ray, and does a chat stay on its server?"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from benchmarks._ray_cluster import PYTHON, Cluster, free_port, two_nodes
from brain.model_client import ModelClient, ModelRefused, ModelUnavailable, Sampling
from learning.pocket import default_cache_dir, ensure
from storage.records import Prompt
from twin import show

NAME = "pocket"
REPLICA = "ray::ServeReplica:twin:Server"
UP_SECONDS = 240.0
SAID: Prompt = [{"role": "user", "content": "when is dinner, and what do we still need for it?"}]
SAMPLING = Sampling(max_tokens=96, seed=1)


@dataclass
class Asked:
    """One request: when it was sent, when its first word came, and how it ended."""

    sent: float
    begun: float | None = None
    ended: float | None = None
    failed: str = ""


async def measure(adapter: Path | None, quick: bool, on_progress: show.OnProgress) -> dict[str, Any]:
    """Two servers on two nodes, of which one is killed whole while as many people ask as `clients`."""
    base, port = ensure(default_cache_dir()), free_port()
    url = f"http://127.0.0.1:{port}"
    with two_nodes() as cluster:
        on_progress(0.6, "two model servers start on Ray")
        cluster.ask("/api/serve/applications/", _application(base, port), "PUT")
        await _until_up(cluster)
        sessions = [f"chat-{number}" for number in range(8 if quick else 24)]
        on_progress(0.75, "who answers whom")
        before = await _who_answers(url, sessions, 4)
        figures = {
            "affinity_sessions": len(sessions),
            "affinity_strays": sum(len(found) - 1 for found in before.values()),
            "affinity_servers_used": len(set().union(*before.values())),
        }
        if adapter:
            figures["adapter_refused"] = await _with_adapter(url, adapter, sessions)
        on_progress(0.85, "a node is killed")
        figures |= await _kill_a_node(cluster, url, clients=8 if quick else 24, seconds=10 if quick else 30)
        after = await _who_answers(url, sessions, 2)
        stayed = [one for one in sessions if before[one] & after[one]]
        homes = Counter(next(iter(found)) for found in before.values())
        alive = set(homes) & set().union(*after.values())
        figures["affinity_moved_needlessly"] = sum(homes[one] for one in alive) - len(stayed)
    return figures


def _application(base: Path, port: int) -> dict[str, Any]:
    command = [str(PYTHON), "-m", "brain.embedded_server", "--model", str(base)]
    command += ["--served-model-name", NAME, "--host", "127.0.0.1", "--port", "{port}"]
    return {
        # Both nodes have one address here, so only the head's has a door; with more addresses each has one.
        "proxy_location": "HeadOnly",
        "http_options": {"host": "127.0.0.1", "port": port},
        "applications": [
            {
                "name": "twin",
                "route_prefix": "/",
                "import_path": "brain.ray_serve:build",
                "args": {"command": command, "replicas": 2, "doors": 2},
            }
        ],
    }


async def _until_up(cluster: Cluster) -> None:
    end = time.monotonic() + UP_SECONDS
    status: Any = None
    while time.monotonic() < end:
        told = await asyncio.to_thread(cluster.ask, "/api/serve/applications/")
        status = told["applications"].get("twin", {})
        each = await asyncio.to_thread(cluster.workers_by_node, REPLICA)
        if status.get("status") == "RUNNING" and all(each):
            return
        if status.get("status") == "DEPLOY_FAILED":
            break
        await asyncio.sleep(0.5)
    raise RuntimeError(f"Ray Serve does not come up: {status}")


async def _who_answers(url: str, sessions: list[str], times: int) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {session: set() for session in sessions}
    async with httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as client:
        for _ in range(times):
            for session in sessions:
                body = {"model": NAME, "messages": SAID, "max_tokens": 1}
                answer = await client.post(
                    "/v1/chat/completions", json=body, headers={"X-Session-ID": session}
                )
                found[session].add(answer.raise_for_status().headers["X-Served-By"])
    return found


async def _with_adapter(url: str, adapter: Path, sessions: list[str]) -> int:
    """Loaded once by the one URL, then asked for on every server: how many chats are refused it?"""
    client = ModelClient(f"{url}/v1")
    refused = 0
    await client.load_adapter("sft-1", adapter)
    assert "sft-1" in await client.models()
    for session in sessions:
        try:
            async for _ in client.stream_chat("sft-1", SAID, Sampling(max_tokens=1), session=session):
                pass
        except ModelRefused:
            refused += 1
    await client.aclose()
    return refused


async def _kill_a_node(cluster: Cluster, url: str, clients: int, seconds: float) -> dict[str, Any]:
    asked: list[Asked] = []
    client = ModelClient(f"{url}/v1", timeout=60)
    end = time.monotonic() + seconds

    async def one(number: int) -> None:
        while time.monotonic() < end:
            request = Asked(time.monotonic())
            asked.append(request)
            try:
                answer = client.stream_chat(NAME, SAID, SAMPLING, session=f"chat-{number}")
                async for chunk in answer:
                    if chunk.text and request.begun is None:
                        request.begun = time.monotonic()
            except (ModelUnavailable, ModelRefused) as trouble:
                request.failed = str(trouble)
            request.ended = time.monotonic()

    async def kill() -> float:
        await asyncio.sleep(seconds / 3)
        while not [one for one in asked if one.begun and not one.ended]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await asyncio.to_thread(cluster.kill_node, 1)
        return time.monotonic()

    killing = asyncio.create_task(kill())
    await asyncio.gather(killing, *(one(number) for number in range(clients)))
    await client.aclose()
    return _told(asked, killing.result())


def _told(asked: list[Asked], killed: float) -> dict[str, Any]:
    failed = [one for one in asked if one.failed]
    under_way = [one for one in asked if one.sent < killed and (one.ended or killed) >= killed]
    begun = [one for one in under_way if one.begun is not None and one.begun < killed]
    return {
        "node_kill_asked": len(asked),
        "node_kill_under_way_begun": len(begun),
        "node_kill_under_way_unbegun": len(under_way) - len(begun),
        "node_kill_failed_begun": len([one for one in failed if one.begun is not None]),
        "node_kill_failed_unbegun": len([one for one in failed if one.begun is None]),
        "node_kill_answered_afterwards": len([one for one in asked if one.sent > killed and not one.failed]),
        "node_kill_longest_wait_seconds": round(max((one.begun or 0) - one.sent for one in asked), 1),
    }
