"""Do many model servers on Ray look like one that does not fail? A fake of Ray; benchmarks.ray has it."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import signal
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import httpx
import pytest
from pydantic import ValidationError
from starlette.requests import Request

from brain.ray_arguments import Arguments

# A model server in miniature: it knows adapters, and writes two words, or dies after the first.
MODEL_SERVER = """
import json, os, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
loaded = {}
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def piece(self, content):
        self.wfile.write(b"%x\\r\\n%s\\r\\n" % (len(content), content))
    def answer(self, status, told):
        content = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
    def do_GET(self):
        cards = [{"id": name} for name in ("base", *loaded)]
        self.answer(200, {"data": cards} if self.path == "/v1/models" else {})
    def do_POST(self):
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/v1/load_lora_adapter":
            if told["lora_path"] == "/nowhere":
                return self.answer(404, {"error": {"message": "no such folder"}})
            loaded[told["lora_name"]] = told["lora_path"]
            return self.answer(200, {})
        if self.path == "/v1/unload_lora_adapter":
            loaded.pop(told["lora_name"])
            return self.answer(200, {})
        if told["model"] not in ("base", *loaded):
            return self.answer(404, {"error": {"message": "no such model"}})
        if told.get("dies") == "before":
            os._exit(1)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.piece(b'data: {"choices": [{"delta": {"role": "assistant", "content": ""}}]}\\n\\n')
        if told.get("dies") == "early":
            os._exit(1)
        self.piece(b'data: {"choices": [{"delta": {"content": "one"}}]}\\n\\n')
        self.wfile.flush()
        if told.get("dies") == "between":
            os._exit(1)
        self.piece(b"data: [DONE]\\n\\n")
        self.piece(b"")
    def log_message(self, *_):
        pass
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


WHOLE = (
    'data: {"choices": [{"delta": {"role": "assistant", "content": ""}}]}\n\n'
    'data: {"choices": [{"delta": {"content": "one"}}]}\n\n'
    "data: [DONE]\n\n"
)


class RayError(Exception):
    """As Ray raises it at the caller's, whatever was the cause."""


class Method:
    def __init__(self, call: Any) -> None:
        self._call = call

    def remote(self, *given: Any) -> Any:
        return self._call(*given)


class Actor:
    """Each method of the object as `.remote`, awaited."""

    def __init__(self, held: Any) -> None:
        self._held = held

    def __getattr__(self, name: str) -> Method:
        async def call(*given: Any) -> Any:
            return getattr(self._held, name)(*given)

        return Method(call)


class Stream:
    def __init__(self, pieces: Any) -> None:
        self._pieces, self.cancelled = pieces, False

    def __aiter__(self) -> Stream:
        return self

    async def __anext__(self) -> Any:
        try:
            return await anext(self._pieces)
        except httpx.HTTPError as trouble:
            raise RayError from trouble

    def cancel(self) -> None:
        self.cancelled = True


class Handle:
    """Gives each request to the next server; what it was told of sessions is kept."""

    def __init__(self, servers: list[Any]) -> None:
        self.servers, self.asked, self.sessions = servers, 0, []
        self.ask = Method(lambda *given: Stream(self._next().ask(*given)))
        self.load = Method(lambda *given: self._next().load(*given))

    def options(self, *, stream: bool, session_id: str) -> Handle:
        self.sessions.append(session_id)
        return self

    def _next(self) -> Any:
        self.asked += 1
        return self.servers[(self.asked - 1) % len(self.servers)]


@pytest.fixture
def on_ray(monkeypatch):
    """brain.ray_serve, with a Ray that has one actor."""
    actors: dict[str, Actor] = {}

    def remote(kind: type) -> Any:
        def options(**told: Any) -> Any:
            assert (told["num_cpus"], told["get_if_exists"]) == (0, True)
            name = told["name"]
            return SimpleNamespace(remote=lambda: actors.setdefault(name, Actor(kind())))

        return SimpleNamespace(options=options)

    names = ("ray", "ray.serve", "ray.exceptions", "ray.serve.config", "ray.serve.exceptions")
    modules = {name: ModuleType(name) for name in names}
    modules["ray"].remote, modules["ray"].serve = remote, modules["ray.serve"]
    modules["ray.exceptions"].RayError = RayError
    modules["ray.serve.config"].RequestRouterConfig = SimpleNamespace
    modules["ray.serve.exceptions"].RayServeException = RayError
    context = SimpleNamespace(replica_id=SimpleNamespace(unique_id="replica"))
    modules["ray.serve"].get_replica_context = lambda: context
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.delitem(sys.modules, "brain.ray_serve", raising=False)
    yield importlib.import_module("brain.ray_serve")
    sys.modules.pop("brain.ray_serve")


@pytest.fixture
async def world(on_ray, tmp_path):
    """Two servers and a door before them, as the brain sees it."""
    script = tmp_path / "model_server.py"
    script.write_text(MODEL_SERVER)
    arguments = Arguments(command=[sys.executable, str(script), "{port}"])
    servers = [on_ray.Server.__new__(on_ray.Server) for _ in range(2)]
    await asyncio.gather(*(server.__init__(arguments) for server in servers))
    handle = Handle(servers)
    door = on_ray.Door(handle)

    async def app(scope, receive, send):
        response = await door(Request(scope, receive))
        await response(scope, receive, send)

    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://ray") as client:
        yield SimpleNamespace(client=client, servers=servers, handle=handle)
    for server in servers:
        server._process.kill()
        server._process.wait()
        await server._http.aclose()


async def say(world, session="a", **more):
    return await world.client.post(
        "/v1/chat/completions", json={"model": "base"} | more, headers={"X-Session-ID": session}
    )


async def test_an_answer_comes_as_the_server_gave_it_and_the_chat_is_told_to_ray(world):
    answer = await say(world, "chat-7")
    assert (answer.status_code, answer.text) == (200, WHOLE)
    assert answer.headers["Content-Type"] == "text/event-stream"
    assert answer.headers["X-Served-By"] == "replica"
    assert world.handle.sessions == ["chat-7"]


async def test_who_had_no_word_yet_is_answered_by_another_server_when_one_dies(world):
    os.kill(world.servers[0]._process.pid, signal.SIGKILL)
    world.servers[0]._process.wait()
    assert (await say(world)).text == WHOLE
    assert world.handle.asked == 2


@pytest.mark.parametrize("when", ["before", "early"])
async def test_a_request_that_kills_every_server_is_refused_in_the_end(world, when):
    answer = await say(world, dies=when)
    assert answer.status_code == 503
    assert answer.json()["error"]["message"]
    assert world.handle.asked == 4


async def test_an_answer_that_had_begun_is_broken_off_and_never_begun_again(world):
    with pytest.raises(RayError):
        await say(world, dies="between")
    assert world.handle.asked == 1


async def test_an_adapter_loaded_by_the_url_is_on_every_server_that_is_asked_for_it(world):
    unknown = await say(world, model="sft-1")
    assert unknown.status_code == 404  # by which the brain knows that it must be told again
    load = {"lora_name": "sft-1", "lora_path": "/data/adapters/sft-1"}
    assert (await world.client.post("/v1/load_lora_adapter", json=load)).status_code == 200
    for _ in range(4):
        assert (await say(world, model="sft-1")).status_code == 200
    listed = (await world.client.get("/v1/models")).json()
    assert [card["id"] for card in listed["data"]] == ["base", "sft-1"]
    await world.client.post("/v1/unload_lora_adapter", json={"lora_name": "sft-1"})
    for server in world.servers:
        await server.check_health()
    for _ in range(2):
        assert (await say(world, model="sft-1")).status_code == 404
    gone = await world.client.post("/v1/unload_lora_adapter", json={"lora_name": "sft-1"})
    assert gone.status_code == 404


async def test_an_adapter_that_a_server_refuses_is_refused_and_not_remembered(world):
    load = {"lora_name": "sft-1", "lora_path": "/nowhere"}
    answer = await world.client.post("/v1/load_lora_adapter", json=load)
    assert (answer.status_code, answer.json()["error"]["message"]) == (404, "no such folder")
    assert len((await world.client.get("/v1/models")).json()["data"]) == 1


async def test_a_server_that_died_is_not_healthy(world):
    await world.servers[0].check_health()
    world.servers[0]._process.kill()
    world.servers[0]._process.wait()
    with pytest.raises(RuntimeError, match="ended with code -9"):
        await world.servers[0].check_health()


async def test_what_would_reach_only_one_server_is_not_there(world):
    for path in ("/sleep", "/wake_up", "/is_sleeping"):
        assert (await world.client.post(path)).status_code == 404
    assert world.handle.asked == 0


async def test_what_is_no_json_is_for_the_model_server_to_refuse(on_ray):
    assert on_ray._json(b"no") == on_ray._json(b"[]") == {}


@pytest.mark.parametrize("wrong", [{}, {"command": []}, {"command": ["x"], "replica": 2}])
def test_wrong_arguments_are_named(wrong):
    with pytest.raises(ValidationError, match=r"command|replica"):
        Arguments.model_validate(json.loads(json.dumps(wrong)))
