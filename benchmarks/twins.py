"""What does one more twin cost, and does it slow the others down? Many in one process, on one model server.

    python -m benchmarks.twins [--quick] [--json]

The real `twin host`; each twin has a home, an SQLite file and a bot of its own on a Telegram of its own here.
Compared with: one twin that is spoken to alone while the others of the same process are silent.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # the servers of the chat apps live there

from hosted import HostService
from quick_model import QuickModel
from telegram_server import TelegramServer

from benchmarks._chat_load import Load
from twin import show

FULL: dict[str, Any] = {"twins": (1, 2, 4, 8), "questions": 60, "every_seconds": 0.5, "idle_seconds": 60.0}
QUICK: dict[str, Any] = {"twins": (1, 2, 4, 8), "questions": 12, "every_seconds": 0.5, "idle_seconds": 8.0}
PIECE_SECONDS = 0.02  # of the stand-in's answer; there are 14
WARM = 2  # questions that each twin is asked first
COLUMNS = (
    "seconds_to_start",
    "rss_mb",
    "idle_cpu_percent",
    "alone_ms_p50",
    "alone_ms_p95",
    "together_ms_p50",
    "together_ms_p95",
    "cpu_ms_per_answer_alone",
    "cpu_ms_per_answer_together",
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.twins", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer questions, a shorter silence")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args()
    size = QUICK if options.quick else FULL
    try:
        with tempfile.TemporaryDirectory() as folder, show.progress("twins") as on_progress:
            figures = {}
            for number, twins in enumerate(size["twins"]):
                on_progress(number / len(size["twins"]), f"{twins} in one process")
                figures[twins] = asyncio.run(measure(Path(folder) / str(twins), twins, size))
    except KeyboardInterrupt:
        return 130
    more = each_more(figures)
    if options.json:
        print(
            json.dumps({"figures": {"by_twins": figures, "each_more": more}, "conditions": conditions(size)})
        )
    else:
        rows = [(twins, *(one[column] for column in COLUMNS)) for twins, one in figures.items()]
        show.table("twins in one process", ("twins", *COLUMNS), rows)
        show.table("each twin more", tuple(more), [tuple(more.values())])
    return 0


async def measure(folder: Path, twins: int, size: Mapping[str, Any]) -> dict[str, float]:
    """So many twins in one process: what it takes while nobody, one, and every one is spoken to."""
    host = HostService(folder, program="benchmarks._host_at_full_speed")
    async with AsyncExitStack() as closing:
        model = QuickModel(piece_seconds=PIECE_SECONDS)
        await model.start()
        closing.push_async_callback(model.stop)
        loads = []
        for number in range(twins):
            telegram = TelegramServer(token=f"{1000 + number}:a-token")
            await closing.enter_async_context(telegram.running())
            loads.append(_home(host, f"twin-{number}", telegram, model, 2 * size["questions"] + WARM))
        closing.callback(host.kill)
        began = time.perf_counter()
        host.start()
        await host.run(*(f"twin-{number}" for number in range(twins)))
        started = time.perf_counter() - began
        for number in range(WARM):
            await asyncio.gather(*(load.ask(number) for load in loads))
        idle = await _idle(host, size["idle_seconds"])
        alone, cpu_alone = await _spoken_to(host, loads[:1], WARM, size)
        together, cpu_together = await _spoken_to(host, loads, WARM + size["questions"], size)
        rss = host.rss_mb()
        if await host.stop() != 0:
            raise AssertionError(host.output.read_text()[-3000:])
    return {
        "seconds_to_start": round(started, 1),
        "rss_mb": round(rss, 1),
        "idle_cpu_percent": round(100 * idle, 2),
        **_quantiles("alone", alone),
        **_quantiles("together", together),
        "cpu_ms_per_answer_alone": round(1000 * cpu_alone / len(alone), 1),
        "cpu_ms_per_answer_together": round(1000 * cpu_together / len(together), 1),
    }


def _home(host: HostService, name: str, telegram: TelegramServer, model: QuickModel, people: int) -> Load:
    settings = {
        "owner.accounts": {"telegram": "7"},
        "telegram": {"base_url": telegram.base_url, "base_file_url": telegram.base_file_url},
        "model": {"base": model.name, "servers": [model.url]},
    }
    host.write(name, settings, TWIN_TELEGRAM__TOKEN=telegram.token)
    load = Load(SimpleNamespace(telegram=telegram), "telegram")
    load.gather(people)
    return load


async def _idle(host: HostService, seconds: float) -> float:
    """The share of one processor that it takes while nobody says anything."""
    before, began = host.cpu_seconds(), time.perf_counter()
    await asyncio.sleep(seconds)
    return float(host.cpu_seconds() - before) / (time.perf_counter() - began)


async def _spoken_to(
    host: HostService, loads: Sequence[Load], first: int, size: Mapping[str, Any]
) -> tuple[list[float], float]:
    """Seconds until each answer of these twins, and processor seconds. Each question is in its own chat."""
    before, asking = host.cpu_seconds(), []
    for number in range(first, first + size["questions"]):
        asking += [asyncio.create_task(load.ask(number)) for load in loads]
        await asyncio.sleep(size["every_seconds"])
    waits = await asyncio.gather(*asking)
    if lost := waits.count(None):
        raise AssertionError(f"{lost} of {len(waits)} questions have no answer")
    return [wait for wait in waits if wait is not None], host.cpu_seconds() - before


def _quantiles(name: str, waits: Sequence[float]) -> dict[str, float]:
    cuts = statistics.quantiles(waits, n=20, method="inclusive")
    return {f"{name}_ms_p50": round(1000 * cuts[9], 1), f"{name}_ms_p95": round(1000 * cuts[18], 1)}


def each_more(figures: Mapping[int, Mapping[str, float]]) -> dict[str, float]:
    """What one twin more adds, from the fewest to the most."""
    fewest, most = min(figures), max(figures)
    more = most - fewest or 1
    names = ("rss_mb", "idle_cpu_percent", "seconds_to_start")
    return {name: round((figures[most][name] - figures[fewest][name]) / more, 2) for name in names}


def conditions(size: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "machine": f"{platform.machine()}, {platform.system()}, {os.cpu_count()} CPUs, "
        f"Python {platform.python_version()}",
        **size,
        "asked": "each twin that is spoken to hears a question every every_seconds, each in its own chat",
        "model": "a quick stand-in for a model server: 14 pieces, 20 ms apart; no adapters",
        "shared": "model, Telegram and people share the machine with the process that is measured",
        "settings": "SQLite, answers as a whole, no pauses, no API, nothing by the clock",
    }


if __name__ == "__main__":
    sys.exit(main())
