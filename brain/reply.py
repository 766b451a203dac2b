"""What does the twin go through before it answers?"""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from brain.budget import Budget
from brain.conversation import gather
from brain.live_adapter import LiveAdapter, Speaking
from brain.model_client import Sampling, UnknownModel
from brain.prompt import Persona, Situation, compose, prompt_hash
from brain.replicas import Replicas
from storage import tracing
from storage.chats import FactStore
from storage.messages import MessageStore
from storage.records import Message, Prompt, Stamp

OnText = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Reply:
    """What to say, and the stamp of what made it."""

    text: str
    stamp: Stamp


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

    async def reply_to(self, questions: Sequence[Message], on_text: OnText = _say_nothing) -> Reply:
        """Answer what one person said, in one message or several, which are kept already.

        `on_text` hears the whole text so far, each time it grows. Raises ModelUnavailable, ModelRefused, or
        AdapterUnusable; nothing has been kept then.
        """
        with tracing.span(tracing.REPLY, questions=len(questions)):
            reply = await self._reply_to(questions, on_text)
            tracing.note(adapter=reply.stamp.adapter or "", prompt_hash=reply.stamp.prompt_hash)
        return reply

    async def _reply_to(self, questions: Sequence[Message], on_text: OnText) -> Reply:
        turns, speakers = await gather(questions, self._messages, self._history)
        last, persona = questions[-1], await self._who()
        if self._budget:
            turns = (await self._budget.fit(persona.card(), turns)).turns
        prompt = compose(persona, turns, situation=self._situation(last))
        sampling = replace(self._sampling, seed=secrets.randbelow(2**31))
        chat, owners = f"{last.platform}:{last.chat_id}", last.private and last.by_owner
        try:
            async with self._live.answering(chat, owners=owners) as speaking:
                return await self._answer(prompt, speakers, sampling, speaking, chat, on_text)
        except UnknownModel:  # a server was restarted and lost its adapters: tell it again, once
            self._live.forget_loaded()
            async with self._live.answering(chat, owners=owners) as speaking:
                return await self._answer(prompt, speakers, sampling, speaking, chat, on_text)

    def _situation(self, last: Message) -> Situation | None:
        return Situation(self._local(last.sent_at), last.private, last.platform) if self._local else None

    async def awake(self) -> bool:
        """Whether any model server answers."""
        return await self._replicas.healthy()

    async def _who(self) -> Persona:
        """The persona, with what the owner has told it since."""
        told = [fact.text for fact in await self._facts.all()] if self._facts else []
        return replace(self._persona, facts=(*self._persona.facts, *told)) if told else self._persona

    async def _answer(
        self,
        prompt: Prompt,
        speakers: tuple[str, ...],
        sampling: Sampling,
        speaking: Speaking,
        chat: str,
        on_text: OnText,
    ) -> Reply:
        began = time.perf_counter()
        first_token_ms, text, usage = 0.0, "", None
        async for chunk in self._replicas.stream_chat(speaking.model, prompt, sampling, session=chat):
            usage = chunk.usage or usage
            if chunk.text:
                first_token_ms = first_token_ms or 1000 * (time.perf_counter() - began)
                text += chunk.text
                await on_text(text)
        stamp = Stamp(
            adapter=speaking.version,
            base_model=self._base_model,
            prompt_hash=prompt_hash(prompt),
            prompt=tuple(prompt),
            speakers=speakers,
            sampling={**asdict(sampling), "stop": list(sampling.stop)},
            first_token_ms=round(first_token_ms, 3),
            total_ms=round(1000 * (time.perf_counter() - began), 3),
            prompt_tokens=usage.prompt_tokens if usage else 0,
            completion_tokens=usage.completion_tokens if usage else 0,
        )
        return Reply(text.strip(), stamp)
