"""Does a job run, fail, stop and start again as promised? With real child processes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from learning.adapter_folder import check, sha256
from learning.failures import TrainerKilled, TrainingFailed
from learning.jobs import DpoStep, EvaluateStep, Job, KtoStep, SftStep, run_job
from learning.targets.local import ROOT, LocalTarget, environment
from learning.targets.warm import Warm
from storage import tracing

WEIGHTS = "adapter_model.safetensors"


def sft_job(base, corpus, recipe, home):
    step = SftStep(base=str(base), data=corpus, recipe=recipe, adapter=home / "adapters" / "sft-1")
    return Job(steps=[step], work_dir=home / "work")


def start(job, run_dir):
    """The worker as run_job starts it, but ours to kill."""
    run_dir.mkdir(parents=True, exist_ok=True)
    (run_dir / "job.json").write_text(job.model_dump_json())
    return subprocess.Popen(
        [sys.executable, "-m", "learning.worker", str(run_dir / "job.json")],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def kill_when(child, seen):
    deadline = time.monotonic() + 300
    while not seen():
        assert child.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()


async def test_steps_run_in_one_process_and_tell_how_far_they_are(
    base, corpus, preferences, sft_recipe, dpo_recipe, kto_recipe, tmp_path
):
    adapters = tmp_path / "adapters"
    sft, dpo, kto = (adapters / name for name in ("sft-1", "dpo-2", "kto-3"))
    job = Job(
        steps=[
            SftStep(base=str(base), data=corpus, recipe=sft_recipe, adapter=sft),
            DpoStep(
                base=str(base), data=preferences, recipe=dpo_recipe, adapter=dpo, parent=sft, replay=corpus
            ),
            KtoStep(base=str(base), data=preferences, recipe=kto_recipe, adapter=kto, parent=dpo),
            EvaluateStep(
                base=str(base),
                adapters={"base": None, "live": sft, "candidate": kto},
                corpus=corpus,
                preferences=preferences,
                report=tmp_path / "run" / "report.json",
            ),
        ],
        work_dir=tmp_path / "work",
    )
    heard = []
    reports = await run_job(
        job, tmp_path / "run", lambda share, step, figures: heard.append((share, step, figures))
    )
    assert [check(folder, base) for folder in (sft, dpo, kto)] == [[], [], []]
    assert reports[3]["models"]["candidate"]["adapter"] == "kto-3"
    assert (tmp_path / "run" / "report.png").exists()
    shares = [share for share, _, _ in heard]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert {step for _, step, _ in heard} == {"sft", "dpo", "kto", "evaluate"}
    assert any("loss" in figures for _, _, figures in heard)


async def test_sft_killed_in_the_middle_goes_on_and_ends_with_the_very_same_weights(
    base, corpus, sft_recipe, tmp_path
):
    recipe = sft_recipe.model_copy(update={"epochs": 16, "evaluations_per_epoch": 1, "lora_dropout": 0.1})
    unbroken = sft_job(base, corpus, recipe, tmp_path / "unbroken")
    await run_job(unbroken, tmp_path / "unbroken" / "run")
    broken = sft_job(base, corpus, recipe, tmp_path / "broken")
    final, work = broken.steps[0].adapter, broken.workplace(broken.steps[0])
    kill_when(
        start(broken, tmp_path / "broken" / "run"),
        lambda: (
            len(list(work.glob("checkpoint-*"))) >= 1 and list(work.glob("checkpoint-*/trainer_state.json"))
        ),
    )
    assert not final.exists()
    reports = await run_job(broken, tmp_path / "broken" / "run")
    first_step_told = reports[0]["history"][0]["step"]
    assert first_step_told > 3  # it did go on from a checkpoint, and did not start anew
    assert sha256(final / WEIGHTS) == sha256(unbroken.steps[0].adapter / WEIGHTS)


async def test_dpo_killed_in_the_middle_leaves_nothing_and_runs_again_from_the_start(
    base, corpus, preferences, sft_adapter, dpo_recipe, tmp_path
):
    recipe = dpo_recipe.model_copy(update={"epochs": 20})
    adapters = [tmp_path / name / "dpo-2" for name in ("unbroken", "broken")]
    unbroken, broken = (
        Job(
            steps=[
                DpoStep(base=str(base), data=preferences, recipe=recipe, adapter=adapter, parent=sft_adapter)
            ],
            work_dir=adapter.parent / "work",
        )
        for adapter in adapters
    )
    await run_job(unbroken, tmp_path / "unbroken" / "run")
    run_dir = tmp_path / "broken" / "run"
    progress = run_dir / "progress.jsonl"
    kill_when(
        start(broken, run_dir), lambda: progress.exists() and len(progress.read_bytes().splitlines()) > 5
    )
    assert not adapters[1].exists()
    await run_job(broken, run_dir)
    assert sha256(adapters[1] / WEIGHTS) == sha256(adapters[0] / WEIGHTS)


async def test_a_cancelled_job_stops_its_child_and_leaves_no_adapter(base, corpus, sft_recipe, tmp_path):
    recipe = sft_recipe.model_copy(update={"epochs": 2000})
    job = sft_job(base, corpus, recipe, tmp_path)
    begun = asyncio.Event()
    running = asyncio.create_task(run_job(job, tmp_path / "run", lambda *_: begun.set()))
    await asyncio.wait_for(begun.wait(), 300)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert str(tmp_path / "run" / "job.json") not in everybodys_arguments()
    assert not (tmp_path / "adapters").exists()


async def test_a_failed_job_is_one_sentence_and_the_path_of_its_log(base, corpus, sft_recipe, tmp_path):
    recipe = sft_recipe.model_copy(update={"min_rows": 1000})
    with pytest.raises(TrainingFailed, match="24 samples, and 1000 are needed") as failure:
        await run_job(sft_job(base, corpus, recipe, tmp_path), tmp_path / "run")
    log = tmp_path / "run" / "worker.log"
    assert str(log) in str(failure.value)
    assert "TrainingFailed" in log.read_text()


@pytest.mark.parametrize("waited", [False, True])
async def test_what_the_trainer_does_is_in_the_trace_of_the_run(
    base, corpus, sft_recipe, tmp_path, monkeypatch, spans, collector, waited
):
    warm = Warm()
    if waited:  # a worker that was there before the run, and knew of no trace
        await warm.ready(environment())
    monkeypatch.setattr(tracing, "_collector", collector.url)
    recipe = sft_recipe.model_copy(update={"min_rows": 1000})  # it fails soon, which is traced as well
    job, target = sft_job(base, corpus, recipe, tmp_path), LocalTarget(warm=warm)
    with tracing.span(tracing.RUN, run="r1"), pytest.raises(TrainingFailed):
        await run_job(job, tmp_path / "run", target=target)
    run, job = spans()
    assert (run.name, job.name, job.parent.span_id) == (tracing.RUN, tracing.JOB, run.context.span_id)
    [step] = collector.spans()
    assert (step.name, step.about["twin.step"], step.about["error.type"]) == (
        *(tracing.STEP, "sft"),
        "TrainingFailed",
    )
    assert (step.trace, step.parent) == (f"{run.context.trace_id:032x}", f"{job.context.span_id:016x}")
    assert b"samples" not in b"".join(collector.bodies)  # nor why it failed, in words


def test_a_trainer_is_told_nothing_of_a_trace_that_somebody_began_around_us(monkeypatch):
    monkeypatch.setenv("TRACEPARENT", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    assert "TRACEPARENT" not in environment()


async def test_a_disk_that_is_full_is_said_so_and_leaves_no_adapter(
    base, corpus, sft_recipe, tmp_path, monkeypatch
):
    # A limit on file sizes makes writing fail in the middle, as a full disk does: small files still fit.
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))"
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(limit)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    with pytest.raises(TrainingFailed, match="disk is full"):
        await run_job(sft_job(base, corpus, sft_recipe, tmp_path), tmp_path / "run")
    assert list((tmp_path / "adapters").iterdir() if (tmp_path / "adapters").exists() else []) == []


async def killed_by(number, job, run_dir, target=None):
    """What is told when the training's process is killed in the middle."""
    begun = asyncio.Event()
    running = asyncio.create_task(run_job(job, run_dir, lambda *_: begun.set(), target))
    await asyncio.wait_for(begun.wait(), 300)
    for pid in processes_with(str(run_dir / "job.json")):
        os.kill(pid, number)
    with pytest.raises(TrainingFailed) as failure:
        await running
    assert not (run_dir.parent / "adapters").exists()
    return failure.value


async def test_a_training_killed_from_outside_may_be_tried_again(base, corpus, sft_recipe, tmp_path):
    recipe = sft_recipe.model_copy(update={"epochs": 2000})
    failure = await killed_by(signal.SIGKILL, sft_job(base, corpus, recipe, tmp_path), tmp_path / "run")
    assert isinstance(failure, TrainerKilled)
    assert "by signal 9 (out of memory, most likely)" in str(failure)


async def test_a_training_that_the_system_killed_for_want_of_memory_is_not(
    base, corpus, sft_recipe, tmp_path
):
    recipe = sft_recipe.model_copy(update={"epochs": 2000})
    counted = iter([3, 4])
    target = LocalTarget(kills=lambda: next(counted))
    job = sft_job(base, corpus, recipe, tmp_path)
    failure = await killed_by(signal.SIGKILL, job, tmp_path / "run", target)
    assert not isinstance(failure, TrainerKilled)
    assert "Out of memory" in str(failure)


async def test_stopping_reaches_what_the_training_has_started_even_if_it_does_not_listen(tmp_path):
    (tmp_path / "job.json").touch()
    target = LocalTarget()
    program = "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    starter = (
        f"import subprocess, sys; subprocess.run([sys.executable, '-c', {program!r}, 'deaf-grandchild'])"
    )
    target._child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", starter, start_new_session=True
    )
    while not processes_with("deaf-grandchild"):
        await asyncio.sleep(0.02)
    await target.stop("")
    async with asyncio.timeout(10):
        while processes_with("deaf-grandchild"):
            await asyncio.sleep(0.02)


async def test_a_worker_that_waited_does_the_job_and_is_the_only_one(base, corpus, sft_recipe, tmp_path):
    warm = Warm()
    await warm.ready(environment())
    waiting = warm._child.pid
    await warm.ready(environment())
    assert warm._child.pid == waiting
    job = sft_job(base, corpus, sft_recipe, tmp_path)
    await run_job(job, tmp_path / "run", target=LocalTarget(warm=warm))
    assert check(job.steps[0].adapter, base) == []
    assert "step 0: sft" in (tmp_path / "run" / "worker.log").read_text()
    assert not alive(waiting)
    assert await warm.begin(tmp_path / "run" / "job.json") is None


async def test_a_waiting_worker_that_died_is_replaced_and_one_that_nobody_needs_ends(tmp_path):
    warm = Warm()
    await warm.ready(environment())
    dead = warm._child
    dead.kill()
    await dead.wait()
    assert await warm.begin(tmp_path / "job.json") is None
    await warm.ready(environment())
    second = warm._child.pid
    assert second != dead.pid
    await warm.stop()
    assert not alive(second)


@pytest.mark.parametrize("loading", [True, False])
def test_a_worker_never_outlives_the_process_that_wanted_its_result(
    base, corpus, sft_recipe, tmp_path, loading
):
    recipe = sft_recipe.model_copy(update={"epochs": 2000})
    run_dir = tmp_path / "run"
    run_dir.mkdir()
    LocalTarget().pack(sft_job(base, corpus, recipe, tmp_path), run_dir)
    program = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from learning.targets.local import LocalTarget\n"
        "async def main():\n"
        "    print(await LocalTarget().start(Path(sys.argv[1]), 'run'), flush=True)\n"
        "    await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(run_dir)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    worker = int(parent.stdout.readline())
    kill_when(parent, lambda: loading or (run_dir / "progress.jsonl").exists())
    parent.stdout.close()
    deadline = time.monotonic() + 60
    try:
        while alive(worker):
            assert time.monotonic() < deadline
            time.sleep(0.1)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)


def processes_with(argument):
    """Ids of the living processes that were started with it."""
    return [
        int(process.parent.name)
        for process in Path("/proc").glob("[0-9]*/cmdline")
        if argument.encode() in arguments_of(process)
    ]


def everybodys_arguments():
    return [
        argument.decode(errors="replace")
        for process in Path("/proc").glob("[0-9]*/cmdline")
        for argument in arguments_of(process)
    ]


def arguments_of(process):
    try:
        return process.read_bytes().split(b"\0")
    except OSError:  # it ended meanwhile
        return []


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_the_parent_side_needs_no_torch():
    code = "import sys, learning.jobs, learning.cycle; print(json.dumps(sorted(sys.modules)))"
    told = subprocess.run(
        [sys.executable, "-c", f"import json; {code}"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert not {"torch", "transformers", "peft", "trl", "datasets"} & set(json.loads(told.stdout))
