"""What do the learning tests share? A tiny Gemma, a small corpus of somebody made up, and quick recipes."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from tiny_gemma import make_tiny_gemma

from learning.recipes import DpoRecipe, KtoRecipe, SftRecipe

THINGS = ["tea", "rain", "bread", "cats", "chess", "trains", "maps", "soup", "snow", "jazz", "bikes", "stars"]
QUICK = {"max_length": 256, "gradient_checkpointing": False, "warmup": 0.0, "min_rows": 4}


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


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_gemma(tmp_path_factory.mktemp("models") / "tiny", steps=10)


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpora") / "c0ffee"
    write_rows(folder / "train.jsonl", owner_rows(24, seed=1))
    write_rows(folder / "validation.jsonl", owner_rows(6, seed=2))
    write_rows(folder / "test.jsonl", owner_rows(8, seed=3))
    return folder


@pytest.fixture(scope="session")
def preferences(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("preferences") / "cafe"
    write_rows(folder / "pairs.jsonl", pair_rows(12, seed=4))
    write_rows(folder / "thumbs.jsonl", thumb_rows(12, seed=5))
    write_rows(folder / "heldout_pairs.jsonl", pair_rows(8, seed=6))
    write_rows(folder / "heldout_thumbs.jsonl", thumb_rows(8, seed=7))
    return folder


@pytest.fixture(scope="session")
def sft_recipe() -> SftRecipe:
    return SftRecipe(
        learning_rate=3e-3, epochs=2, batch_size=4, effective_batch=8, lora_rank=8, patience=9, **QUICK
    )


@pytest.fixture(scope="session")
def dpo_recipe() -> DpoRecipe:
    return DpoRecipe(learning_rate=2e-3, epochs=2, batch_size=4, effective_batch=4, **QUICK)


@pytest.fixture(scope="session")
def kto_recipe() -> KtoRecipe:
    return KtoRecipe(learning_rate=2e-3, epochs=2, batch_size=4, effective_batch=4, **QUICK)


@pytest.fixture(scope="session")
def sft_adapter(
    tmp_path_factory: pytest.TempPathFactory, base: Path, corpus: Path, sft_recipe: SftRecipe
) -> Path:
    from learning import train_sft

    home = tmp_path_factory.mktemp("adapters")
    train_sft.train(corpus, sft_recipe, base, home / "sft-1", home / "work")
    return home / "sft-1"
