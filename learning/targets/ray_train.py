"""`python -m learning.targets.ray_train JOB.json [--gpus N]`: the steps of a job, spread over a Ray cluster.

The driver of a Ray Job. Each step is one run of Ray Train around the very trainer that runs everywhere else,
in as many workers as its recipe has processes. When a worker or its node dies Ray Train starts the group
again, on what is left of the cluster, and the trainer goes on from its own last checkpoint: the folder of the
job is shared by all nodes, and nothing else is needed there. Of learning/ the only file that imports ray.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from learning.failures import TrainingFailed
from learning.jobs import AnyStep, Job

if TYPE_CHECKING:
    from learning.training import OnProgress

STARTS_AGAIN = 3  # times that a step is begun anew after a worker died; our own queue tries again after that
FAILED = "failed.json"


def spread(order: Path, gpus: float, index: int, step: AnyStep, tell: OnProgress) -> dict[str, Any]:
    """The step's report. Raises TrainingFailed, in the trainer's own words where it knew why."""
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.torch import TorchTrainer
    from ray.train.v2.api.exceptions import TrainingFailedError

    failure = order.with_name(FAILED)
    failure.unlink(missing_ok=True)
    trainer = TorchTrainer(
        one_of_many,
        train_loop_config={"order": str(order), "index": index},
        scaling_config=ScalingConfig(
            num_workers=processes_of(step),
            use_gpu=gpus > 0,
            resources_per_worker={"GPU": gpus} if gpus else {"CPU": 1},
            placement_strategy="SPREAD",
        ),
        run_config=RunConfig(
            name=f"{order.parent.name}-{index}",
            storage_path=str(order.with_name("ray")),
            failure_config=FailureConfig(max_failures=STARTS_AGAIN),
        ),
    )
    try:
        report = trainer.fit().return_value
    except TrainingFailedError as error:
        raise TrainingFailed(
            told(failure) or f"Ray Train gave up after {STARTS_AGAIN} new starts: {error}"
        ) from error
    if report is None:
        raise TrainingFailed(told(failure) or "The training on Ray ended without a report.")
    found: dict[str, Any] = report
    return found


def one_of_many(wanted: dict[str, Any]) -> dict[str, Any] | None:
    """What runs in each worker; also what runs again when one of them died.

    None: the trainer knew why it failed, and would fail again.
    """
    from learning import worker

    order, index = Path(wanted["order"]), int(wanted["index"])
    failure = order.with_name(FAILED)
    if failure.exists():
        return None
    job = Job.model_validate_json(order.read_text(encoding="utf-8"))
    tell = worker.teller(order.with_name("progress.jsonl"), job, index)
    try:
        return worker.do(job.steps[index], job, _by_the_first(tell))
    except TrainingFailed as known:
        worker.write(failure, {"error": str(known)})
        raise


def processes_of(step: AnyStep) -> int:
    """Workers for that step: as its recipe says; a step without one is done by one."""
    return int(getattr(getattr(step, "recipe", None), "processes", 1))


def told(failure: Path) -> str | None:
    """The trainer's own words for why it failed."""
    try:
        return str(json.loads(failure.read_text(encoding="utf-8"))["error"])
    except (OSError, ValueError):
        return None


def _by_the_first(tell: OnProgress) -> OnProgress:
    from learning.ranks import is_first

    return tell if is_first() else lambda share, metrics: None


def main() -> int:
    import ray

    from learning import worker

    parser = argparse.ArgumentParser(prog="python -m learning.targets.ray_train", description=__doc__)
    parser.add_argument("order", type=Path)
    parser.add_argument("--gpus", type=float, default=0, help="for each worker")
    asked = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    ray.init(log_to_driver=True)
    job = Job.model_validate_json(asked.order.read_text(encoding="utf-8"))
    return worker.work(job, asked.order.parent, partial(spread, asked.order, asked.gpus))


if __name__ == "__main__":
    sys.exit(main())
