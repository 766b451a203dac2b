"""How does a trial end without anybody watching? It is looked at by the clock, and the owner is told."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from bot.owner_news import OwnerNews
from bot.platform import Button
from brain.model_client import ModelRefused, ModelUnavailable, Sampling
from brain.prompt import heard
from learning.settings import CanarySettings
from learning.trial import watch
from storage.adapters import TO_TELL
from storage.processes import this_process
from storage.records import Adapter, Message, Prompt, now
from storage.unavailable import DatabaseUnavailable
from twin.build import Model, Stores, speaking

log = logging.getLogger(__name__)

WATCH_SECONDS = 60.0
LATELY = timedelta(days=14)
EXAMPLES = 3
EXAMPLE_TOKENS = 60
TELLING_SECONDS = 600.0  # at most, with all that the models are asked for it
LONGEST = 1900  # characters: one message on every chat app
WORDS_SHOWN = 200  # characters of each side of an example


async def watch_by_the_clock(
    stores: Stores,
    model: Model,
    settings: Callable[[], CanarySettings],
    news: OwnerNews,
    every: float = WATCH_SECONDS,
) -> None:
    """For ever, by the settings of each moment. A trial that ends is told once, to the owner alone."""
    written: dict[str, str] = {}
    while True:
        await asyncio.sleep(every)
        try:
            ending = await watch(stores.adapters, stores.messages, stores.feedback, settings())
            if ending and ending.decision != "go on":
                log.info("the trial of %s is over: %s", ending.version, ending.decision)
            await tell_endings(stores, model, news, written)
        except DatabaseUnavailable as reason:
            log.error("the trial could not be looked at now: %s", reason)


async def tell_endings(stores: Stores, model: Model, news: OwnerNews, written: dict[str, str]) -> None:
    """What the owner has not heard of yet: a kill, another copy's decision or a closed chat only delays it.

    `written`: what there is to say, by version, so that the models are not asked again.
    """
    if not news.reaches:
        return  # another copy does
    for version in [one.version for one in await stores.adapters.all() if _to_tell(one)]:
        lease = f"trial {version}"
        if not await stores.leases.take(lease, this_process(), TELLING_SECONDS):
            continue
        try:
            adapter = await stores.adapters.get(version)  # as it is now that nobody else tells it
            if adapter and (until := _to_tell(adapter)):
                told = await _tell(adapter, stores, model, news, written)
                if told or now() > datetime.fromisoformat(until):
                    await stores.adapters.told_of_trial(version)
        finally:
            with contextlib.suppress(DatabaseUnavailable):  # then it ends by itself
                await stores.leases.give_back(lease, this_process())


async def _tell(
    adapter: Adapter, stores: Stores, model: Model, news: OwnerNews, written: dict[str, str]
) -> str | None:
    """What was decided and why, what each of the two says to the same words, and the way back."""
    trial, version = adapter.report["trial"], adapter.version
    buttons = []
    if trial["decision"] == "promote":
        head = f"{version} answers everywhere from now on, instead of {_name(trial['before'])}."
        buttons = [Button("Take it back", f"roll-back:{version}")]
    else:
        head = f"I took {version} back: people liked it less. {_name(trial['before'])} answers, as before."
    if version not in written:
        text = f"{head}\n\n{trial['words']}"
        for example in await _examples(trial["before"], version, stores, model):
            if len(text) + len(example) + 2 <= LONGEST:
                text += f"\n\n{example}"
        written[version] = text
    return await news.tell(written[version], buttons)


def _to_tell(adapter: Adapter) -> str | None:
    until = adapter.report.get("trial", {}).get(TO_TELL)
    return until if isinstance(until, str) else None


def taking_back(stores: Stores) -> Callable[[str], Awaitable[str]]:
    """What the button under that message does: only ever to the version it names."""

    async def take_back(version: str) -> str:
        promotion = await stores.adapters.take_back(version, "taken back by the owner")
        if promotion is None:
            return f"{version} does not answer any more."
        return f"{_name(promotion.version)} answers from the next message on."

    return take_back


def _name(version: str | None) -> str:
    return version or "the base model"


async def _examples(before: str | None, version: str, stores: Stores, model: Model) -> list[str]:
    """Answers of both to the owner's own latest questions; none when the model cannot be asked."""
    prompts = await _owners_prompts(stores)
    names = [before or model.base.name, version]
    both = [await stores.adapters.get(name) if name else None for name in (before, version)]
    examples = []
    try:
        for prompt in prompts:
            old, new = [await _answer(model, adapter, prompt) for adapter in both]
            if old != new:
                words = heard(prompt)[-WORDS_SHOWN:]
                examples.append(f"> {words}\n{names[0]}: {old}\n{names[1]}: {new}")
    except (ModelUnavailable, ModelRefused) as reason:
        log.warning("no examples of %s: %s", version, reason)
    return examples[:EXAMPLES]


async def _owners_prompts(stores: Stores) -> list[Prompt]:
    """What the twin was asked lately where nobody but the owner spoke, newest first, each once."""
    found: dict[str, Prompt] = {}
    for reply in reversed(await stores.messages.replies_since(now() - LATELY)):
        if _only_the_owner(reply) and reply.stamp:
            found.setdefault(heard(reply.stamp.prompt), reply.stamp.prompt)
    return list(found.values())[: 2 * EXAMPLES]


def _only_the_owner(reply: Message) -> bool:
    return reply.stamp is not None and bool(reply.stamp.prompt) and not reply.stamp.speakers


async def _answer(model: Model, adapter: Adapter | None, prompt: Prompt) -> str:
    sampling = Sampling(temperature=0.0, max_tokens=EXAMPLE_TOKENS)
    async with speaking(model, adapter) as name:
        return (await model.client.chat(name, prompt, sampling)).text.strip()[:WORDS_SHOWN]
