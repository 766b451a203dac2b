"""What do the well-known benchmarks say? lm-eval tasks, where it is installed and tasks are configured.

Its own figures and standard errors. The pocket model cannot answer them: for that there are `questions.py`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from learning.failures import TrainingFailed

SHARES = (
    "exact_match",
    "acc_norm",
    "acc",
    "prompt_level_strict_acc",
)  # the first that a task has, if any
NO_METRIC = "sample_len"


def benchmarks(
    model: Any, tokenizer: Any, tasks: Sequence[str], rows: int, tasks_dir: Path | None = None
) -> dict[str, dict[str, float]]:
    """By task the score with its 95 % interval, on at most so many questions each.

    `tasks_dir` holds tasks of one's own. Raises TrainingFailed when lm-eval is missing or knows no such task.
    """
    if not tasks:
        return {}
    try:
        from lm_eval import simple_evaluate
        from lm_eval.models.huggingface import HFLM
        from lm_eval.tasks import TaskManager
    except ImportError as missing:
        raise TrainingFailed(
            "[learning.evaluation] benchmarks needs lm-eval: pip install 'twin[evaluate]'."
        ) from missing
    known = TaskManager(include_path=str(tasks_dir) if tasks_dir else None)
    if unknown := [task for task in tasks if task not in known.all_tasks]:
        raise TrainingFailed(f"lm-eval knows no task {', '.join(unknown)}.")
    # A model under adapters is no transformers model by its class, but answers as one.
    inner = (
        model.base_model.model if hasattr(model, "base_model") and hasattr(model, "peft_config") else model
    )
    found = simple_evaluate(
        model=HFLM(pretrained=inner, tokenizer=tokenizer, batch_size=8),
        tasks=list(tasks),
        limit=rows,
        task_manager=known,
        apply_chat_template=True,
        verbosity=None,
    )
    return {task: _score(found["results"][task]) for task in tasks}


def _score(figures: dict[str, Any]) -> dict[str, float]:
    plain = {key.split(",")[0]: value for key, value in figures.items() if isinstance(value, (int, float))}
    name = next((share for share in SHARES if share in plain), None)
    most = 1.0 if name else math.inf
    name = name or next(metric for metric in plain if metric != NO_METRIC)
    score, error = float(plain[name]), float(plain.get(f"{name}_stderr", 0.0))
    return {"score": score, "low": max(0.0, score - 1.96 * error), "high": min(most, score + 1.96 * error)}
