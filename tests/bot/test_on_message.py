from __future__ import annotations

import asyncio

from fakes import said

from bot.on_message import LOST_FOR_WORDS


async def test_a_message_is_kept_answered_and_the_answer_kept_with_its_stamp(kitchen):
    question = said("when is dinner?")
    answer = await kitchen.hear(question)
    assert list(kitchen.platform.shown.values()) == ["hello there friend"]
    assert await kitchen.messages.get(question.key) == question
    kept = await kitchen.messages.get(answer.key)
    assert kept == answer
    assert kept.reply_to == question.key
    assert kept.stamp.adapter is None
    assert kept.stamp.base_model == "base"
    assert [dict(turn) for turn in kept.stamp.prompt] == kitchen.model.prompts[0]
    assert kept.stamp.prompt[-1]["content"] == "when is dinner?"
    assert kept.stamp.completion_tokens == 3
    assert kept.stamp.sampling["seed"] is not None
    assert kept.stamp.total_ms >= kept.stamp.first_token_ms > 0


async def test_the_same_message_is_never_answered_twice(kitchen):
    question = said("hello?", number="7")
    assert await kitchen.hear(question)
    assert await kitchen.hear(question) is None
    assert len(kitchen.platform.shown) == 1


async def test_when_the_model_is_down_we_say_so_and_learn_nothing(kitchen):
    kitchen.model.down = True
    question = said("when is dinner?")
    assert await kitchen.hear(question) is None
    assert kitchen.platform.told == [LOST_FOR_WORDS]
    assert await kitchen.messages.recent("kitchen", "kitchen-app") == [question]
    assert kitchen.platform.typing_now == 0


async def test_half_an_answer_is_taken_back(kitchen):
    kitchen.model.dies_after = 2
    assert await kitchen.hear(said("when is dinner?")) is None
    assert kitchen.platform.shown == {}
    assert kitchen.platform.told == [LOST_FOR_WORDS]


async def test_an_answer_grows_by_edits_and_ends_whole(kitchen):
    await kitchen.hear(said("tell me"))
    assert kitchen.platform.edits >= 2
    assert list(kitchen.platform.shown.values()) == ["hello there friend"]


async def test_where_edits_are_rationed_the_final_text_still_arrives(kitchen):
    kitchen.platform.limits = type(kitchen.platform.limits)(2000, 60.0)
    await kitchen.hear(said("tell me"))
    assert kitchen.platform.edits == 1
    assert list(kitchen.platform.shown.values()) == ["hello there friend"]


async def test_a_text_longer_than_the_chat_app_takes_goes_out_in_pieces(kitchen):
    kitchen.platform.limits = type(kitchen.platform.limits)(10, 0.0)
    await kitchen.hear(said("tell me"))
    assert "".join(kitchen.platform.shown.values()) == "hello there friend"


async def test_answers_keep_the_order_of_the_questions(kitchen):
    kitchen.model.hold = asyncio.Event()
    first = asyncio.create_task(kitchen.hear(said("one", number="1")))
    while not kitchen.model.prompts:
        await asyncio.sleep(0.001)
    second = asyncio.create_task(kitchen.hear(said("two", number="2")))
    await asyncio.sleep(0.05)
    assert len(kitchen.model.prompts) == 1  # the second waits for the first
    kitchen.model.hold.set()
    one, two = await asyncio.gather(first, second)
    assert one.sent_at < two.sent_at
    assert [turn["content"] for turn in kitchen.model.prompts[1][1:]] == ["one", "hello there friend", "two"]


async def test_two_chats_do_not_wait_for_each_other(kitchen):
    kitchen.model.hold = asyncio.Event()
    waiting = asyncio.create_task(kitchen.hear(said("one", chat="kitchen")))
    other = asyncio.create_task(kitchen.hear(said("two", chat="garden")))
    while len(kitchen.model.prompts) < 2:
        await asyncio.sleep(0.001)
    kitchen.model.hold.set()
    assert all(await asyncio.gather(waiting, other))


async def test_the_owner_in_a_friends_chat_is_the_twins_own_side(kitchen):
    await kitchen.messages.add(said("hi sam", number="1"))
    await kitchen.messages.add(said("hey, it's really me", by="sam", number="2", by_owner=True))
    await kitchen.hear(said("oh good", number="3"))
    assert [turn["role"] for turn in kitchen.model.prompts[0]] == ["system", "user", "assistant", "user"]


async def test_the_owner_who_writes_to_the_twin_is_the_other_side(kitchen):
    await kitchen.hear(said("who are you?", by="sam", by_owner=True))
    assert [turn["role"] for turn in kitchen.model.prompts[0]] == ["system", "user"]
