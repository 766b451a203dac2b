"""How does one answer come about? Who speaks, what they say, what made it and what it took."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace

from brain import metrics
from brain.asked import Asked
from brain.cached import ANSWERS, Cached, by_adapter, key_of
from brain.events import Usage
from brain.live_adapter import LiveAdapter, Speaking
from brain.model_client import ModelRefused, ModelUnavailable, UnknownModel
from brain.pictures import shown, stamped
from brain.prompt import prompt_hash
from brain.replicas import Replicas
from storage.records import Spent, Stamp
from storage.usage import UsageStore
from storage.whose import whose

ENOUGH = "enough"  # why an answer ended: whoever listened had heard enough
OnText = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Reply:
    """What to say, and the stamp of what made it."""

    text: str
    stamp: Stamp
    finish_reason: str = "stop"  # or length; enough: whoever listened had heard enough


class Enough(Exception):
    """Raised by whoever listens: what was said so far is the answer."""


class Voice:
    def __init__(
        self,
        replicas: Replicas,
        live: LiveAdapter,
        base_model: str,
        *,
        cached: Cached | None,
        usage: UsageStore | None,
    ) -> None:
        self._replicas = replicas
        self._live = live
        self._base_model = base_model
        self._cached = cached
        self._usage = usage

    async def speak(self, asked: Asked, on_text: OnText) -> Reply:
        owners = asked.last.private and asked.last.by_owner
        try:
            with await self._live.answering(asked.chat, owners=owners, by=asked.by) as speaking:
                return await self._given(asked, speaking, on_text)
        except UnknownModel:  # a server was restarted and lost its adapters: tell it again, once
            await self._live.forget_loaded()
            with await self._live.answering(asked.chat, owners=owners, by=asked.by) as speaking:
                return await self._given(asked, speaking, on_text)

    async def _given(self, asked: Asked, speaking: Speaking, on_text: OnText) -> Reply:
        """An answer, accounted for. At temperature 0 the one that was given before, to nobody else."""
        if not self._cached or asked.sampling.temperature > 0 or asked.seen:
            return await self._accounted(asked, speaking, on_text)
        sampling = asked.sampling.named() | {"seed": None}
        key = key_of(
            "answer",
            audience=asked.chat,
            said=[dict(turn) for turn in asked.prompt],
            adapter=speaking.version,
            sampling=sampling,
        )
        made: list[Reply] = []

        async def make() -> str:
            made.append(await self._accounted(asked, speaking, on_text))
            if made[0].finish_reason == ENOUGH:  # cut short by who listened: no answer for others
                raise Enough
            return made[0].text

        try:
            text = await self._cached.once(key, make, (ANSWERS, by_adapter(speaking.version)))
        except Enough:
            return made[0]
        if made:
            return made[0]
        metrics.FROM_CACHE.labels(whose(), speaking.version or metrics.BASE).inc()
        await on_text(text)
        return Reply(text, self.stamp(asked, speaking.version))

    async def _accounted(self, asked: Asked, speaking: Speaking, on_text: OnText) -> Reply:
        try:
            reply = await self._answer(asked, speaking, on_text)
        except (ModelUnavailable, ModelRefused) as error:
            metrics.failed(speaking.version, error)
            raise
        stamp = reply.stamp
        metrics.answered(
            speaking.version,
            prompt_tokens=stamp.prompt_tokens,
            completion_tokens=stamp.completion_tokens,
            pictures=len(stamp.pictures),
            seconds=stamp.total_ms / 1000,
            first_seconds=stamp.first_token_ms / 1000,
        )
        if self._usage:
            spent = Spent(1, stamp.prompt_tokens, stamp.completion_tokens, round(stamp.total_ms))
            await self._usage.add(asked.last, spent)
        return reply

    async def _answer(self, asked: Asked, speaking: Speaking, on_text: OnText) -> Reply:
        began, sampling = time.perf_counter(), asked.sampling
        first_token_ms, text, usage, finish_reason, pieces = 0.0, "", None, "stop", 0
        stamp: Stamp | None = None
        prompt = shown(asked.prompt, asked.seen) if asked.seen else asked.words
        chunks = self._replicas.stream_chat(speaking.model, prompt, sampling, session=asked.chat)
        async with aclosing(chunks):
            async for chunk in chunks:
                usage = chunk.usage or usage
                finish_reason = chunk.finish_reason or finish_reason
                if chunk.text:
                    first_token_ms = first_token_ms or 1000 * (time.perf_counter() - began)
                    text, pieces = text + chunk.text, pieces + 1
                    try:
                        await on_text(text)
                    except Enough:
                        finish_reason = ENOUGH
                        break
                    # Now, while the server is at the next word: later somebody waits for it.
                    stamp = stamp or self.stamp(asked, speaking.version)
        total_ms = 1000 * (time.perf_counter() - began)
        usage = usage or Usage(0, pieces)
        stamp = replace(
            stamp or self.stamp(asked, speaking.version),
            first_token_ms=round(first_token_ms, 3),
            total_ms=round(total_ms, 3),
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
        )
        return Reply(text.strip(), stamp, finish_reason)

    def stamp(self, asked: Asked, version: str | None) -> Stamp:
        """What made an answer, but for what is known when it is there."""
        return Stamp(
            adapter=version,
            base_model=self._base_model,
            prompt_hash=prompt_hash(asked.words),
            prompt=asked.words,
            recalled=asked.recalled,
            speakers=asked.speakers,
            pictures=stamped(asked.prompt, asked.seen),
            sampling=asked.sampling.named(),
        )
