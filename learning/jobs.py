"""How does training run beside everything else? A child process for a list of steps; no torch here."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from signal import SIGKILL, SIGTERM
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from learning.distil_recipe import DistilRecipe
from learning.evaluation.options import EvaluationSettings
from learning.failures import MEMORY, TrainerKilled, TrainingFailed, last_words
from learning.recipes import DpoRecipe, HindsightRecipe, InterpolationRecipe, KtoRecipe, SftRecipe
from learning.rlhf_recipe import RewardRecipe, RlhfRecipe
from learning.targets.local import LocalTarget
from learning.targets.target import Ended, Target
from storage import tracing
from storage.records import stable_id

MEASURED = "measured"
LAST_WORDS = 4096  # bytes of a log that are looked through for why there is no result

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

    @property
    def measured(self) -> Path:
        """What was measured of a model by any job with this work_dir."""
        return self.work_dir / MEASURED

    def workplace(self, step: AnyStep) -> Path:
        """One training's checkpoints: the same training started again finds them, another one does not."""
        return self.work_dir / f"{step.kind}-{stable_id(step.model_dump_json(exclude={'adapter'}))[:12]}"


async def run_job(
    job: Job, run_dir: Path, on_progress: OnJobProgress | None = None, target: Target | None = None
) -> list[dict[str, Any]]:
    """Do the steps in a process of the target (default: a child of ours) and return each one's report.

    Raises TrainingFailed with one sentence that names the log, TrainerKilled where trying again may help.
    Cancelled, it stops that process first; nothing half-done is left behind, and the same job may be run
    again.
    """
    with tracing.span(tracing.JOB, steps=len(job.steps)):
        return await _done_by(target or LocalTarget(), job, run_dir, on_progress)


async def _done_by(
    target: Target, job: Job, run_dir: Path, on_progress: OnJobProgress | None
) -> list[dict[str, Any]]:
    await asyncio.to_thread(run_dir.mkdir, parents=True, exist_ok=True)
    place = await asyncio.to_thread(target.pack, job, run_dir)
    handle, seen, ended = await target.start(place.folder, run_dir.name, tracing.onward()), 0, None
    try:
        while ended is None:
            ended = await target.poll(handle)
            seen = _follow(place.folder / "progress.jsonl", seen, on_progress)
    finally:
        await target.stop(handle)
    reports = _result(place.folder, ended)
    await asyncio.to_thread(place.bring_back)
    return reports


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


def _result(folder: Path, ended: Ended) -> list[dict[str, Any]]:
    log = folder / "worker.log"
    try:
        found = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise _without_result(ended, log) from None
    if sentence := found.get("error"):
        raise TrainingFailed(f"{sentence} Log: {log}")
    reports: list[dict[str, Any]] = found["reports"]
    return reports


def _without_result(ended: Ended, log: Path) -> TrainingFailed:
    """Why there is no result: the log, what the machine says, or at least how the process ended."""
    if ended.out_of_memory:
        return TrainingFailed(f"{MEMORY} The system killed it. Log: {log}")
    if sentence := last_words(_end_of(log)):
        return TrainingFailed(f"{sentence} Log: {log}")
    signal = ended.signal
    how = f"by signal {signal}" if signal else f"with code {ended.code}"
    hint = " (out of memory, most likely)" if signal == SIGKILL else ""
    told = f"The training process ended {how}{hint} before it was done. {ended.why} Log: {log}"
    kind = TrainerKilled if signal in (SIGKILL, SIGTERM) or ended.vanished else TrainingFailed
    return kind(" ".join(told.split()))


def _end_of(log: Path) -> str:
    try:
        with log.open("rb") as content:
            content.seek(max(0, log.stat().st_size - LAST_WORDS))
            return content.read().decode(errors="replace")
    except OSError:
        return ""
