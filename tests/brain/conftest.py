"""Two real model servers over one tiny Gemma: what is true of one must be true of the other."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from collector import Collector
from tiny_gemma import make_adapter, make_tiny_gemma

from brain.model_client import ModelClient
from brain.model_server import ModelServer
from brain.vllm_server import find_vllm


@dataclass(frozen=True)
class Tiny:
    """A base model and two adapters that make it say other things."""

    base: Path
    adapters: Path
    one: Path
    two: Path
    endless: Path  # never comes to an end by itself


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    folder = tmp_path_factory.mktemp("tiny")
    base = make_tiny_gemma(folder / "tiny-gemma")
    adapters = folder / "adapters"
    one = make_adapter(adapters / "one", base, seed=1)
    two = make_adapter(adapters / "two", base, seed=2)
    # So strong that nothing of the base is left: one token for ever.
    endless = make_adapter(adapters / "endless", base, seed=3, strength=3)
    return Tiny(base, adapters, one, two, endless)


@pytest.fixture(scope="session", params=["embedded", "vllm"])
def engine(request: pytest.FixtureRequest) -> str:
    if request.param == "vllm" and find_vllm() is None:
        how = "vLLM is not installed: run deploy/vllm/install.sh .venv-vllm, or set TWIN_VLLM"
        if os.environ.get("CI"):
            pytest.fail(how)
        pytest.skip(f"THE PROTOCOL TESTS DO NOT RUN AGAINST REAL VLLM. {how}")
    return str(request.param)


def new_server(engine: str, tiny: Tiny, folder: Path, traces: str | None = None) -> ModelServer:
    return ModelServer(
        tiny.base,
        name="tiny",
        engine=engine,
        log_path=folder / "server.log",
        adapters=tiny.adapters.parent,
        traces=traces,
    )


@pytest.fixture(scope="session")
def told() -> Iterator[Collector]:
    """Who collects what the servers of all tests trace."""
    collector = Collector()
    yield collector
    collector.close()


@pytest.fixture(scope="session")
def server(
    engine: str, tiny: Tiny, told: Collector, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ModelServer]:
    """Up for all tests; they leave no adapter behind."""
    server = new_server(engine, tiny, tmp_path_factory.mktemp(engine), told.url)
    # Its own loop, because it outlives the loop of any one test.
    with asyncio.Runner() as runner, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")  # milliseconds, not the usual 5 seconds
        runner.run(server.start())
        yield server
        runner.run(server.stop())


@pytest.fixture
async def client(server: ModelServer) -> AsyncIterator[ModelClient]:
    client = ModelClient(server.url, timeout=60)
    yield client
    for name in (await client.models())[1:]:
        await client.unload_adapter(name)
    await client.aclose()


@pytest.fixture
async def doomed(engine: str, tiny: Tiny, tmp_path: Path) -> AsyncIterator[ModelServer]:
    """A server of the test's own, to do harm to."""
    server = new_server(engine, tiny, tmp_path)
    await server.start()
    yield server
    await server.stop()
