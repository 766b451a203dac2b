"""What do more copies of the service give? One, two and four processes on one Postgres and one Redis.

    python -m benchmarks.scale [--quick] [--json] [--seconds N] [--plot docs/scale.png]

A thousand chats on servers of Discord and Telegram on this machine, the real clients between them. First
people write at a steady rate; then one copy is killed (-9) and one is told to stop, and each is replaced
while people go on writing. Compared with: one copy, and the messages sent. What Postgres spends is in its own
account, pg_stat_statements.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import random
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # the servers of the chat apps live there

import services
from chat_world import PLATFORMS, World, a_world

from benchmarks._chat_load import Load
from benchmarks._scale_copies import Copies, Shared, a_database, postgres_that_counts
from twin import show

COPIES = (1, 2, 4)
FULL = {"chats": 1000, "per_second": 8.0, "calm": 125.0, "idle": 10.0, "faults_with": [1, 2, 4]}
QUICK = {"chats": 200, "per_second": 6.0, "calm": 5.0, "idle": 1.0, "faults_with": [2]}
SEED = 7
WARM = 20  # people who are answered before anything is measured
LATE = 1.0  # seconds more for what comes twice


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer chats, and faults with two copies only")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--folder", type=Path, help="keep the copies' homes there, to look at their logs")
    parser.add_argument("--seconds", type=float, help="of writing at a steady rate, instead of the usual")
    parser.add_argument("--plot", type=Path, help="draw the curve there")
    options = parser.parse_args()
    size = dict(QUICK if options.quick else FULL)
    size["calm"] = options.seconds or size["calm"]
    try:
        with tempfile.TemporaryDirectory() as folder, show.progress("copies") as on_progress:
            figures = asyncio.run(measure(options.folder or Path(folder), size, on_progress))
    except services.Missing as missing:
        print(missing, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        services.REDIS.stop()
    if options.plot:
        from benchmarks._scale_plot import draw

        draw(figures, options.plot)
    if options.json:
        print(json.dumps({"figures": figures, "conditions": conditions(size)}))
    else:
        show_tables(figures)
    return 0


async def measure(
    folder: Path, size: Mapping[str, Any], on_progress: show.OnProgress
) -> dict[str, dict[str, Any]]:
    figures = {}
    with postgres_that_counts() as server:
        for number, count in enumerate(COPIES):
            on_progress(number / len(COPIES), f"{count} at once")
            async with a_database(server) as shared, a_world(folder / str(count)) as world:
                figures[str(count)] = await one_run(world, shared, count, size)
    return figures


async def one_run(world: World, shared: Shared, count: int, size: Mapping[str, Any]) -> dict[str, Any]:
    copies, crowd = Copies(world, shared, services.REDIS.url(), count), Crowd(world, size["chats"])
    try:
        await copies.up()
        found = await in_calm(copies, crowd, shared, size)
        if count in size["faults_with"]:
            found |= await through_faults(copies, crowd, size["per_second"] / 2)
        await asyncio.sleep(LATE)
        codes = await copies.stop()
    finally:
        copies.kill()
    return {
        **crowd.tally(),
        **found,
        "deadlocks": await shared.deadlocks(),
        "exit_codes": codes,
        "complaints": len(world.complaints),
    }


class Crowd:
    """Half of the people are on each chat app, everybody in a chat of their own."""

    def __init__(self, world: World, chats: int) -> None:
        self._loads = {name: Load(world, name) for name in PLATFORMS}
        for load in self._loads.values():
            load.gather(chats // len(PLATFORMS))
        self._random = random.Random(SEED)

    async def greet(self, count: int) -> None:
        """So many of them write at once, and are answered."""
        loads = [self._loads[name] for name in PLATFORMS]
        await asyncio.gather(*(loads[number % len(loads)].ask(number) for number in range(count)))

    async def write(self, per_second: float, until: asyncio.Event) -> list[float]:
        """Somebody writes every now and then; seconds to each answer once all are there, forever: inf."""
        asking: list[asyncio.Task[float | None]] = []
        while not until.is_set():
            load = self._loads[self._random.choice(PLATFORMS)]
            asking.append(asyncio.create_task(load.ask(self._random.randrange(len(load.people)))))
            await asyncio.sleep(self._random.expovariate(per_second))
        return [float("inf") if wait is None else wait for wait in await asyncio.gather(*asking)]

    def tally(self) -> dict[str, int]:
        tallies = [load.tally() for load in self._loads.values()]
        return {name: sum(one[name] for one in tallies) for name in tallies[0]}


async def in_calm(copies: Copies, crowd: Crowd, shared: Shared, size: Mapping[str, Any]) -> dict[str, Any]:
    await crowd.greet(WARM)
    await shared.forget_statements()
    await asyncio.sleep(size["idle"])
    idle_calls, idle_ms = await shared.asked()
    over, at_work, cpu = asyncio.Event(), await copies.at_work(), copies.cpu_seconds()
    await shared.forget_statements()
    asyncio.get_running_loop().call_later(size["calm"], over.set)
    waits = sorted(await crowd.write(size["per_second"], over))
    calls, milliseconds = await shared.asked()
    return {
        "at_work": at_work,
        "p50_ms": round(1000 * waits[len(waits) // 2], 1),
        "p95_ms": round(1000 * waits[int(0.95 * len(waits))], 1),
        "db_ms_per_message": round(milliseconds / len(waits), 2),
        "statements_per_message": round(calls / len(waits), 1),
        "cpu_ms_per_message": round(1000 * (copies.cpu_seconds() - cpu) / len(waits), 1),
        "idle_statements_per_s": round(idle_calls / size["idle"], 1),
        "idle_db_ms_per_s": round(idle_ms / size["idle"], 2),
    }


async def through_faults(copies: Copies, crowd: Crowd, per_second: float) -> dict[str, Any]:
    """The one that hears Discord dies, the one that hears Telegram is told to stop; each is replaced."""

    async def killed() -> None:
        service = await copies.who_has("discord")
        service.kill()
        await copies.start(service)
        await copies.who_has("discord")

    async def stopped() -> None:
        service = await copies.who_has("telegram")
        if code := await service.stop():
            raise AssertionError(f"a copy that was told to stop ended with {code}:\n{service.last_words()}")
        await copies.start(service)
        await copies.who_has("telegram")

    slowest = {}
    for name, fault in (("killed", killed), ("stopped", stopped)):
        over = asyncio.Event()
        writing = asyncio.create_task(crowd.write(per_second, over))
        await fault()
        over.set()
        slowest[f"slowest_{name}_s"] = round(max(await writing), 1)
    return slowest


def conditions(size: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "machine": f"{platform.machine()}, {platform.system()}, {os.cpu_count()} CPUs, "
        f"Python {platform.python_version()}; load {os.getloadavg()[0]:.1f}",
        "seed": SEED,
        **size,
        "settings": "twin up --only discord,telegram; no gathering of bursts, no human pauses",
        "postgres": "fsync and synchronous_commit on; db_ms is total_exec_time of pg_stat_statements",
        "model": "a quick stand-in for a model server: 14 pieces, 20 ms apart",
        "shared": "chat apps, people, model, Postgres and Redis share the machine with the copies",
    }


def show_tables(figures: Mapping[str, Mapping[str, Any]]) -> None:
    names = list(dict.fromkeys(name for one in figures.values() for name in one))
    rows = [(name, *(one.get(name, "") for one in figures.values())) for name in names]
    show.table("copies of the service on one Postgres", ("what", *figures), rows)


if __name__ == "__main__":
    sys.exit(main())
