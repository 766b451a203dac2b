"""How does training run beside everything else? A child process for a list of steps; no torch here."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from learning.distil_recipe import DistilRecipe
from learning.evaluation.options import EvaluationSettings
from learning.failures import TrainingFailed
from learning.recipes import DpoRecipe, HindsightRecipe, InterpolationRecipe, KtoRecipe, SftRecipe
from learning.rlhf_recipe import RewardRecipe, RlhfRecipe
from storage.records import stable_id

LOOK_EVERY = 0.2  # seconds
STOPPING_TAKES = 10.0  # seconds until a child that was asked to stop is killed
ROOT = Path(__file__).parents[1]

OnJobProgress = Callable[[float, str, Mapping[str, Any]], None]
"""Told how far the whole job is (0..1), which step is running, and the step's latest figures."""


class Step(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    base: str


class SftStep(Step):
    kind: Literal["sft"] = "sft"
    data: Path
    recipe: SftRecipe
    adapter: Path
    parent: Path | None = None


class TeacherStep(Step):
    """Asks a teacher about a corpus; `base` is the teacher. Done already where the folder exists."""

    kind: Literal["teacher"] = "teacher"
    data: Path
    recipe: DistilRecipe
    folder: Path
    url: str | None = None


class DistilStep(Step):
    kind: Literal["distil"] = "distil"
    data: Path
    recipe: DistilRecipe
    adapter: Path
    teacher: Path  # the folder that the step before filled


class DpoStep(Step):
    kind: Literal["dpo"] = "dpo"
    data: Path
    recipe: DpoRecipe
    adapter: Path
    parent: Path
    replay: Path | None = None


class KtoStep(Step):
    kind: Literal["kto"] = "kto"
    data: Path
    recipe: KtoRecipe
    adapter: Path
    parent: Path
    replay: Path | None = None


class HindsightStep(Step):
    kind: Literal["hindsight"] = "hindsight"
    data: Path
    recipe: HindsightRecipe
    adapter: Path
    parent: Path
    replay: Path | None = None


class InterpolateStep(Step):
    kind: Literal["interpolate"] = "interpolate"
    previous: Path
    trained: Path
    recipe: InterpolationRecipe
    corpus: Path
    preferences: Path
    adapter: Path
    live: Path | None = None


class RewardStep(Step):
    kind: Literal["reward"] = "reward"
    data: Path
    recipe: RewardRecipe
    reward: Path


class RlhfStep(Step):
    kind: Literal["rlhf"] = "rlhf"
    data: Path
    recipe: RlhfRecipe
    adapter: Path
    parent: Path
    preferences: Path | None = None
    reward: Path | None = None  # the folder that the step before filled


class EvaluateStep(Step):
    kind: Literal["evaluate"] = "evaluate"
    adapters: dict[str, Path | None]
    corpus: Path
    preferences: Path | None = None
    report: Path
    max_length: int = 1024
    seed: int = 0
    settings: EvaluationSettings = EvaluationSettings()
    thorough: bool = False


AnyStep = Annotated[
    SftStep
    | TeacherStep
    | DistilStep
    | DpoStep
    | KtoStep
    | HindsightStep
    | InterpolateStep
    | RewardStep
    | RlhfStep
    | EvaluateStep,
    Field(discriminator="kind"),
]


class Job(BaseModel):
    """Steps that one warm process does in turn; importing the libraries takes longer than some of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    steps: list[AnyStep]
    work_dir: Path  # checkpoints; the same folder lets a killed SFT go on

    def workplace(self, step: AnyStep) -> Path:
        """One training's checkpoints: the same training started again finds them, another one does not."""
        return self.work_dir / f"{step.kind}-{stable_id(step.model_dump_json(exclude={'adapter'}))[:12]}"


async def run_job(job: Job, run_dir: Path, on_progress: OnJobProgress | None = None) -> list[dict[str, Any]]:
    """Do the steps in a child process and return each one's report.

    Raises TrainingFailed with one sentence that names the log. Cancelled, it stops the child first; nothing
    half-done is left behind, and the same job may be run again.
    """
    await asyncio.to_thread(run_dir.mkdir, parents=True, exist_ok=True)
    order, log = run_dir / "job.json", run_dir / "worker.log"
    progress, result = run_dir / "progress.jsonl", run_dir / "result.json"
    for old in (progress, result):
        old.unlink(missing_ok=True)
    order.write_text(job.model_dump_json(indent=2), encoding="utf-8")
    with log.open("ab") as written:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "learning.worker",
            str(order.resolve()),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=written,
            stderr=written,
            env=_environment(),
            start_new_session=True,  # Ctrl-C is for us to pass on
        )
    try:
        ended, seen = asyncio.create_task(child.wait()), 0
        while not ended.done():
            await asyncio.wait([ended], timeout=LOOK_EVERY)
            seen = _follow(progress, seen, on_progress)
    finally:
        await _stop(child)
    return _result(result, child.returncode, log)


def _environment() -> dict[str, str]:
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    quiet = {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "HF_HUB_DISABLE_TELEMETRY": "1"}
    return {**quiet, **os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def _follow(progress: Path, seen: int, on_progress: OnJobProgress | None) -> int:
    """Pass on the lines that came since; a line still being written waits for the next look."""
    if not on_progress or not progress.exists():
        return seen
    with progress.open("rb") as lines:
        lines.seek(seen)
        for line in lines:
            if not line.endswith(b"\n"):
                break
            seen += len(line)
            news = json.loads(line)
            on_progress(news["progress"], news["step"], news["metrics"])
    return seen


async def _stop(child: asyncio.subprocess.Process) -> None:
    if child.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        child.terminate()
    try:
        await asyncio.wait_for(child.wait(), STOPPING_TAKES)
    except TimeoutError:
        child.kill()
        await child.wait()


def _result(result: Path, code: int | None, log: Path) -> list[dict[str, Any]]:
    try:
        found = json.loads(result.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        how = f"by signal {-code}" if code and code < 0 else f"with code {code}"
        hint = " (out of memory, most likely)" if code == -9 else ""
        raise TrainingFailed(
            f"The training process ended {how}{hint} before it was done. Log: {log}"
        ) from None
    if sentence := found.get("error"):
        raise TrainingFailed(f"{sentence} Log: {log}")
    reports: list[dict[str, Any]] = found["reports"]
    return reports
