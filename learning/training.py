"""What do the trainers share? Arguments, progress, and the guards against training that only looks alive."""

from __future__ import annotations

import hashlib
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset, disable_progress_bars
from transformers import TrainerCallback, set_seed
from transformers.trainer_callback import PrinterCallback, ProgressCallback

from learning.base_model import on_gpu, release
from learning.failures import TrainingFailed, explained
from learning.recipes import Recipe

OnProgress = Callable[[float, Mapping[str, Any]], None]


def seeded(seed: int) -> None:
    """The same seed on the same machine gives the same weights; GPUs need to be asked for it."""
    set_seed(seed)
    if on_gpu():
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True, warn_only=True)


def ignored(progress: float, metrics: Mapping[str, Any]) -> None:
    """For whoever does not care how far it is."""


def arguments(recipe: Recipe, work_dir: Path) -> dict[str, Any]:
    """What every trainer is told; the loss is each method's own business."""
    disable_progress_bars()
    return {
        "output_dir": str(work_dir),
        "learning_rate": recipe.learning_rate,
        "num_train_epochs": recipe.epochs,
        "per_device_train_batch_size": recipe.batch_size,
        "per_device_eval_batch_size": recipe.batch_size,
        "gradient_accumulation_steps": recipe.accumulation,
        "gradient_checkpointing": recipe.gradient_checkpointing,
        "lr_scheduler_type": "cosine",
        "warmup_steps": recipe.warmup,  # below 1 it is a share of all steps
        "weight_decay": recipe.weight_decay,
        "max_grad_norm": recipe.max_grad_norm,
        "max_length": recipe.max_length,
        "seed": recipe.seed,
        "bf16": on_gpu(),
        "use_cpu": not on_gpu(),
        "dataloader_pin_memory": on_gpu(),
        "optim": "adamw_torch_fused" if on_gpu() else "adamw_torch",
        "ddp_find_unused_parameters": False,
        "logging_steps": 1,
        "logging_nan_inf_filter": False,  # it would hide the very thing that Watch looks for
        "report_to": "none",
        "disable_tqdm": True,
    }


class Watch(TrainerCallback):  # type: ignore[misc]
    """Reports progress, keeps the history, and stops a training whose loss is no longer a number."""

    def __init__(self, on_progress: OnProgress) -> None:
        self.history: list[dict[str, float]] = []
        self._on_progress = on_progress

    def on_log(
        self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any
    ) -> None:
        numbers = {
            key: float(value) for key, value in (logs or {}).items() if isinstance(value, (int, float))
        }
        for key in ("loss", "grad_norm", "eval_loss"):
            if not math.isfinite(numbers.get(key, 0.0)):
                raise TrainingFailed(
                    f"The {key} became {numbers[key]} at step {state.global_step}: lower the learning rate."
                )
        self.history.append({"step": state.global_step} | numbers)
        self._on_progress(min(0.99, state.global_step / max(1, state.max_steps)), numbers)


def watched(trainer: Any, on_progress: OnProgress) -> Watch:
    """Puts a Watch in place of the callbacks that print."""
    for printing in (PrinterCallback, ProgressCallback):
        trainer.remove_callback(printing)
    watch = Watch(on_progress)
    trainer.add_callback(watch)
    return watch


@contextmanager
def guarded() -> Iterator[None]:
    """The world's failures come out as TrainingFailed; bugs keep their traceback; memory is given back."""
    try:
        yield
    except Exception as error:
        if told := explained(error):
            raise told from error
        raise
    finally:
        release()


def enough(rows: Sequence[Any], recipe: Recipe, what: str) -> None:
    if len(rows) < recipe.min_rows:
        raise TrainingFailed(
            f"Too little to learn from: {len(rows)} {what}, and {recipe.min_rows} are needed."
        )


def as_dataset(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> Any:
    return Dataset.from_list([{column: row[column] for column in columns} for row in rows])


def must_train(model: Any) -> None:
    """Refuse to start with nothing to train: the loss would look alive and the weights stay as they are."""
    if not any(weight.requires_grad for weight in model.parameters()):
        raise TrainingFailed("Nothing would be trained: the parent adapter was loaded frozen (is_trainable).")


def fingerprint(model: Any, adapter: str = "default") -> str:
    """A hash of one adapter's weights, to tell whether training changed them."""
    digest = hashlib.sha256()
    for name, weight in sorted(model.named_parameters()):
        if f".{adapter}." in name:
            digest.update(weight.detach().float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def must_have_changed(model: Any, before: str) -> None:
    if fingerprint(model) == before:
        raise TrainingFailed("The training changed nothing: the adapter is the same as before.")
    if not all(
        bool(torch.isfinite(weight).all()) for name, weight in model.named_parameters() if ".default." in name
    ):
        raise TrainingFailed("The weights are no longer finite numbers: lower the learning rate.")


def report_of(watch: Watch, started: float, **figures: Any) -> dict[str, Any]:
    losses = [entry["loss"] for entry in watch.history if "loss" in entry]
    return {
        "seconds": round(time.monotonic() - started, 1),
        "first_loss": losses[0] if losses else None,
        "last_loss": losses[-1] if losses else None,
        **figures,
        "history": watch.history,
    }
