"""What does the twin go through before it answers?"""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from brain import metrics
from brain.budget import Budget
from brain.cached import ANSWERS, Cached, by_adapter, key_of
from brain.conversation import SaidBefore, gather
from brain.live_adapter import LiveAdapter, Speaking
from brain.memory import Recaller
from brain.model_client import ModelRefused, ModelUnavailable, Sampling, UnknownModel, Usage
from brain.pictures import Pictures, shown, stamped, told
from brain.policy import Asking, Policy
from brain.prompt import Persona, Situation, Turn, compose, prompt_hash
from brain.recalled import HEAD, as_recalled, line
from brain.replica_metrics import all_metrics
from brain.replicas import Replicas
from storage import tracing
from storage.chats import FactStore
from storage.messages import MessageStore
from storage.records import Fact, Memory, Message, Prompt, Spent, Stamp
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


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the model is asked. `prompt` has marks where pictures stand, `seen` the pictures."""

    prompt: Prompt
    seen: Mapping[str, bytes]
    speakers: tuple[str, ...]
    recalled: tuple[str, ...]
    sampling: Sampling
    last: Message
    by: str | None  # this adapter, whichever is live

    @property
    def chat(self) -> str:
        return f"{self.last.platform}:{self.last.chat_id}"


def _voices(speakers: Sequence[str], recalled: Sequence[Memory]) -> tuple[str, ...]:
    """Everybody but the owner whose words are in the prompt, said just now or recalled."""
    return tuple(sorted({*speakers, *(one.speaker for one in recalled if not one.by_owner)}))


async def _say_nothing(text: str) -> None:
    """The listener of somebody who only wants the whole answer."""


class Brain:
    def __init__(
        self,
        replicas: Replicas,
        live: LiveAdapter,
        messages: MessageStore,
        persona: Persona,
        *,
        base_model: str,
        sampling: Sampling,
        history: int = 8,
        facts: FactStore | None = None,
        budget: Budget | None = None,
        local: Callable[[datetime], datetime] | None = None,
        pictures: Pictures | None = None,
        memory: Recaller | None = None,
        card_facts: int = 20,
        cached: Cached | None = None,
        usage: UsageStore | None = None,
        policy: Policy | None = None,
    ) -> None:
        """`local`: the owner's own time; with it, prompts say when and where.

        `cached`: answers at temperature 0 are given again where everything they depend on is the same.
        """
        self._replicas = replicas
        self._live = live
        self._messages = messages
        self._persona = persona
        self._base_model = base_model
        self._sampling = sampling
        self._history = history
        self._facts = facts
        self._budget = budget
        self._local = local
        self.pictures = pictures
        self._memory = memory
        self._card_facts = card_facts
        self._cached = cached
        self._usage = usage
        self._policy = policy

    async def reply_to(
        self,
        questions: Sequence[Message],
        on_text: OnText = _say_nothing,
        *,
        by: str | None = None,
        among: SaidBefore | None = None,
        sampling: Mapping[str, Any] | None = None,
    ) -> Reply:
        """Answer what one person said, in one message or several, which are kept already.

        `on_text` hears the whole text so far, each time it grows. `by`: this adapter, whichever is live.
        `among`: what was said before, where that is not what we kept. `sampling`: other than usual.
        Raises ModelUnavailable, ModelRefused, AdapterUnusable or UnknownAdapter; nothing has been kept then.
        """
        with tracing.span(tracing.REPLY, questions=len(questions)):
            chosen = replace(self._sampling, **{"seed": secrets.randbelow(2**31), **(sampling or {})})
            asked = await self._asked(questions, among or self._messages, chosen, by)
            reply = await self._within_policy(asked, on_text)
            tracing.note(adapter=reply.stamp.adapter or "", prompt_hash=reply.stamp.prompt_hash)
        return reply

    async def _asked(
        self, questions: Sequence[Message], among: SaidBefore, sampling: Sampling, by: str | None
    ) -> _Asked:
        eyes, last, told = self.pictures, questions[-1], await self._told()
        most = eyes.most if eyes else 0
        turns, speakers = await gather(questions, among, self._history, most)
        turns, seen = await eyes.look(turns, among.get) if eyes else (turns, {})
        recalled = await self._recall(questions, turns, told)
        persona = replace(self._persona, facts=(*self._persona.facts, *(fact.text for fact in told)))
        turns, recalled = await self._fit(persona, turns, recalled)
        quotes = [as_recalled(one, persona.name) for one in recalled]
        prompt = compose(persona, turns, quotes, situation=self._situation(last))
        keys = tuple(one.key for one in recalled)
        return _Asked(prompt, seen, _voices(speakers, recalled), keys, sampling, last, by)

    async def _within_policy(self, asked: _Asked, on_text: OnText) -> Reply:
        """What the content policy lets be asked and said; nobody sees what it may yet take back."""
        if self._policy is None:
            return await self._seeing(asked, on_text)
        last = asked.last
        person = f"{last.platform}:{last.author_id}"
        asking = Asking(told(asked.prompt), person, asked.chat, last.by_owner)
        if (instead := await self._policy.before(asking)) is not None:
            metrics.POLICY.labels(whose(), "before").inc()
            return Reply(instead, replace(self._stamp(asked, None), prompt=()))
        reply = await self._seeing(asked, _say_nothing)
        said = await self._policy.after(asking, reply.text)
        if said != reply.text:  # not the model's words: nothing to learn
            metrics.POLICY.labels(whose(), "after").inc()
            reply = replace(reply, text=said, stamp=replace(reply.stamp, prompt=()))
        await on_text(said)
        return reply

    async def _seeing(self, asked: _Asked, on_text: OnText) -> Reply:
        """With the pictures; without them where the model turns out to have no eyes."""
        try:
            return await self._speak(asked, on_text)
        except ModelRefused as refusal:
            if not (self.pictures and asked.seen and self.pictures.refused(refusal)):
                raise
            return await self._speak(replace(asked, seen={}), on_text)

    async def _speak(self, asked: _Asked, on_text: OnText) -> Reply:
        owners = asked.last.private and asked.last.by_owner
        try:
            async with self._live.answering(asked.chat, owners=owners, by=asked.by) as speaking:
                return await self._given(asked, speaking, on_text)
        except UnknownModel:  # a server was restarted and lost its adapters: tell it again, once
            await self._live.forget_loaded()
            async with self._live.answering(asked.chat, owners=owners, by=asked.by) as speaking:
                return await self._given(asked, speaking, on_text)

    async def _given(self, asked: _Asked, speaking: Speaking, on_text: OnText) -> Reply:
        """An answer, accounted for. At temperature 0 the one that was given before, to nobody else."""
        if not self._cached or asked.sampling.temperature > 0 or asked.seen:
            return await self._accounted(asked, speaking, on_text)
        sampling = asdict(asked.sampling) | {"seed": None}
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
        return Reply(text, self._stamp(asked, speaking.version))

    async def _accounted(self, asked: _Asked, speaking: Speaking, on_text: OnText) -> Reply:
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
            seconds=stamp.total_ms / 1000,
            first_seconds=stamp.first_token_ms / 1000,
        )
        metrics.PICTURES.labels(whose(), speaking.version or metrics.BASE).inc(len(stamp.pictures))
        if self._usage:
            spent = Spent(1, stamp.prompt_tokens, stamp.completion_tokens, round(stamp.total_ms))
            await self._usage.add(asked.last, spent)
        return reply

    async def _fit(
        self, persona: Persona, turns: list[Turn], recalled: list[Memory]
    ) -> tuple[list[Turn], list[Memory]]:
        """What has room in the model's context."""
        if self._budget is None:
            return turns, recalled
        quotes = {line(as_recalled(one, persona.name)): one for one in recalled}
        always = persona.card() + (HEAD if quotes else "")
        fitted = await self._budget.fit(always, turns, list(quotes))
        return fitted.turns, [quotes[quote] for quote in fitted.recalled]

    def _situation(self, last: Message) -> Situation | None:
        return Situation(self._local(last.sent_at), last.private, last.platform) if self._local else None

    async def awake(self) -> bool:
        """Whether any model server answers."""
        return await self._replicas.healthy()

    async def figures_of_servers(self) -> str:
        """What every model server tells a monitor, and we about each."""
        return await all_metrics(self._replicas)

    async def _told(self) -> list[Fact]:
        """What the owner told it, for the card; where that is much, the latest: the rest is recalled."""
        return (await self._facts.all())[-self._card_facts :] if self._facts else []

    async def _recall(
        self, questions: Sequence[Message], turns: Sequence[Turn], told: Sequence[Fact]
    ) -> list[Memory]:
        if self._memory is None:
            return []
        in_view = [turn.text for turn in turns]
        return await self._memory.for_answer(questions, in_view, {fact.id for fact in told})

    async def _answer(self, asked: _Asked, speaking: Speaking, on_text: OnText) -> Reply:
        began, sampling = time.perf_counter(), asked.sampling
        first_token_ms, text, usage, finish_reason, pieces = 0.0, "", None, "stop", 0
        prompt = shown(asked.prompt, asked.seen) if asked.seen else told(asked.prompt)
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
        total_ms = 1000 * (time.perf_counter() - began)
        stamp = self._stamp(asked, speaking.version, usage or Usage(0, pieces), first_token_ms, total_ms)
        return Reply(text.strip(), stamp, finish_reason)

    def _stamp(
        self,
        asked: _Asked,
        version: str | None,
        usage: Usage = Usage(0, 0),
        first_token_ms: float = 0.0,
        total_ms: float = 0.0,
    ) -> Stamp:
        words = told(asked.prompt)
        return Stamp(
            adapter=version,
            base_model=self._base_model,
            prompt_hash=prompt_hash(words),
            prompt=tuple(words),
            recalled=asked.recalled,
            speakers=asked.speakers,
            pictures=stamped(asked.prompt, asked.seen),
            sampling={**asdict(asked.sampling), "stop": list(asked.sampling.stop)},
            first_token_ms=round(first_token_ms, 3),
            total_ms=round(total_ms, 3),
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
        )
