"""Which of the model servers is asked, and what when it fails? One server is only the shortest list.

A chat stays on one replica (brain/affinity.py). A request that fails is tried on another one, but only as
long as nobody has heard a word of its answer. Why here and not in a router: docs/decisions/0014.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Self, TypeVar

from brain.affinity import place, unit_hash
from brain.events import Chunk
from brain.model_client import (
    Completion,
    ModelBusy,
    ModelClient,
    ModelRefused,
    ModelUnavailable,
    Sampling,
    whole,
)
from brain.replica import ASLEEP, Replica
from storage.records import Prompt
from storage.unavailable import DatabaseUnavailable

log = logging.getLogger(__name__)

T = TypeVar("T")
PROBE_SECONDS = 1.0
Wanted = Callable[[], Awaitable[Mapping[str, str]]]


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds to the first word and to the last one; answers at once for each server; how many wait."""

    first_token_seconds: float = 60.0
    answer_seconds: float = 120.0
    at_once: int = 64
    queue: int = 256


async def _nothing() -> Mapping[str, str]:
    return {}


class Replicas:
    """Any number of servers with one face. `async with` it: in there they are probed in the background.

    Raises what ModelClient raises, and ModelBusy. `wanted` gives the adapters (name -> folder) that a server
    must hold before it is asked anything. `may_sleep`: somebody may put the servers to sleep; see `asleep`.
    """

    def __init__(
        self,
        clients: Sequence[ModelClient],
        limits: Limits = Limits(),
        probe_seconds: float = PROBE_SECONDS,
        *,
        may_sleep: bool = False,
    ) -> None:
        self.replicas = {one.name: one for one in (Replica(client, may_sleep) for client in clients)}
        self.wanted: Wanted = _nothing
        self.retries = 0
        self.turned_away = 0
        self._limits = limits
        self._probe_seconds = probe_seconds
        self._base: str | None = None
        self._queue: deque[asyncio.Event] = deque()
        self._waiting: dict[Replicas, None] = {}  # whose answers wait, who was served longest ago first
        self._looking: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        await asyncio.gather(*map(self._look, self.replicas.values()))
        self._looking = [asyncio.create_task(self._look_after(one)) for one in self.replicas.values()]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._looking:
            task.cancel()
        await asyncio.gather(*self._looking, return_exceptions=True)
        for replica in self.replicas.values():
            await replica.client.aclose()

    def for_another(self, limits: Limits) -> Replicas:
        """The same servers for another twin, with limits and a queue of its own. Not to be entered.

        Places are given in turn: whoever has many answers waiting takes none from whoever has one.
        """
        other = Replicas((), limits, self._probe_seconds)
        other.replicas, other._waiting = self.replicas, self._waiting
        return other

    # answers

    async def stream_chat(
        self, model: str, messages: Prompt, sampling: Sampling, *, session: str | None = None
    ) -> AsyncGenerator[Chunk]:
        """The answer, piece by piece; `session` names the chat it is for. Leaving early stops the server."""
        clock = asyncio.get_running_loop().time
        whole_by = clock() + self._limits.answer_seconds
        sent = None if session is None else f"{int(unit_hash(session) * 2**53):014x}"  # no one's id in logs
        tried: set[str] = set()
        while True:
            replica = await self._wait_for_place(model, session, tried)
            begun = False
            try:
                answer = replica.client.stream_chat(model, messages, sampling, session=sent)
                async with aclosing(answer):
                    first_by = min(clock() + self._limits.first_token_seconds, whole_by)
                    for chunk in await replica.begun(answer, first_by):
                        begun = begun or bool(chunk.text)
                        yield chunk
                    async for chunk in answer:
                        yield chunk
                        if clock() > whole_by:
                            raise ModelUnavailable(
                                f"an answer of the model server at {replica.name} had no end"
                            )
                replica.health.answered()
                return
            except ModelUnavailable as trouble:
                replica.failed(trouble)
                tried.add(replica.name)
                if begun or not self._able(model, tried):
                    raise
                self.retries += 1
                log.warning("asking another server: %s", trouble)
            finally:
                replica.in_flight -= 1
                self._next()

    async def chat(
        self, model: str, messages: Prompt, sampling: Sampling, *, session: str | None = None
    ) -> Completion:
        return await whole(self.stream_chat(model, messages, sampling, session=session))

    async def _wait_for_place(self, model: str, session: str | None, tried: set[str]) -> Replica:
        if not self._queue and (replica := self._take(model, session, tried)):
            return replica
        if len(self._queue) >= self._limits.queue:
            self.turned_away += 1
            raise ModelBusy(f"every model server is busy, and {len(self._queue)} answers wait already")
        turn = asyncio.Event()
        self._queue.append(turn)
        self._waiting.setdefault(self)
        try:
            async with asyncio.timeout(self._limits.first_token_seconds):
                while self._queue[0] is not turn or not (replica := self._take(model, session, tried)):
                    turn.clear()
                    await turn.wait()
        except TimeoutError as error:
            self.turned_away += 1
            raise ModelBusy("every model server was busy for too long") from error
        finally:
            self._queue.remove(turn)
            self._waiting.pop(self, None)
            if self._queue:
                self._waiting[self] = None  # behind the others
            self._next()  # there may be room for one more
        return replica

    def _take(self, model: str, session: str | None, tried: set[str]) -> Replica | None:
        """A place on one of the servers that can have it; None when they are full."""
        able = self._able(model, tried)
        if not able:
            raise self._nobody(model)
        free = {one.name: one.in_flight for one in able if one.in_flight < self._limits.at_once}
        if not free:
            return None
        replica = self.replicas[place(session, free)]
        replica.in_flight += 1
        return replica

    def _able(self, model: str, tried: set[str]) -> list[Replica]:
        return [one for one in self.in_use() if one.name not in tried and model not in one.refuses]

    def _nobody(self, model: str) -> ModelUnavailable | ModelRefused:
        if in_use := self.in_use():
            return ModelRefused(400, f"{', '.join(one.name for one in in_use)} would not load {model}")
        why = "; ".join(f"{one.name}: {one.health.why}" for one in self.replicas.values())
        return ModelUnavailable(f"no model server can be asked ({why})")

    def _next(self) -> None:
        for one in self._waiting:
            one._queue[0].set()

    # all of them

    def in_use(self) -> list[Replica]:
        return [one for one in self.replicas.values() if one.health.admitted]

    @property
    def waiting(self) -> int:
        """How many answers wait for a place."""
        return len(self._queue)

    async def healthy(self) -> bool:
        """Whether anybody would answer."""
        return bool(self.in_use())

    async def until_one_is_in_use(self) -> None:
        while not self.in_use():  # noqa: ASYNC110 (it is the probes that find out)
            await asyncio.sleep(0.05)

    async def models(self) -> list[str]:
        """The base model first, then the adapters on any of them."""
        named = await self._on_each(lambda one: one.client.models())
        return list(dict.fromkeys(name for names in named.values() for name in names))

    async def context(self) -> int | None:
        """Tokens that prompt and answer may have together on any of them; None: they do not say."""
        told = await self._on_each(lambda one: one.client.context())
        return min((length for length in told.values() if length), default=None)

    async def count(self, text: str) -> int:
        """How many tokens of the base model that is. Raises what ModelClient raises."""
        in_use = self.in_use()
        if not in_use:
            raise self._nobody("")
        return await min(in_use, key=lambda one: one.in_flight).client.count(text)

    async def load_adapter(self, name: str, path: str) -> dict[str, ModelRefused]:
        """On every server in use; the refusals by server. Raises ModelRefused when none of them has it."""
        told = await self._on_each(lambda one: one.hold(name, path))
        refusals = {server: refusal for server, refusal in told.items() if refusal}
        if len(refusals) == len(told):
            raise next(iter(refusals.values()))
        return refusals

    async def unload_adapter(self, name: str) -> None:
        """Off every server; answers under way finish on it."""
        await self._on_each(lambda one: one.drop(name))

    async def score(self, model: str, token_ids: list[int]) -> dict[str, list[float | None]]:
        """The logprob of each token after those before it (None for the first), as each server has it."""
        return await self._on_each(lambda one: one.client.score(model, token_ids))

    async def _on_each(self, ask: Callable[[Replica], Awaitable[T]]) -> dict[str, T]:
        """What each server in use says. One that fails is out, and comes back with all that it must hold."""

        async def one(replica: Replica) -> tuple[str, T] | None:
            try:
                return replica.name, await ask(replica)
            except ModelUnavailable as trouble:
                replica.eject(str(trouble))
                self._next()
                return None

        told = dict(filter(None, await asyncio.gather(*map(one, self.in_use()))))
        if not told:
            raise self._nobody("")
        return told

    @asynccontextmanager
    async def asleep(self) -> AsyncIterator[None]:
        """The GPU is somebody else's until the block ends. Every process notices within a probe's time."""
        sleeping = self.in_use()
        for replica in sleeping:
            replica.lent = True
            replica.set_aside(ASLEEP)
        try:
            for replica in sleeping:
                await replica.client.sleep()
            yield
        finally:
            for replica in sleeping:
                replica.lent = False
                with contextlib.suppress(ModelUnavailable):  # restarted meanwhile: then it is awake
                    await replica.client.wake()
                await self._look(replica)

    async def wake_forgotten(self) -> None:
        """Wake what sleeps and was lent by nobody here: whoever put it to sleep has died over it."""
        for replica in self.replicas.values():
            if replica.health.why == ASLEEP and not replica.lent:
                with contextlib.suppress(ModelUnavailable):
                    await replica.client.wake()

    # health

    async def _look_after(self, replica: Replica) -> None:
        while True:
            await asyncio.sleep(self._probe_seconds)
            await self._look(replica)

    async def _look(self, replica: Replica) -> None:
        """Never fails: whatever is wrong is why that server is not asked."""
        wanted: Mapping[str, str] = {}
        with contextlib.suppress(DatabaseUnavailable):  # then UnknownModel tells, at the first answer
            wanted = {} if replica.health.admitted else await self.wanted()
        self._base = await replica.look(self._base, wanted) or self._base
        self._next()
