"""Talking to the twin in the terminal, with everything that the other chat apps have behind it."""

from __future__ import annotations

import asyncio
import contextlib

from bot.ears import ears_of
from bot.terminal_app import TerminalApp
from brain.live_adapter import LiveAdapter
from brain.model_client import ModelUnavailable
from twin import show
from twin.build import (
    Model,
    Stores,
    build_brain,
    build_commands,
    build_talk,
    open_model,
    open_stores,
    persona,
)
from twin.forget import unlearning
from twin.home import Home
from twin.monitoring import traced
from twin.settings import Settings
from twin.teach import lessons

TIDY_SECONDS = 30
AT_ONCE = {"burst_seconds": 0, "delivery": "stream", "speed": 0, "draft": False}  # nobody waits at a prompt


async def talk(home: Home, settings: Settings) -> None:
    persona(settings)  # says that there is none before a server is started
    async with open_stores(home, settings) as stores, open_model(home, settings) as model:
        live = await stores.adapters.live()
        show.sentence(
            f"model: {model.base.label()}; answering: {live.version if live else 'nothing learned yet'}"
        )
        with traced(settings.monitoring):
            await converse(home, settings, stores, model)


async def converse(home: Home, settings: Settings, stores: Stores, model: Model) -> None:
    """One sitting at the terminal; a learning cycle that was begun in it is waited for at the end."""
    brain, live = build_brain(stores, model, settings)
    async with asyncio.TaskGroup() as tasks:
        at_once = settings.model_copy(update={"chat": settings.chat.model_copy(update=AT_ONCE)})
        talk = build_talk(
            brain,
            stores,
            at_once,
            demonstrate=lessons(home, settings, stores),
            unlearn=unlearning(home, settings, stores),
        )
        commands = build_commands(home, settings, stores, model, tasks)
        name = settings.owner.name
        terminal = TerminalApp(ears_of(talk, commands), owner_name=name, twin_name=f"{name}'s twin")
        talk.news.platforms[terminal.name] = terminal
        tidying = tasks.create_task(keep_tidy(live))
        try:
            await terminal.run()
            if commands.busy():
                show.sentence("still learning; this ends when that does, and Ctrl-C stops it without harm")
        finally:
            await talk.turns.close()
            tidying.cancel()


async def keep_tidy(live: LiveAdapter) -> None:
    """Retired adapters leave the server once nobody uses them."""
    while True:
        await asyncio.sleep(TIDY_SECONDS)
        with contextlib.suppress(ModelUnavailable):
            await live.unload_idle()
