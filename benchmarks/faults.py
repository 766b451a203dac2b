"""Whatever breaks behind the chats, is every message answered, and answered once?

    python -m benchmarks.faults [--quick] [--json]

The real service between the real Discord and Telegram clients, on two model servers that are processes of
their own. While people talk, one model server after the other is killed, stopped, made to fail and to fall
silent in mid-answer, Redis is killed and stopped, and the database is locked. Compared with: the number of
messages sent. After each fault the service's own /metrics are read: did one tell of it? A model server that
misbehaves while nobody asks it anything harms nobody, and there is nothing to tell.
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
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # the servers of the chat apps live there

import chat_world

from benchmarks._faults_told import CACHE, EJECTED, FAILED, SLOW, Monitor, free_port, new_secret
from benchmarks._faulty_model import FaultyModel
from benchmarks._faulty_redis import FaultyRedis
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
        figures["faults"] = sum(one.harmful for one in faults.values())
        figures["faults_told"] = sum(one.told for one in faults.values())
        print(json.dumps({"figures": figures, "conditions": conditions(size, faults)}))
    else:
        show.table("through faults", ("what", "how many"), list(figures.items()))
        rows = [
            (kind, one.happened, one.harmful, one.told, ", ".join(sorted(one.by)))
            for kind, one in sorted(faults.items())
        ]
        show.table("what the metrics told", ("fault", "happened", "harmful", "told", "by"), rows)
    return 0


@dataclass
class Fault:
    """How often one kind happened, how often it could be noticed, how often metrics told of it, and which."""

    happened: int = 0
    harmful: int = 0
    told: int = 0
    by: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Broken:
    """What there is to break."""

    models: Sequence[FaultyModel]
    redis: FaultyRedis
    database: Path


async def measure(
    folder: Path, size: Mapping[str, float], on_progress: OnProgress
) -> tuple[dict[str, int], dict[str, Fault]]:
    models, redis, port = [FaultyModel(), FaultyModel()], FaultyRedis(), free_port()
    servers: list[FaultyModel | FaultyRedis] = [*models, redis]
    await asyncio.gather(*(server.start() for server in servers))
    faults: dict[str, Fault] = {}
    try:
        async with chat_world.a_world(folder) as world:
            urls = [model.url for model in models]
            settings: dict[str, dict[str, Any]] = {
                # At temperature 0 every answer is looked for in the cache, which is Redis.
                "model": {"base": "quick", "servers": urls, "timeout_seconds": 3, "temperature": 0},
                "api": {"port": port},
                "storage": {"redis_url": redis.url} if redis.is_here else {},
            }
            service = world.service(settings=settings)
            script = world.script(6, 2, seed=SEED)
            try:
                await service.up()
                script.greet()
                await script.until_done(30.0)
                home = folder / "home"
                monitor = Monitor(f"http://127.0.0.1:{port}", await new_secret(home))
                messages = int(size["seconds"] / size["pause"])
                talking = asyncio.create_task(script.go_on(messages, size["pause"]))
                broken = Broken(models, redis, home / "twin.db")
                await _trouble(broken, monitor, talking, size, faults, on_progress)
                await talking
                await script.until_done(SETTLED)
                await service.stop()
            finally:
                service.kill()
            tallies = [asdict(script.tally(name)) for name in chat_world.PLATFORMS]
            if world.complaints:
                raise AssertionError(f"the chat app complains: {world.complaints[:3]}")
    finally:
        await asyncio.gather(*(server.stop() for server in servers))
    return {count: sum(tally[count] for tally in tallies) for count in COUNTS}, faults


async def _trouble(
    broken: Broken,
    monitor: Monitor,
    talking: asyncio.Task[None],
    size: Mapping[str, float],
    faults: dict[str, Fault],
    on_progress: OnProgress,
) -> None:
    """One fault after the other as long as people talk; each kind comes before any comes again."""
    order, left = random.Random(SEED), list[str]()
    loop = asyncio.get_running_loop()
    began = loop.time()
    while not talking.done():
        ways = _ways(broken, order.choice(broken.models))
        left = left or order.sample(list(ways), len(ways))
        kind = left.pop()
        on_progress(min(0.99, (loop.time() - began) / size["seconds"]), kind)
        before = await monitor.figures()
        break_it, signs = ways[kind]
        harmful = await break_it() is not False
        fault = faults.setdefault(kind, Fault())
        fault.happened += 1
        fault.harmful += harmful
        if harmful and (by := await monitor.tells(signs, before)):
            fault.told += 1
            fault.by |= by
        await asyncio.sleep(order.uniform(0, 2 * size["between"]))


Way = tuple[Callable[[], Awaitable[object]], list[set[tuple[str, str]]]]
"""What happens (False: it harmed nobody), and the metrics that tell of it: all of one of these sets."""


def _ways(broken: Broken, model: FaultyModel) -> dict[str, Way]:
    redis, models = broken.redis, broken.models
    out: list[set[tuple[str, str]]] = [{(EJECTED, model.name)}]
    ways: dict[str, Way] = {
        "killed": (model.die_and_return, out),
        "stopped": (model.stand_still, [*out, {(FAILED, model.name)}]),
        "500": (lambda: model.misbehave("fails"), [{(FAILED, model.name)}]),
        "hangs": (lambda: model.misbehave("hangs"), [{(FAILED, model.name)}]),
        "both away": (
            lambda: asyncio.gather(*(one.die_and_return() for one in models)),
            [{(EJECTED, one.name) for one in models}],
        ),
        "database locked": (lambda: asyncio.to_thread(lock, broken.database, LASTS), [{(SLOW, "")}]),
    }
    if redis.is_here:
        ways["Redis killed"] = redis.die_and_return, [{(CACHE, "")}]
        ways["Redis stopped"] = redis.stand_still, [{(CACHE, "")}]
    return ways


def conditions(size: Mapping[str, float], faults: Mapping[str, Fault]) -> dict[str, Any]:
    return {
        "machine": f"{platform.machine()}, {platform.system()}, {os.cpu_count()} CPUs, "
        f"Python {platform.python_version()}",
        "faults": {kind: asdict(one) | {"by": sorted(one.by)} for kind, one in sorted(faults.items())},
        "fault_seconds": LASTS,
        "redis": "among the faults" if any("Redis" in kind for kind in faults) else "not installed here",
        "model": "two quick stand-ins, 14 pieces, 20 ms apart, temperature 0",
        "seed": SEED,
        **size,
    }


if __name__ == "__main__":
    sys.exit(main())
