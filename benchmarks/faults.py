"""Whatever breaks behind the chats, is every message answered, and answered once?

    python -m benchmarks.faults [--quick] [--json]

The real service between the real Discord and Telegram clients, on two model servers that are processes of
their own. While people talk, one model server after the other is killed, stopped, made to fail and to fall
silent in mid-answer, and the database is locked. Redis is not among the faults: the flow does not use it.
Compared with: the number of messages sent.
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
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # the servers of the chat apps live there

import chat_world

from benchmarks._faulty_model import FaultyModel
from benchmarks._soak_faults import lock
from twin import show

FULL = {"seconds": 600.0, "pause": 1.0, "between": 8.0}
QUICK = {"seconds": 30.0, "pause": 0.4, "between": 1.0}
LASTS = 3.0  # seconds that a fault goes on
SETTLED = 90.0  # seconds after the last message until an answer counts as lost
SEED = 7
COUNTS = ("sent", "answered_once", "answered_twice", "lost", "unfinished", "uninvited")
OnProgress = Callable[[float, str], None]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="half a minute instead of ten")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args()
    size = QUICK if options.quick else FULL
    try:
        with tempfile.TemporaryDirectory() as folder, show.progress("faults") as on_progress:
            figures, faults = asyncio.run(measure(Path(folder), size, on_progress))
    except KeyboardInterrupt:
        return 130
    if options.json:
        print(json.dumps({"figures": figures, "conditions": conditions(size, faults)}))
    else:
        rows = [(count, figures[count]) for count in figures] + list(faults.items())
        show.table("through faults", ("what", "how many"), rows)
    return 0


async def measure(
    folder: Path, size: Mapping[str, float], on_progress: OnProgress
) -> tuple[dict[str, int], Counter[str]]:
    models = [FaultyModel(), FaultyModel()]
    await asyncio.gather(*(model.start() for model in models))
    faults: Counter[str] = Counter()
    try:
        async with chat_world.a_world(folder) as world:
            urls = [model.url for model in models]
            service = world.service(
                settings={"model": {"base": "quick", "servers": urls, "timeout_seconds": 3}}
            )
            script = world.script(6, 2, seed=SEED)
            try:
                await service.up()
                script.greet()
                await script.until_done(30.0)
                messages = int(size["seconds"] / size["pause"])
                talking = asyncio.create_task(script.go_on(messages, size["pause"]))
                database = folder / "home" / "twin.db"
                await _trouble(models, database, talking, size, faults, on_progress)
                await talking
                await script.until_done(SETTLED)
                await service.stop()
            finally:
                service.kill()
            tallies = [asdict(script.tally(name)) for name in chat_world.PLATFORMS]
            if world.complaints:
                raise AssertionError(f"the chat app complains: {world.complaints[:3]}")
    finally:
        await asyncio.gather(*(model.stop() for model in models))
    return {count: sum(tally[count] for tally in tallies) for count in COUNTS}, faults


async def _trouble(
    models: list[FaultyModel],
    database: Path,
    talking: asyncio.Task[None],
    size: Mapping[str, float],
    faults: Counter[str],
    on_progress: OnProgress,
) -> None:
    """One fault after the other as long as people talk; each kind comes before any comes again."""
    order, left = random.Random(SEED), list[str]()
    loop = asyncio.get_running_loop()
    began = loop.time()
    while not talking.done():
        model = order.choice(models)
        ways: dict[str, Callable[[], Awaitable[None]]] = {
            "killed": model.die_and_return,
            "stopped": model.stand_still,
            "500": lambda model=model: model.misbehave("fails"),  # type: ignore[misc]
            "hangs": lambda model=model: model.misbehave("hangs"),  # type: ignore[misc]
            "both away": lambda: _both(models),
            "database locked": lambda: asyncio.to_thread(lock, database, LASTS),
        }
        left = left or order.sample(list(ways), len(ways))
        kind = left.pop()
        on_progress(min(0.99, (loop.time() - began) / size["seconds"]), kind)
        await ways[kind]()
        faults[kind] += 1
        await asyncio.sleep(order.uniform(0, 2 * size["between"]))


async def _both(models: list[FaultyModel]) -> None:
    await asyncio.gather(*(model.die_and_return() for model in models))


def conditions(size: Mapping[str, float], faults: Mapping[str, int]) -> dict[str, Any]:
    return {
        "machine": f"{platform.machine()}, {platform.system()}, {os.cpu_count()} CPUs, "
        f"Python {platform.python_version()}",
        "faults": dict(faults),
        "fault_seconds": LASTS,
        "redis": "not among the faults: the flow does not use it",
        "model": "two quick stand-ins, 14 pieces, 20 ms apart",
        "seed": SEED,
        **size,
    }


if __name__ == "__main__":
    sys.exit(main())
