"""`import_path: brain.ray_serve:build`: any number of model servers on a Ray cluster, behind one OpenAI URL.

A replica of `Server` starts one model server, vLLM or the embedded one, and passes on what it is asked; Ray
places it, replaces it when it dies, and keeps a chat on one of them by its X-Session-ID. A `Door` stands on
every node before them: it asks another server when one dies before anything of its answer was sent on.
Adapters that were loaded by that URL are known to all. Why not Ray Serve LLM: docs/decisions/0033.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import logging
import os
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import ray
from ray import serve
from ray.exceptions import RayError
from ray.serve.config import RequestRouterConfig
from ray.serve.exceptions import RayServeException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

from brain.ray_arguments import Arguments

log = logging.getLogger("ray.serve")

ROUTER = "ray.serve.experimental.consistent_hash_router:ConsistentHashRouter"
ATTEMPTS = 4  # servers that are asked one after the other, as long as nothing was answered
LOOK_EVERY = 5.0  # seconds
HELD = "twin-adapters"
ANSWERS = ("/v1/chat/completions", "/v1/completions")
ONE_ONLY = ("/sleep", "/wake_up", "/is_sleeping")  # would reach one server of many
DIES_WITH_PARENT = 1  # PR_SET_PDEATHSIG


class Held:
    """Which adapters are there (name -> folder), and which were taken away; for all servers."""

    def __init__(self) -> None:
        self._paths: dict[str, str] = {}
        self._gone: set[str] = set()

    def hold(self, name: str, path: str) -> None:
        self._paths[name] = path
        self._gone.discard(name)

    def drop(self, name: str) -> bool:
        self._gone.add(name)
        return self._paths.pop(name, None) is not None

    def paths(self) -> dict[str, str]:
        return self._paths

    def gone(self) -> set[str]:
        return self._gone


def held() -> Any:
    """The one of this cluster. Begins empty when its node has died: the brain tells again what it misses."""
    options = {"name": HELD, "namespace": "twin", "lifetime": "detached", "get_if_exists": True}
    return ray.remote(Held).options(num_cpus=0, max_restarts=-1, **options).remote()


class Server:
    """One model server, as a child that dies with this process."""

    async def __init__(self, arguments: Arguments) -> None:  # type: ignore[misc]  # Serve awaits it
        port = _free_port()
        self._name = serve.get_replica_context().replica_id.unique_id
        self._loaded: set[str] = set()
        self._held = held()
        self._http = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}",
            timeout=httpx.Timeout(None, connect=5.0),
            limits=httpx.Limits(max_connections=None),
            trust_env=False,
        )
        self._process = subprocess.Popen(  # noqa: ASYNC220 (only that ends with this process)
            [part.replace("{port}", str(port)) for part in arguments.command],
            env=os.environ | arguments.environment,
            preexec_fn=_end_with_parent,
        )
        await self._until_up(time.monotonic() + arguments.start_seconds)

    async def _until_up(self, end: float) -> None:
        while time.monotonic() < end:
            if self._process.poll() is not None:
                raise RuntimeError(f"the model server ended with code {self._process.returncode}")
            try:
                if (await self._http.get("/health")).is_success:
                    return
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.2)
        raise RuntimeError("the model server does not come up")

    async def check_health(self) -> None:
        """Ray replaces a replica that raises. What was unloaded by the URL is unloaded here."""
        if self._process.poll() is not None:
            raise RuntimeError(f"the model server ended with code {self._process.returncode}")
        (await self._http.get("/health")).raise_for_status()
        for name in self._loaded & await self._held.gone.remote():
            self._loaded.discard(name)
            await self._http.post("/v1/unload_lora_adapter", json={"lora_name": name})

    async def ask(
        self, method: str, path: str, kind: str, body: bytes
    ) -> AsyncIterator[tuple[int, str, str] | bytes]:
        """Status, content type and the name of this server, then the content as it comes."""
        if path in ANSWERS:
            await self._have(str(_json(body).get("model")))
        headers = {"Content-Type": kind} if kind else {}
        asking = self._http.stream(method, path, content=body, headers=headers)
        async with asking as answer:
            yield answer.status_code, answer.headers.get("Content-Type", ""), self._name
            async for piece in answer.aiter_raw():
                yield piece

    async def _have(self, name: str) -> None:
        """Load an adapter that was loaded on another server. One that refuses says so in its answer."""
        if name in self._loaded or not (path := (await self._held.paths.remote()).get(name)):
            return
        await self._http.post("/v1/load_lora_adapter", json={"lora_name": name, "lora_path": path})
        self._loaded.add(name)

    async def load(self, name: str, path: str) -> tuple[int, bytes]:
        answer = await self._http.post("/v1/load_lora_adapter", json={"lora_name": name, "lora_path": path})
        if answer.is_success:
            self._loaded.add(name)
        return answer.status_code, answer.content


class Door:
    """What the brain talks to."""

    def __init__(self, servers: Any) -> None:
        self._servers = servers
        self._held = held()

    async def __call__(self, request: Request) -> Response:
        path, body = request.url.path, await request.body()
        if path in ONE_ONLY:
            return JSONResponse({"error": {"message": "not on Ray"}}, 404)
        if path == "/v1/load_lora_adapter":
            return await self._load(_json(body))
        if path == "/v1/unload_lora_adapter":
            there = await self._held.drop.remote(str(_json(body).get("lora_name")))
            return PlainTextResponse("Success" if there else "No such adapter", 200 if there else 404)
        answer = await self._forward(request, path, body)
        return await self._with_all(answer) if path == "/v1/models" else answer

    async def _forward(self, request: Request, path: str, body: bytes) -> Response:
        """From the chat's own server, or another one when that dies before it has said anything."""
        handle = self._servers.options(stream=True, session_id=request.headers.get("X-Session-ID", ""))
        kind = request.headers.get("Content-Type", "")
        for attempt in range(ATTEMPTS):
            answer = handle.ask.remote(request.method, path, kind, body)
            try:
                status, content_type, name = await anext(answer)
                first = await _first_words(answer, content_type)
            except (RayError, RayServeException, httpx.HTTPError) as trouble:
                answer.cancel()
                log.warning("asking another server: %s", type(trouble).__name__)
                await asyncio.sleep(0.1 * attempt)
                continue
            headers = {"X-Served-By": name} | ({"Content-Type": content_type} if content_type else {})
            return StreamingResponse(_whole(first, answer), status, headers)
        return JSONResponse({"error": {"message": "no model server answers on Ray"}}, 503)

    async def _load(self, wanted: dict[str, Any]) -> Response:
        """One server tries it; the others load it when they are first asked for it."""
        name, path = str(wanted.get("lora_name")), str(wanted.get("lora_path"))
        status, content = await self._servers.load.remote(name, path)
        if status < 400:
            await self._held.hold.remote(name, path)
        return Response(content, status)

    async def _with_all(self, answer: Response) -> Response:
        """The list of one server, with the adapters that only others have loaded."""
        if not isinstance(answer, StreamingResponse) or answer.status_code >= 400:
            return answer
        pieces = [piece async for piece in answer.body_iterator]
        told = json.loads(b"".join(piece for piece in pieces if isinstance(piece, bytes)))
        base = told["data"][0]
        adapters = [
            {"id": name, "object": "model", "owned_by": "twin", "root": path, "parent": base["id"]}
            for name, path in (await self._held.paths.remote()).items()
        ]
        return JSONResponse(told | {"data": [base, *adapters]})


def build(args: dict[str, Any]) -> Any:
    """What Ray Serve runs; `args` of the application are Arguments. Raises ValidationError."""
    arguments = Arguments.model_validate(args)
    each: dict[str, Any] = {"max_replicas_per_node": arguments.per_node} if arguments.per_node else {}
    servers = serve.deployment(
        name="Server",
        num_replicas=arguments.replicas,
        max_ongoing_requests=arguments.at_once,
        health_check_period_s=LOOK_EVERY,
        ray_actor_options={"num_cpus": arguments.cpus, "num_gpus": arguments.gpus},
        request_router_config=RequestRouterConfig(request_router_class=ROUTER),
        **each,
    )(Server)
    doors = serve.deployment(
        name="Door",
        num_replicas=arguments.doors,
        max_replicas_per_node=1,
        max_ongoing_requests=10_000,
        ray_actor_options={"num_cpus": 0},
    )(Door)
    return doors.bind(servers.bind(arguments))


async def _first_words(answer: Any, content_type: str) -> bytes:
    """Up to where somebody would notice; a stream of events opens with some that say nothing yet."""
    first = b""
    async for piece in answer:
        first += piece
        if not content_type.startswith("text/event-stream") or _says_something(first):
            break
    return first


def _says_something(events: bytes) -> bool:
    for line in events.splitlines():
        choices = _json(line.removeprefix(b"data:")).get("choices")
        if line.strip() in (b"", b"data:") or choices == []:
            continue
        if choices is None:  # the end, an error, or half an event
            return line.endswith((b"[DONE]", b"}"))
        for one in choices:
            if (one.get("delta") or {}).get("content") or one.get("text") or one.get("finish_reason"):
                return True
    return False


async def _whole(first: bytes, rest: Any) -> AsyncIterator[bytes]:
    """Leaving early stops the server."""
    try:
        yield first
        async for piece in rest:
            yield piece
    finally:
        rest.cancel()


def _json(body: bytes) -> dict[str, Any]:
    """{} for what is none: the model server says what is wrong with it."""
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(DIES_WITH_PARENT, signal.SIGKILL)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
