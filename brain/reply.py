"""What does the twin go through before it answers?"""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from brain import metrics
from brain.budget import Budget
from brain.cached import ANSWERS, Cached, by_adapter, key_of
from brain.conversation import gather
from brain.live_adapter import LiveAdapter, Speaking
from brain.model_client import ModelRefused, ModelUnavailable, Sampling, UnknownModel, Usage
from brain.pictures import Pictures, shown, stamped, told
from brain.policy import Asking, Policy
from brain.prompt import Persona, Situation, compose, prompt_hash
from brain.replicas import Replicas
from storage.chats import FactStore
from storage.messages import MessageStore
from storage.records import Message, Prompt, Spent, Stamp
from storage.usage import UsageStore

OnText = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Reply:
    """What to say, and the stamp of what made it."""

    text: str
    stamp: Stamp


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the model is asked. `prompt` has marks where pictures stand, `seen` the pictures."""

    prompt: Prompt
    seen: Mapping[str, bytes]
    speakers: tuple[str, ...]
    sampling: Sampling
    last: Message

    @property
    def chat(self) -> str:
        return f"{self.last.platform}:{self.last.chat_id}"


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
        self._cached = cached
        self._usage = usage
        self._policy = policy

    async def reply_to(self, questions: Sequence[Message], on_text: OnText = _say_nothing) -> Reply:
        """Answer what one person said, in one message or several, which are kept already.

        `on_text` hears the whole text so far, each time it grows. Raises ModelUnavailable, ModelRefused, or
        AdapterUnusable; nothing has been kept then.
        """
        eyes, last, persona = self.pictures, questions[-1], await self._who()
        most = eyes.most if eyes else 0
        turns, speakers = await gather(questions, self._messages, self._history, most)
        turns, seen = await eyes.look(turns) if eyes else (turns, {})
        if self._budget:
            turns = (await self._budget.fit(persona.card(), turns)).turns
        prompt = compose(persona, turns, situation=self._situation(last))
        sampling = replace(self._sampling, seed=secrets.randbelow(2**31))
        asked = _Asked(prompt, seen, speakers, sampling, last)
        asking = Asking(told(prompt), f"{last.platform}:{last.author_id}", asked.chat, last.by_owner)
        if self._policy:
            if (instead := await self._policy.before(asking)) is not None:
                metrics.POLICY.labels("before").inc()
                return Reply(instead, replace(self._stamp(asked, None), prompt=()))
            on_text, hear = _say_nothing, on_text  # nobody sees what may yet be taken back
        try:
            reply = await self._speak(asked, on_text)
        except ModelRefused as refusal:
            if not (eyes and seen and eyes.refused(refusal)):
                raise
            reply = await self._speak(replace(asked, seen={}), on_text)
        if self._policy:
            said = await self._policy.after(asking, reply.text)
            if said != reply.text:
                metrics.POLICY.labels("after").inc()
                reply = Reply(
                    said, replace(reply.stamp, prompt=())
                )  # not the model's words: nothing to learn
            await hear(said)
        return reply

    async def _speak(self, asked: _Asked, on_text: OnText) -> Reply:
        owners = asked.last.private and asked.last.by_owner
        try:
            async with self._live.answering(asked.chat, owners=owners) as speaking:
                return await self._given(asked, speaking, on_text)
        except UnknownModel:  # a server was restarted and lost its adapters: tell it again, once
            self._live.forget_loaded()
            async with self._live.answering(asked.chat, owners=owners) as speaking:
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
            return made[0].text

        text = await self._cached.once(key, make, (ANSWERS, by_adapter(speaking.version)))
        if made:
            return made[0]
        metrics.FROM_CACHE.labels(speaking.version or metrics.BASE).inc()
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
        metrics.PICTURES.labels(speaking.version or metrics.BASE).inc(len(stamp.pictures))
        if self._usage:
            spent = Spent(1, stamp.prompt_tokens, stamp.completion_tokens, round(stamp.total_ms))
            await self._usage.add(asked.last, spent)
        return reply

    def _situation(self, last: Message) -> Situation | None:
        return Situation(self._local(last.sent_at), last.private, last.platform) if self._local else None

    async def awake(self) -> bool:
        """Whether any model server answers."""
        return await self._replicas.healthy()

    async def _who(self) -> Persona:
        """The persona, with what the owner has told it since."""
        since = [fact.text for fact in await self._facts.all()] if self._facts else []
        return replace(self._persona, facts=(*self._persona.facts, *since)) if since else self._persona

    async def _answer(self, asked: _Asked, speaking: Speaking, on_text: OnText) -> Reply:
        began, sampling = time.perf_counter(), asked.sampling
        first_token_ms, text, usage = 0.0, "", None
        prompt = shown(asked.prompt, asked.seen) if asked.seen else told(asked.prompt)
        async for chunk in self._replicas.stream_chat(speaking.model, prompt, sampling, session=asked.chat):
            usage = chunk.usage or usage
            if chunk.text:
                first_token_ms = first_token_ms or 1000 * (time.perf_counter() - began)
                text += chunk.text
                await on_text(text)
        total_ms = 1000 * (time.perf_counter() - began)
        return Reply(
            text.strip(), self._stamp(asked, speaking.version, usage or Usage(0, 0), first_token_ms, total_ms)
        )

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
            speakers=asked.speakers,
            pictures=stamped(asked.prompt, asked.seen),
            sampling={**asdict(asked.sampling), "stop": list(asked.sampling.stop)},
            first_token_ms=round(first_token_ms, 3),
            total_ms=round(total_ms, 3),
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
        )
