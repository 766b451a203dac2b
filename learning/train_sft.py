"""How does the model learn to talk like the owner? Supervised fine-tuning on what they really answered."""

from __future__ import annotations

import shutil
import time
import warnings
from pathlib import Path
from typing import Any

from accelerate import PartialState
from peft import LoraConfig
from transformers import EarlyStoppingCallback
from trl import SFTConfig, SFTTrainer

from learning.base_model import load_base, load_tokenizer, on_gpu, with_adapter, with_faster_layers
from learning.checkpoints import last_checkpoint
from learning.order import mixture
from learning.packing import Flat
from learning.ranks import is_first, is_one_of_many, together
from learning.recipes import TEXT_LAYERS, SftRecipe
from learning.resources import must_fit
from learning.save_adapter import save_adapter
from learning.sft_data import SftData, read
from learning.token_weights import most_weighted
from learning.training import (
    OnProgress,
    arguments,
    enough,
    fingerprint,
    guarded,
    ignored,
    must_have_changed,
    must_train,
    report_of,
    seeded,
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

    With `recipe.processes` above 1 that many processes train together. Called in each of several processes
    that somebody else has started (torchrun, accelerate, Ray Train), it is one of them; the first publishes.
    """
    if recipe.processes > 1 and not is_one_of_many():
        return together(
            train,
            (data_dir, recipe, base, adapter_dir, work_dir),
            {"parent": parent},
            recipe.processes,
            on_progress,
        )
    started = time.monotonic()
    with guarded():
        everybody = PartialState(cpu=not on_gpu())
        tokenizer = load_tokenizer(base)
        data = read(data_dir, recipe, tokenizer, everybody.num_processes)
        enough(data.rows, recipe, "samples")
        with everybody.main_process_first():
            checkpoint = last_checkpoint(work_dir, data_dir, recipe, base, parent, clear=is_first())
        must_fit(base, recipe, work_dir)
        seeded(recipe.seed)
        trainer = trainer_for(data, recipe, load_base(base, recipe.qlora), work_dir, parent)
        must_train(trainer.model)
        before, watch = fingerprint(trainer.model), watched(trainer, on_progress)
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        must_have_changed(trainer.model, before)
        everybody.wait_for_everyone()
        report = report_of(
            watch,
            started,
            rows=len(data.rows),
            steps=trainer.state.global_step,
            best=trainer.state.best_metric,
            processes=everybody.num_processes,
            tokens_at_once=recipe.token_budget,
            strata=mixture(data.rows),
            own_tokens=most_weighted(data.weights, tokenizer),
        )
        if is_first():
            save_adapter(
                trainer.model,
                tokenizer,
                adapter_dir,
                method="sft",
                recipe=recipe,
                base=base,
                parent=parent,
                data_dir=data_dir,
                samples=[row["id"] for row in data.rows],
                probe_rows=data.held or data.rows,
                report=report,
            )
            shutil.rmtree(work_dir)
        on_progress(1.0, {})
        return report


class WeightedSft(SFTTrainer):  # type: ignore[misc]
    """TRL's trainer, with a loss in which some tokens may weigh more than others."""

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Sum of weight * negative log-likelihood, over the number of tokens behind the whole update.

        With every weight 1 that is the plain loss, and the mean weight is 1. An evaluation is always plain.
        """
        weights = inputs.pop("loss_weights")
        if not self.model.training:
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        found = model(**inputs, use_cache=False, fused_lm_head=True)
        loss = -(found.log_probs * weights[:, 1:]).sum() / num_items_in_batch  # log_probs: (1, tokens - 1)
        return loss * self.accelerator.num_processes  # the gradients are averaged over the processes


def trainer_for(data: SftData, recipe: SftRecipe, model: Any, work_dir: Path, parent: Path | None) -> Any:
    """A trainer that reads the data in the order they are in; it goes on from `parent` or begins anew."""
    micro_batches, dealing = data.training
    updates = len(micro_batches) // dealing.accumulation
    every = max(1, updates // max(1, round(recipe.epochs * recipe.evaluations_per_epoch)))
    judged = data.validation is not None
    lora = LoraConfig(
        r=recipe.lora_rank,
        lora_alpha=recipe.lora_alpha,
        lora_dropout=recipe.lora_dropout,
        target_modules=TEXT_LAYERS,
        task_type="CAUSAL_LM",
    )
    model = with_faster_layers(model)
    with warnings.catch_warnings():  # the libraries' advice to one another
        warnings.simplefilter("ignore")
        return WeightedSft(
            model=with_adapter(model, parent, trainable=True) if parent else model,
            args=SFTConfig(
                **arguments(recipe, work_dir)
                | {
                    "num_train_epochs": 1,  # the schedule holds all of them
                    "per_device_train_batch_size": 1,  # a micro-batch is many rows in one sequence
                    "per_device_eval_batch_size": 1,
                    "gradient_accumulation_steps": dealing.accumulation // data.processes,
                    # Rounded down: the first update of a warm-up has a rate of 0, and there may be but one.
                    "warmup_steps": int(updates * recipe.warmup),
                },
                dataset_kwargs={"skip_prepare_dataset": True},
                remove_unused_columns=False,
                train_sampling_strategy="sequential",
                eval_strategy="steps" if judged else "no",
                eval_steps=every,
                save_steps=every,
                save_total_limit=2,
                load_best_model_at_end=judged,
                metric_for_best_model="eval_loss" if judged else None,
                restore_callback_states_from_checkpoint=True,
            ),
            data_collator=Flat(data.tokenizer.pad_token_id),
            processing_class=data.tokenizer,
            train_dataset=micro_batches,
            eval_dataset=data.validation,
            peft_config=None if parent else lora,
            callbacks=[EarlyStoppingCallback(early_stopping_patience=recipe.patience)] if judged else None,
        )
