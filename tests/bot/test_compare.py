"""Two answers to choose from: does the choice count once, for whoever asked, and as what it is?"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from fakes import said

from bot.candidates import another, due, offer, shown, thought
from bot.settings import ChatSettings
from learning.preferences import collect, freeze
from learning.rows import read_rows
from learning.settings import LearningSettings
from storage.records import Role, Signal, reply_key


async def compared(kitchen, line="compare dinner?", by="sam", answers=("at seven", "no idea")):
    kitchen.model.answers += answers
    outcome = await kitchen.command(line, by=by)
    return outcome.text, [button.action for button in outcome.buttons]


async def test_the_choice_says_what_would_have_been_better_than_the_other(kitchen, tmp_path):
    text, [_, b, _] = await compared(kitchen)
    assert text == "A:\nat seven\n\nB:\nno idea"
    assert (await kitchen.press(b)).text == "Noted, thank you."
    [given] = await kitchen.feedback.effective()
    worse = await kitchen.messages.get(given.reply_key)
    assert (worse.text, given.kind, given.role, given.text) == (
        "at seven",
        Signal.CHOICE,
        Role.OWNER,
        "no idea",
    )
    assert worse.stamp.prompt[-1]["content"] == "dinner?"
    judged, left_out = await collect(kitchen.feedback, kitchen.messages, LearningSettings())
    assert left_out == {}
    preferences = await freeze(judged, tmp_path, LearningSettings())
    [pair] = [row for name in ("", "heldout_") for row in read_rows(preferences.path / f"{name}pairs.jsonl")]
    assert pair["chosen"][0]["content"] == "no idea"
    assert pair["rejected"][0]["content"] == "at seven"


async def test_nobody_in_the_chat_was_given_either_of_them(kitchen):
    await compared(kitchen)
    assert kitchen.platform.texts() == []
    assert await kitchen.messages.recent("kitchen", "kitchen-app") == []
    assert await kitchen.messages.waiting() == []


async def test_choosing_counts_once(kitchen):
    _, actions = await compared(kitchen)
    pressed = await asyncio.gather(*(kitchen.press(action) for action in (*actions, actions[0])))
    assert [one.text for one in pressed].count("That is settled already.") == 3
    first = await kitchen.feedback.effective()
    assert (await kitchen.press(actions[1])).text == "That is settled already."
    assert await kitchen.feedback.effective() == first


async def test_both_bad_is_a_thumb_down_on_each_and_asks_what_would_have_been_good(kitchen):
    _, [_, _, none] = await compared(kitchen)
    outcome = await kitchen.press(none)
    given = await kitchen.feedback.effective()
    assert [one.kind for one in given] == [Signal.DOWN, Signal.DOWN]
    assert len({one.reply_key for one in given}) == 2
    [tell] = outcome.buttons
    assert (await kitchen.press(tell.action)).title == "What should I have said?"
    await kitchen.press(tell.action, "at eight!")
    kinds = [(one.kind, one.text) for one in await kitchen.feedback.effective()]
    assert (Signal.CORRECTION, "at eight!") in kinds


async def test_it_is_for_whoever_asked_or_the_owner_to_choose(kitchen):
    _, [a, _, _] = await compared(kitchen, by="tia")
    assert "whoever asked" in (await kitchen.press(a, by="ana")).text
    assert await kitchen.feedback.effective() == []
    await kitchen.press(a, by="tia")
    assert [one.role for one in await kitchen.feedback.effective()] == [Role.TRAINER]


async def test_equal_answers_are_tried_again_and_then_given_up(kitchen):
    text, _ = await compared(kitchen, answers=("same", "same", "same  ", "other"))
    assert text == "A:\nsame\n\nB:\nother"
    outcome = await kitchen.command("compare dinner?")
    assert outcome.text == "I would say the same each time:\nhello there friend"
    assert outcome.buttons == ()


async def test_without_words_it_is_about_the_last_thing_they_said_there(kitchen):
    kitchen.model.answers += ["hello", "soup", "no"]
    for words, by in (("hi", "tia"), ("what is for dinner?", "tia"), ("me too?", "ana")):
        await kitchen.hear(said(words, by=by))
    kitchen.model.prompts.clear()
    _, [a, _, _] = await compared(kitchen, "compare", by="tia")
    for prompt in kitchen.model.prompts:  # not what was answered to it, nor what came later
        assert [turn["content"] for turn in prompt[1:]] == ["hi", "hello", "what is for dinner?"]
    await kitchen.press(a, by="tia")
    assert len(await kitchen.feedback.effective()) == 1
    assert "What should I answer?" in (await kitchen.command("compare", by="bo")).text


async def test_when_the_model_is_away_it_is_said_and_nothing_is_kept(kitchen):
    kitchen.model.down = True
    assert "cannot think" in (await kitchen.command("compare dinner?", by="ana")).text
    assert await kitchen.messages.said_by("kitchen-app", "ana") == []


async def test_what_somebody_asked_to_compare_is_theirs_to_have_forgotten(kitchen):
    _, [a, _, _] = await compared(kitchen, by="ana")
    [asked] = await kitchen.messages.said_by("kitchen-app", "ana")
    assert asked.text == "dinner?"
    await kitchen.command("forget", by="ana")
    assert await kitchen.messages.get(a.partition(":")[2].rpartition("~")[0]) is None
    assert (await kitchen.press(a, by="ana")).text == "That is settled already."


@pytest.mark.parametrize("platform", ["telegram", "discord", "terminal"])
def test_what_the_buttons_say_is_short_enough_for_every_chat_app(platform):
    first, second = (said("hi", platform_name=platform) for _ in range(2))
    pair = [replace(one, key=reply_key(platform)) for one in (first, second)]
    for button in shown(*pair)[1]:
        assert len(button.action.encode()) <= 60


# in place of an answer


@pytest.fixture
def offered(kitchen):
    """Put two answers before the owner in place of one."""

    async def offered(question):
        await kitchen.messages.add(question, waiting=True)
        kitchen.model.answers += ["at seven", "no idea"]
        think = kitchen.talk.turns.think
        first = await thought([question], think)
        second = await another(first, [question], think)
        return await offer(first, second, [question], kitchen.platform, kitchen.kept)

    return offered


def test_a_share_of_what_the_owner_says_to_the_twin_alone_gets_two_answers():
    some = ChatSettings(compare_share=0.25)
    mine = [said("hi", by="sam", by_owner=True, number=str(number)) for number in range(400)]
    assert 60 < sum(due(one, some) for one in mine) < 140
    assert [due(one, some) for one in mine] == [due(one, some) for one in mine]
    assert not any(due(one, ChatSettings()) for one in mine)
    always = ChatSettings(compare_share=1)
    assert due(said("hi", by_owner=True), always)
    assert not due(said("hi"), always)
    assert not due(said("hi", by_owner=True, private=False), always)
    assert not due(said("hi", by_owner=True, as_owner=True), always)


async def test_the_one_that_is_chosen_is_sent_and_is_the_answer(kitchen, offered):
    question = said("dinner?", by="sam", by_owner=True)
    assert await offered(question)
    assert kitchen.platform.texts() == []
    assert "at seven" in kitchen.platform.told[0]
    assert "no idea" in kitchen.platform.told[0]
    assert await kitchen.messages.waiting() == []
    a, _, _ = kitchen.platform.buttons
    assert (await kitchen.press(a.action)).text == "Sent."
    assert kitchen.platform.texts() == ["at seven"]
    assert [one.text for one in await kitchen.messages.recent("kitchen", "kitchen-app")] == [
        "dinner?",
        "at seven",
    ]
    await kitchen.press(a.action)
    assert kitchen.platform.texts() == ["at seven"]
    await kitchen.delete(question.key)  # it is taken back like any answer
    assert kitchen.platform.texts() == []


async def test_what_cannot_be_offered_still_waits_for_an_answer(kitchen, offered):
    kitchen.platform.closed_to = {"kitchen"}
    question = said("dinner?", by="sam", by_owner=True)
    assert not await offered(question)
    assert await kitchen.messages.waiting() == [question]
    assert await kitchen.messages.unseen("kitchen-app", "kitchen", "offered") == []


@pytest.mark.parametrize("delivery", ["stream", "bubbles"])
async def test_where_it_is_due_the_owner_gets_two_in_place_of_one(kitchen, delivery):
    kitchen.settings(compare_share=1, delivery=delivery)
    kitchen.model.answers += ["at seven", "no idea"]
    assert await kitchen.hear(said("dinner?", by="sam", by_owner=True)) is None
    assert kitchen.platform.texts() == []
    _, b, _ = kitchen.platform.buttons
    await kitchen.press(b.action)
    assert kitchen.platform.texts() == ["no idea"]
    assert [one.text for one in await kitchen.feedback.effective()] == ["no idea"]
    assert await kitchen.hear(said("and you?")), "nobody else is asked"


async def test_where_no_second_answer_comes_the_first_one_is_given(kitchen):
    kitchen.settings(compare_share=1)
    assert await kitchen.hear(said("dinner?", by="sam", by_owner=True))
    assert kitchen.platform.texts() == ["hello there friend"]


async def test_an_answer_that_cannot_be_offered_is_given(kitchen):
    kitchen.settings(compare_share=1)
    kitchen.platform.closed_to = {"kitchen"}
    kitchen.model.answers += ["at seven", "no idea"]
    assert await kitchen.hear(said("dinner?", by="sam", by_owner=True))
    assert kitchen.platform.texts() == ["at seven"]
