"""`twin evaluate --ab`: how do friends get a blind test, and where do their picks go?"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from brain.model_client import Sampling
from brain.prompt import Turn, compose
from storage.records import Adapter
from twin.adapters import known_adapter
from twin.blind_test import PROMPTS, Pair, count_picks, write_test
from twin.build import Model, open_model, open_stores, persona, speaking
from twin.errors import Told
from twin.home import Home
from twin.settings import Settings
from twin.verdict import personal_scan

AT_ONCE = 4
KEYS = "blind-tests"  # folder of the home: which answer on a page is whose


async def blind_test(
    home: Home, settings: Settings, version: str, against: str | None, folder: Path, prompts: Path | None
) -> Path:
    """A page with two answers to each made-up prompt, in an order that only this home knows."""
    lines = _prompts(prompts)
    async with open_stores(home, settings) as stores:
        candidate = await known_adapter(stores, version)
        other = await known_adapter(stores, against) if against else await stores.adapters.live()
        if other and other.version == version:
            raise Told(
                f"{version} is the live one: there is nobody to compare it with", "name one: --against"
            )
        async with open_model(home, settings) as model:
            ours = await _answers(lines, candidate, model, settings)
            theirs = await _answers(lines, other, model, settings)
    scan = personal_scan(home, settings)
    pairs = [
        Pair(line, one, two)
        for line, one, two in zip(lines, ours, theirs, strict=True)
        if one and two and not scan(one) and not scan(two)
    ]
    than = other.version if other else None
    return await asyncio.to_thread(
        write_test, pairs, version, than, folder, home.root / KEYS, random.SystemRandom()
    )


async def picks_of_friends(
    home: Home, settings: Settings, files: Sequence[Path]
) -> dict[str, Mapping[str, Any]]:
    """Count what friends sent back, and keep it with each adapter's report, where the gate finds it."""
    found = await asyncio.to_thread(count_picks, files, home.root / KEYS)
    async with open_stores(home, settings) as stores:
        for version, friends in found.items():
            report = dict((await known_adapter(stores, version)).report or {})
            models = dict(report.get("models", {}))
            models["candidate"] = {**models.get("candidate", {}), "friends": friends}
            await stores.adapters.set_report(version, {**report, "models": models})
    return found


def picks_in_words(found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return [
        f"{version}: preferred in {one['share']:.0%} of {one['picks']} picks by {one['people']} people "
        f"({one['low']:.0%} to {one['high']:.0%})"
        for version, one in found.items()
    ]


def _prompts(file: Path | None) -> list[str]:
    if file is None:
        return list(PROMPTS)
    try:
        lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    except OSError as reason:
        raise Told(f"{file} cannot be read: {reason.strerror}", "one prompt a line", exit_code=2) from reason
    if not lines:
        raise Told(f"{file} holds no prompts", "one prompt a line", exit_code=2)
    return lines


async def _answers(
    lines: Sequence[str], adapter: Adapter | None, model: Model, settings: Settings
) -> list[str]:
    who, gate = persona(settings), asyncio.Semaphore(AT_ONCE)
    sampling = Sampling(settings.model.temperature, settings.model.top_p, settings.model.max_tokens, seed=0)

    async def one(name: str, line: str) -> str:
        async with gate:
            prompt = compose(who, [Turn("friend", line, ours=False)])
            return (await model.client.chat(name, prompt, sampling)).text.strip()

    async with speaking(model, adapter) as name:
        return list(await asyncio.gather(*(one(name, line) for line in lines)))
