"""`python -m learning.worker JOB.json|--wait [PARENT]`: does the steps of a job in one warm process.

It says how far it is. With `--wait` it is told the job on its standard input, once everything is loaded.
PARENT: the number of the process that wants the result, where this is its child.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, assert_never

from learning.failures import TrainingFailed
from learning.jobs import (
    AnyStep,
    DistilStep,
    DpoStep,
    EvaluateStep,
    HindsightStep,
    InterpolateStep,
    Job,
    KtoStep,
    RewardStep,
    RlhfStep,
    SftStep,
    TeacherStep,
)
from storage import tracing

if TYPE_CHECKING:  # it loads torch, which the driver of a Ray job does without
    from learning.training import OnProgress

log = logging.getLogger(__name__)

How = Callable[[int, AnyStep, "OnProgress"], dict[str, Any]]
"""Does one step of a job, by its number."""


def work(job: Job, run_dir: Path, how: How | None = None) -> int:
    """Do every step; write progress.jsonl as it goes and result.json at the end. Returns the exit code.

    `how`: None: in this very process.
    """
    if how is None:
        _load()
    with tracing.continued():
        return _work(job, run_dir, how)


def _work(job: Job, run_dir: Path, how: How | None) -> int:
    from learning import plot_training

    try:
        reports: list[dict[str, Any]] = []
        for index, step in enumerate(job.steps):
            log.info("step %d: %s", index, step.kind)
            began = time.process_time()
            tell = teller(run_dir / "progress.jsonl", job, index)
            with tracing.span(tracing.STEP, step=step.kind, number=index):
                reports.append(how(index, step, tell) if how else do(step, job, tell))
            if "history" in reports[-1]:
                plot_training.draw(reports[-1], run_dir / f"training-{index}-{step.kind}.png")
            log.info("step %d is done, %.1f s of the processor", index, time.process_time() - began)
    except TrainingFailed as failure:
        log.exception("the job failed")
        write(run_dir / "result.json", {"error": str(failure)})
        return 1
    except Exception as bug:
        log.exception("the job crashed")
        write(run_dir / "result.json", {"error": f"The training crashed ({type(bug).__name__}: {bug})."})
        return 1
    write(run_dir / "result.json", {"reports": reports})
    return 0


def _load() -> None:
    """What every job needs, kept out of the collector's way: it would look through all of that each time."""
    from learning import evaluate, interpolate, plot, train_dpo, train_hindsight, train_kto, train_sft  # noqa: F401

    gc.freeze()


def do(step: AnyStep, job: Job, tell: OnProgress) -> dict[str, Any]:
    from learning import (
        evaluate,
        interpolate,
        plot,
        teacher,
        train_distil,
        train_dpo,
        train_hindsight,
        train_kto,
        train_reward,
        train_rlhf,
        train_sft,
    )

    workplace = job.workplace(step)
    match step:
        case SftStep():
            return train_sft.train(
                step.data,
                step.recipe,
                step.base,
                step.adapter,
                workplace,
                parent=step.parent,
                on_progress=tell,
            )
        case TeacherStep():
            return teacher.precompute(
                step.base, step.data, step.recipe, step.folder, url=step.url, on_progress=tell
            )
        case DistilStep():
            return train_distil.train(
                step.data,
                step.recipe,
                step.base,
                step.adapter,
                workplace,
                teacher_dir=step.teacher,
                on_progress=tell,
            )
        case DpoStep():
            return train_dpo.train(
                step.data,
                step.recipe,
                step.base,
                step.adapter,
                workplace,
                parent=step.parent,
                replay_dir=step.replay,
                on_progress=tell,
            )
        case KtoStep():
            return train_kto.train(
                step.data,
                step.recipe,
                step.base,
                step.adapter,
                workplace,
                parent=step.parent,
                replay_dir=step.replay,
                on_progress=tell,
            )
        case HindsightStep():
            return train_hindsight.train(
                step.data,
                step.recipe,
                step.base,
                step.adapter,
                workplace,
                parent=step.parent,
                replay_dir=step.replay,
                on_progress=tell,
            )
        case InterpolateStep():
            return interpolate.interpolate(
                step.previous,
                step.trained,
                step.recipe,
                step.base,
                step.corpus,
                step.preferences,
                step.adapter,
                live=step.live,
                on_progress=tell,
            )
        case RewardStep():
            return train_reward.train(
                step.data, step.recipe, step.base, step.reward, workplace, on_progress=tell
            )
        case RlhfStep():
            return train_rlhf.train(
                step.data,
                step.recipe,
                step.base,
                step.adapter,
                workplace,
                parent=step.parent,
                preferences_dir=step.preferences,
                reward_dir=step.reward,
                on_progress=tell,
            )
        case EvaluateStep():
            found = evaluate.evaluate(
                step.adapters,
                step.base,
                step.corpus,
                step.preferences,
                step.report,
                max_length=step.max_length,
                seed=step.seed,
                settings=step.settings,
                thorough=step.thorough,
                remembered=job.measured,
                on_progress=tell,
            )
            plot.draw(found, step.report.with_suffix(".png"))
            return found
    assert_never(step)


def teller(file: Path, job: Job, index: int) -> OnProgress:
    def tell(progress: float, metrics: Mapping[str, Any]) -> None:
        whole = (index + progress) / len(job.steps)
        with file.open("a", encoding="utf-8") as lines:
            lines.write(
                json.dumps({"progress": whole, "step": job.steps[index].kind, "metrics": metrics}) + "\n"
            )

    return tell


def write(file: Path, content: Mapping[str, Any]) -> None:
    unfinished = file.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    unfinished.rename(file)


def _end_with(parent: int) -> None:
    """A worker never outlives the process that wanted its result: two would train for one run."""
    while os.getppid() == parent:
        time.sleep(0.5)
    if os.getpgrp() == os.getpid():  # with whatever it has started
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def _told_later() -> Path | None:
    """Load what every job needs, then wait to be told which one it is; None: there will be none."""
    _load()
    line = sys.stdin.readline().strip()
    if not line:
        return None
    told = json.loads(line)
    job = Path(told["job"])
    os.environ.update(told["environment"])
    log = os.open(job.with_name("worker.log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for output in (sys.stdout, sys.stderr):
        os.dup2(log, output.fileno())
    return job


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    # Named by whoever started us: if it was killed while we loaded, our parent is somebody else already.
    parent = int(sys.argv[2]) if len(sys.argv) > 2 else os.getppid()
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    order = _told_later() if sys.argv[1] == "--wait" else Path(sys.argv[1])
    if order is None:
        return 0
    return work(Job.model_validate_json(order.read_text(encoding="utf-8")), order.parent)


if __name__ == "__main__":
    sys.exit(main())
