"""`twin evaluate`: what is measured, what the gate would say, and the page that shows it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brain.model_client import ModelClient
from learning import preferences
from learning.adapter_folder import check
from learning.durable import Progress, recorded
from learning.evaluation.page import page
from learning.evaluation.personal import personal
from learning.gate import judge
from learning.jobs import EvaluateStep, Job, run_job
from storage.records import Adapter, Run
from twin import show
from twin.adapters import known_adapter
from twin.build import Base, find_base, open_stores
from twin.feedback import feedback_of
from twin.home import Home
from twin.judge import asking, compare
from twin.learn import personal_scan
from twin.monitoring import traced
from twin.settings import Settings
from twin.snapshots import newest_corpus


@dataclass(frozen=True, slots=True)
class Report:
    """An evaluation, ready to be shown."""

    figures: Mapping[str, Any]
    picture: Path
    html: Path

    def as_json(self) -> dict[str, Any]:
        return {**self.figures, "picture": str(self.picture), "html": str(self.html)}

    @property
    def columns(self) -> list[str]:
        return list(self.figures["models"])

    def rows(self) -> list[tuple[str, ...]]:
        return rows_of(self.figures)

    def verdict(self) -> list[str]:
        """What the gate would say, a sentence an axis, refusals first."""
        axes = sorted(self.figures["verdict"]["axes"], key=lambda axis: (axis["passed"], not axis["judged"]))
        marks = {(True, True): "passed", (False, True): "refused", (True, False): "not judged"}
        return [f"{marks[axis['passed'], axis['judged']]}: {axis['words']}" for axis in axes]


def rows_of(report: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Each figure as text, with its interval where it has one; a column for each model."""
    models = list(report["models"].values())

    def row(
        name: str, axis: str, key: str, form: str, low: str = "low", high: str = "high"
    ) -> tuple[str, ...]:
        cells = []
        for model in models:
            found = model.get(axis)
            cell = format(found[key], form) if found else "-"
            spread = found and low in found
            cells.append(f"{cell} ({found[low]:{form}} to {found[high]:{form}})" if spread else cell)
        return (name, *cells)

    nowhere = {"low": "", "high": ""}
    return [
        row("owner's own words, nats a token", "nll", "mean", ".3f"),
        row("corrections preferred", "preference", "accuracy", ".0%"),
        row("by so many nats a token", "preference", "margin", ".3f", "margin_low", "margin_high"),
        row("thumbs told apart (AUC)", "thumbs", "auc", ".2f"),
        row("told from the owner (AUC)", "likeness", "auc", ".2f"),
        *_style_rows(models),
        row("different replies", "variety", "distinct", ".0%", **nowhere),
        row("different word pairs", "variety", "distinct_2", ".0%", **nowhere),
        row("phrases another reply has", "variety", "overlap", ".0%", **nowhere),
        row("replies in circles", "variety", "loops", ".0%", "loops_low", "loops_high"),
        row("characters of a reply", "variety", "characters", ".0f", **nowhere),
        row("questions answered", "capability", "accuracy", ".0%"),
        row("honest, discreet, not flattering", "safety", "accuracy", ".0%"),
        row("training texts known by heart", "recited", "share", ".0%"),
        row("canaries learned, by chance", "canaries", "chance", ".1%", **nowhere),
        row("nats a token from the live one", "divergence", "mean", ".3f"),
        row("like the owner to an embedding", "authorship", "similarity", ".2f"),
        row("a judge prefers it", "judge", "share", ".0%"),
        row("friends prefer it", "friends", "share", ".0%"),
        *_benchmark_rows(models),
    ]


def _style_rows(models: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """0: as near as the owner is to themselves; 1: as far as other people."""
    habits: Mapping[str, Any] = next((model["distances"] for model in models if model.get("distances")), {})
    return [
        (
            f"style: {habit} (0 owner, 1 others)",
            *(_spread((model.get("distances") or {}).get(habit)) for model in models),
        )
        for habit in habits
    ]


def _benchmark_rows(models: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    tasks = dict.fromkeys(task for model in models for task in model.get("benchmarks") or {})
    return [
        (task, *(_spread((model.get("benchmarks") or {}).get(task), "score") for model in models))
        for task in tasks
    ]


def _spread(found: Mapping[str, float] | None, key: str = "scaled") -> str:
    return f"{found[key]:.2f} ({found['low']:.2f} to {found['high']:.2f})" if found else "-"


async def evaluate_once(home: Home, settings: Settings, version: str, against: str | None) -> Report:
    """In a process that does nothing else."""
    with traced(settings.monitoring):
        return await evaluate_adapter(home, settings, version, against)


async def evaluate_adapter(home: Home, settings: Settings, version: str, against: str | None) -> Report:
    """Measured thoroughly beside the live one and the base, judged as a cycle judges, and kept as a page."""
    async with open_stores(home, settings) as stores:
        candidate = await known_adapter(stores, version)
        other = await known_adapter(stores, against) if against else await stores.adapters.live()
        corpus = newest_corpus(home).path
        base = await find_base(settings)
        judged = await feedback_of(home, stores, settings)
        pool = await preferences.freeze(judged, home.preferences, settings.learning, None) if judged else None

        async def work(run: Run, progress: Progress) -> Report:
            file = home.runs / run.id / "report.json"
            step = EvaluateStep(
                base=base.weights,
                adapters={
                    "base": None,
                    "live": Path(other.path) if other else None,
                    "candidate": Path(candidate.path),
                },
                corpus=corpus,
                preferences=pool.path if pool else None,
                report=file,
                settings=settings.learning.evaluation,
                thorough=True,
            )

            def tell(share: float, doing: str, _: Mapping[str, Any]) -> None:
                progress.at(share, doing)

            [found] = await run_job(Job(steps=[step], work_dir=home.runs / "work"), file.parent, tell)
            figures = await _judged(found, candidate, home, settings, base)
            html = file.with_suffix(".html")
            html.write_text(page(figures, rows_of(figures), file.with_suffix(".png")), encoding="utf-8")
            return Report(figures, file.with_suffix(".png"), html)

        with show.progress(f"evaluating {version}") as on_progress:
            return await recorded(stores.runs, "evaluate", work, on_progress)


async def _judged(
    report: dict[str, Any], adapter: Adapter, home: Home, settings: Settings, base: Base
) -> dict[str, Any]:
    """With what the worker cannot know: personal things, a judge's and friends' picks, and the verdict."""
    candidate = report["models"]["candidate"]
    candidate["personal"] = personal(report, personal_scan(home, settings))
    kept = (adapter.report or {}).get("models", {}).get("candidate", {})
    candidate["friends"] = kept.get("friends")
    options = settings.learning.evaluation
    if options.judge_url:
        client = ModelClient(options.judge_url, timeout=settings.model.timeout_seconds)
        rows = zip(
            report["prompts"],
            report["answers"],
            candidate["samples"],
            report["models"]["live"]["samples"],
            strict=True,
        )
        try:
            candidate["judge"] = await compare(
                list(rows)[: options.judge_prompts], asking(client, options.judge_model)
            )
        finally:
            await client.aclose()
    problems = await asyncio.to_thread(check, Path(adapter.path), base.weights)
    verdict = judge(candidate, report["models"]["live"], problems, settings.learning.gate)
    return report | {"verdict": verdict.as_json()}
