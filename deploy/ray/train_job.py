"""How does a training run on another machine? As a Ray Job: the same order and the very same trainers.

    ray job submit -- python train_job.py ORDER [--gpus 1] [--tries 3]

ORDER is the job.json that learning/jobs.py writes; every path in it must mean the same folder on each node (a
shared volume). Progress and result appear beside it as they would at home. A worker that is killed is started
again somewhere, and the trainer goes on from its last checkpoint.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from ray.train import FailureConfig, RunConfig, ScalingConfig
from ray.train.torch import TorchTrainer


def work(config: dict[str, Any]) -> None:
    """On whichever node has room: every step of the order, as learning/worker.py does it at home."""
    from ray import train

    from learning.jobs import Job
    from learning.worker import work as do

    order = Path(config["order"])
    code = do(Job.model_validate_json(order.read_text(encoding="utf-8")), order.parent)
    result = json.loads((order.parent / "result.json").read_text(encoding="utf-8"))
    train.report({"code": code, "error": result.get("error", "")})


def main() -> int:
    asked = argparse.ArgumentParser(description="Do one training order on a Ray cluster.")
    asked.add_argument("order", type=Path)
    asked.add_argument("--gpus", type=float, default=0)
    asked.add_argument("--tries", type=int, default=3)
    told = asked.parse_args()
    order = told.order.resolve()
    if not order.is_file():
        asked.error(f"{order}: there is no such order; it must lie on a volume that every node has")
    need = {"CPU": 1.0, **({"GPU": told.gpus} if told.gpus else {})}
    trainer = TorchTrainer(
        work,
        train_loop_config={"order": str(order)},
        scaling_config=ScalingConfig(num_workers=1, use_gpu=told.gpus > 0, resources_per_worker=need),
        run_config=RunConfig(
            name=order.parent.name,
            storage_path=str(order.parent / "ray"),
            failure_config=FailureConfig(max_failures=told.tries - 1),
        ),
    )
    trainer.fit()
    result = json.loads((order.parent / "result.json").read_text(encoding="utf-8"))
    if error := result.get("error"):
        sys.stderr.write(f"{error}\n")
    return int(bool(error))


if __name__ == "__main__":
    sys.exit(main())
