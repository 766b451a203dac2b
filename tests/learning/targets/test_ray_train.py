"""What stands between Ray Train and a trainer? With a fake of Ray Train; test_ray_cluster.py has the real."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from learning import ranks, worker
from learning.adapter_folder import WEIGHTS, check, sha256
from learning.failures import TrainingFailed
from learning.jobs import EvaluateStep, Job, SftStep
from learning.targets.ray_train import FAILED, one_of_many, processes_of, spread


class TrainingFailedError(Exception):
    """As Ray Train raises it: what failed is only in its cause."""


@dataclass
class TorchTrainer:
    """Calls the function as Ray Train does: again after a failure, as often as it may."""

    train_loop_per_worker: Any
    train_loop_config: dict[str, Any]
    scaling_config: SimpleNamespace
    run_config: SimpleNamespace
    deaths = 0  # of workers, before their function begins
    made: Any = None

    def fit(self) -> SimpleNamespace:
        TorchTrainer.made = self
        self.starts = 0
        for last in range(self.run_config.failure_config.max_failures, -1, -1):
            self.starts += 1
            try:
                if self.starts <= TorchTrainer.deaths:
                    raise RuntimeError("the worker died")
                report = self.train_loop_per_worker(self.train_loop_config)
            except Exception as error:
                if not last:
                    raise TrainingFailedError("gave up") from error
            else:
                return SimpleNamespace(return_value=report)
        raise AssertionError


@pytest.fixture
def ray(monkeypatch):
    modules = {name: ModuleType(name) for name in ("ray", "ray.train", "ray.train.torch", "ray.train.v2")}
    modules |= {name: ModuleType(name) for name in ("ray.train.v2.api", "ray.train.v2.api.exceptions")}
    for name in ("FailureConfig", "RunConfig", "ScalingConfig"):
        setattr(modules["ray.train"], name, SimpleNamespace)
    modules["ray.train.torch"].TorchTrainer = TorchTrainer
    modules["ray.train.v2.api.exceptions"].TrainingFailedError = TrainingFailedError
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(TorchTrainer, "deaths", 0)
    return TorchTrainer


def ordered(folder, base, corpus, recipe, adapter):
    folder.mkdir(parents=True)
    step = SftStep(base=str(base), data=corpus, recipe=recipe, adapter=adapter)
    job = Job(steps=[step], work_dir=folder / "work")
    (folder / "job.json").write_text(job.model_dump_json())
    return folder / "job.json", job


def quietly(share, metrics):
    """Told elsewhere."""


@pytest.fixture
def order(tmp_path, base, corpus, sft_recipe):
    recipe = sft_recipe.model_copy(update={"epochs": 1})
    return ordered(tmp_path / "run", base, corpus, recipe, tmp_path / "there" / "sft-1")


def test_a_step_by_ray_train_is_the_very_step_that_is_done_here(ray, order, base, tmp_path):
    path, job = order
    report = spread(path, 0, 0, job.steps[0], quietly)
    assert check(job.steps[0].adapter, base) == []
    here = job.model_copy(
        update={"steps": [job.steps[0].model_copy(update={"adapter": tmp_path / "here" / "sft-1"})]}
    )
    known = worker.do(here.steps[0], here, quietly)
    assert sha256(here.steps[0].adapter / WEIGHTS) == sha256(job.steps[0].adapter / WEIGHTS)
    assert report["last_loss"] == known["last_loss"]
    progress = [json.loads(line) for line in (path.parent / "progress.jsonl").read_text().splitlines()]
    assert progress[-1] == {"progress": 1.0, "step": "sft", "metrics": {}}


def test_there_are_as_many_workers_as_the_recipe_has_processes_each_with_what_it_needs(ray, order):
    path, job = order
    spread(path, 0, 0, job.steps[0], quietly)
    scaling = ray.made.scaling_config
    assert (scaling.num_workers, scaling.use_gpu, scaling.resources_per_worker) == (1, False, {"CPU": 1})
    together = job.steps[0].model_copy(
        update={"recipe": job.steps[0].recipe.model_copy(update={"processes": 3})}
    )
    (path.parent / FAILED).unlink(missing_ok=True)
    ray.deaths = 99
    with pytest.raises(TrainingFailed, match="gave up after 3 new starts"):
        spread(path, 0.5, 0, together, quietly)
    scaling = ray.made.scaling_config
    assert (scaling.num_workers, scaling.use_gpu, scaling.resources_per_worker) == (3, True, {"GPU": 0.5})
    look = EvaluateStep(base="x", adapters={}, corpus=path, report=path)
    assert processes_of(look) == 1


def test_after_a_worker_died_the_trainer_begins_again_where_it_was(ray, order, base):
    path, job = order
    ray.deaths = 2
    spread(path, 0, 0, job.steps[0], quietly)
    assert ray.made.starts == 3
    assert check(job.steps[0].adapter, base) == []


def test_a_trainer_that_knows_why_it_failed_is_not_asked_again_and_is_quoted(
    ray, tmp_path, base, corpus, sft_recipe, monkeypatch
):
    recipe = sft_recipe.model_copy(update={"min_rows": 500})
    path, job = ordered(tmp_path / "run", base, corpus, recipe, tmp_path / "sft-1")
    tried = []
    known = worker.do
    monkeypatch.setattr(worker, "do", lambda *given: (tried.append(1), known(*given))[1])
    with pytest.raises(TrainingFailed, match="24 samples, and 500 are needed"):
        spread(path, 0, 0, job.steps[0], quietly)
    assert len(tried) == 1
    assert worker.work(job, path.parent, lambda *given: spread(path, 0, *given)) == 1
    assert "500 are needed" in json.loads((path.parent / "result.json").read_text())["error"]


def test_why_the_step_before_failed_does_not_stop_this_one(ray, order, base):
    path, job = order
    (path.parent / FAILED).write_text('{"error": "of yesterday"}')
    spread(path, 0, 0, job.steps[0], quietly)
    assert check(job.steps[0].adapter, base) == []


def test_only_the_first_worker_says_how_far_it_is(order, monkeypatch):
    path, _ = order
    monkeypatch.setattr(worker, "do", lambda step, job, tell: tell(0.5, {}) or {})
    monkeypatch.setenv("RANK", "1")
    assert not ranks.is_first()
    one_of_many({"order": str(path), "index": 0})
    assert not (path.parent / "progress.jsonl").exists()
    monkeypatch.setenv("RANK", "0")
    one_of_many({"order": str(path), "index": 0})
    assert len((path.parent / "progress.jsonl").read_text().splitlines()) == 1
