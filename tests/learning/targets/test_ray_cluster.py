"""Is it true on Ray itself? Two nodes on this machine, of what deploy/ray/install.sh has installed."""

from __future__ import annotations

import asyncio
import os

import pytest

from benchmarks._ray_cluster import PYTHON, two_nodes
from learning import worker
from learning.adapter_folder import WEIGHTS, check, sha256
from learning.jobs import Job, SftStep, run_job
from learning.targets.ray_jobs import RayTarget
from learning.targets.shared import Shared

TRAINER = "ray::RayTrainWorker"


@pytest.fixture
def cluster():
    if not PYTHON.exists():
        how = "Ray is not installed: run deploy/ray/install.sh .venv-ray"
        if os.environ.get("CI"):
            pytest.fail(how)
        pytest.skip(f"RAY ITSELF IS NOT TESTED. {how}")
    with two_nodes() as nodes:
        yield nodes


async def test_a_training_whose_worker_is_killed_goes_on_and_ends_with_the_weights_of_one_that_was_not(
    cluster, base, corpus, sft_recipe, tmp_path
):
    recipe = sft_recipe.model_copy(update={"epochs": 3, "evaluations_per_epoch": 2})

    def job(name):
        step = SftStep(base=str(base), data=corpus, recipe=recipe, adapter=tmp_path / name / "sft-1")
        return Job(steps=[step], work_dir=tmp_path / name / "work")

    shared = tmp_path / "shared"
    target = RayTarget(cluster.dashboard, Shared(shared, shared), str(PYTHON), look_every=0.2)
    running = asyncio.create_task(run_job(job("there"), tmp_path / "runs" / "there", None, target))
    killed = []
    while not killed and not running.done():
        if [*shared.glob("work/*/checkpoint-*/trainer_state.json")]:
            killed = [one for workers in cluster.workers_by_node(TRAINER) for one in workers]
            for one in killed:
                one.kill()
        await asyncio.sleep(0.02)
    assert killed, "it was over before anything of it could be killed"
    [report] = await running
    here = job("here").steps[0]
    known = worker.do(here, job("here"), lambda share, metrics: None)
    assert check(tmp_path / "there" / "sft-1", base) == []
    assert sha256(tmp_path / "there" / "sft-1" / WEIGHTS) == sha256(here.adapter / WEIGHTS)
    assert report["history"][0]["step"] > known["history"][0]["step"]  # it did not begin anew
