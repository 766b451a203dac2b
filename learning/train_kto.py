"""How does a single thumb change the model? Kahneman-Tversky optimisation: no better words needed."""

from __future__ import annotations

import shutil
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from transformers import set_seed
from trl import KTOConfig, KTOTrainer

from learning.answers_only import score_answers_only
from learning.base_model import load_base, load_tokenizer, with_adapter
from learning.failures import TrainingFailed
from learning.recipes import KtoRecipe
from learning.replay import replayed, scheduled
from learning.routing import thumb_weights
from learning.rows import Row, all_fitted, read_rows, total_weight
from learning.save_adapter import save_adapter, snapshot_of
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
    recipe: KtoRecipe,
    base: str | Path,
    adapter_dir: Path,
    work_dir: Path,
    *,
    parent: Path | None,
    replay_dir: Path | None = None,
    on_progress: OnProgress = ignored,
) -> dict[str, Any]:
    """Continue the parent adapter on thumbs and publish `adapter_dir`; return the report.

    Owner rows from the corpus at `replay_dir` are mixed in as likes: nobody likes them better. Like DPO it
    is never resumed. Raises TrainingFailed, and then leaves no folder.
    """
    started = time.monotonic()
    if parent is None:
        raise TrainingFailed("KTO continues an adapter: run `twin train sft` first.")
    with guarded():
        tokenizer = load_tokenizer(base)
        thumbs = all_fitted(
            read_rows(data_dir / "thumbs.jsonl"), ["completion"], tokenizer, recipe.max_length
        )
        enough(thumbs, recipe, "thumbs")
        shutil.rmtree(work_dir, ignore_errors=True)
        set_seed(recipe.seed)
        replay = replayed(thumbs, replay_dir, recipe.replay, recipe, tokenizer)
        rows = scheduled([*thumbs, *({**row, "label": True} for row in replay)], recipe)
        trainer = trainer_for(rows, recipe, base, parent, work_dir)
        must_train(trainer.model)
        before, watch = fingerprint(trainer.model), watched(trainer, on_progress)
        trainer.train()
        must_have_changed(trainer.model, before)
        trainer.model.set_adapter("default")
        report = report_of(watch, started, rows=len(thumbs), replayed=round(total_weight(replay)))
        save_adapter(
            trainer.model,
            tokenizer,
            adapter_dir,
            method="kto",
            recipe=recipe,
            base=base,
            parent=parent,
            data_dir=data_dir,
            samples=[row["id"] for row in [*thumbs, *replay]],
            probe_rows=read_rows(data_dir / "heldout_thumbs.jsonl") or thumbs,
            report=report,
            replayed=snapshot_of(replay_dir) if replay and replay_dir else None,
        )
        shutil.rmtree(work_dir, ignore_errors=True)
        on_progress(1.0, {})
        return report


def trainer_for(
    rows: Sequence[Row], recipe: KtoRecipe, base: str | Path, parent: Path, work_dir: Path
) -> Any:
    """A trainer whose reference is the parent adapter, by the same rule as for DPO."""
    likes = sum(bool(row["label"]) for row in rows)
    liked, disliked = thumb_weights(likes, len(rows) - likes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = KTOTrainer(
            model=with_adapter(load_base(base), parent, trainable=True),
            ref_model=None,
            args=KTOConfig(
                **arguments(recipe, work_dir) | {"num_train_epochs": 1},  # the rows are  already
                beta=recipe.beta,
                loss_type=recipe.loss_type,
                desirable_weight=liked,
                undesirable_weight=disliked,
                # "kto" estimates its KL term from neighbours in a batch, so the order is ours to shuffle
                train_sampling_strategy="sequential",
                save_strategy="no",
            ),
            processing_class=load_tokenizer(base),
            train_dataset=as_dataset(rows, ["prompt", "completion", "label"]),
        )
    if "ref" not in trainer.model.peft_config:
        raise TrainingFailed("The reference would be the bare base model: this version of TRL does not fit.")
    score_answers_only(trainer.model.get_base_model())
    return trainer
