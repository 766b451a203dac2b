"""Do several servers come up by one command, are they found, and does a killed one come back?"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fakes import until
from tiny_gemma import make_adapter, make_tiny_gemma

from brain.live_adapter import LiveAdapter
from brain.model_client import ModelClient, Sampling
from brain.replicas import Replicas
from storage.adapters import AdapterStore
from storage.records import Adapter, now
from twin.build import Base, Model, register_urls, running_servers
from twin.home import Home
from twin.monitoring import MonitoringSettings
from twin.serve import start_servers
from twin.settings import Settings

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.timeout(120)
PROMPT = [{"role": "user", "content": "the cat sings"}]
EXACTLY = Sampling(temperature=0, max_tokens=12)


def children_of(pid):
    task = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in task.read_text().split()]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return make_tiny_gemma(tmp_path_factory.mktemp("base") / "tiny", steps=1)


async def test_two_servers_by_one_command_share_adapters_and_a_killed_one_returns_with_them(
    tiny, tmp_path, sqlite_database
):
    home = Home(tmp_path / "home")
    home.make()
    folder = make_adapter(home.adapters / "sft-1", tiny, seed=1)
    environment = os.environ | {"TWIN_MODEL__BASE": str(tiny), "TWIN_OWNER__NAME": "Sam"}
    command = [sys.executable, "-m", "twin", "--home", str(home.root), "serve", "--replicas", "2"]
    command += ["--engine", "embedded", "--port", "18741"]
    process = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL
    )
    try:
        await until(lambda: (home.root / "server.json").exists(), 60)
        urls, engine = running_servers(home)
        assert (urls, engine) == (
            ("http://127.0.0.1:18741/v1", "http://127.0.0.1:18742/v1"),
            "embedded",
        )
        assert json.loads((home.root / "server.json").read_text())["url"] == urls[0]
        adapters = AdapterStore(sqlite_database)
        await adapters.add(Adapter("sft-1", "tiny", "sft", str(folder), "0" * 64, now()))
        await adapters.go_live("sft-1", "test")
        replicas = Replicas([ModelClient(url, timeout=20) for url in urls], probe_seconds=0.1)
        async with replicas:
            live = LiveAdapter(adapters, replicas, "tiny")
            replicas.wanted = live.wanted
            with await live.answering("a chat") as speaking:
                before = (await replicas.chat(speaking.model, PROMPT, EXACTLY)).text
            assert before != (await replicas.chat("tiny", PROMPT, EXACTLY)).text
            assert len(set(map(tuple, (await replicas.score("sft-1", [2, 9, 30, 41])).values()))) == 1
            os.kill(children_of(process.pid)[0], signal.SIGKILL)
            await until(lambda: len(replicas.in_use()) == 1)
            assert (await replicas.chat("sft-1", PROMPT, EXACTLY)).text == before
            await until(lambda: len(replicas.in_use()) == 2, 60)
            for replica in replicas.in_use():
                answer = await replica.client.chat("sft-1", PROMPT, EXACTLY)
                assert answer.text == before
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 30) == 0
        assert not (home.root / "server.json").exists()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


VLLM = """
import os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
print("asked:", *sys.argv[1:], flush=True)
print("speaks:", os.environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"), flush=True)
class Healthy(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
HTTPServer(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])), Healthy).serve_forever()
"""
COLLECTOR = "http://collector:4318/v1/traces"


@pytest.mark.parametrize(
    ("collector", "able", "passed_on"),
    [(COLLECTOR, True, True), (COLLECTOR, False, False), (None, True, False)],
)
async def test_vllm_is_told_who_collects_where_somebody_does_and_starts_without_where_it_could_not(
    tiny, tmp_path, monkeypatch, capsys, collector, able, passed_on
):
    interpreter, vllm = tmp_path / "python", tmp_path / "vllm"
    has_all = f'if [ "$1" = "-c" ]; then exit {int(not able)}; fi'  # what it is asked beforehand
    interpreter.write_text(f'#!/bin/sh\n{has_all}\nexec {sys.executable} "$@"\n')
    vllm.write_text(f"#!{interpreter}\n{VLLM}")
    for program in (interpreter, vllm):
        program.chmod(0o755)
    monkeypatch.setenv("TWIN_VLLM", str(vllm))
    home, settings = Home(tmp_path / "home"), Settings(owner={"name": "Sam"})
    settings = settings.model_copy(update={"monitoring": MonitoringSettings(traces=collector)})
    async with start_servers(home, settings, Base(str(tiny), "tiny", False), engine="vllm"):
        log = (home.logs / "model-server.log").read_text()
    assert (f"--otlp-traces-endpoint {collector}" in log) == passed_on
    assert ("--otlp-traces-endpoint" in log) == passed_on
    assert ("speaks: http/protobuf" in log) == passed_on
    said = " ".join(capsys.readouterr().err.split())
    assert ("vLLM serves without traces of its own: its Python lacks" in said) == (not able)


def test_where_the_servers_are_is_told_whole_or_not_at_all(tmp_path):
    """While `twin serve` tells it, other commands look."""
    home = Home(tmp_path)
    register_urls(home, ["http://127.0.0.1:8000/v1"], "vllm")
    with ThreadPoolExecutor(1) as writer:
        writing = writer.submit(
            lambda: [register_urls(home, ["http://127.0.0.1:8000/v1"], "vllm") for _ in range(1000)]
        )
        found = set()
        while not writing.done():
            found.add(running_servers(home))
    assert found == {(("http://127.0.0.1:8000/v1",), "vllm")}
    assert [file.name for file in tmp_path.iterdir()] == ["server.json"]


@pytest.mark.parametrize(
    ("share", "engine", "sleeps"),
    [("sleep", "vllm", True), ("sleep", "remote", True), ("sleep", "embedded", False), ("no", "vllm", False)],
)
def test_only_servers_that_have_a_gpu_make_room_for_training(share, engine, sleeps):
    """The embedded one cannot sleep, and to ask it would end the training before it begins."""
    model = Model(Base("x", "x", False), (), Replicas(()), engine)
    assert model.makes_room(Settings(serving={"share_gpu": share})) == sleeps


def test_a_file_of_an_older_twin_is_understood(tmp_path):
    (tmp_path / "server.json").write_text(
        json.dumps({"url": "http://127.0.0.1:8000/v1", "engine": "vllm", "pid": os.getpid()})
    )
    assert running_servers(Home(tmp_path)) == (("http://127.0.0.1:8000/v1",), "vllm")


def test_servers_of_a_process_that_was_killed_are_not_taken_for_those_of_another_with_its_number(tmp_path):
    """As in a container, where the service is always process 1, or 7."""
    told = {"url": "http://127.0.0.1:8000/v1", "engine": "vllm", "pid": os.getpid(), "begun": "12"}
    (tmp_path / "server.json").write_text(json.dumps(told))
    assert running_servers(Home(tmp_path)) is None
