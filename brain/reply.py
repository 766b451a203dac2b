"""What does the twin go through before it answers?"""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from brain.budget import Budget
from brain.conversation import SaidBefore, gather
from brain.live_adapter import LiveAdapter, Speaking
from brain.memory import Recaller
from brain.model_client import ModelRefused, Sampling, UnknownModel
from brain.pictures import Pictures, shown, stamped, told
from brain.prompt import Persona, Situation, Turn, compose, prompt_hash
from brain.recalled import HEAD, as_recalled, line
from brain.replica_metrics import all_metrics
from brain.replicas import Replicas
from storage import tracing
from storage.chats import FactStore
from storage.messages import MessageStore
from storage.records import Fact, Memory, Message, Prompt, Stamp

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
    ) -> None:
        """`local`: the owner's own time; with it, prompts say when and where."""
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
            try:
                reply = await self._speak(asked, on_text)
            except ModelRefused as refusal:
                if not (self.pictures and asked.seen and self.pictures.refused(refusal)):
                    raise
                reply = await self._speak(replace(asked, seen={}), on_text)
            tracing.note(adapter=reply.stamp.adapter or "", prompt_hash=reply.stamp.prompt_hash)
        return reply

    async def _asked(
        self, questions: Sequence[Message], among: SaidBefore, sampling: Sampling, by: str | None
    ) -> _Asked:
        eyes, last, told = self.pictures, questions[-1], await self._told()
        most = eyes.most if eyes else 0
        turns, speakers = await gather(questions, among, self._history, most)
        turns, seen = await eyes.look(turns) if eyes else (turns, {})
        recalled = await self._recall(questions, turns, told)
        persona = replace(self._persona, facts=(*self._persona.facts, *(fact.text for fact in told)))
        turns, recalled = await self._fit(persona, turns, recalled)
        quotes = [as_recalled(one, persona.name) for one in recalled]
        prompt = compose(persona, turns, quotes, situation=self._situation(last))
        keys = tuple(one.key for one in recalled)
        return _Asked(prompt, seen, _voices(speakers, recalled), keys, sampling, last, by)

    async def _speak(self, asked: _Asked, on_text: OnText) -> Reply:
        owners = asked.last.private and asked.last.by_owner
        try:
            async with self._live.answering(asked.chat, owners=owners, by=asked.by) as speaking:
                return await self._answer(asked, speaking, on_text)
        except UnknownModel:  # a server was restarted and lost its adapters: tell it again, once
            self._live.forget_loaded()
            async with self._live.answering(asked.chat, owners=owners, by=asked.by) as speaking:
                return await self._answer(asked, speaking, on_text)

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
        began, sampling, words = time.perf_counter(), asked.sampling, told(asked.prompt)
        first_token_ms, text, usage, finish_reason, pieces = 0.0, "", None, "stop", 0
        prompt = shown(asked.prompt, asked.seen) if asked.seen else words
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
                        finish_reason = "enough"
                        break
        stamp = Stamp(
            adapter=speaking.version,
            base_model=self._base_model,
            prompt_hash=prompt_hash(words),
            prompt=tuple(words),
            recalled=asked.recalled,
            speakers=asked.speakers,
            pictures=stamped(asked.prompt, asked.seen),
            sampling={**asdict(sampling), "stop": list(sampling.stop)},
            first_token_ms=round(first_token_ms, 3),
            total_ms=round(1000 * (time.perf_counter() - began), 3),
            prompt_tokens=usage.prompt_tokens if usage else 0,
            completion_tokens=usage.completion_tokens if usage else pieces,
        )
        return Reply(text.strip(), stamp, finish_reason)
