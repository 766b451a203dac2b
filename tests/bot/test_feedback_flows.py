from __future__ import annotations

import pytest
from fakes import said

from bot.authority import role_of
from bot.on_correction import on_correction
from bot.on_reaction import on_reaction, on_reaction_withdrawn, thumb
from storage.records import Role, Signal, now


@pytest.mark.parametrize(
    ("emoji", "signal"),
    [("👍", Signal.UP), ("👎", Signal.DOWN), ("👍🏽", Signal.UP), ("👍️", Signal.UP), ("❤", None), ("", None)],
)
def test_skin_tones_do_not_matter_to_a_thumb(emoji, signal):
    assert thumb(emoji) is signal


async def react(kitchen, key, signal):
    return await on_reaction(
        key,
        signal,
        given_by="sam",
        role=Role.OWNER,
        at=now(),
        messages=kitchen.messages,
        feedback=kitchen.feedback,
    )


async def correct(kitchen, key, text):
    return await on_correction(
        key,
        text,
        given_by="sam",
        role=Role.OWNER,
        at=now(),
        messages=kitchen.messages,
        feedback=kitchen.feedback,
    )


async def test_a_thumb_on_the_twins_reply_counts_until_it_is_taken_back(kitchen):
    reply = await kitchen.hear(said("hello?"))
    assert await react(kitchen, reply.key, Signal.DOWN)
    assert [(f.kind, f.role) for f in await kitchen.feedback.effective()] == [(Signal.DOWN, Role.OWNER)]
    assert await on_reaction_withdrawn(
        reply.key, Signal.DOWN, given_by="sam", at=now(), feedback=kitchen.feedback
    )
    assert await kitchen.feedback.effective() == []
    assert len(await kitchen.feedback.about(reply.key)) == 1  # history stays


async def test_only_the_twins_own_replies_can_be_judged(kitchen):
    question = said("hello?")
    await kitchen.hear(question)
    assert not await react(kitchen, question.key, Signal.UP)
    assert not await react(kitchen, "kitchen-app:kitchen:nowhere", Signal.UP)
    assert not await correct(kitchen, question.key, "goodbye")
    assert await kitchen.feedback.effective() == []


async def test_a_correction_keeps_the_better_words(kitchen):
    reply = await kitchen.hear(said("hello?"))
    assert await correct(kitchen, reply.key, "  hey you  ")
    [kept] = await kitchen.feedback.effective()
    assert (kept.kind, kept.text, kept.reply_key) == (Signal.CORRECTION, "hey you", reply.key)


@pytest.mark.parametrize("text", ["", "   ", "hello there friend"])
async def test_a_correction_that_says_nothing_new_is_not_kept(kitchen, text):
    reply = await kitchen.hear(said("hello?"))
    assert not await correct(kitchen, reply.key, text)
    assert await kitchen.feedback.effective() == []


def test_whose_signal_it_is():
    accounts, trainers = {"discord": "1", "x": ["7", "8"]}, ["discord:2"]
    ask = [
        ("discord", "1"),
        ("discord", "2"),
        ("discord", "3"),
        ("telegram", "1"),
        ("x", "8"),
        ("telegram", "2"),
    ]
    roles = [role_of(platform, person, accounts=accounts, trainers=trainers) for platform, person in ask]
    assert roles == [Role.OWNER, Role.TRAINER, Role.OTHER, Role.OTHER, Role.OWNER, Role.OTHER]
