"""Does training on another machine come to what it comes to here? Servers of the clusters' protocols."""

from __future__ import annotations

import asyncio
import json
import sys

import pytest
from cluster_servers import KubernetesServer, RayServer

from learning.adapter_folder import WEIGHTS, check, sha256
from learning.failures import MEMORY, TrainerKilled, TrainingFailed
from learning.jobs import Job, SftStep, run_job
from learning.targets.kubernetes import KubernetesTarget
from learning.targets.local import ROOT
from learning.targets.ray_jobs import RayTarget
from learning.targets.shared import Shared
from storage import tracing

WORKER = """
import json, os, sys, time
from pathlib import Path
job = json.loads(Path(sys.argv[-1]).read_text())
folder = Path(sys.argv[-1]).parent
(folder / "progress.jsonl").write_text(json.dumps({"progress": 0.5, "step": "sft", "metrics": {}}) + "\\n")
while (folder / "hold").exists():
    time.sleep(0.05)
adapter = Path(job["steps"][0]["adapter"])
adapter.mkdir(parents=True)
(adapter / "data").write_text(Path(job["steps"][0]["data"], "train.jsonl").read_text())
traced = {name: os.environ.get(name) for name in ("TRACEPARENT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")}
(folder / "result.json").write_text(json.dumps({"reports": [{"adapter": str(adapter), "traced": traced}]}))
"""


@pytest.fixture
def python(tmp_path):
    """An interpreter over there whose learning.worker is a quick one: what is tested is the road there."""
    (tmp_path / "worker.py").write_text(WORKER)
    program = tmp_path / "python"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {tmp_path / "worker.py"} "$@"\n')
    program.chmod(0o755)
    return str(program)


@pytest.fixture
def job(tmp_path, sft_recipe):
    corpus = tmp_path / "corpora" / "c0ffee"
    corpus.mkdir(parents=True)
    (corpus / "train.jsonl").write_text('{"id": 1}\n')
    (tmp_path / "base-1").mkdir()
    (tmp_path / "base-1" / "config.json").write_text("{}")
    step = SftStep(
        base=str(tmp_path / "base-1"), data=corpus, recipe=sft_recipe, adapter=tmp_path / "adapters" / "sft-1"
    )
    return Job(steps=[step], work_dir=tmp_path / "runs" / "work")


@pytest.fixture(params=["ray", "kubernetes"])
async def cluster(request, tmp_path, python):
    """The server, and how a target for it is made anew, as after a restart."""
    server = RayServer() if request.param == "ray" else KubernetesServer()
    await server.start()
    (tmp_path / "shared").mkdir()
    (tmp_path / "over-there").symlink_to(tmp_path / "shared")
    shared = Shared(tmp_path / "shared", tmp_path / "over-there")
    quick = {"look_every": 0.05, "patience": 2.0}

    def target():
        if request.param == "ray":
            return RayTarget(server.url, shared, python, 1, **quick)
        options = {"namespace": "twin", "image": "twin:1", "claim": "twin", "gpus": 1, "token": "the-token"}
        return KubernetesTarget(server.url, shared, python=python, **options, **quick)

    server.target = target
    server.place = tmp_path / "shared" / "runs" / "20260501-learn-ab12"
    yield server
    await server.stop()
    assert server.unknown == []


def start(cluster, job, tmp_path, target=None):
    begun = asyncio.Event()
    run_dir = tmp_path / "runs" / "20260501-learn-ab12"
    at_it = run_job(job, run_dir, lambda *_: begun.set(), target or cluster.target())
    return asyncio.create_task(at_it), begun


def hold(cluster):
    cluster.place.mkdir(parents=True, exist_ok=True)
    (cluster.place / "hold").touch()


async def test_what_is_trained_over_there_is_here_in_the_end_under_its_name(cluster, job, tmp_path):
    running, begun = start(cluster, job, tmp_path)
    [report] = await asyncio.wait_for(running, 60)
    assert begun.is_set()
    assert (tmp_path / "adapters" / "sft-1" / "data").read_text() == '{"id": 1}\n'
    assert report["adapter"].startswith(str(tmp_path / "over-there"))
    assert [path.name for path in (tmp_path / "adapters").iterdir()] == ["sft-1"]
    told = json.loads((cluster.place / "job.json").read_text())
    step = told["steps"][0]
    for path, name in ((step["base"], "base-1"), (step["data"], "c0ffee"), (step["adapter"], "sft-1")):
        assert path.startswith(str(tmp_path / "over-there"))
        assert path.endswith(f"/{name}")


async def test_a_runner_that_comes_back_goes_on_with_the_same_job_and_starts_no_second(
    cluster, job, tmp_path, spans, monkeypatch
):
    monkeypatch.setattr(tracing, "_collector", "http://collector:4318/v1/traces")  # another span each time
    hold(cluster)
    first, begun = start(cluster, job, tmp_path, doomed := cluster.target())
    await asyncio.wait_for(begun.wait(), 60)
    doomed.stop = _dies
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    second, _ = start(cluster, job, tmp_path)
    await asyncio.sleep(0.3)
    (cluster.place / "hold").unlink()
    await asyncio.wait_for(second, 60)
    assert len(cluster.submitted) == 1


async def test_the_worker_over_there_is_told_what_its_spans_hang_on_and_who_collects_them(
    cluster, job, tmp_path, spans, monkeypatch
):
    running, _ = start(cluster, job, tmp_path)
    [report] = await asyncio.wait_for(running, 60)
    assert set(report["traced"].values()) == {None}
    monkeypatch.setattr(tracing, "_collector", "http://collector:4318/v1/traces")
    step = job.steps[0].model_copy(update={"adapter": tmp_path / "adapters" / "sft-2"})
    again = job.model_copy(update={"steps": [step]})
    running, _ = start(cluster, again, tmp_path)
    [report] = await asyncio.wait_for(running, 60)
    context = spans()[-1].context
    parent, collector = report["traced"].values()
    assert parent[:-2] == f"00-{context.trace_id:032x}-{context.span_id:016x}-"
    assert collector == "http://collector:4318/v1/traces"


async def test_of_one_run_only_one_job_is_ever_at_it(cluster, job, tmp_path):
    hold(cluster)
    first, begun = start(cluster, job, tmp_path, doomed := cluster.target())
    await asyncio.wait_for(begun.wait(), 60)
    doomed.stop = _dies
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    step = job.steps[0].model_copy(update={"adapter": tmp_path / "adapters" / "sft-2"})
    old = cluster.running[cluster.submitted[0]]
    (cluster.place / "hold").unlink()
    hold(cluster)
    second, _ = start(cluster, job.model_copy(update={"steps": [step]}), tmp_path)
    while len(cluster.submitted) < 2:
        await asyncio.sleep(0.02)
    assert old.returncode is not None
    (cluster.place / "hold").unlink()
    await asyncio.wait_for(second, 60)
    assert [path.name for path in (tmp_path / "adapters").iterdir()] == ["sft-2"]


async def test_a_cancelled_job_is_stopped_over_there(cluster, job, tmp_path):
    hold(cluster)
    running, begun = start(cluster, job, tmp_path)
    await asyncio.wait_for(begun.wait(), 60)
    [process] = cluster.running.values()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert process.returncode is not None
    assert not (tmp_path / "adapters").exists()


async def test_a_worker_killed_over_there_may_be_tried_again(cluster, job, tmp_path):
    hold(cluster)
    running, begun = start(cluster, job, tmp_path)
    await asyncio.wait_for(begun.wait(), 60)
    await cluster.kill(cluster.submitted[0])
    with pytest.raises(TrainerKilled):
        await asyncio.wait_for(running, 60)
    assert not (tmp_path / "adapters").exists()


async def test_a_cluster_that_is_away_for_a_moment_costs_nothing(cluster, job, tmp_path):
    hold(cluster)
    running, begun = start(cluster, job, tmp_path)
    await asyncio.wait_for(begun.wait(), 60)
    cluster.away = True
    await asyncio.sleep(0.5)
    cluster.away = False
    (cluster.place / "hold").unlink()
    await asyncio.wait_for(running, 60)
    assert len(cluster.submitted) == 1


async def test_a_cluster_that_is_not_there_is_said_so_in_one_sentence(cluster, job, tmp_path):
    cluster.away = True
    running, _ = start(cluster, job, tmp_path)
    with pytest.raises(TrainingFailed, match="does not answer"):
        await asyncio.wait_for(running, 60)


async def test_what_ray_refuses_is_told_in_its_last_words(job, tmp_path):
    server = RayServer()
    server.refuses = "no room"
    await server.start()
    target = RayTarget(server.url, Shared(tmp_path / "s", tmp_path / "s"))
    with pytest.raises(TrainingFailed, match=r"\(500\): ValueError: no room"):
        await run_job(job, tmp_path / "runs" / "x", target=target)
    await server.stop()


async def test_what_ray_is_handed_spreads_the_steps_over_its_nodes(job, tmp_path, python):
    server = RayServer()
    await server.start()
    target = RayTarget(server.url, Shared(tmp_path / "s", tmp_path / "s"), python, 0.5, look_every=0.05)
    await run_job(job, tmp_path / "runs" / "x", target=target)
    [body] = server.bodies
    assert "-m learning.targets.ray_train --gpus 0.5 " in body["entrypoint"]
    assert "entrypoint_num_gpus" not in body  # the driver computes nothing
    await server.stop()


async def test_out_of_memory_over_there_is_said_so_and_not_tried_again(job, tmp_path, python):
    server = KubernetesServer()
    await server.start()
    shared = Shared(tmp_path / "s", tmp_path / "s")
    options = {"namespace": "twin", "image": "i", "claim": "c", "token": "the-token", "look_every": 0.05}
    target = KubernetesTarget(server.url, shared, python=python, **options)
    place = tmp_path / "s" / "runs" / "20260501-learn-ab12"
    place.mkdir(parents=True)
    (place / "hold").touch()
    begun = asyncio.Event()
    running = asyncio.create_task(
        run_job(job, tmp_path / "runs" / "20260501-learn-ab12", lambda *_: begun.set(), target)
    )
    await asyncio.wait_for(begun.wait(), 60)
    server.out_of_memory.add(server.submitted[0])
    await server.kill(server.submitted[0])
    with pytest.raises(TrainingFailed, match=MEMORY) as failure:
        await asyncio.wait_for(running, 60)
    assert not isinstance(failure.value, TrainerKilled)
    await server.stop()


async def test_a_training_on_ray_gives_the_very_adapter_that_one_here_gives(
    base, corpus, sft_recipe, tmp_path, monkeypatch
):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    server = RayServer()
    await server.start()
    recipe = sft_recipe.model_copy(update={"epochs": 1})
    shared = Shared(tmp_path / "s", tmp_path / "s")
    target = RayTarget(server.url, shared, sys.executable, worker="learning.worker", look_every=0.2)
    made = []
    for name, where in (("here", None), ("there", target)):
        adapter = tmp_path / name / "sft-1"
        step = SftStep(base=str(base), data=corpus, recipe=recipe, adapter=adapter)
        await run_job(
            Job(steps=[step], work_dir=tmp_path / name / "work"), tmp_path / name / "run", None, where
        )
        assert check(adapter, base) == []
        made.append(sha256(adapter / WEIGHTS))
    assert made[0] == made[1]
    await server.stop()


async def _dies(handle):
    """A runner that is killed stops nothing."""
