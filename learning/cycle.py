"""How does feedback become a better twin? One whole cycle: collect, train, evaluate, judge, promote.

While there is little feedback, each cycle starts again from the SFT adapter (the anchor) and learns from all
of it: nothing drifts from cycle to cycle, and withdrawn feedback leaves no trace in the next adapter.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from learning.adapter_folder import check, described
from learning.durable import Held, OnShare, Progress, recorded
from learning.evaluation.personal import Scan, personal
from learning.failures import RunLost
from learning.gate import Verdict, judge
from learning.jobs import EvaluateStep, InterpolateStep, Job, run_job
from learning.judged import Judged
from learning.plan import Plan, plan_of
from learning.preferences import (
    NOBODY,
    EffectiveFeedback,
    Preferences,
    Private,
    Replies,
    Sampler,
    collect,
    freeze,
)
from learning.promote import Server, promote
from learning.recipes import SftRecipe, for_base
from learning.settings import LearningSettings
from learning.targets.target import Target
from storage import tracing
from storage.adapters import AdapterStore
from storage.records import Adapter, AdapterState, Run, RunState, now, stable_id
from storage.runs import RunStore

log = logging.getLogger(__name__)

KIND, ANEW = "learn", "retrain"  # of the runs: from the feedback; from the corpus on
WhileTraining = Callable[[], AbstractAsyncContextManager[object]]
Ending = Literal["live", "on trial", "refused"]
ENDED: Mapping[AdapterState, Ending] = {
    AdapterState.LIVE: "live",
    AdapterState.CANARY: "on trial",
    AdapterState.REFUSED: "refused",
}
NOTHING_NEW = ("Nothing new: all feedback has been learned from.",)
SAMPLING, TRAINED, DECIDED = 0.1, 0.9, 0.98  # of the progress bar, by then


@dataclass(frozen=True, slots=True)
class Tried:
    """A candidate that was trained, measured and judged."""

    folder: Path
    report: dict[str, Any]  # with the verdict in it
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a cycle ended. Too little feedback and a refused candidate are outcomes, not errors."""

    state: Literal["live", "on trial", "refused", "not enough"]
    reasons: tuple[str, ...]
    run_id: str
    version: str | None = None  # of the candidate
    verdict: Verdict | None = None
    report: Mapping[str, Any] = field(default_factory=dict)
    picture: Path | None = None

    def as_json(self) -> dict[str, Any]:
        return {"outcome": self.state, "reasons": list(self.reasons), "version": self.version}


async def learn(
    *,
    home: Path,
    base: str,
    corpus: Path,
    settings: LearningSettings,
    feedback: EffectiveFeedback,
    messages: Replies,
    adapters: AdapterStore,
    runs: RunStore,
    server: Server,
    agreed: Collection[str] = NOBODY,
    private: Private | None = None,
    sampler: Sampler | None = None,
    again: bool = False,
    scan: Scan | None = None,
    on_progress: OnShare | None = None,
    while_training: WhileTraining = nullcontext,
    share: float | None = None,
    anew: bool = False,
    target: Target | None = None,
    held: Held | None = None,
) -> Outcome:
    """One cycle, recorded as a run. `base` is a folder or a hub's name; `corpus` a snapshot's folder.

    `agreed`, `private`: see `collect`. `scan` looks for personal things in what the candidate says.
    `while_training`: entered while the trainers run, to make room for them. `share`: of the chats, which the
    candidate is tried on before all get it, beside the live one if there is one; None: all get it.
    `again` learns even from feedback that the last cycle has already learned from. `anew`: from the corpus
    on, with a new SFT adapter, however little feedback there is. `target`: the machine that trains; None:
    this one. `held`: the run this is, where one was taken from the queue; taken up after a crash, a cycle
    whose candidate was decided on is not done twice.
    Raises AlreadyRunning when another process is at it, and TrainingFailed with one sentence; then the live
    adapter is what it was.
    """

    async def work(run: Run, progress: Progress) -> Outcome:
        cycle = _Cycle(
            home,
            base,
            corpus,
            settings,
            feedback,
            messages,
            adapters,
            runs,
            server,
            agreed,
            private,
            sampler,
            again,
            scan,
            progress,
            while_training,
            share,
            anew,
            target,
        )
        return await cycle.go(run)

    return await recorded(runs, KIND, work, on_progress, summary=Outcome.as_json, held=held)


def too_little(judged: int, left_out: Mapping[str, int], settings: LearningSettings) -> tuple[str, ...]:
    """How a cycle tells that there is not enough to learn from."""
    why = (f"Left out, {reason}: {count}." for reason, count in left_out.items())
    return f"Not enough feedback yet: {judged} of {settings.min_feedback}.", *why


def signals_of(base: str, judged: Sequence[Judged]) -> str:
    """The name of exactly this feedback, learned by this model."""
    return stable_id(base, *(item.feedback.id for item in judged))


async def learned_already(signals: str, runs: RunStore) -> bool:
    before = [run for kind in (KIND, ANEW) for run in await runs.all(limit=50, kind=kind)]
    return any(run.state is RunState.PASSED and run.metrics.get("signals") == signals for run in before)


@dataclass(frozen=True, slots=True)
class _Cycle:
    home: Path
    base: str
    corpus: Path
    settings: LearningSettings
    feedback: EffectiveFeedback
    messages: Replies
    adapters: AdapterStore
    runs: RunStore
    server: Server
    agreed: Collection[str]
    private: Private | None
    sampler: Sampler | None
    again: bool
    scan: Scan | None
    progress: Progress
    while_training: WhileTraining
    share: float | None
    anew: bool
    target: Target | None

    async def go(self, run: Run) -> Outcome:
        if decided := await self._decided_before(run):
            return decided
        self.progress.at(0.0, "collecting feedback")
        with tracing.span(tracing.COLLECT):
            judged, left_out = await collect(
                self.feedback, self.messages, self.settings, self.agreed, self.private
            )
            tracing.note(signals=len(judged))
        if len(judged) < self.settings.min_feedback and not self.anew:
            return Outcome("not enough", too_little(len(judged), left_out, self.settings), run.id)
        signals = signals_of(self.base, judged)
        if not (self.again or self.anew) and await learned_already(signals, self.runs):
            return Outcome("not enough", NOTHING_NEW, run.id)
        live = await self.adapters.live()
        self.progress.at(0.02, "asking the live model for replies to compare with")
        with tracing.span(tracing.EXPORT):
            preferences = await freeze(judged, self.home / "preferences", self.settings, self.sampler)
        plan = plan_of(
            self.home,
            self.base,
            self.corpus,
            self.settings,
            preferences,
            await self.adapters.all(),
            live,
            anew=self.anew,
        )
        if plan is None:
            counts = ", ".join(f"{count} {what}" for what, count in preferences.counts.items())
            return Outcome("not enough", (f"Not enough of one kind to train on: {counts}.",), run.id)
        log.info("run %s: training begins, %d steps", run.id, len(plan.steps))
        tried = await self._candidates(plan, live, preferences, run)
        log.info("run %s: training and measuring are done", run.id)
        self.progress.metrics |= {"signals": signals, "candidate": tried[-1].folder.name}
        await self._still_ours(run)
        await self._add(plan, tried)
        told = f"Learned from {preferences.signals} signals."
        if len(tried) > 1:
            told += f" It goes less far than {tried[0].folder.name}, which went too far."
        return await self._decide(tried[-1], live, run, told)

    async def _still_ours(self, run: Run) -> None:
        """Whoever slept through its lease must not put a second adapter before people."""
        if not await self.runs.beat(run.id, DECIDED, self.progress.metrics, attempt=run.attempts):
            raise RunLost("The run was ended from elsewhere.")

    async def _decided_before(self, run: Run) -> Outcome | None:
        """What this very run came to, when its process died between deciding and saying so."""
        adapter = await self.adapters.get(run.metrics.get("candidate", ""))
        ended = ENDED.get(adapter.state) if adapter else None
        if adapter is None or ended is None:
            return None
        self.progress.metrics |= {name: run.metrics[name] for name in ("signals", "candidate")}
        return Outcome(ended, adapter.reasons, run.id, adapter.version, report=adapter.report)

    async def _candidates(
        self, plan: Plan, live: Adapter | None, preferences: Preferences, run: Run
    ) -> list[Tried]:
        """What the plan makes, judged; where that went too far, the same way less far. The last counts.

        Each look is one chance more to be passed by luck: there is no third.
        """
        reports = await self._job(plan, live, preferences, run, SAMPLING, TRAINED)
        tried = [await self._judged(plan.candidate, reports[-1], run)]
        if tried[-1].verdict.too_far and (nearer := plan.less_far(reports[-2])):
            reports = await self._job(nearer, live, preferences, run, TRAINED, DECIDED)
            tried.append(await self._judged(nearer.candidate, reports[-1], run))
        return tried

    async def _job(
        self, plan: Plan, live: Adapter | None, preferences: Preferences, run: Run, begin: float, end: float
    ) -> list[dict[str, Any]]:
        """Train all of it and measure its candidate: the reports of its steps, and the one that measured."""
        live_folder = self.home / "adapters" / live.version if live else None
        report = self._report_of(run)
        report.unlink(missing_ok=True)  # of the job before: what is there is taken for something to read
        measure = EvaluateStep(
            base=self.base,
            adapters={"base": None, "live": live_folder, "candidate": plan.candidate},
            corpus=self.corpus,
            preferences=preferences.path if preferences.signals else None,
            report=report,
            settings=self.settings.evaluation,
            max_length=for_base(SftRecipe, self.base, **self.settings.recipes.get("sft", {})).max_length,
        )
        nearer = isinstance(plan.steps[0], InterpolateStep)  # nothing to train: it lies between what there is
        doing = {
            "sft": "learning the owner's voice",
            "dpo": "learning from corrections",
            "kto": "learning from thumbs",
            "hindsight": "learning from complaints",
            "interpolate": "going less far" if nearer else "choosing how far to go",
        }

        def tell(share: float, step: str, metrics: Mapping[str, Any]) -> None:
            self.progress.at(
                begin + (end - begin) * share, doing.get(step, "comparing with the live one"), metrics
            )

        job = Job(steps=[*plan.steps, measure], work_dir=self.home / "runs" / "work")
        async with self.while_training():
            return await run_job(job, report.parent, tell, self.target)

    def _report_of(self, run: Run) -> Path:
        return self.home / "runs" / run.id / "report.json"

    async def _judged(self, candidate: Path, report: dict[str, Any], run: Run) -> Tried:
        models = report["models"]
        problems = await asyncio.to_thread(check, candidate, self.base)
        if self.scan:
            models["candidate"]["personal"] = personal(report, self.scan)
        verdict = judge(models["candidate"], models["live"], problems, self.settings.gate)
        log.info("run %s: %s is %s", run.id, candidate.name, "passed" if verdict.passed else "refused")
        return Tried(candidate, {**report, "verdict": verdict.as_json()}, verdict)

    async def _add(self, plan: Plan, tried: Sequence[Tried]) -> None:
        """What was trained on the way, and each candidate with what the gate said."""
        for folder in plan.trained[:-1]:
            await self.adapters.add(described(folder, now()))
            way = f"A step on the way to {plan.candidate.name}."
            await self.adapters.set_state(folder.name, AdapterState.RETIRED, [way])
        for one in tried:
            await self.adapters.add(described(one.folder, now()))
            state = AdapterState.PASSED if one.verdict.passed else AdapterState.REFUSED
            await self.adapters.set_state(one.folder.name, state, one.verdict.reasons, one.report)

    async def _decide(self, tried: Tried, live: Adapter | None, run: Run, why: str) -> Outcome:
        version, verdict, reasons = tried.folder.name, tried.verdict, tried.verdict.reasons
        tracing.note(candidate=version, passed=verdict.passed)
        if verdict.passed:
            self.progress.at(DECIDED, "handing it to the model server")
            adapter = await self.adapters.get(version)
            assert adapter is not None  # added above
            refused = await promote(
                adapter,
                base=self.base,
                adapters=self.adapters,
                server=self.server,
                why=why,
                share=self.share if live else None,
            )
            reasons = tuple(refused) or verdict.reasons
            verdict = Verdict(False, tuple(refused), verdict.axes) if refused else verdict
        picture = self._report_of(run).with_suffix(".png")
        ended: Ending = "refused"
        if verdict.passed:
            ended = "on trial" if live and self.share else "live"
        return Outcome(
            ended, reasons, run.id, version, verdict, tried.report, picture if picture.exists() else None
        )
