"""What does the twin go through before it answers?

It puts together what the model is asked (brain/asked.py), lets the adapter that is live say it
(brain/answer.py), and holds both to the content policy, if there is one.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from msgspec import structs

from brain import metrics
from brain.answer import ENOUGH, Enough, OnText, Reply, Voice
from brain.asked import Asked, Composer
from brain.budget import Budget
from brain.cached import Cached
from brain.conversation import SaidBefore
from brain.live_adapter import LiveAdapter
from brain.memory import Recaller
from brain.model_client import ModelRefused, Sampling
from brain.pictures import Pictures
from brain.policy import Asking, Policy
from brain.prompt import Persona
from brain.replica_metrics import all_metrics
from brain.replicas import Replicas
from storage import tracing
from storage.chats import FactStore
from storage.messages import MessageStore
from storage.records import Message
from storage.usage import UsageStore
from storage.whose import whose

__all__ = ["ENOUGH", "Brain", "Enough", "OnText", "Reply"]


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
        self._messages = messages
        self._sampling = sampling
        self.pictures = pictures
        self._policy = policy
        self._composer = Composer(
            persona,
            history=history,
            facts=facts,
            card_facts=card_facts,
            memory=memory,
            budget=budget,
            local=local,
        )
        self._voice = Voice(replicas, live, base_model, cached=cached, usage=usage)

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
            chosen = structs.replace(self._sampling, **{"seed": random.getrandbits(31), **(sampling or {})})
            among = among or self._messages
            asked = await self._composer.asked(questions, among, chosen, by, self.pictures)
            reply = await self._within_policy(asked, on_text)
            tracing.note(adapter=reply.stamp.adapter or "", prompt_hash=reply.stamp.prompt_hash)
        return reply

    async def _within_policy(self, asked: Asked, on_text: OnText) -> Reply:
        """What the content policy lets be asked and said; nobody sees what it may yet take back."""
        if self._policy is None:
            return await self._seeing(asked, on_text)
        asking = Asking(asked.words, asked.person, asked.chat, asked.last.by_owner)
        if (instead := await self._policy.before(asking)) is not None:
            metrics.POLICY.labels(whose(), "before").inc()
            return Reply(instead, replace(self._voice.stamp(asked, None), prompt=()))
        reply = await self._seeing(asked, _say_nothing)
        said = await self._policy.after(asking, reply.text)
        if said != reply.text:  # not the model's words: nothing to learn
            metrics.POLICY.labels(whose(), "after").inc()
            reply = replace(reply, text=said, stamp=replace(reply.stamp, prompt=()))
        await on_text(said)
        return reply

    async def _seeing(self, asked: Asked, on_text: OnText) -> Reply:
        """With the pictures; without them where the model turns out to have no eyes."""
        try:
            return await self._voice.speak(asked, on_text)
        except ModelRefused as refusal:
            if not (self.pictures and asked.seen and self.pictures.refused(refusal)):
                raise
            return await self._voice.speak(replace(asked, seen={}), on_text)

    async def awake(self) -> bool:
        """Whether any model server answers."""
        return await self._replicas.healthy()

    async def figures_of_servers(self) -> str:
        """What every model server tells a monitor, and we about each."""
        return await all_metrics(self._replicas)
