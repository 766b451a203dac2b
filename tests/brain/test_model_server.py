"""Does a server come up, say what is wrong when it cannot, and leave nothing behind?"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from brain import model_server, vllm_server
from brain.model_client import ModelClient, ModelRefused
from brain.model_facts import USUAL_RANK, highest_rank
from brain.model_server import ModelServer, ServerFailed, check_weights, child_environment, choose_engine
from brain.vllm_server import find_vllm


def embedded(weights, tmp_path, **more):
    return ModelServer(
        weights, name="tiny", engine="embedded", log_path=tmp_path / "logs" / "server.log", **more
    )


def runs(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"


async def test_a_server_starts_tells_how_far_it_is_and_stops(tiny, tmp_path):
    server, told = embedded(tiny.base, tmp_path), []
    await server.start(lambda fraction, words: told.append((fraction, words)))
    client = ModelClient(server.url)
    assert await client.models() == ["tiny"]
    await client.aclose()
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert (fractions[0] < 0.1, fractions[-1]) == (True, 1.0)
    pid = server.pid
    await server.stop()
    assert await server.wait() == -signal.SIGTERM  # uvicorn closes in order, then passes the signal on
    assert not runs(pid)
    await server.stop()


SERVER_WITH_A_CHILD = """
import http.server, subprocess, sys
print(subprocess.Popen(["sleep", "60"]).pid, flush=True)
class Healthy(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Healthy).serve_forever()
"""


class HasAChild(ModelServer):
    def _command(self, port):
        return [sys.executable, "-c", SERVER_WITH_A_CHILD, str(port)], {}


async def test_a_server_that_was_killed_leaves_no_process_of_its_own_behind(tiny, tmp_path):
    server = HasAChild(tiny.base, name="tiny", engine="embedded", log_path=tmp_path / "server.log")
    await server.start()
    child = int((tmp_path / "server.log").read_text().split()[0])
    os.kill(server.pid, signal.SIGKILL)
    await server.wait()
    assert runs(child)
    await server.stop()
    async with asyncio.timeout(60):  # the kernel takes a moment to bury it
        while runs(child):
            await asyncio.sleep(0.01)


async def test_adapters_come_from_the_given_folder_only(tiny, tmp_path):
    server = embedded(tiny.base, tmp_path, adapters=tiny.adapters / "one")
    await server.start()
    client = ModelClient(server.url)
    await client.load_adapter("one", tiny.one)
    with pytest.raises(ModelRefused, match="from below"):
        await client.load_adapter("two", tiny.one / ".." / "two")
    await client.aclose()
    await server.stop()


async def test_a_taken_port_is_named_before_anything_is_started(tiny, tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        server = embedded(tiny.base, tmp_path, port=port)
        with pytest.raises(ServerFailed, match=f"Port {port} .* taken"):
            await server.start()
    assert server.pid is None


async def test_a_server_that_dies_at_the_start_is_quoted(tiny, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(tiny.base, broken)
    (broken / "config.json").write_text('{"model_type": "no_such_model"}')
    server = embedded(broken, tmp_path)
    with pytest.raises(ServerFailed, match=r"exit code 1[\s\S]*no_such_model"):
        await server.start()
    assert str(server.log_path).endswith("logs/server.log")


async def test_a_server_that_is_not_ready_in_time_is_stopped(tiny, tmp_path):
    server = embedded(tiny.base, tmp_path, start_seconds=0.3)
    with pytest.raises(ServerFailed, match="not ready after"):
        await server.start()
    assert not runs(server.pid)


async def test_a_server_that_ignores_sigterm_is_killed(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(model_server, "STOP_SECONDS", 0.3)
    server = embedded(tiny.base, tmp_path)
    await server.start()
    os.kill(server.pid, signal.SIGSTOP)
    await server.stop()
    assert await server.wait() == -signal.SIGKILL


def test_a_server_does_not_outlive_a_killed_parent(tiny, tmp_path):
    parent = f"""
import asyncio
from pathlib import Path
from brain.model_server import ModelServer

async def main():
    server = ModelServer({str(tiny.base)!r}, name="tiny", engine="embedded", log_path=Path("log").absolute())
    await server.start()
    print(server.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""
    environment = os.environ | {"PYTHONPATH": str(vllm_server.PROJECT)}
    with subprocess.Popen(
        [sys.executable, "-c", parent], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        pid = int(process.stdout.readline())
        assert runs(pid)
        process.kill()
    for _ in range(100):
        if not runs(pid):
            break
        asyncio.run(asyncio.sleep(0.1))
    assert not runs(pid)


def test_missing_and_incomplete_model_folders_are_named(tiny, tmp_path):
    check_weights(str(tiny.base))
    check_weights("google/gemma-3-12b-it")  # a hub id is the server's business
    for nowhere in (str(tmp_path / "nowhere"), "./nowhere", "nowhere"):
        with pytest.raises(ServerFailed, match="no model folder"):
            check_weights(nowhere)
    half = tmp_path / "half"
    shutil.copytree(tiny.base, half)
    (half / "model.safetensors").unlink()
    with pytest.raises(ServerFailed, match=r"incomplete: no model\.safetensors"):
        check_weights(str(half))
    (half / "model-1.safetensors").touch()
    shards = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    (half / "model.safetensors.index.json").write_text(json.dumps(shards))
    with pytest.raises(ServerFailed, match=r"no model-2\.safetensors"):
        check_weights(str(half))


def test_the_server_hears_none_of_our_secrets():
    ours = {
        "PATH": "/bin",
        "TWIN_DISCORD__TOKEN": "secret",
        "HF_TOKEN": "theirs",
        "VLLM_CPU_KVCACHE_SPACE": "",
    }
    assert child_environment(ours) == {"PATH": "/bin", "HF_TOKEN": "theirs"}


def test_auto_means_vllm_where_there_are_a_gpu_and_vllm(monkeypatch):
    for gpu, vllm, expected in (
        (True, Path("vllm"), "vllm"),
        (True, None, "embedded"),
        (False, Path("vllm"), "embedded"),
    ):
        monkeypatch.setattr(model_server, "has_gpu", lambda gpu=gpu: gpu)
        monkeypatch.setattr(model_server, "find_vllm", lambda vllm=vllm: vllm)
        assert choose_engine("auto") == expected
        assert choose_engine("embedded") == "embedded"


async def test_vllm_that_is_not_there_is_asked_for_in_a_sentence(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(model_server, "find_vllm", lambda: None)
    server = ModelServer(tiny.base, name="tiny", engine="vllm", log_path=tmp_path / "log")
    with pytest.raises(ServerFailed, match=r"deploy/vllm/install\.sh"):
        await server.start()


async def test_what_only_vllm_reads_is_not_given_to_the_embedded_server(tiny, tmp_path):
    fewer = tmp_path / "fewer"
    shutil.copytree(tiny.base, fewer)
    config = json.loads((fewer / "config.json").read_text())
    (fewer / "config.json").write_text(json.dumps({**config, "quantization_config": {"quant_method": "awq"}}))
    with pytest.raises(ServerFailed, match="is kept in awq, which only vLLM reads"):
        await embedded(fewer, tmp_path).start()


def test_vllm_is_looked_for_in_order(tmp_path):
    def make(path):
        path.parent.mkdir(parents=True)
        path.touch(mode=0o755)
        return path

    chosen, beside, on_path = (
        make(tmp_path / "chosen" / "vllm"),
        make(tmp_path / "project" / ".venv-vllm" / "bin" / "vllm"),
        make(tmp_path / "bin" / "vllm"),
    )
    environment = {"TWIN_VLLM": str(chosen), "PATH": str(on_path.parent)}
    assert find_vllm(environment, tmp_path / "project") == chosen
    assert find_vllm(environment | {"TWIN_VLLM": "/nowhere"}, tmp_path / "project") is None
    del environment["TWIN_VLLM"]
    assert find_vllm(environment, tmp_path / "project") == beside
    assert find_vllm(environment, tmp_path / "elsewhere") == on_path
    assert find_vllm({"PATH": ""}, tmp_path / "elsewhere") is None


def test_the_rank_is_that_of_the_largest_adapter(tiny, tmp_path):
    assert highest_rank(None) == USUAL_RANK
    assert highest_rank(tiny.adapters) == USUAL_RANK
    for version, config in (("a", '{"r": 48}'), ("b", '{"r": 8}'), ("broken", "{")):
        (tmp_path / version).mkdir()
        (tmp_path / version / "adapter_config.json").write_text(config)
    assert highest_rank(tmp_path) == 64
