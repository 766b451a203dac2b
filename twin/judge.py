"""Which of two replies would a judge rather hear from the owner? A large model is asked, in both orders.

Judges favour a place: only a win that survives the exchange of places counts, the rest are ties (Zheng et al.
2023, arXiv 2306.05685: a strong judge is consistent in some 65 % of the exchanges).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from brain.model_client import ModelClient, Sampling
from learning.evaluation.wilson import DIFFERENCE, wilson
from storage.records import Prompt

AT_ONCE = 4
ANSWER = Sampling(temperature=0.0, max_tokens=8)
QUESTION = """Somebody was asked: {prompt}
They really answered: {owner}

Two others try to answer as they would. Which is more like them, in manner and in substance?
A: {first}
B: {second}

Say A or B, and nothing else."""

Ask = Callable[[Prompt], Awaitable[str]]
Compared = tuple[str, str, str, str]  # prompt, the owner's answer, ours, theirs


def asking(client: ModelClient, model: str) -> Ask:
    async def ask(prompt: Prompt) -> str:
        return (await client.chat(model, prompt, ANSWER)).text

    return ask


async def compare(rows: Sequence[Compared], ask: Ask) -> dict[str, Any]:
    """How often ours is preferred, a tie counting half, with Wilson's interval; what the gate reads."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def first_wins(prompt: str, owner: str, first: str, second: str) -> bool | None:
        text = QUESTION.format(prompt=prompt, owner=owner, first=first, second=second)
        async with gate:
            said = (await ask(({"role": "user", "content": text},))).strip().upper()[:1]
        return {"A": True, "B": False}.get(said)

    async def one(row: Compared) -> float:
        prompt, owner, ours, theirs = row
        there, back = await asyncio.gather(
            first_wins(prompt, owner, ours, theirs), first_wins(prompt, owner, theirs, ours)
        )
        if there is None or back is None or there == back:
            return 0.5
        return float(there)

    points = await asyncio.gather(*(one(row) for row in rows))
    return {
        "share": sum(points) / len(points) if points else 0.5,
        **wilson(sum(points), len(points), DIFFERENCE),
        "picks": len(points),
        "wins": points.count(1.0),
        "ties": points.count(0.5),
        "losses": points.count(0.0),
    }
