"""How does a correction change the model? Direct preference optimisation: better words against the reply."""

from __future__ import annotations

import shutil
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from transformers import set_seed
from trl import DPOConfig, DPOTrainer

from learning.answers_only import score_answers_only
from learning.base_model import load_base, load_tokenizer, with_adapter
from learning.failures import TrainingFailed
from learning.recipes import DpoRecipe
from learning.replay import replayed, scheduled
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

TURN_END = 2  # tokens: <end_of_turn> and the newline after it
COLUMNS = ["prompt", "chosen", "rejected", "open_ended", "number"]


def train(
    data_dir: Path,
    recipe: DpoRecipe,
    base: str | Path,
    adapter_dir: Path,
    work_dir: Path,
    *,
    parent: Path | None,
    replay_dir: Path | None = None,
    on_progress: OnProgress = ignored,
) -> dict[str, Any]:
    """Continue the parent adapter on a preference snapshot and publish `adapter_dir`; return the report.

    Owner rows from the corpus at `replay_dir` are mixed in, and so is what the snapshot demonstrates. A
    killed training starts anew: resuming would restore only the reference, not the adapter that learns.
    Raises TrainingFailed, and then leaves no folder.
    """
    started = time.monotonic()
    if parent is None:
        raise TrainingFailed("DPO continues an adapter: run `twin train sft` first.")
    with guarded():
        tokenizer = load_tokenizer(base)
        pairs = all_fitted(
            read_rows(data_dir / "pairs.jsonl"), ["chosen", "rejected"], tokenizer, recipe.max_length
        )
        enough(pairs, recipe, "pairs")
        shown = all_fitted(
            read_rows(data_dir / "demonstrations.jsonl"), ["completion"], tokenizer, recipe.max_length
        )
        replay = replayed([*pairs, *shown], replay_dir, recipe.replay, recipe, tokenizer)
        rows = [*pairs, *map(_imitated, shown), *(_imitated(row, open_ended=True) for row in replay)]
        shutil.rmtree(work_dir, ignore_errors=True)
        set_seed(recipe.seed)
        trainer = trainer_for(scheduled(rows, recipe), recipe, base, parent, work_dir)
        must_train(trainer.model)
        before, watch = fingerprint(trainer.model), watched(trainer, on_progress)
        trainer.train()
        must_have_changed(trainer.model, before)
        trainer.model.set_adapter("default")
        report = report_of(
            watch, started, rows=len(pairs), shown=len(shown), replayed=round(total_weight(replay))
        )
        save_adapter(
            trainer.model,
            tokenizer,
            adapter_dir,
            method="dpo",
            recipe=recipe,
            base=base,
            parent=parent,
            data_dir=data_dir,
            samples=[row["id"] for row in rows],
            probe_rows=[{**pair, "completion": pair["chosen"]} for pair in _probe_pairs(data_dir, pairs)],
            report=report,
            replayed=snapshot_of(replay_dir) if replay and replay_dir else None,
        )
        shutil.rmtree(work_dir, ignore_errors=True)
        on_progress(1.0, {})
        return report


def trainer_for(
    rows: Sequence[Row], recipe: DpoRecipe, base: str | Path, parent: Path, work_dir: Path
) -> Any:
    """A trainer whose reference is the parent adapter. `rows`: in the order they are trained on, some often.

    Given an adapter that is already loaded, and neither peft_config nor ref_model, the trainer itself adds a
    frozen copy of it named "ref". With a peft_config the reference would silently be the bare base model.
    Each row is tokenized, and shown to the reference, once, however often it is trained on.
    """
    numbers = {id(row): number for number, row in reversed([*enumerate(rows)])}
    once = [{"open_ended": False, **rows[number], "number": number} for number in sorted(numbers.values())]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = DPOTrainer(
            model=with_adapter(load_base(base), parent, trainable=True),
            ref_model=None,
            args=DPOConfig(
                **arguments(recipe, work_dir) | {"num_train_epochs": 1},  # the rows are unrolled already
                beta=recipe.beta,
                loss_type=list(recipe.loss_type),
                loss_weights=list(recipe.loss_weights),
                train_sampling_strategy="sequential",
                save_strategy="no",
            ),
            processing_class=load_tokenizer(base),
            train_dataset=as_dataset(once, COLUMNS),
        )
    if "ref" not in trainer.model.peft_config:
        raise TrainingFailed("The reference would be the bare base model: this version of TRL does not fit.")
    score_answers_only(trainer.model.get_base_model())
    known = _with_reference(trainer, trainer.train_dataset.map(_open_ended))
    places = {number: place for place, number in enumerate(known["number"])}
    trainer.train_dataset = known.select([places[numbers[id(row)]] for row in rows])
    trainer.precompute_ref_logps = True
    return trainer


def _with_reference(trainer: Any, rows: Any) -> Any:
    """With how likely the reference finds both sides of each row: it never changes while we train."""
    likely = [(0.0, 0.0)] * len(rows)
    order = sorted(range(len(rows)), key=lambda place: len(rows[place]["prompt_ids"]))  # little padding
    trainer.model.eval()
    for start in range(0, len(order), trainer.args.per_device_train_batch_size):
        batch = order[start : start + trainer.args.per_device_train_batch_size]
        padded = trainer.data_collator([rows[place] for place in batch])
        there = {name: value.to(trainer.accelerator.device) for name, value in padded.items()}
        both = trainer.compute_ref_log_probs(trainer.model, there)
        for place, chosen, rejected in zip(batch, *(side.tolist() for side in both), strict=True):
            likely[place] = chosen, rejected
    return rows.add_column("ref_chosen_logps", [chosen for chosen, _ in likely]).add_column(
        "ref_rejected_logps", [rejected for _, rejected in likely]
    )


def _open_ended(row: dict[str, Any]) -> dict[str, Any]:
    """A replayed row without the tokens that end its turn.

    It keeps the owner's words likely. Where to stop is for the corrections to say: they may want one more
    word at the end, and rows that insist on ending as before would only teach to tell the two apart by heart.
    """
    if not row["open_ended"] or len(row["chosen_ids"]) <= TURN_END:
        return row
    words = row["chosen_ids"][:-TURN_END]
    return {**row, "chosen_ids": words, "rejected_ids": words}


def _imitated(row: Row, open_ended: bool = False) -> dict[str, Any]:
    """A row that only the sft term learns from.

    Chosen and rejected are the same words: the preference term's gradients cancel exactly.
    """
    return {**row, "chosen": row["completion"], "rejected": row["completion"], "open_ended": open_ended}


def _probe_pairs(data_dir: Path, pairs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return read_rows(data_dir / "heldout_pairs.jsonl") or pairs
