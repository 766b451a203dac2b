"""What do the learning tests share? A tiny Gemma, a small corpus of somebody made up, and quick recipes."""

from __future__ import annotations

from pathlib import Path

import pytest
from learning_samples import owner_rows, pair_rows, thumb_rows, write_rows
from tiny_gemma import make_tiny_gemma
from tiny_mistral import make_tiny_mistral

from learning.recipes import DpoRecipe, KtoRecipe, SftRecipe

QUICK = {"max_length": 256, "gradient_checkpointing": False, "warmup": 0.0, "min_rows": 4}


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_gemma(tmp_path_factory.mktemp("models") / "tiny", steps=10)


@pytest.fixture(scope="session")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of another family, with another tokenizer and opinions of its own."""
    return make_tiny_mistral(tmp_path_factory.mktemp("models") / "tiny-mistral")


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
    return DpoRecipe(learning_rate=2e-3, epochs=2, batch_size=4, effective_batch=4, min_updates=0, **QUICK)


@pytest.fixture(scope="session")
def kto_recipe() -> KtoRecipe:
    return KtoRecipe(learning_rate=2e-3, epochs=2, batch_size=4, effective_batch=4, min_updates=0, **QUICK)


@pytest.fixture(scope="session")
def sft_adapter(
    tmp_path_factory: pytest.TempPathFactory, base: Path, corpus: Path, sft_recipe: SftRecipe
) -> Path:
    from learning import train_sft

    home = tmp_path_factory.mktemp("adapters")
    train_sft.train(corpus, sft_recipe, base, home / "sft-1", home / "work")
    return home / "sft-1"
