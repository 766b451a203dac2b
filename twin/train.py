"""The commands that train one adapter and leave it a candidate: `twin train METHOD`."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from learning import preferences
from learning.adapter_folder import check, described
from learning.corpus import Snapshot
from learning.distil_recipe import DistilRecipe
from learning.durable import Progress, recorded
from learning.jobs import (
    AnyStep,
    DistilStep,
    DpoStep,
    EvaluateStep,
    HindsightStep,
    Job,
    KtoStep,
    RewardStep,
    RlhfStep,
    SftStep,
    TeacherStep,
    run_job,
)
from learning.preferences import Preferences
from learning.recipes import IMITATING, DpoRecipe, HindsightRecipe, KtoRecipe, SftRecipe, for_base
from learning.rlhf_recipe import RewardRecipe, RlhfRecipe
from learning.settings import RECIPES
from learning.teacher_folder import folder_for
from storage.records import Adapter, AdapterState, Run, now
from twin import show
from twin.adapters import live_on
from twin.build import Base, Stores, find_base, open_stores
from twin.errors import Told
from twin.feedback import collect
from twin.home import Home
from twin.monitoring import traced
from twin.settings import Settings
from twin.snapshots import newest_corpus
from twin.verdict import with_verdict


@dataclass(frozen=True, slots=True)
class Trained:
    adapter: Adapter
    report: Mapping[str, Any]  # of the evaluation, by role: base and candidate


async def train(home: Home, settings: Settings, method: str, recipe_file: Path | None) -> Adapter:
    settings = with_recipe(settings, method, recipe_file)
    if method == "distil":
        _teacher(settings)  # before anything else is made ready
    newest_corpus(home)
    async with open_stores(home, settings) as stores:
        with traced(settings.monitoring):
            return (await train_in(home, settings, stores, await find_base(settings), method)).adapter


async def train_in(home: Home, settings: Settings, stores: Stores, base: Base, method: str) -> Trained:
    """Train one adapter and measure it beside the live one (the anchor, where none is), recorded as a run.

    It is a candidate then, with the reasons why it may not go live, if there are any; nothing goes live.
    """
    snapshot = newest_corpus(home)
    known = await stores.adapters.all()
    numbers = [
        int(tail) for folder in home.adapters.glob("*-*") if (tail := folder.name.split("-")[-1]).isdigit()
    ]
    target = home.adapters / f"{method}-{max([0, len(known), *numbers]) + 1}"
    live = await live_on(stores, base.weights)
    pool: Preferences | None = None
    anchor: Path | None = None
    if method not in IMITATING:
        judged, _ = await collect(home, stores, settings, settings.learning)
        pool = await preferences.freeze(judged, home.preferences, settings.learning, None)
        anchor = _anchor(home, known, base)
    if method == "distil":
        steps = _distil_steps(home, settings, base, snapshot, target)
    elif method == "rlhf" and pool and anchor:
        steps = _rlhf_steps(home, settings, base, snapshot, pool, anchor, target)
    else:
        steps = [_step(method, settings, base, snapshot, pool, anchor, target)]

    async def work(run: Run, progress: Progress) -> dict[str, Any]:
        report = home.runs / run.id / "report.json"
        beside = Path(live.path) if live else anchor
        measure = EvaluateStep(
            base=base.weights,
            adapters={"base": None, **({"live": beside} if beside else {}), "candidate": target},
            corpus=snapshot.path,
            preferences=pool.path if pool else None,
            report=report,
            settings=settings.learning.evaluation,
        )
        job = Job(steps=[*steps, measure], work_dir=home.runs / "work")

        def tell(share: float, doing: str, figures: Mapping[str, Any]) -> None:
            progress.at(share, _words(doing, figures), figures)

        measured = (await run_job(job, report.parent, tell))[-1]
        return await with_verdict(measured, target, base.weights, home, settings)

    with show.progress(f"training {target.name}") as on_progress:
        report = await recorded(stores.runs, method, work, on_progress)
    verdict = report["verdict"]
    why_not = () if verdict["passed"] else tuple(verdict["reasons"])
    adapter = replace(described(target, now()), reasons=why_not)
    await stores.adapters.add(adapter)
    await stores.adapters.set_state(adapter.version, AdapterState.CANDIDATE, why_not, report)
    return Trained(adapter, report["models"])


def _step(
    method: str,
    settings: Settings,
    base: Base,
    snapshot: Snapshot,
    pool: Preferences | None,
    anchor: Path | None,
    target: Path,
) -> AnyStep:
    overrides = settings.learning.recipes.get(method, {})  # type: ignore[call-overload]
    match method, pool, anchor:
        case "dpo", Preferences(), Path():
            dpo = for_base(DpoRecipe, base.weights, **overrides)
            return DpoStep(
                base=base.weights,
                data=pool.path,
                recipe=dpo,
                adapter=target,
                parent=anchor,
                replay=snapshot.path,
            )
        case "kto", Preferences(), Path():
            kto = for_base(KtoRecipe, base.weights, **overrides)
            return KtoStep(
                base=base.weights,
                data=pool.path,
                recipe=kto,
                adapter=target,
                parent=anchor,
                replay=snapshot.path,
            )
        case "hindsight", Preferences(), Path():
            hindsight = for_base(HindsightRecipe, base.weights, **overrides)
            return HindsightStep(
                base=base.weights,
                data=pool.path,
                recipe=hindsight,
                adapter=target,
                parent=anchor,
                replay=snapshot.path,
            )
        case _:
            sft = for_base(SftRecipe, base.weights, **overrides)
            return SftStep(base=base.weights, data=snapshot.path, recipe=sft, adapter=target)


def _distil_steps(
    home: Home, settings: Settings, base: Base, snapshot: Snapshot, target: Path
) -> list[AnyStep]:
    """First the teacher is asked, which happens once for a snapshot; then the student learns."""
    teacher, url = _teacher(settings), settings.learning.teacher_url
    recipe = for_base(DistilRecipe, base.weights, **settings.learning.recipes.get("distil", {}))
    folder = folder_for(home.teacher, teacher, snapshot.path, recipe)
    return [
        TeacherStep(base=teacher, data=snapshot.path, recipe=recipe, folder=folder, url=url),
        DistilStep(base=base.weights, data=snapshot.path, recipe=recipe, adapter=target, teacher=folder),
    ]


def _teacher(settings: Settings) -> str:
    if not settings.learning.teacher:
        raise Told(
            "there is no teacher to learn from",
            "set [learning] teacher in twin.toml: a model's name on a hub, or a folder",
        )
    return settings.learning.teacher


def _rlhf_steps(
    home: Home,
    settings: Settings,
    base: Base,
    snapshot: Snapshot,
    pool: Preferences,
    anchor: Path,
    target: Path,
) -> list[AnyStep]:
    """First a reward model, where there are pairs enough for one; then the twin learns from all rewards."""
    rlhf = for_base(RlhfRecipe, base.weights, **settings.learning.recipes.get("rlhf", {}))
    reward = for_base(RewardRecipe, base.weights, **rlhf.reward_model)
    folder = home.rewards / f"reward-{target.name.split('-')[-1]}"
    wanted = rlhf.weights.learned > 0
    enough = wanted and pool.counts["pairs"] >= reward.min_rows
    if wanted and not enough:
        show.sentence(f"without a reward model: {pool.counts['pairs']} pairs, it needs {reward.min_rows}")
    first = [RewardStep(base=base.weights, data=pool.path, recipe=reward, reward=folder)] if enough else []
    return [
        *first,
        RlhfStep(
            base=base.weights,
            data=snapshot.path,
            recipe=rlhf,
            adapter=target,
            parent=anchor,
            preferences=pool.path,
            reward=folder if enough else None,
        ),
    ]


def rewards_of(adapter: Adapter) -> list[tuple[str, str, str]]:
    """Of an adapter that learned from rewards: each one's mean before and after; otherwise nothing."""
    try:
        report = json.loads((Path(adapter.path) / "report.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    found: Mapping[str, Mapping[str, float]] = report.get("rewards", {})
    return [(name, f"{means['before']:.3f}", f"{means['after']:.3f}") for name, means in found.items()]


def _anchor(home: Home, known: Sequence[Adapter], base: Base) -> Path:
    for adapter in reversed(known):
        folder = home.adapters / adapter.version
        if adapter.method in IMITATING and not check(folder, base.weights):
            return folder
    raise Told("preferences are learned on top of an adapter, and there is none", "'twin train sft' first")


def _words(doing: str, figures: Mapping[str, Any]) -> str:
    return f"{doing}, loss {figures['loss']:.3f}" if "loss" in figures else doing


def with_recipe(settings: Settings, method: str, recipe_file: Path | None) -> Settings:
    """The settings with one method's recipe overridden by a TOML file. A wrong key is told with its name."""
    if recipe_file is None:
        return settings
    try:
        overrides = tomllib.loads(recipe_file.read_text(encoding="utf-8-sig"))
        recipe = {**settings.learning.recipes.get(method, {}), **overrides}  # type: ignore[call-overload]
        RECIPES[method](**recipe)
    except UnicodeDecodeError as problem:
        raise Told(f"{recipe_file} is no text in UTF-8", "save it as UTF-8 in your editor") from problem
    except tomllib.TOMLDecodeError as problem:
        raise Told(f"{recipe_file} is not valid TOML: {problem}", "mend that line") from problem
    except ValidationError as invalid:
        problems = [
            f"'{'.'.join(map(str, error['loc']))}' {error['msg'].lower()}" for error in invalid.errors()
        ]
        known = ", ".join(RECIPES[method].model_fields)
        raise Told(f"{recipe_file}: {'; '.join(problems)}", f"what {method} knows: {known}") from None
    return with_recipes(settings, {method: recipe})


def with_recipes(settings: Settings, recipes: Mapping[str, Mapping[str, Any]]) -> Settings:
    learning = settings.learning.model_copy(update={"recipes": {**settings.learning.recipes, **recipes}})
    return settings.model_copy(update={"learning": learning})
