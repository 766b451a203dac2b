"""What is the model asked? One person's questions become a prompt, with all that the twin knows of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from brain.budget import Budget
from brain.conversation import SaidBefore, gather
from brain.memory import Recaller
from brain.model_client import Sampling
from brain.pictures import Pictures, told
from brain.prompt import Persona, Situation, Turn, compose
from brain.recalled import HEAD, as_recalled, line
from storage.chats import FactStore
from storage.records import ChatTurn, Fact, Memory, Message, Prompt


@dataclass(frozen=True, slots=True)
class Asked:
    """What the model is asked. `prompt` has marks where pictures stand, `seen` the pictures."""

    prompt: Prompt
    words: tuple[ChatTurn, ...]  # the prompt in words only
    seen: Mapping[str, bytes]
    speakers: tuple[str, ...]  # everybody but the owner whose words are in the prompt
    recalled: tuple[str, ...]  # keys
    sampling: Sampling
    last: Message
    by: str | None  # this adapter, whichever is live

    @property
    def chat(self) -> str:
        return f"{self.last.platform}:{self.last.chat_id}"

    @property
    def person(self) -> str:
        return f"{self.last.platform}:{self.last.author_id}"


class Composer:
    def __init__(
        self,
        persona: Persona,
        *,
        history: int,
        facts: FactStore | None,
        card_facts: int,
        memory: Recaller | None,
        budget: Budget | None,
        local: Callable[[datetime], datetime] | None,
    ) -> None:
        self._persona = persona
        self._history = history
        self._facts = facts
        self._card_facts = card_facts
        self._memory = memory
        self._budget = budget
        self._local = local

    async def asked(
        self,
        questions: Sequence[Message],
        among: SaidBefore,
        sampling: Sampling,
        by: str | None,
        eyes: Pictures | None,
    ) -> Asked:
        last, facts = questions[-1], await self._told()
        turns, speakers = await gather(questions, among, self._history, eyes.most if eyes else 0)
        turns, seen = await eyes.look(turns, among.get) if eyes else (turns, {})
        recalled = await self._recall(questions, turns, facts)
        persona = self._persona
        if facts:
            persona = replace(persona, facts=(*persona.facts, *(fact.text for fact in facts)))
        turns, recalled = await self._fit(persona, turns, recalled)
        quotes = [as_recalled(one, persona.name) for one in recalled]
        prompt = compose(persona, turns, quotes, situation=self._situation(last))
        keys = tuple(one.key for one in recalled)
        words = tuple(told(prompt))
        return Asked(prompt, words, seen, _voices(speakers, recalled), keys, sampling, last, by)

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


def _voices(speakers: Sequence[str], recalled: Sequence[Memory]) -> tuple[str, ...]:
    """Everybody but the owner whose words are in the prompt, said just now or recalled."""
    return tuple(sorted({*speakers, *(one.speaker for one in recalled if not one.by_owner)}))
