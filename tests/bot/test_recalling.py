"""What is said in a chat comes back in it, and what is taken back does not, whatever took it back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fakes import said

from bot.privacy import forget_old
from storage.records import now

HERE = {"private": False, "to_twin": True}


def shown(kitchen):
    """The last words of the last prompt."""
    return kitchen.model.prompts[-1][-1]["content"]


async def told_about_the_trombone(kitchen):
    """Bo says where it is; others talk until that is out of sight."""
    kitchen.brain._composer._history = 1
    old = {"sent_at": now() - timedelta(minutes=5)}
    await kitchen.hear(said("the trombone lies under the stairs", by="bo", number="1", **HERE | old))
    await kitchen.hear(said("nice evening", by="ana", number="2", **HERE))


async def asks(kitchen, chat="kitchen"):
    await kitchen.hear(said("where is the trombone?", by="ana", chat=chat, **HERE))
    return "trombone lies under the stairs" in shown(kitchen)


async def test_what_was_said_comes_back_in_that_chat_with_a_name_and_nowhere_else(kitchen):
    await told_about_the_trombone(kitchen)
    assert await asks(kitchen)
    assert "- Bo (" in shown(kitchen)
    assert not await asks(kitchen, chat="balcony")


@pytest.mark.parametrize("how", ["optout", "forget", "owner", "old", "deleted"])
async def test_what_is_taken_back_is_not_recalled(kitchen, how):
    await told_about_the_trombone(kitchen)
    match how:
        case "optout" | "forget":
            await kitchen.command(how, by="bo")
        case "owner":
            await kitchen.command("forget kitchen-app:bo", by="sam", private=True)
        case "old":
            bo = await kitchen.messages.said_by("kitchen-app", "bo")
            await kitchen.messages.erase([one.key for one in bo])
            await kitchen.messages.add(said("the trombone lies under the stairs", by="bo", number="3",
                                            sent_at=now() - timedelta(days=99)))  # fmt: skip
            await forget_old(kitchen.kept, kitchen.chat_settings)
        case "deleted":
            await kitchen.delete("kitchen-app:kitchen:1")
    assert not await asks(kitchen)


async def test_a_fact_is_forgotten_in_the_very_next_prompt(kitchen):
    kitchen.brain._composer._card_facts = 1
    for fact in ("My cat is called Pixel", "I live in Porto"):
        await kitchen.command(f"remember {fact}")
    await kitchen.hear(said("what is the cat called?", number="1"))
    assert '- Sam: "My cat is called Pixel"' in shown(kitchen)
    await kitchen.command("forget pixel")
    await kitchen.hear(said("what is the cat called?", number="2"))
    assert "Pixel" not in str(kitchen.model.prompts[-1])


async def test_a_correction_helps_with_the_next_question_like_it(kitchen):
    await kitchen.hear(said("are you coming tonight?", number="1", **HERE))
    await kitchen.command("correct sure, 7 works")
    await kitchen.hear(said("are you coming tonight or not?", by="bo", number="2", **HERE))
    assert '- "are you coming tonight?" -> "sure, 7 works"' in shown(kitchen)
    await kitchen.hear(said("are you coming tonight?", by="bo", number="3", chat="balcony", **HERE))
    assert "7 works" not in shown(kitchen)
