"""Does a training on Ray come to the same verdict as one here, though a worker of it is killed?"""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path
from typing import Any

from benchmarks._gate_adapters import SMALL, Sizes, Workshop
from benchmarks._ray_cluster import PYTHON, Cluster, two_nodes
from learning.adapter_folder import WEIGHTS, check, sha256
from learning.gate import judge
from learning.jobs import EvaluateStep, Job, SftStep, run_job
from learning.pocket import default_cache_dir, ensure
from learning.recipes import SftRecipe, for_base
from learning.settings import GateSettings
from learning.targets.ray_jobs import RayTarget
from learning.targets.shared import Shared
from twin import show

SEED = 10
LOOK_EVERY = 0.05  # seconds
TRAINER = "ray::RayTrainWorker"


async def measure(folder: Path, quick: bool, on_progress: show.OnProgress) -> dict[str, Any]:
    """Two workers on two nodes, of which one is killed (-9) once there is a checkpoint; and the same here."""
    shop = Workshop(ensure(default_cache_dir()), folder / "shop", SEED, SMALL if quick else Sizes())
    random.seed(SEED)
    on_progress(0.0, "trained here, by two processes")
    began = time.monotonic()
    reports = await run_job(_job(shop, folder / "here"), folder / "runs" / "here")
    here, here_seconds = _verdict(shop, folder / "here", reports), time.monotonic() - began
    on_progress(0.4, "trained on Ray, on two nodes")
    with two_nodes() as cluster:
        shared = folder / "shared"
        target = RayTarget(cluster.dashboard, Shared(shared, shared), str(PYTHON))
        began = time.monotonic()
        running = asyncio.create_task(
            run_job(_job(shop, folder / "there"), folder / "runs" / "there", None, target)
        )
        killed, nodes = await _kill_one(cluster, shared, running)
        reports = await running
        seconds = time.monotonic() - began
    there = _verdict(shop, folder / "there", reports)
    return {
        "train_survived_kill": killed,
        "train_workers_on_nodes": nodes,
        "gate_same_as_local": (here["passed"], here["axes"]) == (there["passed"], there["axes"]),
        "gate_passed": here["passed"],
        "same_weights": here["weights"] == there["weights"],
        "largest_weight_difference": _apart(folder / "here" / "sft-1", folder / "there" / "sft-1"),
        "largest_figure_difference": round(
            max(abs(value - there["figures"][name]) for name, value in here["figures"].items()), 6
        ),
        "train_seconds_here": round(here_seconds, 1),
        "train_seconds_on_ray": round(seconds, 1),
    }


def _job(shop: Workshop, folder: Path) -> Job:
    recipe = for_base(
        SftRecipe,
        shop.base,
        seed=SEED,
        epochs=1,  # more of so little text, and the gate would rightly refuse what knows it by heart
        processes=2,
        evaluations_per_epoch=4,
    )
    adapter = folder / "sft-1"
    return Job(
        steps=[
            SftStep(base=str(shop.base), data=shop.corpus, recipe=recipe, adapter=adapter),
            EvaluateStep(
                base=str(shop.base),
                adapters={"base": None, "candidate": adapter},
                corpus=shop.corpus,
                preferences=shop.preferences,
                report=folder / "report.json",
            ),
        ],
        work_dir=folder / "work",
    )


def _verdict(shop: Workshop, folder: Path, reports: list[dict[str, Any]]) -> dict[str, Any]:
    models, adapter = reports[-1]["models"], folder / "sft-1"
    found = judge(models["candidate"], models["base"], check(adapter, shop.base), GateSettings())
    return {
        "passed": found.passed,
        "axes": {axis.name: axis.passed for axis in found.axes},
        "figures": {axis.name: axis.figure for axis in found.axes if axis.figure is not None},
        "weights": sha256(adapter / WEIGHTS),
    }


def _apart(one: Path, other: Path) -> float:
    """The largest difference of any weight; 0 where they are the very same."""
    from safetensors.torch import load_file

    ours, theirs = load_file(one / WEIGHTS), load_file(other / WEIGHTS)
    return max(float((ours[name].float() - theirs[name].float()).abs().max()) for name in ours)


async def _kill_one(cluster: Cluster, shared: Path, running: asyncio.Task[Any]) -> tuple[bool, int]:
    """As soon as there is something to go on from. False: it was over before."""
    while not running.done():
        written = await asyncio.to_thread(lambda: [*shared.glob("work/*/checkpoint-*/trainer_state.json")])
        if written:
            found = await asyncio.to_thread(cluster.workers_by_node, TRAINER)
            victims = [one for workers in found for one in workers]
            if victims:
                victims[-1].kill()
                return True, len([workers for workers in found if workers])
        await asyncio.sleep(LOOK_EVERY)
    return False, 0
