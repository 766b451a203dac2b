"""Talking to the twin in the terminal, with everything that the other chat apps have behind it."""

from __future__ import annotations

import asyncio
import contextlib

from bot.terminal_app import TerminalApp
from brain.live_adapter import LiveAdapter
from brain.model_client import ModelUnavailable
from twin import show
from twin.build import Model, Stores, build_brain, build_commands, build_handlers, open_model, open_stores
from twin.home import Home
from twin.settings import Settings

TIDY_SECONDS = 30


async def talk(home: Home, settings: Settings) -> None:
    async with open_stores(home, settings) as stores, open_model(home, settings) as model:
        live = await stores.adapters.live()
        show.sentence(
            f"model: {model.base.label()}; answering: {live.version if live else 'nothing learned yet'}"
        )
        await converse(home, settings, stores, model)


async def converse(home: Home, settings: Settings, stores: Stores, model: Model) -> None:
    """One sitting at the terminal; a learning cycle that was begun in it is waited for at the end."""
    brain, live = build_brain(stores, model, settings)
    async with asyncio.TaskGroup() as tasks:
        commands = build_commands(home, settings, stores, model, tasks)
        handlers = build_handlers("terminal", "owner", brain, stores, settings, commands)
        tidying = tasks.create_task(keep_tidy(live))
        try:
            await TerminalApp(
                handlers, owner_name=settings.owner.name, twin_name=f"{settings.owner.name}'s twin"
            ).run()
            if commands.busy():
                show.sentence("still learning; this ends when that does, and Ctrl-C stops it without harm")
        finally:
            tidying.cancel()


async def keep_tidy(live: LiveAdapter) -> None:
    """Retired adapters leave the server once nobody uses them."""
    while True:
        await asyncio.sleep(TIDY_SECONDS)
        with contextlib.suppress(ModelUnavailable):
            await live.unload_idle()
