"""What does the twin go through before it answers?"""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, replace
from typing import Any

from brain.conversation import SaidBefore, gather
from brain.live_adapter import LiveAdapter, Speaking
from brain.model_client import Sampling, UnknownModel
from brain.prompt import Persona, compose, prompt_hash
from brain.replicas import Replicas
from storage.chats import FactStore
from storage.messages import MessageStore
from storage.records import Message, Prompt, Stamp

OnText = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Reply:
    """What to say, and the stamp of what made it."""

    text: str
    stamp: Stamp
    finish_reason: str = "stop"  # or length; enough: whoever listened had heard enough


class Enough(Exception):
    """Raised by whoever listens: what was said so far is the answer."""


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
    ) -> None:
        self._replicas = replicas
        self._live = live
        self._messages = messages
        self._persona = persona
        self._base_model = base_model
        self._sampling = sampling
        self._history = history
        self._facts = facts

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
        turns, speakers = await gather(questions, among or self._messages, self._history)
        prompt = compose(await self._who(), turns)
        chosen = replace(self._sampling, **{"seed": secrets.randbelow(2**31), **(sampling or {})})
        last = questions[-1]
        chat, owners = f"{last.platform}:{last.chat_id}", last.private and last.by_owner
        try:
            async with self._live.answering(chat, owners=owners, by=by) as speaking:
                return await self._answer(prompt, speakers, chosen, speaking, chat, on_text)
        except UnknownModel:  # a server was restarted and lost its adapters: tell it again, once
            self._live.forget_loaded()
            async with self._live.answering(chat, owners=owners, by=by) as speaking:
                return await self._answer(prompt, speakers, chosen, speaking, chat, on_text)

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
        first_token_ms, text, usage, finish_reason, pieces = 0.0, "", None, "stop", 0
        chunks = self._replicas.stream_chat(speaking.model, prompt, sampling, session=chat)
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
            prompt_hash=prompt_hash(prompt),
            prompt=tuple(prompt),
            speakers=speakers,
            sampling={**asdict(sampling), "stop": list(sampling.stop)},
            first_token_ms=round(first_token_ms, 3),
            total_ms=round(1000 * (time.perf_counter() - began), 3),
            prompt_tokens=usage.prompt_tokens if usage else 0,
            completion_tokens=usage.completion_tokens if usage else pieces,
        )
        return Reply(text.strip(), stamp, finish_reason)
