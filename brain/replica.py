"""What is one of several model servers doing, and what must be true before it is asked anything?"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Mapping

from brain.events import Chunk
from brain.health import Health
from brain.model_client import (
    ModelClient,
    ModelRefused,
    ModelUnavailable,
    ModelUnreachable,
)

log = logging.getLogger(__name__)

PROBE_PATIENCE = 2.0  # a busy server may miss this once
MISSES = 2
ASLEEP = "it sleeps while the twin learns"


class Replica:
    """One server behind Replicas: whether it may be asked, how much it has to do, what it would not load."""

    def __init__(self, client: ModelClient, may_sleep: bool) -> None:
        self.client = client
        self.name = client.root.partition("://")[2]
        self.health = Health()
        self.in_flight = 0
        self.refuses: set[str] = set()  # adapters
        self.lent = False  # by this process; then no probe, not even one under way, brings it back
        self._may_sleep = may_sleep
        self._unbegun: set[asyncio.Timeout] = set()  # answers without a first word yet
        self._misses = 0

    async def begun(self, answer: AsyncIterator[Chunk], by: float) -> list[Chunk]:
        """What this replica says up to the first word; without one, all of it.

        Raises ModelUnavailable where there is none `by` then, and as soon as this replica is out.
        """
        heard: list[Chunk] = []
        try:
            async with asyncio.timeout_at(by) as waiting:
                self._unbegun.add(waiting)
                try:
                    async for chunk in answer:
                        heard.append(chunk)
                        if chunk.text:
                            break
                finally:
                    self._unbegun.discard(waiting)
        except TimeoutError as error:
            raise ModelUnavailable(
                f"the model server at {self.name} did not begin to answer in time"
                if self.health.admitted
                else f"the model server at {self.name} is out of use: {self.health.why}"
            ) from error
        return heard

    def failed(self, trouble: ModelUnavailable) -> None:
        now = asyncio.get_running_loop().time()
        if self.health.failed(str(trouble), now, at_once=isinstance(trouble, ModelUnreachable)):
            self._is_out()

    def eject(self, why: str) -> None:
        if self.health.eject(why, asyncio.get_running_loop().time()):
            self._is_out()

    def set_aside(self, why: str) -> None:
        """Until a probe finds it well and awake. What it has begun to answer, it finishes."""
        if self.health.admitted:
            self.health.set_aside(why)
            self._is_out()

    def _is_out(self) -> None:
        log.warning("%s is out of use: %s", self.name, self.health.why)
        for waiting in self._unbegun:
            if not waiting.expired():
                waiting.reschedule(asyncio.get_running_loop().time())

    async def look(self, base: str | None, wanted: Mapping[str, str]) -> str | None:
        """Is it well? One that is out comes back once it holds the wanted adapters (name -> folder).

        Returns the base model it serves when it has just come back. It must be `base` where that is known.
        """
        try:
            async with asyncio.timeout(PROBE_PATIENCE):
                well = await self.client.healthy()
                asleep = well and self._may_sleep and await self.client.asleep()
        except ModelUnavailable as trouble:
            self.eject(str(trouble))
            return None
        except TimeoutError:
            self._misses += 1
            if self._misses >= MISSES or not self.health.admitted:
                self.eject("it does not answer in time")
            return None
        self._misses = 0
        if not well:
            self.eject("it is not healthy")
            return None
        if asleep:
            self.set_aside(ASLEEP)
            return None
        if self.lent or not self.health.may_return(asyncio.get_running_loop().time()):
            return None
        return await self._come_back(base, wanted)

    async def _come_back(self, base: str | None, wanted: Mapping[str, str]) -> str | None:
        try:
            serves = (await self.client.models())[0]
            if base not in (None, serves):
                self.health.why = f"it serves {serves}, the others {base}"
                return None
            self.refuses.clear()
            for name, path in wanted.items():
                await self.hold(name, path)
        except (ModelUnavailable, ModelRefused, IndexError) as trouble:
            self.health.why = str(trouble)
            return None
        self.health.admit()
        log.info("%s is in use", self.name)
        return serves

    async def hold(self, name: str, path: str) -> ModelRefused | None:
        """Have that adapter loaded; its refusal, if it will not. Nothing to do where it is there already."""
        if name in await self.client.models():
            return None
        try:
            await self.client.load_adapter(name, path)
        except ModelRefused as refusal:
            if name not in await self.client.models():  # nobody else was quicker
                self.refuses.add(name)
                log.error("%s will not load %s: %s", self.name, name, refusal)
                return refusal
        self.refuses.discard(name)
        log.info("adapter %s is on %s", name, self.name)
        return None

    async def drop(self, name: str) -> None:
        """Off that server, if it is there and we can reach it."""
        with contextlib.suppress(ModelUnavailable):
            if name in await self.client.models():
                await self.client.unload_adapter(name)
