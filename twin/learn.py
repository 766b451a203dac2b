"""The commands about learning: snapshots, training, the learning cycle, evaluation, promotion."""

from __future__ import annotations

import asyncio
import json
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from brain.model_client import ModelRefused, Sampling
from brain.replicas import Replicas
from learning import corpus, cycle, preferences
from learning.adapter_folder import check, described
from learning.card_picture import add_picture
from learning.corpus import Snapshot
from learning.cycle import Outcome
from learning.distil_recipe import DistilRecipe
from learning.durable import Progress, recorded
from learning.evaluation.personal import Scan
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
from learning.judged import Judged
from learning.preferences import Preferences, Sampler
from learning.promote import ServerRefused
from learning.promote import promote as promote_checked
from learning.recipes import IMITATING, DpoRecipe, HindsightRecipe, KtoRecipe, SftRecipe, for_base
from learning.rlhf_recipe import RewardRecipe, RlhfRecipe
from learning.rows import read_rows
from learning.settings import RECIPES, LearningSettings
from learning.teacher_folder import folder_for
from storage.records import Adapter, AdapterState, Consent, Feedback, Message, Prompt, Run, now
from twin import second_look, show
from twin.build import Base, Model, Stores, find_base, open_model, open_stores, persona
from twin.errors import Told
from twin.home import Home
from twin.review import open_roster
from twin.second_look import SecondLook, build_checked
from twin.settings import Settings

SAMPLES_AT_ONCE = 4
TOLD = 10  # records named one by one


# snapshots


def corpora(home: Home) -> list[Snapshot]:
    """Oldest first."""
    cards = sorted(home.corpora.glob("*/card.json"), key=lambda card: card.stat().st_mtime)
    return [corpus.load(card.parent) for card in cards]


def newest_corpus(home: Home) -> Snapshot:
    if not (found := corpora(home)):
        raise Told("there is no snapshot to learn from", "'twin ingest' an export, then 'twin corpus build'")
    return found[-1]


async def build_corpus(home: Home, settings: Settings) -> Snapshot:
    async with open_stores(home, settings) as stores:
        return await build_corpus_in(home, settings, stores)


async def build_corpus_in(home: Home, settings: Settings, stores: Stores) -> Snapshot:
    records = await stores.records.find()
    if not records:
        raise Told("nothing was ingested yet", "'twin ingest auto PATH' reads an export")
    who = persona(settings)
    roster, _ = open_roster(home, settings)
    snapshot, left_out = await asyncio.to_thread(
        build_checked, records, who, home, settings.learning.corpus, roster
    )
    for sentence in second_look.in_words(left_out)[:TOLD]:
        show.sentence(sentence)
    if len(left_out) > TOLD:
        show.sentence(f"... and more; {snapshot.path / second_look.REPORT} names them all")
    await asyncio.to_thread(add_picture, snapshot.path)
    (snapshot.path / "card.json").touch()  # the same records again: it is the newest all the same
    return snapshot


def data_card(snapshot: Snapshot) -> dict[str, Any]:
    card: dict[str, Any] = json.loads((snapshot.path / "card.json").read_text(encoding="utf-8"))
    return card


async def show_samples(home: Home, snapshot_id: str | None, limit: int) -> list[Any]:
    wanted = [snapshot for snapshot in corpora(home) if snapshot_id in (None, snapshot.id)]
    if not wanted:
        raise Told(f"there is no snapshot {snapshot_id or ''}".rstrip(), "'twin corpus stats' names them")
    return read_rows(wanted[-1].path / "train.jsonl")[:limit]


# training


@dataclass(frozen=True, slots=True)
class Trained:
    adapter: Adapter
    report: Mapping[str, Any]  # of the evaluation, by role: base and candidate


async def train(home: Home, settings: Settings, method: str, recipe_file: Path | None) -> Adapter:
    settings = with_recipe(settings, method, recipe_file)
    if method == "distil":
        _teacher(settings)  # before anything else is made ready
    async with open_stores(home, settings) as stores:
        return (await train_in(home, settings, stores, await find_base(settings), method)).adapter


async def train_in(home: Home, settings: Settings, stores: Stores, base: Base, method: str) -> Trained:
    """Train and evaluate one adapter, recorded as a run; it is a candidate then, and nothing goes live."""
    snapshot = newest_corpus(home)
    known = await stores.adapters.all()
    numbers = [
        int(tail) for folder in home.adapters.glob("*-*") if (tail := folder.name.split("-")[-1]).isdigit()
    ]
    target = home.adapters / f"{method}-{max([0, len(known), *numbers]) + 1}"
    pool: Preferences | None = None
    anchor: Path | None = None
    if method not in IMITATING:
        judged, _ = await _collect(stores, settings, settings.learning)
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
        measure = EvaluateStep(
            base=base.weights,
            adapters={"base": None, **({"live": anchor} if anchor else {}), "candidate": target},
            corpus=snapshot.path,
            preferences=pool.path if pool else None,
            report=report,
            settings=settings.learning.evaluation,
        )
        job = Job(steps=[*steps, measure], work_dir=home.runs / "work")

        def tell(share: float, doing: str, figures: Mapping[str, Any]) -> None:
            progress.at(share, _words(doing, figures), figures)

        return (await run_job(job, report.parent, tell))[-1]

    with show.progress(f"training {target.name}") as on_progress:
        report = await recorded(stores.runs, method, work, on_progress)
    adapter = described(target, now())
    await stores.adapters.add(adapter)
    await stores.adapters.set_state(adapter.version, AdapterState.CANDIDATE, report=report)
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
        overrides = tomllib.loads(recipe_file.read_text(encoding="utf-8"))
        recipe = {**settings.learning.recipes.get(method, {}), **overrides}  # type: ignore[call-overload]
        RECIPES[method](**recipe)
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


# the cycle


async def learn_once(home: Home, settings: Settings, recipe_file: Path | None, again: bool) -> Outcome:
    settings = with_recipe(settings, "dpo", recipe_file)
    async with open_stores(home, settings) as stores, open_model(home, settings) as model:
        with show.progress("learning") as on_progress:
            return await learn_in(home, settings, stores, model, again=again, on_progress=on_progress)


async def learn_in(
    home: Home,
    settings: Settings,
    stores: Stores,
    model: Model,
    *,
    again: bool = False,
    on_trial: bool = False,
    on_progress: show.OnProgress | None = None,
) -> Outcome:
    """One whole cycle with everything it needs handed in; silent unless somebody wants to hear of it.

    `on_trial`: whatever passes the gate is tried on a share of the chats first, where the settings say so.
    """
    return await cycle.learn(
        home=home.root,
        base=model.base.weights,
        corpus=newest_corpus(home).path,
        settings=settings.learning,
        feedback=stores.feedback,
        messages=stores.messages,
        adapters=stores.adapters,
        runs=stores.runs,
        server=ServingFace(model.client),
        agreed=await _agreed(stores, settings),
        sampler=_sampler(stores, model, settings),
        again=again,
        scan=personal_scan(home, settings),
        on_progress=on_progress,
        while_training=model.client.asleep if settings.serving.share_gpu == "sleep" else nullcontext,
        share=(settings.learning.canary.share or None) if on_trial else None,
    )


async def _collect(
    stores: Stores, settings: Settings, learning: LearningSettings
) -> tuple[list[Judged], dict[str, int]]:
    agreed = await _agreed(stores, settings)
    return await preferences.collect(stores.feedback, stores.messages, learning, agreed)


async def _agreed(stores: Stores, settings: Settings) -> set[str]:
    """Whose words may be learned from: whoever said so, and the owner, under all of their accounts."""
    accounts = settings.owner.owner().accounts
    own = {f"{platform}:{id}" for platform, ids in accounts.items() for id in ids}
    return own | await stores.people.who(Consent.AGREED)


async def feedback_of(stores: Stores, settings: Settings) -> list[Judged]:
    """What a cycle would learn from now."""
    return (await _collect(stores, settings, settings.learning))[0]


def personal_scan(home: Home, settings: Settings) -> Scan:
    """What looks for personal things in what an adapter says."""
    roster, _ = open_roster(home, settings)
    return SecondLook(roster.names()).kinds


def outcome_in_words(outcome: Outcome) -> str:
    """What came of a cycle, for the person who waits for it."""
    reasons = " ".join(outcome.reasons)
    match outcome.state:
        case "live":
            return f"{outcome.version} passed the gate and answers from now on. {reasons}"
        case "on trial":
            return (
                f"{outcome.version} passed the gate and is tried on some of the chats, yours first. {reasons}"
            )
        case "refused":
            return f"{outcome.version} was refused, and the one before goes on answering. {reasons}"
        case _:
            return reasons


class ServingFace:
    """The model servers as promotion sees them: what one of them refuses, is refused."""

    def __init__(self, replicas: Replicas) -> None:
        self._replicas = replicas

    async def load_adapter(self, name: str, path: str) -> None:
        try:
            refusals = await self._replicas.load_adapter(name, path)
        except ModelRefused as refusal:
            raise ServerRefused(str(refusal)) from refusal
        if refusals:
            raise ServerRefused("; ".join(f"{server}: {why}" for server, why in refusals.items()))

    async def unload_adapter(self, name: str) -> None:
        await self._replicas.unload_adapter(name)

    async def score(self, model: str, token_ids: Sequence[int]) -> Mapping[str, Sequence[float | None]]:
        try:
            return await self._replicas.score(model, list(token_ids))
        except ModelRefused as refusal:
            raise ServerRefused(str(refusal)) from refusal


def _sampler(stores: Stores, model: Model, settings: Settings) -> Sampler:
    """Fresh replies of whoever is live, a few at a time so that people who chat do not wait for them."""
    gate = asyncio.Semaphore(SAMPLES_AT_ONCE)

    async def sample(prompt: Prompt, count: int) -> list[str]:
        live = await stores.adapters.live()
        name = live.version if live else model.base.name
        if live:
            await ServingFace(model.client).load_adapter(live.version, live.path)

        async def one(seed: int) -> str:
            sampling = Sampling(
                settings.model.temperature, settings.model.top_p, settings.model.max_tokens, seed
            )
            async with gate:
                return (await model.client.chat(name, prompt, sampling)).text.strip()

        return [text for text in await asyncio.gather(*(one(seed) for seed in range(count))) if text]

    return sample


# adapters


async def merge_adapter(home: Home, settings: Settings, version: str, final: Path, kind: str | None) -> Path:
    """Base and adapter as one model in `final`; in fewer bits where a format is named."""
    from learning.export import export, must_be_installed
    from learning.merge import merge

    async with open_stores(home, settings) as stores:
        adapter = await known_adapter(stores, version)
    base = await find_base(settings)
    if kind not in (None, "fp8", "awq", "gptq"):
        raise Told(f"there is no format {kind}", "formats: fp8, awq, gptq", exit_code=2)
    with show.progress(f"merging {version}") as on_progress:
        if kind is None:
            return await asyncio.to_thread(merge, base.weights, Path(adapter.path), final)
        must_be_installed(kind)  # type: ignore[arg-type]
        rows = [] if kind == "fp8" else read_rows(newest_corpus(home).path / "train.jsonl")
        with tempfile.TemporaryDirectory(dir=final.parent) as room:
            whole = await asyncio.to_thread(merge, base.weights, Path(adapter.path), Path(room) / "merged")
            on_progress(0.5, f"writing {kind}")
            return await asyncio.to_thread(export, whole, final, kind, rows)  # type: ignore[arg-type]


async def one_adapter(home: Home, settings: Settings, version: str) -> Adapter:
    async with open_stores(home, settings) as stores:
        return await known_adapter(stores, version)


async def promote_adapter(home: Home, settings: Settings, version: str) -> str:
    async with open_stores(home, settings) as stores, open_model(home, settings) as model:
        return await promote(stores, model, version)


async def promote(stores: Stores, model: Model, version: str, share: float | None = None) -> str:
    """Check, load, probe, make live, or the canary for that share. A refused one keeps its reasons.

    Returns what to tell the person.
    """
    adapter = await known_adapter(stores, version)
    if adapter.state is AdapterState.LIVE:
        return f"{version} is live already"
    if adapter.state is AdapterState.REFUSED:
        raise Told(f"{version} was refused: {' '.join(adapter.reasons)}", "a refused adapter never serves")
    problems = await promote_checked(
        adapter,
        base=model.base.weights,
        adapters=stores.adapters,
        server=ServingFace(model.client),
        why="asked for by the owner",
        share=share,
    )
    if problems:
        raise Told(f"{version} is refused: {' '.join(problems)}", "the live one goes on answering")
    if share is None:
        return f"{version} answers from the next message on"
    return f"{version} answers {share:.0%} of the chats from their next message on"


async def canary_adapter(home: Home, settings: Settings, version: str, share: float | None) -> str:
    share = settings.learning.canary.share if share is None else share
    if not 0 < share < 1:
        raise Told(f"a canary's share lies between 0 and 1, not {share}", "--share 0.1", exit_code=2)
    async with open_stores(home, settings) as stores, open_model(home, settings) as model:
        return await promote(stores, model, version, share)


async def known_adapter(stores: Stores, version: str) -> Adapter:
    adapter = await stores.adapters.get(version)
    if adapter is None:
        raise Told(f"there is no adapter {version}", "'twin adapters list' names them", exit_code=2)
    return adapter


# feedback


async def effective_feedback(home: Home, settings: Settings) -> list[tuple[Feedback, Message | None]]:
    async with open_stores(home, settings) as stores:
        signals = await stores.feedback.effective()
        return [(signal, await stores.messages.get(signal.reply_key)) for signal in signals]


async def export_feedback(home: Home, settings: Settings, path: Path) -> int:
    """Pairs and thumbs in the rows that TRL and other trainers read; nothing is held back."""
    everything = settings.learning.model_copy(update={"heldout_share": 1e-9})
    async with open_stores(home, settings) as stores:
        judged, _ = await _collect(stores, settings, everything)
        pool = await preferences.freeze(judged, home.preferences, everything, None)
    rows = [row for name in preferences.FILES for row in read_rows(pool.path / name)]
    return await asyncio.to_thread(show.write_lines, path, rows)
