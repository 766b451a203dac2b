"""Does a model server that died, or hangs, come back? With a quick one as a process of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from fakes import until

from brain import model_server
from brain.keep_serving import GOOD_RUN, keep_serving
from brain.model_client import ModelClient
from brain.model_server import ModelServer, ServerFailed

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


class Mortal(ModelServer):
    """Lives as long as it is told to, by a clock that only it moves on; a start may fail, too."""

    def __init__(self, lives: Sequence[float | None], log_path: Path) -> None:
        """`lives`: in seconds; None for a start that fails."""
        super().__init__("somebody/something", name="mortal", log_path=log_path, engine="embedded")
        self.lives, self.now = list(lives), 0.0

    async def start(self) -> None:
        if self.lives[:1] == [None]:
            self.lives.pop(0)
            raise ServerFailed("it has no room")

    async def wait(self) -> int:
        if not self.lives:
            await asyncio.Event().wait()
        self.now += self.lives.pop(0)
        return 1


async def _paused(lives: Sequence[float | None], log_path: Path) -> list[float]:
    """How long it was waited each time until the server was started again."""
    server, paused, told = Mortal(lives, log_path), [], []

    async def sleep(seconds: float) -> None:
        paused.append(seconds)

    keeping = asyncio.create_task(
        keep_serving(server, told.append, look_seconds=0.1, clock=lambda: server.now, sleep=sleep)
    )
    deaths = sum(life is not None for life in lives)
    await until(lambda: len(told) == 2 * deaths, 5)  # that it died, and that it is back
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    return paused


async def test_who_dies_again_and_again_is_waited_for_longer_and_longer_but_never_more_than_a_minute(
    tmp_path,
):
    assert await _paused([1.0] * 8, tmp_path / "log") == [1, 2, 4, 8, 16, 32, 60, 60]
    assert await _paused([1.0, None, None, 1.0], tmp_path / "log") == [1, 2, 4, 8]


async def test_who_lived_long_enough_is_started_again_as_quickly_as_the_first_time(tmp_path):
    lives = [1.0, 1.0, GOOD_RUN, GOOD_RUN + 1, 1.0]
    assert await _paused(lives, tmp_path / "log") == [1, 2, 4, 1, 2]
