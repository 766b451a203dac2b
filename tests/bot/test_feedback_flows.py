from __future__ import annotations

import asyncio

import pytest
from fakes import said, until

from bot.authority import Authority
from bot.on_correction import on_correction
from bot.on_reaction import thumb
from bot.platform import Person, Question
from bot.settings import ChatSettings
from storage.records import Consent, Delivery, DeliveryState, Role, Signal, now


@pytest.mark.parametrize(
    ("emoji", "signal"),
    [("👍", Signal.UP), ("👎", Signal.DOWN), ("👍🏽", Signal.UP), ("👍️", Signal.UP), ("❤", None), ("", None)],
)
def test_skin_tones_do_not_matter_to_a_thumb(emoji, signal):
    assert thumb(emoji) is signal


def test_which_emoji_count_can_be_set():
    settings = ChatSettings(thumbs_up=["❤️", ":yes:"], thumbs_down=["💔"])
    signals = [thumb(emoji, settings) for emoji in ("❤", ":yes:", "💔", "👍")]
    assert signals == [Signal.UP, Signal.UP, Signal.DOWN, None]


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
    [message_id] = kitchen.platform.shown
    await kitchen.react(message_id, "👎", by="sam")
    assert [(f.kind, f.role) for f in await kitchen.feedback.effective()] == [(Signal.DOWN, Role.OWNER)]
    await kitchen.react(message_id, "👎", by="sam", added=False)
    assert await kitchen.feedback.effective() == []
    assert len(await kitchen.feedback.about(reply.key)) == 1  # history stays


async def test_a_thumb_on_any_message_of_a_reply_is_about_the_reply(kitchen):
    kitchen.settings(delivery="bubbles")
    kitchen.model.answer, kitchen.model.in_pieces = "one\ntwo", False
    reply = await kitchen.hear(said("hello?"))
    await kitchen.react(list(kitchen.platform.shown)[1], "👍", by="bo")
    [given] = await kitchen.feedback.effective()
    assert (given.reply_key, given.role) == (reply.key, Role.OTHER)


async def test_the_thumb_of_somebody_who_opted_out_is_not_kept(kitchen):
    reply = await kitchen.hear(said("hello?"))
    await kitchen.kept.people.set_consent("kitchen-app", "bo", Consent.OPTED_OUT)
    await kitchen.react(next(iter(kitchen.platform.shown)), "👍", by="bo")
    assert await kitchen.feedback.about(reply.key) == []


async def test_a_thumb_on_a_reply_that_is_still_growing_counts(kitchen):
    kitchen.model.hold = asyncio.Event()
    asking = asyncio.create_task(kitchen.hear(said("hello?")))
    await until(lambda: kitchen.platform.shown)
    await kitchen.react(next(iter(kitchen.platform.shown)), "👍", by="bo")
    kitchen.model.hold.set()
    reply = await asking
    assert [given.reply_key for given in await kitchen.feedback.effective()] == [reply.key]


async def test_a_thumb_that_comes_before_we_know_that_the_reply_is_there_counts(kitchen):
    kitchen.settings(delivery="whole")
    send, arrived, known = kitchen.platform.send, asyncio.Event(), asyncio.Event()

    async def send_slowly(*args, **more):
        message_id = await send(*args, **more)
        arrived.set()
        await known.wait()
        return message_id

    kitchen.platform.send = send_slowly
    asking = asyncio.create_task(kitchen.hear(said("hello?")))
    await arrived.wait()
    reacting = asyncio.create_task(kitchen.react("sent-1", "👍", by="bo"))
    await asyncio.sleep(0.05)
    known.set()
    await reacting
    assert [given.reply_key for given in await kitchen.feedback.effective()] == [(await asking).key]


async def test_a_thumb_after_a_crash_waits_until_what_was_being_sent_is_found(kitchen):
    question = said("hello?")
    await kitchen.messages.add(question, waiting=True)
    begun = Delivery("reply-1", 0, "kitchen-app", "kitchen", question.key, "hello", DeliveryState.SENDING)
    await kitchen.kept.deliveries.put(begun)
    message_id = await kitchen.platform.send("kitchen", "hello")
    reacting = asyncio.create_task(kitchen.react(message_id, "👍", by="bo"))
    kitchen.model.down = True  # no answer can be made now, but what is there can be found
    await kitchen.talk.turns.sweep()
    await asyncio.wait_for(reacting, 5)
    assert [given.reply_key for given in await kitchen.feedback.effective()] == ["reply-1"]


async def test_the_same_thumb_told_again_adds_nothing(kitchen):
    reply = await kitchen.hear(said("hello?"))
    for _ in range(2):
        await kitchen.react(next(iter(kitchen.platform.shown)), "👍", by="bo")
    assert len(await kitchen.feedback.about(reply.key)) == 1


async def test_only_the_twins_own_replies_can_be_judged(kitchen):
    question = said("hello?", number="7")
    await kitchen.hear(question)
    await kitchen.react("7", "👍")
    await kitchen.react("nowhere", "👍")
    assert not await correct(kitchen, question.key, "goodbye")
    assert await kitchen.feedback.effective() == []


async def test_a_thumb_down_of_a_teacher_is_followed_by_one_question(kitchen):
    reply = await kitchen.hear(said("hello?"))
    [message_id] = kitchen.platform.shown
    await kitchen.react(message_id, "👎", by="bo")  # anybody: counted as such, and that is all
    await kitchen.react(message_id, "👎", by="tia")
    await until(lambda: kitchen.platform.told)
    await kitchen.react(message_id, "👎", by="tia", added=False)
    await kitchen.react(message_id, "👎", by="tia")
    await until(lambda: not kitchen.talk.turns._tasks)
    assert len(kitchen.platform.told) == 1
    assert "What should I have said" in kitchen.platform.told[0]
    [button] = kitchen.platform.buttons
    question = await kitchen.press(button.action, by="tia")
    assert isinstance(question, Question)
    assert question.prefill == "hello there friend"
    assert "Noted" in (await kitchen.press(button.action, by="tia", text="hey you")).text
    given = [one for one in await kitchen.feedback.effective() if one.kind is Signal.CORRECTION]
    assert [(one.text, one.role, one.reply_key) for one in given] == [("hey you", Role.TRAINER, reply.key)]


async def test_where_the_private_chat_is_closed_the_question_is_put_in_the_chat_itself(kitchen):
    await kitchen.hear(said("hello?"))
    kitchen.platform.closed_to.add("tia")
    await kitchen.react(next(iter(kitchen.platform.shown)), "👎")
    await until(lambda: kitchen.platform.told)


async def test_a_reply_that_begins_with_the_mark_corrects_and_is_not_answered(kitchen):
    reply = await kitchen.hear(said("hello?"))
    [message_id] = kitchen.platform.shown
    answer_to = f"kitchen-app:kitchen:{message_id}"
    better = said("= hey you", by="sam", by_owner=True, reply_to=answer_to)
    assert await kitchen.hear(better) is None
    [given] = await kitchen.feedback.effective()
    assert (given.kind, given.text, given.reply_key) == (Signal.CORRECTION, "hey you", reply.key)
    assert len(kitchen.platform.shown) == 1
    assert await kitchen.hear(said("= 4, I think", by="bo", reply_to=answer_to))  # just a message


async def test_a_reply_that_is_corrected_while_it_grows_is_ended_and_the_next_question_is_answered(kitchen):
    """Who corrects has not taken over."""
    kitchen.model.hold = asyncio.Event()
    asking = asyncio.create_task(kitchen.hear(said("hello?")))
    await until(lambda: kitchen.platform.shown)
    answer_to = f"kitchen-app:kitchen:{next(iter(kitchen.platform.shown))}"
    better = said("= hey you", by="sam", by_owner=True, to_twin=False, reply_to=answer_to)
    assert await kitchen.hear(better) is None
    kitchen.model.hold.set()
    reply = await asking
    [given] = await kitchen.feedback.effective()
    assert (given.kind, given.text, given.reply_key) == (Signal.CORRECTION, "hey you", reply.key)
    assert await kitchen.hear(said("and now?"))


async def test_a_correction_that_comes_before_we_know_that_the_reply_is_there_counts(kitchen):
    kitchen.settings(delivery="whole")
    send, arrived, known = kitchen.platform.send, asyncio.Event(), asyncio.Event()

    async def send_slowly(*args, **more):
        message_id = await send(*args, **more)
        arrived.set()
        await known.wait()
        return message_id

    kitchen.platform.send = send_slowly
    asking = asyncio.create_task(kitchen.hear(said("hello?")))
    await arrived.wait()
    answer_to = f"kitchen-app:kitchen:{next(iter(kitchen.platform.shown))}"
    better = said("= hey you", by="sam", by_owner=True, to_twin=False, reply_to=answer_to)
    correcting = asyncio.create_task(kitchen.hear(better))
    await asyncio.sleep(0.3)  # while nobody knows what it is about
    known.set()
    assert await correcting is None
    reply = await asking
    [given] = await kitchen.feedback.effective()
    assert (given.kind, given.reply_key) == (Signal.CORRECTION, reply.key)


async def test_a_correction_in_the_chat_that_changes_nothing_does_not_silence_the_twin(kitchen):
    await kitchen.hear(said("hello?"))
    answer_to = f"kitchen-app:kitchen:{next(iter(kitchen.platform.shown))}"
    same = said("= hello there friend", by="sam", by_owner=True, to_twin=False, reply_to=answer_to)
    assert await kitchen.hear(same) is None
    assert await kitchen.feedback.effective() == []
    assert await kitchen.hear(said("and now?"))


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
    authority = Authority({"discord": "1", "x": ["7", "8"]}, trainers=["discord:2", "discord:role:9"])
    ask = [
        Person("discord", "1", ""),
        Person("discord", "2", ""),
        Person("discord", "3", ""),
        Person("discord", "3", "", roles=("9",)),
        Person("telegram", "1", ""),
        Person("x", "8", ""),
        Person("telegram", "2", ""),
    ]
    owner, trainer, other = Role.OWNER, Role.TRAINER, Role.OTHER
    assert [authority.role_of(one) for one in ask] == [owner, trainer, other, trainer, other, owner, other]


def test_who_is_heard():
    allowed = Authority({}, allow=["discord:server:5", "discord:user:8"], block=["discord:chat:6"])

    def heard(**more):
        return allowed.hears(said("hi", platform_name="discord", **more))

    assert heard(server_id="5")
    assert heard(by="8")
    assert not heard(by="9")
    assert not heard(server_id="5", chat="6/2")  # a topic of a blocked chat
    assert heard(by="9", by_owner=True)
