"""Is the live adapter still what it was when it went live? Measured again, against what is known by now."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from learning import preferences
from learning.durable import Progress
from learning.jobs import EvaluateStep, Job, run_job
from storage.records import Adapter, Run
from twin.feedback import feedback_of
from twin.snapshots import newest_corpus
from twin.targets import target_of

if TYPE_CHECKING:
    from twin.kinds import Bench

FIGURES = (("nll", "mean"), ("preference", "accuracy"), ("thumbs", "auc"), ("capability", "accuracy"))


async def drift(bench: Bench, run: Run, progress: Progress) -> Mapping[str, Any]:
    """The live adapter's figures now and then. Nothing follows by itself: a person reads them."""
    live = await bench.stores.adapters.live()
    if live is None:
        return {"outcome": "not enough", "reasons": ["No adapter is live yet."]}
    home, settings = bench.home, bench.settings
    corpus = await asyncio.to_thread(newest_corpus, home)
    judged = await feedback_of(bench.home, bench.stores, settings)
    pool = await preferences.freeze(judged, home.preferences, settings.learning, None) if judged else None
    report = home.runs / run.id / "report.json"
    step = EvaluateStep(
        base=bench.model.base.weights,
        adapters={"base": None, "candidate": Path(live.path)},
        corpus=corpus.path,
        preferences=pool.path if pool else None,
        report=report,
        settings=settings.learning.evaluation,
    )

    def tell(share: float, doing: str, figures: Mapping[str, Any]) -> None:
        progress.at(share, f"measuring {live.version}", figures)

    job = Job(steps=[step], work_dir=home.runs / "work")
    target = target_of(settings.runs, run.target)
    async with bench.making_room(target):
        [found] = await run_job(job, report.parent, tell, target)
    now = figures_of(found["models"]["candidate"])
    return {"version": live.version, "now": now, "then": _then(live), "artefacts": {"report": str(report)}}


def figures_of(measured: Mapping[str, Any]) -> dict[str, float]:
    """The few that say most, where they were measured."""
    return {axis: measured[axis][key] for axis, key in FIGURES if measured.get(axis)}


def _then(adapter: Adapter) -> dict[str, float]:
    """When it was judged; nothing of an adapter that never was."""
    return figures_of((adapter.report or {}).get("models", {}).get("candidate", {}))
