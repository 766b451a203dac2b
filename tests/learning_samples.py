"""Where do the learning tests get their rows? Somebody made up, who likes one thing and not another."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

THINGS = ["tea", "rain", "bread", "cats", "chess", "trains", "maps", "soup", "snow", "jazz", "bikes", "stars"]


def turns(question: str) -> list[dict[str, str]]:
    return [
        {"role": "system", "content": "You are the digital twin of Mira."},
        {"role": "user", "content": question},
    ]


def said(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]


def write_rows(file: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def owner_rows(count: int, seed: int) -> list[dict[str, Any]]:
    order = random.Random(seed)
    rows = []
    for number in range(count):
        thing, other = order.sample(THINGS, 2)
        rows.append(
            {
                "id": f"row-{seed}-{number}",
                "prompt": turns(f"do you like {thing} or {other}?"),
                "completion": said(f"{thing} ofc, {other} is meh"),
            }
        )
    return rows


def pair_rows(count: int, seed: int) -> list[dict[str, Any]]:
    return [
        {
            "id": f"pair-{seed}-{number}",
            "conversation": f"chat-{number}",
            "prompt": row["prompt"],
            "chosen": said(f"{row['completion'][0]['content']} honestly tho"),
            "rejected": row["completion"],
            "weight": 1.0,
            "source": "logged",
        }
        for number, row in enumerate(owner_rows(count, seed))
    ]


def thumb_rows(count: int, seed: int) -> list[dict[str, Any]]:
    return [
        {
            "id": f"thumb-{seed}-{number}",
            "conversation": f"chat-{number}",
            "prompt": pair["prompt"],
            "completion": pair["chosen"] if number % 2 else pair["rejected"],
            "label": bool(number % 2),
            "weight": 1.0,
        }
        for number, pair in enumerate(pair_rows(count, seed))
    ]
