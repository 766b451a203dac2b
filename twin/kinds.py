"""Which kinds of runs are there, and what does each do? One table; a new kind is one line in it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.privacy import forget_old
from learning.cycle import Outcome
from learning.durable import Held, Progress
from learning.targets.target import Target
from learning.targets.warm import Warm
from storage import tracing
from storage.records import Run
from twin.backup import back_up
from twin.build import Model, Stores, kept_of
from twin.current import Current
from twin.drift import drift
from twin.errors import Told
from twin.home import Home
from twin.learn import learn_in
from twin.settings import Settings
from twin.snapshots import build_corpus_in
from twin.sync import sync_one
from twin.targets import target_of
from twin.tidy import tidy
from twin.training_slot import TrainingSlot


@dataclass(frozen=True, slots=True)
class Bench:
    """What the work of a run has at hand."""

    home: Home
    current: Current
    stores: Stores
    model: Model
    warm: Warm = field(default_factory=Warm)
    slot: TrainingSlot | None = None  # where several twins train on one machine

    @property
    def settings(self) -> Settings:
        """Those of this moment."""
        return self.current.settings

    def making_room(self, target: Target) -> AbstractAsyncContextManager[object]:
        """Around whatever needs the graphics card for itself."""
        lends = target.here and self.model.makes_room(self.settings)
        return self.model.client.asleep() if lends else nullcontext()


Work = Callable[[Bench, Run, Progress], Awaitable[Mapping[str, Any]]]
"""What it returns is added to the run's figures; `artefacts` among them is what it made, by name."""


@dataclass(frozen=True, slots=True)
class Kind:
    work: Work
    exclusive: bool = False  # it trains or measures, and has the machine for itself


async def _learn(bench: Bench, run: Run, progress: Progress) -> Mapping[str, Any]:
    return await _cycle(bench, run, progress, anew=False)


async def _retrain(bench: Bench, run: Run, progress: Progress) -> Mapping[str, Any]:
    """From the records on: what was said since is in it, and what was forgotten is not."""
    if waits := await _waits_for_a_trial(bench, run):
        return waits
    progress.at(0.0, "building the corpus", {"texts": await bench.stores.records.of_owner()})
    if not run.metrics.get("candidate"):
        with tracing.span(tracing.EXPORT):
            await build_corpus_in(bench.home, bench.settings, bench.stores)
    return await _cycle(bench, run, progress, anew=True)


async def _cycle(bench: Bench, run: Run, progress: Progress, *, anew: bool) -> Mapping[str, Any]:
    if waits := await _waits_for_a_trial(bench, run):
        return waits
    outcome: Outcome = await learn_in(
        bench.home,
        bench.settings,
        bench.stores,
        bench.model,
        again=bool(run.parameters.get("again")),
        on_trial=True,
        anew=anew,
        target=target_of(bench.settings.runs, run.target, bench.warm),
        held=Held(run, progress),
    )
    made = {"adapter": outcome.version, "report": str(bench.home.runs / run.id / "report.json")}
    return {**outcome.as_json(), "artefacts": made if outcome.version else {}}


async def _waits_for_a_trial(bench: Bench, run: Run) -> Mapping[str, Any] | None:
    """One may have begun since the run was put into the queue; this run's own is no reason to wait."""
    _, canary = await bench.stores.adapters.answering()
    if canary is None or canary.version == run.metrics.get("candidate"):
        return None
    return {"outcome": "not enough", "reasons": [f"{canary.version} is on trial; learning waits for it."]}


async def _sync(bench: Bench, run: Run, progress: Progress) -> Mapping[str, Any]:
    progress.at(0.0, "reading")
    done = await sync_one(bench.home, bench.settings, bench.stores, str(run.parameters["source"]))
    figures = {
        "kept": sum(report.ledger.kept for report in done.reports),
        "deleted": sum(report.deleted for report in done.reports),
        "unchanged": len(done.unchanged),
    }
    if not done.well:
        trouble = [why.why for report in done.reports for why in report.troubles]
        raise Told(trouble[0] if trouble else "it could not be read whole")
    return figures


async def _forget(bench: Bench, run: Run, progress: Progress) -> Mapping[str, Any]:
    """What other people said, and what runs left behind: both are kept for so long and no longer."""
    stores, settings = bench.stores, bench.settings
    forgotten = await forget_old(kept_of(stores), settings.chat)
    training = [other.id for other in await stores.runs.unfinished(exclusive=True)]
    freed = await tidy(bench.home, settings.runs.keep_days, busy=bool(training))
    return {"forgotten": forgotten, "removed": freed}


def archiving(back_up: Callable[[Home, Settings, Stores], Awaitable[Path]]) -> Work:
    """A run of a function that makes one archive and returns its path."""

    async def work(bench: Bench, run: Run, progress: Progress) -> Mapping[str, Any]:
        progress.at(0.0, "writing the archive")
        path = await back_up(bench.home, bench.settings, bench.stores)
        return {"artefacts": {"archive": str(path)}}

    return work


KINDS: dict[str, Kind] = {
    "learn": Kind(_learn, exclusive=True),
    "retrain": Kind(_retrain, exclusive=True),
    "evaluate": Kind(drift, exclusive=True),
    "sync": Kind(_sync),
    "forget": Kind(_forget),
    "backup": Kind(archiving(back_up)),
}
