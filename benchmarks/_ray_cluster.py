"""How is there a Ray cluster of two nodes on one machine, and how does a part of it die?"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[1]
VENV = ROOT / ".venv-ray"
PYTHON = VENV / "bin" / "python"
MEMORY = 100_000_000  # bytes of each node's object store
UP_SECONDS = 180.0
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # A dead node is known as such in seconds, not in half a minute, through which people would wait.
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_timeout_ms": "3000",
    "RAY_health_check_failure_threshold": "3",
    "GLOO_SOCKET_IFNAME": "lo",
    "OMP_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_OFFLINE": "1",
    "PYTHONPATH": str(ROOT),
}


class NoRay(Exception):
    """The message says what to do."""


@dataclass
class Cluster:
    """A head and one node more, with two processors each, by their own account."""

    dashboard: str
    nodes: list[psutil.Process] = field(default_factory=list)

    def workers_by_node(self, name: str) -> list[list[psutil.Process]]:
        """The processes whose title begins so, such as `ray::RayTrainWorker`."""
        return [[one for one in _below(node) if _title(one).startswith(name)] for node in self.nodes]

    def kill_node(self, index: int) -> None:
        """All of it, and at once, as when the plug is pulled."""
        node = self.nodes.pop(index)
        for process in [node, *_below(node)]:
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def ask(self, path: str, body: object = None, method: str = "GET") -> Any:
        """The dashboard's answer."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.dashboard + path, data, method=method)
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=30) as answer:
            content = answer.read()
        return json.loads(content) if content else None


@contextmanager
def two_nodes(environment: Mapping[str, str] = {}) -> Iterator[Cluster]:
    """Nothing of it is left afterwards. Raises NoRay."""
    if not PYTHON.exists():
        raise NoRay("there is no Ray here: deploy/ray/install.sh .venv-ray")
    folder = Path(tempfile.mkdtemp(prefix="twin-ray-", dir="/tmp"))  # sockets in there: a short name
    port, dashboard = free_port(), free_port()
    cluster = Cluster(f"http://127.0.0.1:{dashboard}")
    head = [
        *("--head", f"--port={port}", f"--temp-dir={folder}"),
        *("--dashboard-host=127.0.0.1", f"--dashboard-port={dashboard}"),
    ]
    started: list[subprocess.Popen[bytes]] = []
    try:
        for options in (head, [f"--address=127.0.0.1:{port}"]):
            with (folder / f"node-{len(started)}.log").open("wb") as log:
                node = subprocess.Popen(
                    [str(VENV / "bin" / "ray"), "start", *options, *_each()],
                    env={**os.environ, **QUIET, **environment},
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            started.append(node)
            cluster.nodes.append(psutil.Process(node.pid))
            _wait_for(cluster, node, len(started))
        yield cluster
    finally:
        for node in reversed(started):
            _end(node)
        shutil.rmtree(folder, ignore_errors=True)


def _each() -> list[str]:
    """What every node is told; two on one machine need ports of their own."""
    agent = ("dashboard-agent-listen-port", "dashboard-agent-grpc-port", "metrics-export-port")
    options = [f"--{name}={free_port()}" for name in (*agent, "runtime-env-agent-port")]
    options += ["--node-ip-address=127.0.0.1", "--num-cpus=2", "--num-gpus=0"]
    return [*options, f"--object-store-memory={MEMORY}", "--disable-usage-stats", "--block"]


def _wait_for(cluster: Cluster, node: subprocess.Popen[bytes], count: int) -> None:
    end = time.monotonic() + UP_SECONDS
    while time.monotonic() < end and node.poll() is None:
        with suppress(OSError, ValueError, KeyError):
            found = cluster.ask("/nodes?view=summary")["data"]["summary"]
            if len([one for one in found if one["raylet"].get("state") == "ALIVE"]) == count:
                cluster.ask("/api/jobs/")
                return
        time.sleep(0.2)
    raise NoRay("Ray does not come up; try: .venv-ray/bin/ray start --head --block")


def _end(node: subprocess.Popen[bytes]) -> None:
    """With all that it has started; asked to stop it would wait for the other nodes first."""
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(node.pid)
        for one in [process, *_below(process)]:
            with suppress(psutil.NoSuchProcess):
                one.kill()
    node.wait()


def _below(process: psutil.Process) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return list(process.children(recursive=True))
    return []


def _title(process: psutil.Process) -> str:
    with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        return " ".join(process.cmdline())
    return ""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
