"""What is recalled goes into the prompt, and into the stamp; whose words it is decides what is learned."""

from __future__ import annotations

import pytest
from fakes import ScriptedModel
from memories import corrected, typed, wrote

from brain.live_adapter import LiveAdapter
from brain.memory import Recall, Recaller
from brain.model_client import Sampling
from brain.prompt import Persona
from brain.reply import Brain
from storage.adapters import AdapterStore
from storage.chats import FactStore
from storage.feedback import FeedbackStore
from storage.memories import MemoryStore
from storage.messages import MessageStore
from storage.records_store import RecordStore


@pytest.fixture
def twin(sqlite_database):
    class Twin:
        model = ScriptedModel()
        messages, facts = MessageStore(sqlite_database), FactStore(sqlite_database)
        records, feedback = RecordStore(sqlite_database), FeedbackStore(sqlite_database)
        brain = Brain(
            model,
            LiveAdapter(AdapterStore(sqlite_database), model, "base"),
            messages,
            Persona("Sam"),
            base_model="base",
            sampling=Sampling(),
            history=1,
            facts=facts,
            memory=Recaller(MemoryStore(sqlite_database), Recall()),
            card_facts=2,
        )

        async def hears(self, message):
            """The reply, and the last words of the prompt it was made of."""
            await self.messages.add(message)
            reply = await self.brain.reply_to([message])
            return reply, self.model.prompts[-1][-1]["content"]

    return Twin()


async def test_what_the_twin_recalls_is_in_the_prompt_and_in_the_stamp(twin):
    await twin.records.add_all([wrote("r", "I left the trombone in Faro", "public")])
    said = typed(1, "Sam sold the trombone last year", "discord:1", "bo")
    await twin.messages.add(said)
    for number in range(2, 4):
        await twin.messages.add(typed(number, f"something else {number}", "discord:1", "bo"))
    reply, shown = await twin.hears(typed(9, "where is the trombone?", "discord:1", "cy"))
    assert '- Sam (2026-04-04): "I left the trombone in Faro"\n' in shown
    assert f'- Bo ({said.sent_at:%Y-%m-%d}): "Sam sold the trombone last year"\n' in shown
    assert shown.endswith("where is the trombone?")
    assert reply.stamp.recalled == ("r", said.key)
    assert reply.stamp.speakers == ("discord:bo", "discord:cy")
    assert [
        one.key for one in await twin.messages.heard("discord", "bo")
    ] == []  # nothing is kept by the brain


async def test_what_was_recalled_does_not_come_back_as_news(twin):
    await twin.records.add_all([wrote("r", "I left the trombone in Faro", "public")])
    before = await MemoryStore(twin.messages._database).counts()
    await twin.hears(typed(1, "trombone?", "discord:1"))
    assert (await MemoryStore(twin.messages._database).counts()) == {
        "said": before["said"] + 1
    }  # the question


async def test_the_latest_facts_are_on_the_card_and_the_others_are_recalled(twin):
    for fact in ("I play the trombone", "I have a cat", "I live in Porto"):
        await twin.facts.add(fact)
    _, shown = await twin.hears(typed(1, "who plays the trombone?", "discord:1"))
    assert twin.model.prompts[-1][0]["content"].endswith("I have a cat I live in Porto")
    assert '- Sam: "I play the trombone"' in shown
    assert "I live in Porto" not in shown


async def test_a_correction_shows_in_the_very_next_answer(twin):
    await corrected(
        twin.messages,
        twin.feedback,
        typed(1, "coming tonight?", "telegram:42", private=True),
        "sure, 7 works",
    )
    reply, shown = await twin.hears(typed(2, "are you coming tonight?", "telegram:42", private=True))
    assert '- "coming tonight?" -> "sure, 7 works"' in shown
    assert reply.stamp.speakers == ("telegram:ana",)
    _, elsewhere = await twin.hears(typed(3, "are you coming tonight?", "telegram:43", private=True))
    assert elsewhere == "are you coming tonight?"
