"""Which model servers do the twins of one process share? One set for each base model, however many they are.

They share connections, probes and what is known of each server's health; each has a queue of its own.
"""

from __future__ import annotations

import asyncio
import contextvars
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Self

from brain.adapter_slots import AdapterSlots
from twin import show
from twin.build import Base, Model, find_base, limits_of, open_replicas, running_servers
from twin.home import Home
from twin.host_board import homes_in
from twin.serve import adapters_at_once, start_servers
from twin.settings import Settings

SPARE = 2  # an adapter that is being tested, and one place that stays free: see brain/serving_choice.py
INHERITED = ("base", "servers", "engine")


class SharedModels:
    """`settings`: of the host; what a twin does not say about its model is said there."""

    def __init__(self, host: Home, settings: Settings) -> None:
        self._host, self._settings = host, settings
        self._found: dict[tuple[str, ...], asyncio.Task[Model]] = {}
        self._closing = AsyncExitStack()
        self._nobodys = contextvars.copy_context()  # what is shared is done in no twin's name

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for opening in self._found.values():
            opening.cancel()
        await asyncio.gather(*self._found.values(), return_exceptions=True)
        await self._closing.aclose()

    def said_for(self, settings: Settings) -> Settings:
        """A twin's settings with the host's where it says nothing about its model."""
        told = settings.model.model_fields_set
        if "base" in told and settings.model.base != self._settings.model.base:
            return settings
        more = {name: getattr(self._settings.model, name) for name in INHERITED if name not in told}
        return settings.model_copy(update={"model": settings.model.model_copy(update=more)})

    async def of(self, settings: Settings) -> Model:
        """The servers for a twin of these settings; the first starts them. Raises what starting raises."""
        model = settings.model
        key = (model.base, model.engine, *model.servers)
        if (opening := self._found.get(key)) is None or (opening.done() and _failed(opening)):
            opening = asyncio.create_task(self._open(settings), context=self._nobodys.copy())
            self._found[key] = opening
        shared = await asyncio.shield(opening)
        return replace(shared, client=shared.client.for_another(limits_of(settings)))

    async def _open(self, settings: Settings) -> Model:
        ours = self._settings.model_copy(update={"model": settings.model})
        base = await find_base(ours)
        if settings.model.servers:
            urls, engine = tuple(settings.model.servers), "remote"
        elif running := running_servers(self._host):
            urls, engine = running
        else:
            urls, engine = await self._started(ours, base)
        replicas = await self._closing.enter_async_context(open_replicas(ours, urls))
        if not replicas.in_use():
            show.sentence(f"waiting for a model server: none answers at {', '.join(urls)} yet")
            await replicas.until_one_is_in_use()
        served = (await replicas.models())[0]
        slots = AdapterSlots(replicas, max(1, adapters_at_once(self._settings) - SPARE))
        return Model(Base(base.weights, served, base.stand_in), urls, replicas, engine, slots)

    async def _started(self, settings: Settings, base: Base) -> tuple[tuple[str, ...], str]:
        home = Home(self._host.root / ".serving" / base.name.replace("/", "--"))
        homes = [Home(root) for root in homes_in(self._host.root)]
        starting = start_servers(home, settings, base, replicas=1, homes=homes, adapters=self._host.root)
        servers = await self._closing.enter_async_context(starting)
        return tuple(server.url for server in servers), servers[0].engine


def _failed(opening: asyncio.Task[Model]) -> bool:
    return opening.cancelled() or opening.exception() is not None
