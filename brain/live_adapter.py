"""Which learned adapter answers right now, and how does a new one take over without a dropped message?

The database says which adapter is live; every message asks it. Promotion and rollback are one write there.
A new version has a new name and a new path, so answers in flight finish on the adapter they began with;
the old one leaves the server only when nobody is using it any more and a grace period is over.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from brain.model_client import ModelClient, ModelRefused
from storage.adapters import AdapterStore
from storage.records import Adapter, AdapterState, now

log = logging.getLogger(__name__)

GRACE = timedelta(seconds=150)  # longer than any answer: other processes may still be streaming from it


class AdapterUnusable(Exception):
    """The live adapter cannot be served; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Speaking:
    """Who answers one message: the model's name on the server, and the adapter's version (None: the base)."""

    model: str
    version: str | None


class LiveAdapter:
    def __init__(
        self, adapters: AdapterStore, client: ModelClient, base_model: str, grace: timedelta = GRACE
    ) -> None:
        self._adapters = adapters
        self._client = client
        self._base_model = base_model
        self._grace = grace
        self._loaded: dict[str, datetime] = {}  # version -> when it was last the live one
        self._in_flight: Counter[str] = Counter()

    @asynccontextmanager
    async def answering(self) -> AsyncIterator[Speaking]:
        """The adapter that is live at this moment, kept on the server until the block ends.

        Raises AdapterUnusable when the server refuses it.
        """
        adapter = await self._adapters.live()
        if adapter is None:
            yield Speaking(self._base_model, None)
            return
        self._in_flight[adapter.version] += 1
        try:
            await self._ensure_loaded(adapter)
            yield Speaking(adapter.version, adapter.version)
        finally:
            self._in_flight[adapter.version] -= 1

    def forget_loaded(self) -> None:
        """The server was restarted: nothing that we loaded is there any more."""
        self._loaded.clear()

    async def _ensure_loaded(self, adapter: Adapter) -> None:
        if adapter.version not in self._loaded:
            if adapter.version not in await self._client.models():
                try:
                    await self._client.load_adapter(adapter.version, adapter.path)
                except ModelRefused as refusal:
                    if adapter.version not in await self._client.models():  # nobody else was quicker
                        raise AdapterUnusable(
                            f"the live adapter {adapter.version} cannot be loaded ({refusal}); "
                            "'twin adapters rollback' goes back to the one before it"
                        ) from refusal
            log.info("adapter %s is on the server", adapter.version)
        self._loaded[adapter.version] = now()

    async def unload_idle(self) -> list[str]:
        """Take adapters off the server that were live once, are not now, and nobody used for a while."""
        live = await self._adapters.live()
        states = {adapter.version: adapter.state for adapter in await self._adapters.all()}
        gone = []
        for version in await self._client.models():
            retired = states.get(version) in (AdapterState.RETIRED, AdapterState.REFUSED)
            last_live = self._loaded.setdefault(version, now()) if retired else now()
            if not retired or (live and version == live.version) or self._in_flight[version]:
                continue
            if now() - last_live >= self._grace:
                await self._client.unload_adapter(version)
                self._loaded.pop(version, None)
                gone.append(version)
                log.info("adapter %s is off the server", version)
        return gone
