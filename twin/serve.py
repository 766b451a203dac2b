"""The model servers of this machine, in the foreground, where the other commands of this home find them."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from brain.keep_serving import keep_serving
from brain.machine import Machine, this_machine
from brain.model_facts import facts_of, highest_rank
from brain.model_server import ModelServer, choose_engine
from brain.serving_choice import Choice, choose
from brain.vllm_server import can_trace, find_vllm, lacks
from twin import show
from twin.build import Base, find_base, register_servers
from twin.errors import Told
from twin.home import Home
from twin.settings import Settings

LAST_PORT = 65_535
MOST_REPLICAS = 64  # on one machine


async def serve_model(
    home: Home, settings: Settings, *, engine: str | None, port: int, replicas: int | None = None
) -> None:
    if engine not in (None, "auto", "embedded", "vllm"):
        raise Told(f"there is no engine '{engine}'", "choose auto, embedded or vllm", exit_code=2)
    if replicas is not None and not 1 <= replicas <= MOST_REPLICAS:
        many = f"--replicas takes 1 to {MOST_REPLICAS}, on one machine"
        raise Told(f"{replicas} replicas cannot answer", many, exit_code=2)
    _within_the_ports(port, replicas or 1)
    base = await find_base(settings)
    stop = stop_signal()
    with home.only_one("serve"):
        starting = start_servers(home, settings, base, engine=engine, port=port, replicas=replicas)
        async with starting as servers:
            urls = ", ".join(server.url for server in servers)
            show.sentence(f"serving {base.label()} by {servers[0].engine} at {urls} (Ctrl-C stops it)")
            await stop.wait()


def _within_the_ports(port: int | None, count: int) -> None:
    if port and port + count - 1 > LAST_PORT:
        raise Told(
            f"{count} servers from port {port} on go beyond {LAST_PORT}, the last port there is",
            "begin with a lower --port, or take fewer --replicas",
            exit_code=2,
        )


@asynccontextmanager
async def start_servers(
    home: Home,
    settings: Settings,
    base: Base,
    *,
    engine: str | None = None,
    port: int | None = None,
    replicas: int | None = None,
    homes: Sequence[Home] = (),
    adapters: Path | None = None,
) -> AsyncIterator[Sequence[ModelServer]]:
    """So many servers (None: as fit) as children of this process, on that port and the ones after it.

    `homes`: whose adapters they serve, where those are several; `adapters`: the folder they all lie in.

    They are registered for the other commands, and started again when they die, until the block ends.
    """
    home.make()
    engine = choose_engine(engine or settings.model.engine)
    machine = this_machine() if engine == "vllm" else Machine()
    choice = _choose(machine, homes or (home,), settings, base, replicas) if engine == "vllm" else None
    traces = await _collector_of_vllm(settings) if engine == "vllm" else None
    each = choice.gpus_each if choice else 0
    count = choice.replicas if choice else replicas or 1
    _within_the_ports(port, count)
    async with AsyncExitStack() as closing:
        servers = []
        for number in range(count):
            server = ModelServer(
                base.weights,
                name=base.name,
                engine=engine,
                port=port and port + number,
                log_path=home.logs / ("model-server.log" if not number else f"model-server-{number}.log"),
                adapters=adapters or home.adapters,
                at_once=adapters_at_once(settings),
                choice=choice,
                gpus=machine.some(number * each, each),
                traces=traces,
            )
            closing.push_async_callback(server.stop)
            servers.append(server)
        with show.progress(f"starting the model server for {base.name}") as on_progress:
            await asyncio.gather(*(server.start(on_progress) for server in servers))
        closing.callback(register_servers(home, servers).unlink, missing_ok=True)
        keeping = [asyncio.create_task(keep_serving(server, show.sentence)) for server in servers]
        try:
            yield servers
        finally:
            for task in keeping:
                task.cancel()
            await asyncio.gather(*keeping, return_exceptions=True)


async def _collector_of_vllm(settings: Settings) -> str | None:
    """Where vLLM tells its spans. One that cannot serves without them: asked to, it would not start."""
    collector, executable = settings.monitoring.traces, find_vllm()
    if collector is None or executable is None or await can_trace(executable):
        return collector
    lacking = "its Python lacks opentelemetry-sdk or opentelemetry-exporter-otlp"
    show.sentence(f"vLLM serves without traces of its own: {lacking}")
    return None


def adapters_at_once(settings: Settings) -> int:
    """That a server holds, ready to answer or in main memory (brain/serving_choice.py)."""
    return 8 * settings.serving.lora_slots


def _choose(
    machine: Machine, homes: Sequence[Home], settings: Settings, base: Base, replicas: int | None
) -> Choice:
    """Chosen, and told why."""
    facts, rank = facts_of(base.weights), max(highest_rank(home.adapters) for home in homes)
    executable = find_vllm()
    lacking = lacks(executable) if executable else ()
    choice = choose(machine, facts, settings.serving, rank=rank, replicas=replicas, lacking=lacking)
    show.table(f"serving {base.name}", ("what", "chosen", "why"), choice.reasons, to=show.people)
    return choice


def stop_signal() -> asyncio.Event:
    """Set on Ctrl-C and SIGTERM, so that everything is closed in order."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop
