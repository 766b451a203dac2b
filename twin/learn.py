"""The command that learns: one whole cycle, from feedback to an adapter that answers or is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from brain.model_client import Sampling
from learning import cycle
from learning.cycle import Outcome
from learning.durable import Held, Progress, recorded
from learning.preferences import Sampler
from learning.targets.target import Target
from storage.records import Prompt, Run
from twin import show
from twin.adapters import ServingFace
from twin.build import Model, Stores, find_base, open_model, open_stores, speaking
from twin.feedback import agreed, collect, private_things, trusted
from twin.home import Home
from twin.monitoring import traced
from twin.settings import Settings
from twin.snapshots import newest_corpus
from twin.train import with_recipe
from twin.verdict import personal_scan

SAMPLES_AT_ONCE = 4


async def learn_once(home: Home, settings: Settings, recipe_file: Path | None, again: bool) -> Outcome:
    settings = with_recipe(settings, "dpo", recipe_file)
    newest_corpus(home)  # says that there is none before a server is started
    async with open_stores(home, settings) as stores:
        if outcome := await _nothing_to_do(home, settings, stores, again):
            return outcome
        async with open_model(home, settings) as model:
            with traced(settings.monitoring), show.progress("learning") as on_progress:
                return await learn_in(home, settings, stores, model, again=again, on_progress=on_progress)


async def _nothing_to_do(home: Home, settings: Settings, stores: Stores, again: bool) -> Outcome | None:
    """What a cycle would end with at once, recorded as one: nobody waits for a server to hear that."""
    judged, left_out = await collect(home, stores, settings, settings.learning)
    if len(judged) < settings.learning.min_feedback:
        why = cycle.too_little(len(judged), left_out, settings.learning)
    elif not again and await cycle.learned_already(
        cycle.signals_of((await find_base(settings)).weights, judged), stores.runs
    ):
        why = cycle.NOTHING_NEW
    else:
        return None

    async def work(run: Run, progress: Progress) -> Outcome:
        progress.at(0.0, "collecting feedback")
        return Outcome("not enough", why, run.id)

    return await recorded(stores.runs, cycle.KIND, work, summary=Outcome.as_json)


async def learn_in(
    home: Home,
    settings: Settings,
    stores: Stores,
    model: Model,
    *,
    again: bool = False,
    on_trial: bool = False,
    on_progress: show.OnProgress | None = None,
    anew: bool = False,
    target: Target | None = None,
    held: Held | None = None,
) -> Outcome:
    """One whole cycle with everything it needs handed in; silent unless somebody wants to hear of it.

    `on_trial`: whatever passes the gate is tried on a share of the chats first, where the settings say so.
    `anew`, `target`, `held`: see learning/cycle.py.
    """
    lends = model.makes_room(settings) and (target is None or target.here)
    return await cycle.learn(
        home=home.root,
        base=model.base.weights,
        corpus=newest_corpus(home).path,
        settings=settings.learning,
        feedback=trusted(stores, settings),
        messages=stores.messages,
        adapters=stores.adapters,
        runs=stores.runs,
        server=ServingFace(model.client),
        agreed=await agreed(stores, settings),
        private=await asyncio.to_thread(private_things, home, settings),
        sampler=_sampler(stores, model, settings),
        again=again,
        scan=personal_scan(home, settings),
        on_progress=on_progress,
        while_training=model.client.asleep if lends else nullcontext,
        share=(settings.learning.canary.share or None) if on_trial else None,
        anew=anew,
        target=target,
        held=held,
    )


def outcome_in_words(outcome: Outcome) -> str:
    """What came of a cycle, for the person who waits for it."""
    return in_words(outcome.state, outcome.version, outcome.reasons)


def in_words(state: str, version: str | None, reasons: Sequence[str]) -> str:
    why = " ".join(reasons)
    match state:
        case "live":
            return f"{version} passed the gate and answers from now on. {why}"
        case "on trial":
            return f"{version} passed the gate and is tried on some of the chats, yours first. {why}"
        case "refused":
            return f"{version} was refused, and the one before goes on answering. {why}"
        case _:
            return why


def _sampler(stores: Stores, model: Model, settings: Settings) -> Sampler:
    """Fresh replies of whoever is live, a few at a time so that people who chat do not wait for them."""
    gate = asyncio.Semaphore(SAMPLES_AT_ONCE)

    async def sample(prompt: Prompt, count: int) -> list[str]:
        live = await stores.adapters.live()
        async with speaking(model, live) as name:
            return [
                text for text in await asyncio.gather(*(one(name, prompt, at) for at in range(count))) if text
            ]

    async def one(name: str, prompt: Prompt, seed: int) -> str:
        sampling = Sampling(settings.model.temperature, settings.model.top_p, settings.model.max_tokens, seed)
        async with gate:
            return (await model.client.chat(name, prompt, sampling)).text.strip()

    return sample
