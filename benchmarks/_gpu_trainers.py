"""Which trainers are timed? Ours as they are, and TRL's as its documentation shows them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

from benchmarks._gpu_model import make_rows
from learning import train_dpo, train_sft
from learning.base_model import load_base, load_tokenizer, release
from learning.recipes import TEXT_LAYERS, DpoRecipe, SftRecipe
from learning.rows import read_rows
from learning.sft_data import read


def ours_sft(base: Path, data: Path, folder: Path, length: int, *, checkpointing: bool) -> Any:
    recipe = SftRecipe(
        epochs=1,
        max_length=length,
        batch_size=4,  # times 1,024: four thousand tokens at once
        lora_dropout=0.0,
        gradient_checkpointing=checkpointing,
        evaluations_per_epoch=1,  # no checkpoint while the clock runs
    )
    found = read(data, recipe, load_tokenizer(base))
    return train_sft.trainer_for(found, recipe, load_base(base), folder / "work", None)


def ours_dpo(base: Path, data: Path, folder: Path, length: int) -> Any:
    recipe = DpoRecipe(epochs=1, max_length=length)
    parent = folder / "parent-1"
    if not parent.exists():
        sft = SftRecipe(epochs=1, max_length=length)
        rows = folder / "few"
        make_rows(rows, 32, 8)  # a few updates, to continue from
        train_sft.train(rows, sft, base, parent, folder / "work")
        release()
    return train_dpo.trainer_for(read_rows(data / "pairs.jsonl"), recipe, base, parent, folder / "work")


def plain_sft(base: Path, data: Path, folder: Path, length: int) -> Any:
    rows = [{key: row[key] for key in ("prompt", "completion")} for row in read_rows(data / "train.jsonl")]
    return SFTTrainer(
        model=str(base),
        args=SFTConfig(max_length=length, **_plain(folder)),
        processing_class=load_tokenizer(base),
        train_dataset=Dataset.from_list(rows),
        peft_config=LoraConfig(r=16, lora_alpha=32, target_modules=TEXT_LAYERS, task_type="CAUSAL_LM"),
    )


def plain_dpo(base: Path, data: Path, folder: Path, length: int) -> Any:
    pairs = read_rows(data / "pairs.jsonl")
    rows = [{key: row[key] for key in ("prompt", "chosen", "rejected")} for row in pairs]
    return DPOTrainer(
        model=str(base),
        args=DPOConfig(max_length=length, **_plain(folder)),
        processing_class=load_tokenizer(base),
        train_dataset=Dataset.from_list(rows),
        peft_config=LoraConfig(r=16, lora_alpha=32, target_modules=TEXT_LAYERS, task_type="CAUSAL_LM"),
    )


def _plain(folder: Path) -> dict[str, Any]:
    """TRL's defaults, but for bfloat16 weights: its own default of float32 would not fit."""
    on_gpu = torch.cuda.is_available()
    return {
        "output_dir": str(folder / "plain"),
        "model_init_kwargs": {"dtype": "bfloat16" if on_gpu else "float32"},
        "bf16": on_gpu,
        "use_cpu": not on_gpu,
        "report_to": "none",
        "save_strategy": "no",
        "disable_tqdm": True,
    }
