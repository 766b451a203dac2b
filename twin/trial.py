"""How does a trial end without anybody watching? It is looked at by the clock, and the owner is told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta

from bot.owner_news import OwnerNews
from bot.platform import Button
from brain.model_client import ModelRefused, ModelUnavailable, Sampling
from brain.prompt import heard
from learning.settings import CanarySettings
from learning.trial import Ending, watch
from storage.records import Adapter, Message, Prompt, now
from storage.unavailable import DatabaseUnavailable
from twin.build import Model, Stores, speaking

log = logging.getLogger(__name__)

WATCH_SECONDS = 60.0
LATELY = timedelta(days=14)
EXAMPLES = 3
EXAMPLE_TOKENS = 60
WORDS_SHOWN = 200  # characters of each side of an example


async def watch_by_the_clock(
    stores: Stores, model: Model, settings: CanarySettings, news: OwnerNews, every: float = WATCH_SECONDS
) -> None:
    """For ever. A trial that ends is told once, to the owner alone."""
    while True:
        await asyncio.sleep(every)
        try:
            ending = await watch(stores.adapters, stores.messages, stores.feedback, settings)
            if ending and ending.decision != "go on":
                log.info("the trial of %s is over: %s", ending.version, ending.decision)
                await tell(ending, stores, model, news)
        except DatabaseUnavailable as reason:
            log.error("the trial could not be looked at now: %s", reason)


async def tell(ending: Ending, stores: Stores, model: Model, news: OwnerNews) -> None:
    """What was decided and why, what each of the two says to the same words, and the way back."""
    if ending.decision == "promote":
        head = f"{ending.version} answers everywhere from now on, instead of {_name(ending.before)}."
        buttons = [Button("Take it back", f"roll-back:{ending.version}")]
    else:
        head = (
            f"I took {ending.version} back: people liked it less. {_name(ending.before)} answers, as before."
        )
        buttons = []
    examples = await _examples(ending, stores, model)
    await news.tell("\n\n".join([head, ending.words, *examples]), buttons)


def taking_back(stores: Stores) -> Callable[[str], Awaitable[str]]:
    """What the button under that message does: only ever to the version it names."""

    async def take_back(version: str) -> str:
        live = await stores.adapters.live()
        if live is None or live.version != version:
            return f"{version} does not answer any more."
        promotion = await stores.adapters.roll_back("taken back by the owner")
        return f"{_name(promotion.version)} answers from the next message on."

    return take_back


def _name(version: str | None) -> str:
    return version or "the base model"


async def _examples(ending: Ending, stores: Stores, model: Model) -> list[str]:
    """Answers of both to the owner's own latest questions; none when the model cannot be asked."""
    prompts = await _owners_prompts(stores)
    names = [ending.before or model.base.name, ending.version]
    both = [
        await stores.adapters.get(version) if version else None for version in (ending.before, ending.version)
    ]
    examples = []
    try:
        for prompt in prompts:
            before, after = [await _answer(model, adapter, prompt) for adapter in both]
            if before != after:
                words = heard(prompt)[-WORDS_SHOWN:]
                examples.append(f"> {words}\n{names[0]}: {before}\n{names[1]}: {after}")
    except (ModelUnavailable, ModelRefused) as reason:
        log.warning("no examples of %s: %s", ending.version, reason)
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
