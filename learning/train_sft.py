"""How does the model learn to talk like the owner? Supervised fine-tuning on what they really answered."""

from __future__ import annotations

import math
import shutil
import time
import warnings
from pathlib import Path
from typing import Any

from peft import LoraConfig
from transformers import EarlyStoppingCallback, set_seed
from trl import SFTConfig, SFTTrainer

from learning.base_model import load_base, load_tokenizer, with_adapter
from learning.checkpoints import last_checkpoint
from learning.recipes import TEXT_LAYERS, SftRecipe
from learning.rows import Row, all_fitted, read_rows
from learning.save_adapter import save_adapter
from learning.training import (
    OnProgress,
    arguments,
    as_dataset,
    enough,
    fingerprint,
    guarded,
    ignored,
    must_have_changed,
    must_train,
    report_of,
    watched,
)


def train(
    data_dir: Path,
    recipe: SftRecipe,
    base: str | Path,
    adapter_dir: Path,
    work_dir: Path,
    *,
    parent: Path | None = None,
    on_progress: OnProgress = ignored,
) -> dict[str, Any]:
    """Train on a corpus snapshot and publish `adapter_dir`; return the training report.

    Killed at any time and started again with the same work_dir, it goes on from the last checkpoint and ends
    with the very same weights. Raises TrainingFailed, and then leaves no adapter folder.
    """
    started = time.monotonic()
    with guarded():
        tokenizer = load_tokenizer(base)
        rows = all_fitted(read_rows(data_dir / "train.jsonl"), ["completion"], tokenizer, recipe.max_length)
        held = all_fitted(
            read_rows(data_dir / "validation.jsonl"), ["completion"], tokenizer, recipe.max_length
        )
        enough(rows, recipe, "samples")
        checkpoint = last_checkpoint(work_dir, data_dir, recipe, base, parent)
        set_seed(recipe.seed)
        trainer = _trainer(rows, held, recipe, base, work_dir, parent, tokenizer)
        must_train(trainer.model)
        before, watch = fingerprint(trainer.model), watched(trainer, on_progress)
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        must_have_changed(trainer.model, before)
        save_adapter(
            trainer.model,
            tokenizer,
            adapter_dir,
            method="sft",
            recipe=recipe,
            base=base,
            parent=parent,
            data_dir=data_dir,
            samples=[row["id"] for row in rows],
            probe_rows=held or rows,
            report=report_of(
                watch,
                started,
                rows=len(rows),
                steps=trainer.state.global_step,
                best=trainer.state.best_metric,
            ),
        )
        shutil.rmtree(work_dir)
        on_progress(1.0, {})
        return report_of(watch, started, rows=len(rows), best=trainer.state.best_metric)


def _trainer(
    rows: list[dict[str, Any]],
    held: list[dict[str, Any]],
    recipe: SftRecipe,
    base: str | Path,
    work_dir: Path,
    parent: Path | None,
    tokenizer: Any,
) -> Any:
    updates = math.ceil(len(rows) / recipe.batch_size / recipe.accumulation)  # in one epoch
    every = max(1, updates // recipe.evaluations_per_epoch)
    lora = LoraConfig(
        r=recipe.lora_rank,
        lora_alpha=recipe.lora_alpha,
        lora_dropout=recipe.lora_dropout,
        target_modules=TEXT_LAYERS,
        task_type="CAUSAL_LM",
    )
    model = load_base(base)
    with warnings.catch_warnings():  # the libraries' advice to one another
        warnings.simplefilter("ignore")
        return SFTTrainer(
            model=with_adapter(model, parent, trainable=True) if parent else model,
            args=SFTConfig(
                **arguments(recipe, work_dir),
                completion_only_loss=True,
                train_sampling_strategy="group_by_length",  # a third less padding on chat
                eval_strategy="steps" if held else "no",
                eval_steps=every,
                save_steps=every,
                save_total_limit=2,
                load_best_model_at_end=bool(held),
                metric_for_best_model="eval_loss" if held else None,
                restore_callback_states_from_checkpoint=True,
            ),
            processing_class=tokenizer,
            train_dataset=_dataset(rows),
            eval_dataset=_dataset(held) if held else None,
            peft_config=None if parent else lora,
            callbacks=[EarlyStoppingCallback(early_stopping_patience=recipe.patience)] if held else None,
        )


def _dataset(rows: list[Row] | list[dict[str, Any]]) -> Any:
    return as_dataset(rows, ["prompt", "completion"])
