"""What does the brain cost in front of a model server, and does a swap under load lose anything?

    python -m benchmarks.serving [--quick] [--json]

Side by side in one run on the same server: plain aiohttp, on which our client stands, too, and plain httpx
against the brain, which reads the database, composes, chooses a replica and follows the adapter (what it
recalls is measured by benchmarks.memory). Real vLLM
where it is installed, else the embedded server, with the pocket model; --quick takes a server without a
model, which answers fourteen words, 5 ms apart.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks._serving_world import SAMPLING, Asked, World, a_world
from brain.model_client import ModelRefused, ModelUnavailable, Sampling
from brain.replica_metrics import all_metrics
from brain.vllm_server import find_vllm
from learning.pocket import default_cache_dir, ensure
from twin import show

FULL: dict[str, Any] = {"each": 96, "rounds": 8, "swap_seconds": 60, "streams": 32, "turns": 6}
QUICK: dict[str, Any] = {"each": 40, "rounds": 2, "swap_seconds": 10, "streams": 32, "turns": 2}
AT_ONCE = (1, 8, 32)
ADAPTERS = (1, 4, 8)
SESSIONS = 16
OF_EACH_PERSON = 5  # questions at least: the first and the last of a round are not asked among so many
OnProgress = Callable[[float, str], None]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a server without a model, fewer requests")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args()
    size = QUICK if options.quick else FULL
    engine = "quick" if options.quick else "vllm" if find_vllm() else "embedded"
    try:
        with tempfile.TemporaryDirectory() as folder, show.progress(f"serving, {engine}") as on_progress:
            figures = asyncio.run(measure(Path(folder), engine, size, on_progress))
    except KeyboardInterrupt:
        return 130
    if options.json:
        print(json.dumps({"figures": figures, "conditions": conditions(engine, size)}))
    else:
        show.table("serving", ("figure", ""), list(figures.items()))
    return 0


async def measure(
    folder: Path, engine: str, size: Mapping[str, Any], on_progress: OnProgress
) -> dict[str, float]:
    weights = Path("quick") if engine == "quick" else await asyncio.to_thread(ensure, default_cache_dir())
    figures: dict[str, float] = {}
    async with a_world(folder, engine=engine, weights=weights, servers=2) as world:
        for at, count in enumerate(AT_ONCE):
            on_progress(0.1 + 0.15 * at, f"bare and through the brain, {count} at once")
            figures |= await beside_each_other(world, count, size)
        on_progress(0.55, "one, four, eight adapters")
        figures |= await with_adapters(world, size)
        on_progress(0.65, "two replicas, with and without affinity")
        figures |= await with_and_without_affinity(world, size)
        on_progress(0.75, "a swap every second")
        figures |= await swaps(world, size)
    return {name: round(value, 4) for name, value in figures.items()}


async def at_once(
    ask: Callable[[int], Awaitable[Asked]], count: int, requests: int
) -> tuple[float, list[Asked]]:
    """Seconds, and the answers, when so many people each ask again as soon as they have been answered."""
    turns = iter(range(requests))

    async def person(chat: int) -> list[Asked]:
        return [await ask(chat) for _ in turns]

    began = time.perf_counter()
    answers = await asyncio.gather(*map(person, range(count)))
    return time.perf_counter() - began, [one for some in answers for one in some]


async def beside_each_other(world: World, count: int, size: Mapping[str, Any]) -> dict[str, float]:
    """Turn about, in an order drawn each time: what else this machine does meets all alike, and so does what
    the one before has left warm.
    """
    requests = max(size["each"] // 4, 8) if count == 1 else max(size["each"], OF_EACH_PERSON * count)
    asking = {"bare": world.bare, "brain": world.through_the_brain, "httpx": world.by_httpx}
    seconds: dict[str, list[float]] = {name: [] for name in asking}
    processor: dict[str, list[float]] = {name: [] for name in asking}
    answers: dict[str, list[Asked]] = {name: [] for name in asking}
    lots = random.Random(count)
    for _ in range(2 * size["rounds"]):
        for name in lots.sample(sorted(asking), len(asking)):
            began = time.process_time()
            took, told = await at_once(asking[name], count, requests)
            processor[name].append(1000 * (time.process_time() - began) / len(told))
            seconds[name].append(took)
            answers[name] += told
    assert {one.text.strip() for one in answers["bare"]} == {one.text for one in answers["brain"]}

    def added_ms(what: Callable[[Asked], float]) -> float:
        brain, bare = (statistics.median(map(what, answers[name])) for name in ("brain", "bare"))
        return 1000 * (brain - bare)

    def ratio(name: str) -> float:
        pairs = zip(seconds[name], seconds["brain"], strict=True)
        return statistics.median(other / brain for other, brain in pairs)

    return {
        f"throughput_ratio_c{count}": ratio("bare"),
        f"throughput_ratio_to_httpx_c{count}": ratio("httpx"),
        f"requests_per_s_c{count}": len(answers["brain"]) / sum(seconds["brain"]),
        f"added_ttft_ms_c{count}": added_ms(lambda one: one.first),
        f"added_p50_ms_c{count}": added_ms(lambda one: one.whole),
        f"bare_p50_ms_c{count}": 1000 * statistics.median(one.whole for one in answers["bare"]),
        f"processor_ms_c{count}": statistics.median(processor["brain"]),  # of this process, for an answer
        f"bare_processor_ms_c{count}": statistics.median(processor["bare"]),
    }


async def with_adapters(world: World, size: Mapping[str, Any]) -> dict[str, float]:
    """Eight at once; the requests are dealt out to so many adapters."""
    figures = {}
    known = await world.adapters.all()
    for adapter in known:
        await world.one.load_adapter(adapter.version, adapter.path)
    for count in ADAPTERS:

        async def ask(chat: int, count: int = count) -> Asked:
            return await world.bare(chat, known[chat % count].version)

        took, answers = await at_once(ask, 8, size["each"])
        figures[f"requests_per_s_{count}_adapters"] = len(answers) / took
    return figures


async def with_and_without_affinity(world: World, size: Mapping[str, Any]) -> dict[str, float]:
    """Conversations that grow, request by request; how much of a prompt was computed before?"""
    figures = {}
    for name in ("without", "with"):
        before, firsts = await _prefix_hits(world), list[float]()

        async def talk(chat: int, name: str = name, firsts: list[float] = firsts) -> None:
            turns = [{"role": "user", "content": f"{name} {chat}: " + " ".join(map(str, range(120)))}]
            for _ in range(size["turns"]):
                began, first, text = time.perf_counter(), 0.0, ""
                session = f"{name} {chat}" if name == "with" else None
                sampling = Sampling(temperature=0, max_tokens=8)
                async for chunk in world.both.stream_chat(world.base, turns, sampling, session=session):
                    first = first or (time.perf_counter() - began if chunk.text else 0.0)
                    text += chunk.text
                firsts.append(first)
                turns += [{"role": "assistant", "content": text}, {"role": "user", "content": "and then?"}]

        for group in range(0, SESSIONS, 4):
            await asyncio.gather(*(talk(chat) for chat in range(group, group + 4)))
        asked, hit = (
            after - earlier for after, earlier in zip(await _prefix_hits(world), before, strict=True)
        )
        figures[f"ttft_ms_{name}_affinity"] = 1000 * statistics.median(firsts)
        if asked:
            figures[f"prefix_hit_rate_{name}_affinity"] = hit / asked
    return figures


async def _prefix_hits(world: World) -> tuple[float, float]:
    """Tokens asked for and found in the prefix caches, as vLLM counts them."""
    lines = (await all_metrics(world.both)).splitlines()

    def total(name: str) -> float:
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(f"{name}{{"))

    return total("vllm:prefix_cache_queries_total"), total("vllm:prefix_cache_hits_total")


async def swaps(world: World, size: Mapping[str, Any]) -> dict[str, float]:
    """Another adapter goes live every second while people talk, on both servers. Whose words came?

    The adapters differ so much that no rounding in a batch turns the words of one into those of another.
    """
    known = await world.adapters.all()
    expected = {adapter.version: await _words_of(world, adapter.version) for adapter in known}
    failed = wrong = asked = 0
    promoted: dict[str, float] = {}
    seconds: list[float] = []
    end = time.perf_counter() + size["swap_seconds"]

    async def person(chat: int) -> None:
        nonlocal failed, wrong, asked
        while time.perf_counter() < end:
            asked += 1
            try:
                told = await world.on_both(chat % len(expected))
            except (ModelUnavailable, ModelRefused):
                failed += 1
                continue
            if (began := promoted.pop(told.adapter or "", None)) is not None:
                seconds.append(time.perf_counter() - began)
            own = expected.get(told.adapter or "", {}).get(chat % len(expected))
            others = {words[chat % len(expected)] for name, words in expected.items() if name != told.adapter}
            wrong += told.text != own and told.text in others

    async def swap() -> None:
        for turn in range(size["swap_seconds"]):
            adapter = known[turn % len(known)]
            promoted.clear()
            promoted[adapter.version] = time.perf_counter()
            await world.both.load_adapter(adapter.version, adapter.path)
            await world.adapters.go_live(adapter.version, "the next one")
            await asyncio.sleep(max(0.0, 1 - (time.perf_counter() - promoted.get(adapter.version, 0.0)) % 1))

    await asyncio.gather(swap(), *map(person, range(size["streams"])))
    return {
        "swap_requests": asked,
        "swaps": size["swap_seconds"],
        "swap_failed": failed,
        "swap_wrong_adapter": wrong,
        "promote_seconds": statistics.median(seconds),
    }


async def _words_of(world: World, version: str) -> dict[int, str]:
    """What this adapter answers in each of the first chats."""
    known = await world.adapters.all()
    answers = await asyncio.gather(*(world.bare(chat, version) for chat in range(len(known))))
    return {chat: told.text.strip() for chat, told in enumerate(answers)}


def conditions(engine: str, size: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "machine": f"{platform.machine()}, {platform.system()}, {os.cpu_count()} CPUs, "
        f"Python {platform.python_version()}",
        "engine": engine,
        "model": "none: 14 words, 5 ms apart" if engine == "quick" else "the pocket stand-in",
        "max_tokens": SAMPLING.max_tokens,
        "compared_with": "plain aiohttp (and plain httpx), the same requests to the same server, turn about",
        "share": "the client, the brain and both servers share these CPUs",
        "load_average": round(os.getloadavg()[1], 1),  # of five minutes: what else went on
        **size,
    }


if __name__ == "__main__":
    sys.exit(main())
