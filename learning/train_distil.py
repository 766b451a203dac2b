"""How does a teacher of another tokenizer make the model better? It scores every piece of the text.

The teacher is not here: its scores are read from a frozen folder (`learning/teacher.py` fills it), so that
only the student is in memory.
"""

from __future__ import annotations

import math
import shutil
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import EarlyStoppingCallback, set_seed
from trl import SFTConfig

from learning.alm import alm
from learning.base_model import load_base, load_tokenizer
from learning.checkpoints import last_checkpoint
from learning.distil_recipe import DistilRecipe
from learning.distil_rows import IGNORED, lessons
from learning.distiller import Collator, Distiller
from learning.logprobs import answer_logprobs
from learning.recipes import TEXT_LAYERS
from learning.rows import Row, read_rows
from learning.save_adapter import save_adapter
from learning.teacher_folder import read_card, read_scores
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
    watched,
)

COMPARED = 64  # held-out rows on which the report says how near the teacher the student came


def train(
    data_dir: Path,
    recipe: DistilRecipe,
    base: str | Path,
    adapter_dir: Path,
    work_dir: Path,
    *,
    teacher_dir: Path,
    on_progress: OnProgress = ignored,
) -> dict[str, Any]:
    """Train on a corpus snapshot and a teacher's scores of it, and publish `adapter_dir`; return the report.

    Killed at any time and started again with the same work_dir, it goes on from the last checkpoint. Raises
    TrainingFailed, and then leaves no adapter folder.
    """
    started = time.monotonic()
    with guarded():
        tokenizer, scores = load_tokenizer(base), read_scores(teacher_dir)
        train_rows, held_rows = (read_rows(data_dir / f"{name}.jsonl") for name in ("train", "validation"))
        learned = lessons(train_rows, scores, tokenizer, recipe)
        held = lessons(held_rows, scores, tokenizer, recipe)
        enough(learned, recipe, "samples")
        card = read_card(teacher_dir)
        checkpoint = last_checkpoint(work_dir, data_dir, recipe, base, None, teacher=card["scores_sha256"])
        set_seed(recipe.seed)
        trainer = trainer_for(learned, held, recipe, base, work_dir, tokenizer)
        must_train(trainer.model)
        distant = distance(trainer.model, held[:COMPARED], tokenizer, recipe.temperature)
        before, watch = fingerprint(trainer.model), watched(trainer, on_progress)
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        must_have_changed(trainer.model, before)
        report = report_of(
            watch,
            started,
            rows=len(learned),
            steps=trainer.state.global_step,
            best=trainer.state.best_metric,
            teacher_before=distant,
            teacher_after=distance(trainer.model, held[:COMPARED], tokenizer, recipe.temperature),
        )
        ids = list(dict.fromkeys(lesson["id"] for lesson in learned))
        save_adapter(
            trainer.model,
            tokenizer,
            adapter_dir,
            method="distil",
            recipe=recipe,
            base=base,
            parent=None,
            data_dir=data_dir,
            samples=ids,
            probe_rows=held_rows or train_rows,
            report=report,
            teacher=card,
        )
        shutil.rmtree(work_dir)
        on_progress(1.0, {})
        return report


def distance(model: Any, held: Sequence[Row], tokenizer: Any, temperature: float) -> dict[str, float]:
    """How far the model is from the teacher on these lessons, per piece of text; empty if none has scores.

    "alm": the soft loss; "nats": the mean absolute difference of the log-probabilities.
    """
    scored = [lesson for lesson in held if lesson["teacher"]]
    if not scored:
        return {}
    starts = [next(i for i, label in enumerate(one["labels"]) if label != IGNORED) for one in scored]
    encoded = [(one["input_ids"], start) for one, start in zip(scored, starts, strict=True)]
    student: list[float] = []
    for lesson, start, values in zip(
        scored, starts, answer_logprobs(model, encoded, tokenizer.pad_token_id), strict=True
    ):
        whole = [0.0] * len(lesson["teacher"])
        for piece, value in zip(lesson["piece"][start:], values, strict=True):
            whole[piece] += value
        student += whole
    ours, theirs = torch.tensor(student), torch.tensor([value for one in scored for value in one["teacher"]])
    return {
        "alm": float(alm(ours, theirs, temperature).mean()),
        "nats": float((ours - theirs).abs().mean()),
    }


def trainer_for(
    learned: Sequence[Row],
    held: Sequence[Row],
    recipe: DistilRecipe,
    base: str | Path,
    work_dir: Path,
    tokenizer: Any,
) -> Distiller:
    updates = math.ceil(len(learned) / recipe.batch_size / recipe.accumulation)  # in one epoch
    every = max(1, updates // recipe.evaluations_per_epoch)
    with warnings.catch_warnings():  # the libraries' advice to one another
        warnings.simplefilter("ignore")
        return Distiller(
            recipe,
            model=load_base(base),
            args=SFTConfig(
                **arguments(recipe, work_dir),
                dataset_kwargs={"skip_prepare_dataset": True},
                remove_unused_columns=False,
                train_sampling_strategy="group_by_length",
                eval_strategy="steps" if held else "no",
                eval_steps=every,
                save_steps=every,
                save_total_limit=2,
                load_best_model_at_end=bool(held),
                metric_for_best_model="eval_loss" if held else None,
                restore_callback_states_from_checkpoint=True,
            ),
            data_collator=Collator(tokenizer.pad_token_id),
            processing_class=tokenizer,
            train_dataset=Dataset.from_list([dict(lesson) for lesson in learned]),
            eval_dataset=Dataset.from_list([dict(lesson) for lesson in held]) if held else None,
            peft_config=LoraConfig(
                r=recipe.lora_rank,
                lora_alpha=recipe.lora_alpha,
                lora_dropout=recipe.lora_dropout,
                target_modules=TEXT_LAYERS,
                task_type="CAUSAL_LM",
            ),
            callbacks=[EarlyStoppingCallback(early_stopping_patience=recipe.patience)] if held else None,
        )
