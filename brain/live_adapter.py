"""Which learned adapter answers this chat now, and how does a new one take over without a dropped message?

The database says which one is live and which one is the canary; every message asks it. Promotion and
rollback are one write there. A new version has a new name and a new path, so answers in flight finish on the
adapter they began with; the old one leaves the servers only when nobody is using it any more and a grace
period is over.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from brain.adapter_slots import AdapterSlots
from brain.affinity import unit_hash
from brain.model_client import ModelRefused
from brain.replicas import Replicas
from storage.adapters import AdapterStore, Answering, UnknownAdapter
from storage.records import AdapterState, now

log = logging.getLogger(__name__)

GRACE = timedelta(seconds=150)  # longer than any answer
BASE = "base"  # instead of a version: the bare base model


Changed = Callable[[], Awaitable[object]]
"""What is done before the first answer after a promotion or rollback, in whatever process that was."""


async def _nothing_to_do() -> None: ...


Called = Callable[[str, str], str]
"""What an adapter goes by on the servers, from its version and its folder."""


def served_name(version: str, path: str) -> str:
    """Its home, its version and where it lies: two twins' adapters of one number never meet on a server.

    vLLM keeps what it has computed by this name, so the same folder is the same name in every process.
    """
    folder = Path(path).absolute()
    home = re.sub(r"[^a-z0-9]+", "-", folder.parent.parent.name.lower()).strip("-")[:24] or "twin"
    return f"{home}.{version}.{hashlib.blake2b(str(folder).encode(), digest_size=4).hexdigest()}"


def _by_version(version: str, path: str) -> str:
    return version


class AdapterUnusable(Exception):
    """The live adapter cannot be served; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Speaking:
    """Who answers one message: the model's name on the servers, the adapter's version (None: the base)."""

    model: str
    version: str | None


class LiveAdapter:
    """`grace` is longer than any answer: other processes may still be streaming from a replaced adapter.

    `owner_first`: the owner's own chats with the twin are always in the canary. `called`: see served_name;
    for servers that may be other twins', too. `slots`: where there may be more adapters than they hold.
    """

    def __init__(
        self,
        adapters: AdapterStore,
        replicas: Replicas,
        base_model: str,
        grace: timedelta = GRACE,
        *,
        owner_first: bool = True,
        called: Called = _by_version,
        slots: AdapterSlots | None = None,
    ) -> None:
        self._adapters = adapters
        self._replicas = replicas
        self._base_model = base_model
        self._grace = grace
        self._owner_first = owner_first
        self._called = called
        self._slots = slots
        self._loaded: dict[str, datetime] = {}  # version -> when it was last one that answers
        self._in_flight: Counter[str] = Counter()
        self._answered: tuple[str | None, ...] | None = None  # who answered last time: live, canary
        self.changed: Changed = _nothing_to_do

    async def answering(
        self, chat: str = "", *, owners: bool = False, by: str | None = None
    ) -> AbstractContextManager[Speaking]:
        """The adapter that answers in this chat at this moment. Enter it at once: it is kept on the servers
        until that block ends.

        `owners`: it is the owner who talks to the twin there. `by`: this version, whoever answers otherwise;
        BASE is none of them. Raises AdapterUnusable when no server takes it, UnknownAdapter.
        """
        adapter = await (self._of(chat, owners) if by is None else self._named(by))
        return self._kept(adapter) if adapter else nullcontext(Speaking(self._base_model, None))

    @contextmanager
    def _kept(self, adapter: Answering) -> Iterator[Speaking]:
        name = self._called(adapter.version, adapter.path)
        self._in_flight[adapter.version] += 1
        try:
            self._loaded[adapter.version] = now()
            with self._slots.using(name) if self._slots else nullcontext():
                yield Speaking(name, adapter.version)
        finally:
            self._in_flight[adapter.version] -= 1

    async def _of(self, chat: str, owners: bool) -> Answering | None:
        live, canary = await self._adapters.answering()
        answering = tuple(one.version if one else None for one in (live, canary))
        if self._answered not in (None, answering):
            await self.changed()
        self._answered = answering
        if canary and in_canary(canary, chat, owners=owners and self._owner_first):
            try:
                await self._ensure_loaded(canary)
                return canary
            except ModelRefused as refusal:
                log.error("the canary %s cannot be loaded, the live one answers: %s", canary.version, refusal)
        try:
            await self._ensure_loaded(live)
        except ModelRefused as refusal:
            assert live is not None
            raise AdapterUnusable(
                f"the live adapter {live.version} cannot be loaded ({refusal}); "
                "'twin adapters rollback' goes back to the one before it"
            ) from refusal
        return live

    async def _named(self, version: str) -> Answering | None:
        if version == BASE:
            return None
        adapter = await self._adapters.get(version)
        if adapter is None:
            raise UnknownAdapter(version)
        if adapter.state is AdapterState.REFUSED:
            raise AdapterUnusable(f"{version} was refused, and a refused adapter never answers")
        try:
            await self._ensure_loaded(named := Answering(version, adapter.path, None))
        except ModelRefused as refusal:
            raise AdapterUnusable(f"{version} cannot be loaded ({refusal})") from refusal
        return named

    async def _ensure_loaded(self, adapter: Answering | None) -> None:
        if adapter is None:
            return
        name = self._called(adapter.version, adapter.path)
        if self._slots:
            await self._slots.load(name, adapter.path)
        elif adapter.version not in self._loaded:
            await self._replicas.load_adapter(name, adapter.path)

    async def wanted(self) -> Mapping[str, str]:
        """Name and folder of what a server must hold before anybody is answered by it."""
        return {self._called(one.version, one.path): one.path for one in await self._of_now()}

    async def _of_now(self) -> list[Answering]:
        return [one for one in await self._adapters.answering() if one]

    async def forget_loaded(self) -> None:
        """A server was restarted: what we loaded may not be there any more."""
        self._loaded.clear()
        if self._slots:
            for one in await self._adapters.all():
                self._slots.lost(self._called(one.version, one.path))

    async def unload_idle(self) -> list[str]:
        """Take adapters off the servers that do not answer now, and that nobody used for a while."""
        wanted = {one.version for one in await self._of_now()}
        ours = {self._called(one.version, one.path): one.version for one in await self._adapters.all()}
        gone = []
        for name in await self._replicas.models():
            if (version := ours.get(name)) is None:
                continue
            if version in wanted or self._in_flight[version]:
                self._loaded[version] = now()
                continue
            # One that we see for the first time may be on its way to being live: it, too, has its grace.
            if now() - self._loaded.setdefault(version, now()) >= self._grace:
                await self._replicas.unload_adapter(name)
                self._loaded.pop(version, None)
                if self._slots:
                    self._slots.lost(name)
                gone.append(version)
                log.info("adapter %s is off the servers", version)
        return gone


def in_canary(canary: Answering, chat: str, *, owners: bool = False) -> bool:
    """The same chats as long as it is the same canary, whoever asks; another canary has others."""
    return owners or (bool(chat) and unit_hash(canary.version, chat) < (canary.share or 0))
