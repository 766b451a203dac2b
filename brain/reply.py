"""What does the twin go through before it answers?"""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, replace

from brain.conversation import gather
from brain.live_adapter import LiveAdapter, Speaking
from brain.memory import Recaller
from brain.model_client import Sampling, UnknownModel
from brain.prompt import Persona, Turn, compose, prompt_hash
from brain.recalled import as_recalled
from brain.replicas import Replicas
from storage.chats import FactStore
from storage.messages import MessageStore
from storage.records import Fact, Memory, Message, Prompt, Stamp

OnText = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Reply:
    """What to say, and the stamp of what made it."""

    text: str
    stamp: Stamp


@dataclass(frozen=True, slots=True)
class _MadeOf:
    """What an answer is made of, whichever server gives it."""

    prompt: Prompt
    speakers: tuple[str, ...]
    recalled: tuple[str, ...]


def _heard(speakers: Sequence[str], recalled: Sequence[Memory]) -> tuple[str, ...]:
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
        memory: Recaller | None = None,
        card_facts: int = 20,
    ) -> None:
        self._replicas = replicas
        self._live = live
        self._messages = messages
        self._persona = persona
        self._base_model = base_model
        self._sampling = sampling
        self._history = history
        self._facts = facts
        self._memory = memory
        self._card_facts = card_facts

    async def reply_to(self, questions: Sequence[Message], on_text: OnText = _say_nothing) -> Reply:
        """Answer what one person said, in one message or several, which are kept already.

        `on_text` hears the whole text so far, each time it grows. Raises ModelUnavailable, ModelRefused, or
        AdapterUnusable; nothing has been kept then.
        """
        turns, speakers = await gather(questions, self._messages, self._history)
        told = await self._told()
        recalled = await self._recall(questions, turns, told)
        who = replace(self._persona, facts=(*self._persona.facts, *(fact.text for fact in told)))
        prompt = compose(who, turns, [as_recalled(one, who.name) for one in recalled])
        made_of = _MadeOf(prompt, _heard(speakers, recalled), tuple(one.key for one in recalled))
        sampling = replace(self._sampling, seed=secrets.randbelow(2**31))
        last = questions[-1]
        chat, owners = f"{last.platform}:{last.chat_id}", last.private and last.by_owner
        try:
            async with self._live.answering(chat, owners=owners) as speaking:
                return await self._answer(made_of, sampling, speaking, chat, on_text)
        except UnknownModel:  # a server was restarted and lost its adapters: tell it again, once
            self._live.forget_loaded()
            async with self._live.answering(chat, owners=owners) as speaking:
                return await self._answer(made_of, sampling, speaking, chat, on_text)

    async def awake(self) -> bool:
        """Whether any model server answers."""
        return await self._replicas.healthy()

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

    async def _answer(
        self,
        made_of: _MadeOf,
        sampling: Sampling,
        speaking: Speaking,
        chat: str,
        on_text: OnText,
    ) -> Reply:
        began, prompt = time.perf_counter(), made_of.prompt
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
            recalled=made_of.recalled,
            speakers=made_of.speakers,
            sampling={**asdict(sampling), "stop": list(sampling.stop)},
            first_token_ms=round(first_token_ms, 3),
            total_ms=round(1000 * (time.perf_counter() - began), 3),
            prompt_tokens=usage.prompt_tokens if usage else 0,
            completion_tokens=usage.completion_tokens if usage else 0,
        )
        return Reply(text.strip(), stamp)
