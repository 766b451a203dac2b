"""What does the twin go through before it answers?"""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, replace

from brain.live_adapter import LiveAdapter, Speaking
from brain.model_client import ModelClient, Sampling, UnknownModel
from brain.prompt import Persona, Turn, compose, prompt_hash
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
        client: ModelClient,
        live: LiveAdapter,
        messages: MessageStore,
        persona: Persona,
        *,
        base_model: str,
        sampling: Sampling,
        history: int = 8,
    ) -> None:
        self._client = client
        self._live = live
        self._messages = messages
        self._persona = persona
        self._base_model = base_model
        self._sampling = sampling
        self._history = history

    async def reply_to(self, message: Message, on_text: OnText = _say_nothing) -> Reply:
        """Answer a message that is already kept. `on_text` hears the whole text so far, each time it grows.

        Raises ModelUnavailable, ModelRefused, or AdapterUnusable; nothing has been kept then.
        """
        prompt = compose(self._persona, await self._turns(message))
        sampling = replace(self._sampling, seed=secrets.randbelow(2**31))
        try:
            async with self._live.answering() as speaking:
                return await self._answer(prompt, sampling, speaking, on_text)
        except UnknownModel:  # the server was restarted and lost its adapters: tell it again, once
            self._live.forget_loaded()
            async with self._live.answering() as speaking:
                return await self._answer(prompt, sampling, speaking, on_text)

    async def _answer(self, prompt: Prompt, sampling: Sampling, speaking: Speaking, on_text: OnText) -> Reply:
        began = time.perf_counter()
        first_token_ms, text, usage = 0.0, "", None
        async for chunk in self._client.stream_chat(speaking.model, prompt, sampling):
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
            sampling={**asdict(sampling), "stop": list(sampling.stop)},
            first_token_ms=round(first_token_ms, 3),
            total_ms=round(1000 * (time.perf_counter() - began), 3),
            prompt_tokens=usage.prompt_tokens if usage else 0,
            completion_tokens=usage.completion_tokens if usage else 0,
        )
        return Reply(text.strip(), stamp)

    async def _turns(self, message: Message) -> list[Turn]:
        recent = await self._messages.recent(message.chat_id, message.platform, limit=self._history)
        with_a_friend = not message.by_owner  # then what the owner wrote there is the twin's own side
        before = [
            said
            for said in recent
            if said.key != message.key
            and said.deleted_at is None
            and (
                said.by_twin or said.sent_at <= message.sent_at
            )  # an answer may come after the next question
        ]
        return [
            Turn(said.author_name, said.text, ours=said.by_twin or (said.by_owner and with_a_friend))
            for said in [*before, message]
        ]
