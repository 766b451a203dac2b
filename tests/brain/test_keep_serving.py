"""Does a model server that died, or hangs, come back? With a quick one as a process of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest
from fakes import until

from brain import model_server
from brain.keep_serving import keep_serving
from brain.model_client import ModelClient
from brain.model_server import ModelServer

PROGRAM = Path(__file__).parents[1] / "quick_model.py"


class QuickServer(ModelServer):
    def _command(self, port):
        return [sys.executable, str(PROGRAM), str(port), "0"], {}


@pytest.mark.parametrize(
    ("number", "words"), [(signal.SIGKILL, "died (exit code -9)"), (signal.SIGSTOP, "hangs")]
)
async def test_one_that_is_killed_or_hangs_answers_again_on_the_same_port(
    tmp_path, monkeypatch, number, words
):
    monkeypatch.setattr(model_server, "STOP_SECONDS", 0.2)
    server = QuickServer("somebody/something", name="quick", log_path=tmp_path / "log", engine="embedded")
    told = []
    await server.start()
    url, keeping = server.url, asyncio.create_task(keep_serving(server, told.append, look_seconds=0.1))
    try:
        await asyncio.sleep(1.0)  # it answers, and nothing is done about it
        assert told == []
        os.kill(server.pid, number)
        await until(lambda: len(told) == 2, 60)
        assert words in told[0]
        assert told[1] == f"the model server at {url} is back"
        client = ModelClient(url)
        assert await client.healthy()
        await client.aclose()
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        await server.stop()
