"""`twin evaluate`: what is measured, what the gate would say, and the page that shows it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brain.model_client import ModelClient, ModelRefused, ModelUnavailable
from learning import preferences
from learning.durable import Progress, recorded
from learning.evaluation.page import page
from learning.jobs import EvaluateStep, Job, run_job
from storage.records import Adapter, AdapterState, Run
from twin import show
from twin.adapters import known_adapter, live_on
from twin.ask_friends import KEYS
from twin.blind_test import friends_of
from twin.build import Base, find_base, open_stores
from twin.feedback import feedback_of
from twin.home import Home
from twin.judge import asking, compare
from twin.monitoring import traced
from twin.settings import Settings
from twin.snapshots import newest_corpus
from twin.verdict import with_verdict


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

    def row(name: str, axis: str, key: str, form: str, before: str = "") -> tuple[str, ...]:
        """`before`: of the names of the interval's ends."""
        cells = []
        for model in models:
            found, (low, high) = model.get(axis), (f"{before}{end}" for end in ("low", "high"))
            cell = format(found[key], form) if found else "-"
            spread = found and low in found
            cells.append(f"{cell} ({found[low]:{form}} to {found[high]:{form}})" if spread else cell)
        return (name, *cells)

    return [
        row("owner's own words, nats a token", "nll", "mean", ".3f"),
        row("corrections preferred", "preference", "accuracy", ".0%"),
        row("by so many nats a token", "preference", "margin", ".3f", "margin_"),
        row("thumbs told apart (AUC)", "thumbs", "auc", ".2f"),
        row("told from the owner (AUC)", "likeness", "auc", ".2f"),
        *_style_rows(models),
        row("different replies", "variety", "distinct", ".0%", "distinct_"),
        row("different word pairs", "variety", "distinct_2", ".0%", "distinct_2_"),
        row("phrases another reply has", "variety", "overlap", ".0%", "overlap_"),
        row("replies in circles", "variety", "loops", ".0%", "loops_"),
        row("characters of a reply", "variety", "characters", ".0f", "characters_"),
        row("questions answered", "capability", "accuracy", ".0%"),
        row("honest, discreet, not flattering", "safety", "accuracy", ".0%"),
        row("training texts known by heart", "recited", "share", ".0%"),
        row("canaries learned, by chance", "canaries", "chance", ".1%"),
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
        corpus = newest_corpus(home).path
        base = await find_base(settings)
        other = await known_adapter(stores, against) if against else await live_on(stores, base.weights)
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
            if not against and candidate.state in (AdapterState.CANDIDATE, AdapterState.RETIRED):
                # A promotion by hand looks at this.
                await stores.adapters.set_report(version, {**(candidate.report or {}), **figures})
            return Report(figures, file.with_suffix(".png"), html)

        with show.progress(f"evaluating {version}") as on_progress:
            return await recorded(stores.runs, "evaluate", work, on_progress)


async def _judged(
    report: dict[str, Any], adapter: Adapter, home: Home, settings: Settings, base: Base
) -> dict[str, Any]:
    """With what the worker cannot know: a judge's and friends' picks, personal things, and the verdict."""
    candidate, other = report["models"]["candidate"], report["models"]["live"]
    candidate["friends"] = await asyncio.to_thread(
        friends_of, home.root / KEYS, adapter.version, other["adapter"]
    )
    if settings.learning.evaluation.judge_url:
        candidate["judge"] = await asked_of_a_judge(report, settings)
    return await with_verdict(report, Path(adapter.path), base.weights, home, settings)


async def asked_of_a_judge(report: Mapping[str, Any], settings: Settings) -> dict[str, Any] | None:
    """None, and a word about it, where the judge cannot be asked: all the rest was measured for minutes."""
    options, models = settings.learning.evaluation, report["models"]
    samples = (models[role]["samples"] for role in ("candidate", "live"))
    rows = list(zip(report["prompts"], report["answers"], *samples, strict=True))[: options.judge_prompts]
    client = ModelClient(str(options.judge_url), timeout=settings.model.timeout_seconds)
    try:
        return await compare(rows, asking(client, options.judge_model))
    except (ModelUnavailable, ModelRefused) as reason:
        show.sentence(f"without a judge: {reason}")
        return None
    finally:
        await client.aclose()
