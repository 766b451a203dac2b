from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from fakes import said, until
from quick_model import QuickModel

from bot.platform import ChatRefused, ChatUnavailable
from brain.model_client import ModelClient, Sampling
from brain.prompt import Persona
from brain.replicas import Limits, Replicas
from brain.reply import Brain
from storage.leases import LeaseStore
from storage.records import Chat, Consent, DeliveryState, Media, Role, Signal, now


async def test_a_message_is_kept_answered_and_the_answer_kept_with_its_stamp(kitchen):
    question = said("when is dinner?")
    answer = await kitchen.hear(question)
    assert kitchen.platform.texts() == ["hello there friend"]
    assert await kitchen.messages.get(question.key) == question
    kept = await kitchen.messages.get(answer.key)
    assert kept == answer
    assert kept.reply_to == question.key
    assert kept.stamp.adapter is None
    assert kept.stamp.base_model == "base"
    assert [dict(turn) for turn in kept.stamp.prompt] == kitchen.model.prompts[0]
    assert kept.stamp.prompt[-1]["content"] == "when is dinner?"
    assert kept.stamp.speakers == ("kitchen-app:ana",)
    assert kept.stamp.completion_tokens == 3
    assert kept.stamp.sampling["seed"] is not None
    assert kept.stamp.total_ms >= kept.stamp.first_token_ms > 0
    assert kitchen.platform.typing_now == 0


async def test_the_same_message_is_never_answered_twice(kitchen):
    question = said("hello?", number="7")
    assert await kitchen.hear(question)
    assert await kitchen.hear(question) is None
    assert len(kitchen.platform.shown) == 1


# bursts


async def test_what_one_person_says_within_a_moment_is_one_turn(kitchen):
    kitchen.settings(burst_seconds=0.2)
    answers = await asyncio.gather(
        *[await kitchen.arrive(said(line)) for line in ("hey", "are you", "there?")]
    )
    assert len({answer.key for answer in answers}) == 1
    assert len(kitchen.model.prompts) == 1
    assert kitchen.model.prompts[0][-1]["content"] == "hey\nare you\nthere?"
    assert kitchen.platform.texts() == ["hello there friend"]


async def test_an_album_is_one_turn_however_short_the_window_is(kitchen):
    pictures = [said("", album="7", media=(Media("image", f"{number}.jpg"),)) for number in range(3)]
    await asyncio.gather(*[await kitchen.arrive(picture) for picture in pictures])
    assert [prompt[-1]["content"] for prompt in kitchen.model.prompts] == [
        "[image: 0.jpg]\n[image: 1.jpg]\n[image: 2.jpg]"
    ]


async def test_two_people_in_one_chat_are_two_turns(kitchen):
    kitchen.settings(burst_seconds=0.1)
    await asyncio.gather(kitchen.hear(said("hey", by="ana")), kitchen.hear(said("hi", by="bo")))
    assert len(kitchen.platform.shown) == 2


async def test_somebody_who_goes_on_typing_is_waited_for_but_not_for_ever(kitchen):
    kitchen.settings(burst_seconds=0.3, burst_most_seconds=0.8)
    began = asyncio.get_running_loop().time()
    waiting = asyncio.create_task(kitchen.hear(said("well")))
    while not waiting.done():
        kitchen.talk.turns.typing(kitchen.platform, "kitchen", "ana")
        await asyncio.sleep(0.05)
    assert 0.7 < asyncio.get_running_loop().time() - began < 5


async def test_what_comes_before_the_answer_is_sent_cancels_it_and_is_answered_with_it(kitchen):
    kitchen.settings(delivery="whole", burst_seconds=0.05)
    kitchen.model.hold = asyncio.Event()
    first = asyncio.create_task(kitchen.hear(said("one")))
    await until(lambda: kitchen.model.prompts)
    second = asyncio.create_task(kitchen.hear(said("two")))
    await until(lambda: len(kitchen.model.prompts) == 2)
    kitchen.model.hold.set()
    one, two = await asyncio.gather(first, second)
    assert one == two
    assert kitchen.model.cancelled == 1
    assert kitchen.model.prompts[1][-1]["content"] == "one\ntwo"
    assert kitchen.platform.texts() == ["hello there friend"]


async def test_an_answer_that_is_shown_growing_is_redone_in_its_place(kitchen):
    kitchen.settings(burst_seconds=0.05)
    kitchen.model.hold = asyncio.Event()
    first = asyncio.create_task(kitchen.hear(said("one")))
    await until(lambda: kitchen.platform.texts() == ["hello"])
    second = asyncio.create_task(kitchen.hear(said("two")))
    await until(lambda: len(kitchen.model.prompts) == 2)
    kitchen.model.hold.set()
    await asyncio.gather(first, second)
    assert kitchen.platform.texts() == ["hello there friend"]


# how an answer goes out


async def test_half_an_answer_is_taken_back_and_the_message_waits(kitchen):
    kitchen.model.dies_after = 2
    question = said("when is dinner?")
    assert await kitchen.hear(question) is None
    assert kitchen.platform.texts() == []
    assert await kitchen.messages.waiting() == [question]
    assert not any("stream" in text for text in kitchen.platform.texts())


async def test_an_answer_grows_by_edits_and_ends_whole(kitchen):
    await kitchen.hear(said("tell me"))
    assert kitchen.platform.edits >= 2
    assert kitchen.platform.texts() == ["hello there friend"]


async def test_where_the_chat_app_shows_what_is_not_sent_yet_one_message_is_sent_and_none_edited(kitchen):
    seen = []

    async def show_growing(chat_id, text, *, nonce):
        seen.append((chat_id, text, nonce))
        return True

    kitchen.platform.show_growing = show_growing
    answer = await kitchen.hear(said("tell me"))
    assert [text for _, text, _ in seen] == ["hello", "hello there", "hello there friend"]
    [delivery] = await kitchen.kept.deliveries.of(answer.key)
    assert {(chat_id, nonce) for chat_id, _, nonce in seen} == {("kitchen", delivery.nonce)}
    assert kitchen.platform.texts() == ["hello there friend"]
    assert kitchen.platform.edits == 0


async def test_where_edits_are_rationed_the_final_text_still_arrives(kitchen):
    kitchen.platform.limits = type(kitchen.platform.limits)(2000, 60.0)
    await kitchen.hear(said("tell me"))
    assert kitchen.platform.edits == 1
    assert kitchen.platform.texts() == ["hello there friend"]


async def test_a_text_longer_than_the_chat_app_takes_goes_out_in_pieces(kitchen):
    kitchen.platform.limits = type(kitchen.platform.limits)(10, 0.0)
    await kitchen.hear(said("tell me"))
    assert " ".join(kitchen.platform.texts()) == "hello there friend"


async def test_an_answer_of_several_lines_goes_out_in_bubbles_that_are_one_reply(kitchen):
    kitchen.settings(delivery="bubbles")
    kitchen.model.answer = "hey\nyou"
    kitchen.model.in_pieces = False
    answer = await kitchen.hear(said("tell me"))
    assert kitchen.platform.texts() == ["hey", "you"]
    carrying = {
        await kitchen.kept.deliveries.reply_of("kitchen-app", "kitchen", message_id)
        for message_id in kitchen.platform.shown
    }
    assert carrying == {answer.key}


async def test_what_it_said_just_now_it_does_not_say_again_without_a_second_thought(kitchen):
    kitchen.settings(delivery="whole")
    kitchen.model.answer = "the soup of my aunt is better"
    await kitchen.hear(said("what is good?"))
    await kitchen.hear(said("and else?"))
    assert len(kitchen.model.prompts) == 3  # it stays with it when it has no other
    kitchen.model.answer = "then have some bread with it"
    await kitchen.hear(said("hm"))
    assert len(kitchen.model.prompts) == 4


async def test_answers_in_a_group_refer_to_the_question_and_in_private_they_do_not(kitchen):
    question = said("hey twin", private=False, to_twin=True)
    await kitchen.hear(question)
    await kitchen.hear(said("hey", chat="private"))
    assert kitchen.platform.quoted == [question.key, None]


async def test_answers_keep_the_order_of_the_questions(kitchen):
    kitchen.model.hold = asyncio.Event()
    first = asyncio.create_task(kitchen.hear(said("one", by="ana")))
    await until(lambda: kitchen.model.prompts)
    second = asyncio.create_task(kitchen.hear(said("two", by="bo")))
    await asyncio.sleep(0.05)
    assert len(kitchen.model.prompts) == 1  # the second waits for the first
    kitchen.model.hold.set()
    one, two = await asyncio.gather(first, second)
    assert one.sent_at < two.sent_at


async def test_two_chats_do_not_wait_for_each_other(kitchen):
    kitchen.model.hold = asyncio.Event()
    waiting = asyncio.create_task(kitchen.hear(said("one", chat="kitchen")))
    other = asyncio.create_task(kitchen.hear(said("two", chat="garden")))
    await until(lambda: len(kitchen.model.prompts) == 2)
    kitchen.model.hold.set()
    assert all(await asyncio.gather(waiting, other))


# the owner


async def test_the_owner_in_a_friends_chat_is_the_twins_own_side(kitchen):
    await kitchen.messages.add(said("hi sam", number="1"))
    await kitchen.messages.add(said("hey, it's really me", by="sam", number="2", by_owner=True))
    await kitchen.hear(said("oh good", number="3"))
    assert [turn["role"] for turn in kitchen.model.prompts[0]] == ["system", "user", "assistant", "user"]


async def test_the_owner_who_writes_to_the_twin_is_the_other_side(kitchen):
    await kitchen.hear(said("who are you?", by="sam", by_owner=True))
    assert [turn["role"] for turn in kitchen.model.prompts[0]] == ["system", "user"]


def as_owner(text, **more):
    """In a chat where the twin speaks from the owner's own account."""
    return said(text, as_owner=True, **more)


async def test_when_the_owner_answers_first_the_twin_says_nothing_and_learns_from_it(kitchen):
    kitchen.settings(delivery="whole")
    kitchen.model.hold = asyncio.Event()
    asking = asyncio.create_task(kitchen.hear(as_owner("coming tonight?")))
    await until(lambda: kitchen.model.prompts)
    mine = as_owner("sure, at 7!", by="sam", by_owner=True)
    assert await kitchen.hear(mine) is None
    kitchen.model.hold.set()
    assert await asking is None
    await until(kitchen.feedback.effective)
    [taken] = await kitchen.feedback.effective()
    assert (taken.kind, taken.role, taken.text) == (Signal.TAKEOVER, Role.OWNER, "sure, at 7!")
    draft = await kitchen.messages.get(taken.reply_key)
    assert (draft.text, draft.stamp.prompt[-1]["content"]) == ("hello there friend", "coming tonight?")
    assert kitchen.platform.texts() == []
    assert draft not in await kitchen.messages.recent("kitchen", "kitchen-app")


async def test_the_owner_is_looked_for_again_before_each_bubble(kitchen):
    kitchen.settings(delivery="bubbles")
    kitchen.model.answer, kitchen.model.in_pieces = "one\ntwo\nthree", False

    async def owner_writes_after_the_first():
        if len(kitchen.platform.texts()) == 1:
            await kitchen.messages.add(as_owner("it's me", by="sam", by_owner=True))

    kitchen.platform.before_send = owner_writes_after_the_first
    await kitchen.hear(as_owner("hey"))
    assert kitchen.platform.texts() == ["one", "two"]  # the second was on its way already
    assert await kitchen.kept.deliveries.undone() == []


async def test_where_the_owner_writes_the_twin_keeps_quiet_for_a_while(kitchen):
    kitchen.settings(takeover_minutes=5)
    await kitchen.hear(as_owner("hi ana", by="sam", by_owner=True))
    assert await kitchen.hear(as_owner("hi!")) is None
    chat = await kitchen.kept.chats.get("kitchen-app", "kitchen")
    await kitchen.kept.chats.put(replace(chat, quiet_until=now()))
    assert await kitchen.hear(as_owner("still there?"))


# not answered


async def test_who_opted_out_is_neither_answered_nor_kept(kitchen):
    await kitchen.kept.people.set_consent("kitchen-app", "ana", Consent.OPTED_OUT)
    question = said("hello?")
    assert await kitchen.hear(question) is None
    assert await kitchen.messages.get(question.key) is None


async def test_what_is_too_old_is_kept_and_not_answered(kitchen):
    old = said("hello?", sent_at=now() - timedelta(hours=1))
    assert await kitchen.hear(old) is None
    assert await kitchen.messages.get(old.key) == old
    assert await kitchen.messages.waiting() == []


async def test_what_became_too_old_while_it_waited_is_not_answered(kitchen):
    kitchen.model.down = True
    await kitchen.hear(said("hello?"))
    kitchen.model.down = False
    kitchen.settings(max_age_minutes=0.0001)
    await asyncio.sleep(0.01)
    await kitchen.talk.turns.sweep()
    await until(lambda: not kitchen.talk.turns._open)
    assert await kitchen.messages.waiting() == []
    assert kitchen.platform.texts() == []


# edits and deletions


async def test_an_edit_while_it_is_answered_starts_the_answer_anew(kitchen):
    kitchen.settings(delivery="whole")
    kitchen.model.hold = asyncio.Event()
    question = said("one")
    asking = asyncio.create_task(kitchen.hear(question))
    await until(lambda: kitchen.model.prompts)
    await kitchen.edit(replace(question, text="two", edited_at=now()))
    await until(lambda: len(kitchen.model.prompts) == 2)
    kitchen.model.hold.set()
    assert await asking
    assert kitchen.model.prompts[1][-1]["content"] == "two"
    assert len(kitchen.platform.texts()) == 1


async def test_a_deleted_question_is_not_answered_any_more(kitchen):
    kitchen.model.hold = asyncio.Event()
    question = said("one")
    asking = asyncio.create_task(kitchen.hear(question))
    await until(lambda: kitchen.platform.texts())  # it has begun to grow
    await kitchen.delete(question.key)
    assert await asking is None
    await until(lambda: kitchen.platform.texts() == [])


async def test_an_edit_after_the_answer_changes_the_answer_and_withdraws_the_old_one(kitchen):
    question = said("one")
    old = await kitchen.hear(question)
    kitchen.model.answer = "something else now"
    await kitchen.edit(replace(question, text="two", edited_at=now()))
    await until(lambda: kitchen.platform.texts() == ["something else now"])
    assert (await kitchen.messages.get(old.key)).deleted_at  # so it is not learned from


async def test_a_deletion_after_the_answer_takes_the_answer_back(kitchen):
    question = said("one")
    answer = await kitchen.hear(question)
    await kitchen.delete(question.key)
    assert kitchen.platform.texts() == []
    assert (await kitchen.messages.get(answer.key)).deleted_at
    assert (await kitchen.messages.get(question.key)).text == ""


# nothing is lost, nothing is said twice


async def test_when_the_model_is_down_the_owner_is_told_once_and_the_message_waits(kitchen):
    kitchen.model.down = True
    questions = [said("when is dinner?"), said("and where?", by="bo")]
    for question in questions:
        assert await kitchen.hear(question) is None
    assert kitchen.platform.texts() == []
    assert len(kitchen.platform.told) == 1
    assert "I cannot answer" in kitchen.platform.told[0]
    assert await kitchen.messages.waiting() == questions
    assert kitchen.platform.typing_now == 0
    await kitchen.talk.turns.sweep()
    assert kitchen.platform.texts() == []
    kitchen.model.down = False
    await kitchen.talk.turns.sweep()
    await until(lambda: len(kitchen.platform.texts()) == 2)
    assert len(kitchen.platform.told) == 2
    assert "I can answer again" in kitchen.platform.told[1]


async def test_who_is_turned_away_because_every_server_is_busy_is_answered_when_there_is_room(kitchen):
    server = QuickModel(name="base")
    await server.start()
    server.hangs_after = 1
    limits = Limits(at_once=1, queue=1)
    async with Replicas([ModelClient(server.url)], limits, probe_seconds=0.05) as replicas:
        kitchen.brain = Brain(
            replicas,
            kitchen.live,
            kitchen.messages,
            Persona("Sam"),
            base_model="base",
            sampling=Sampling(),
            facts=kitchen.kept.facts,
        )
        turns = kitchen.restart().turns
        others = [
            asyncio.create_task(replicas.chat("base", [{"role": "user", "content": "#9"}], Sampling()))
            for _ in range(2)
        ]
        await until(lambda: server.busy == 1 and replicas._queue, 10)
        question = said("#3?")
        assert await kitchen.hear(question) is None
        await turns.sweep()  # still full: it goes on waiting, and the owner hears of it once
        await until(lambda: not turns._open, 10)
        assert replicas.turned_away == 2
        assert await kitchen.messages.waiting() == [question]
        assert (len(kitchen.platform.told), kitchen.platform.texts()) == (1, [])
        server.hangs_after = None
        for other in others:
            other.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await turns.sweep()
        await until(lambda: not turns._open, 10)
        assert [text.split()[0] for text in kitchen.platform.texts()] == ["#3"]
        assert await kitchen.messages.waiting() == []
        assert "I can answer again" in kitchen.platform.told[-1]
        await turns.close()
    await server.stop()


async def test_a_new_process_answers_what_the_old_one_left(kitchen):
    question = said("hello?")
    await kitchen.messages.add(question, waiting=True)
    kitchen.restart()
    await kitchen.talk.turns.sweep()
    await until(lambda: kitchen.messages.outcome(question.key))
    assert kitchen.platform.texts() == ["hello there friend"]
    await kitchen.talk.turns.sweep()
    assert len(kitchen.platform.texts()) == 1


async def test_what_another_copy_hears_is_left_to_it(kitchen):
    await kitchen.messages.add(said("hello?"), waiting=True)
    news = kitchen.talk.news
    news.elsewhere.add("kitchen-app")
    await kitchen.talk.turns.sweep()
    assert not kitchen.talk.turns._tasks
    news.elsewhere.clear()
    await kitchen.talk.turns.sweep()
    await until(lambda: kitchen.platform.texts() == ["hello there friend"])


@pytest.mark.parametrize("arrived", [True, False])
@pytest.mark.parametrize("delivery", ["whole", "stream"])
async def test_a_crash_while_it_is_sent_neither_repeats_nor_loses_it(kitchen, arrived, delivery):
    kitchen.settings(delivery=delivery)
    send, sending = kitchen.platform.send, asyncio.Event()

    async def send_and_hear_no_more(chat_id, text, **more):
        if arrived:
            await send(chat_id, text, **more)
            kitchen.platform._nonces.clear()  # the chat app remembers nonces for minutes only
        sending.set()
        await asyncio.Event().wait()

    kitchen.platform.send = send_and_hear_no_more
    asking = asyncio.create_task(kitchen.hear(said("hello?")))
    await asyncio.wait_for(sending.wait(), 10)
    await kitchen.talk.turns.close(patience=0)
    await asking
    kitchen.platform.send = send
    kitchen.restart(delivery=delivery)
    await kitchen.talk.turns.sweep()
    await until(lambda: not kitchen.talk.turns._tasks)
    await kitchen.talk.turns.sweep()
    await until(lambda: not kitchen.talk.turns._tasks)
    assert kitchen.platform.texts() == ["hello there friend"]
    assert await kitchen.messages.waiting() == []
    assert await kitchen.kept.deliveries.undone() == []


async def test_a_crash_between_two_bubbles_sends_the_rest_and_nothing_twice(kitchen):
    kitchen.settings(delivery="bubbles")
    kitchen.model.answer, kitchen.model.in_pieces = "one\ntwo\nthree", False
    reply_sent = kitchen.platform.send
    count = 0

    async def fail_at_the_second(chat_id, text, **more):
        nonlocal count
        count += 1
        if count == 2:
            raise ChatUnavailable("gone", retry_after=3600)
        return await reply_sent(chat_id, text, **more)

    kitchen.platform.send = fail_at_the_second
    assert await kitchen.hear(said("hello?")) is None
    assert kitchen.platform.texts() == ["one"]
    kitchen.restart(delivery="bubbles")
    await kitchen.talk.turns.sweep()
    await until(lambda: kitchen.platform.texts() == ["one", "two", "three"])
    assert len(kitchen.model.prompts) == 1  # the answer that was begun, not another one


async def test_when_the_answer_of_the_chat_app_is_lost_nothing_is_sent_again(kitchen):
    kitchen.settings(delivery="whole")
    kitchen.platform.loses = 1
    answer = await kitchen.hear(said("hello?"))
    assert kitchen.platform.texts() == ["hello there friend"]
    [delivery] = await kitchen.kept.deliveries.of(answer.key)
    assert delivery.state is DeliveryState.SENT


async def test_an_answer_that_grows_is_whole_in_the_end_though_its_beginning_was_not_confirmed(kitchen):
    kitchen.platform.loses = 1
    answer = await kitchen.hear(said("hello?"))
    assert kitchen.platform.texts() == ["hello there friend"]
    [delivery] = await kitchen.kept.deliveries.of(answer.key)
    assert delivery.state is DeliveryState.SENT


async def test_when_the_chat_app_is_away_for_a_moment_it_is_sent_all_the_same(kitchen):
    kitchen.settings(delivery="whole")
    kitchen.platform.fails = [ChatUnavailable("no connection")]
    assert await kitchen.hear(said("hello?"))
    assert kitchen.platform.texts() == ["hello there friend"]


async def test_a_chat_that_refuses_us_is_not_tried_again(kitchen):
    kitchen.settings(delivery="whole")
    kitchen.platform.fails = [ChatRefused("blocked")]
    assert await kitchen.hear(said("hello?")) is None
    await kitchen.talk.turns.sweep()
    await until(lambda: not kitchen.talk.turns._tasks)
    assert kitchen.platform.texts() == []
    assert await kitchen.kept.deliveries.undone() == []


async def test_of_several_copies_only_the_one_with_the_lease_answers(kitchen):
    leases = LeaseStore(kitchen.database)
    assert await leases.take("chat kitchen-app:kitchen", "another", 60)
    kitchen.settings(leases=leases, holder="this one")
    question = said("hello?")
    assert await kitchen.hear(question) is None
    assert await kitchen.messages.waiting() == [question]
    await leases.give_back("chat kitchen-app:kitchen", "another")
    kitchen.talk.turns._turn_of(question, kitchen.platform, 0)
    await until(lambda: kitchen.platform.texts() == ["hello there friend"])


async def test_what_the_copy_before_has_heard_and_not_answered_is_taken_up_at_once(kitchen):
    await kitchen.messages.add(said("hello?"), waiting=True)
    kitchen.settings(leases=LeaseStore(kitchen.database), holder="its successor")
    await kitchen.talk.turns.sweep()
    await until(lambda: kitchen.platform.texts() == ["hello there friend"])


# draft mode


async def in_draft_mode(kitchen):
    await kitchen.kept.chats.put(Chat("kitchen-app", "kitchen", private=True, draft=True))
    await kitchen.hear(said("coming tonight?"))
    assert kitchen.platform.texts() == []
    assert "coming tonight?" in kitchen.platform.told[0]
    assert "hello there friend" in kitchen.platform.told[0]
    return [button.action for button in kitchen.platform.buttons]


async def test_in_draft_mode_the_owner_decides(kitchen):
    send, _, _ = await in_draft_mode(kitchen)
    assert (await kitchen.press(send, by="ana")).text == "Only the owner can do that."
    assert (await kitchen.press(send)).text == "Sent."
    assert kitchen.platform.texts() == ["hello there friend"]
    assert (await kitchen.press(send)).text == "That is settled already."
    assert kitchen.platform.texts() == ["hello there friend"]


async def test_a_draft_that_was_never_told_is_proposed_again(kitchen):
    await kitchen.kept.chats.put(Chat("kitchen-app", "kitchen", private=True, draft=True))
    tell, telling = kitchen.platform.tell, asyncio.Event()

    async def tell_nobody(*_):
        telling.set()
        await asyncio.Event().wait()

    kitchen.platform.tell = tell_nobody
    asking = asyncio.create_task(kitchen.hear(said("coming tonight?")))
    await asyncio.wait_for(telling.wait(), 10)
    await kitchen.talk.turns.close(patience=0)
    await asking
    kitchen.platform.tell = tell
    kitchen.restart()
    await kitchen.talk.turns.sweep()
    await until(lambda: kitchen.platform.buttons)
    send = kitchen.platform.buttons[0].action
    await until(lambda: kitchen.talk.drafts.open_draft(send.partition(":")[2]))
    assert (await kitchen.press(send)).text == "Sent."
    assert kitchen.platform.texts() == ["hello there friend"]


async def test_an_edited_question_gets_a_new_draft_and_the_old_one_cannot_be_sent(kitchen):
    send, _, _ = await in_draft_mode(kitchen)
    [question] = await kitchen.messages.said_by("kitchen-app", "ana")
    kitchen.model.answer = "tomorrow is fine"
    await kitchen.edit(replace(question, text="coming tomorrow?", edited_at=now()))
    await until(lambda: len(kitchen.platform.buttons) == 6)
    await until(lambda: not kitchen.talk.turns._tasks)
    assert (await kitchen.press(send)).text == "That is settled already."
    assert (await kitchen.press(kitchen.platform.buttons[3].action)).text == "Sent."
    assert kitchen.platform.texts() == ["tomorrow is fine"]


async def test_of_two_proposals_for_one_message_only_the_last_can_be_sent(kitchen):
    send, _, _ = await in_draft_mode(kitchen)
    [question] = await kitchen.messages.said_by("kitchen-app", "ana")
    await kitchen.messages.await_answer(question.key)  # a crash before it was settled
    await kitchen.talk.turns.sweep()
    await until(lambda: len(kitchen.platform.buttons) == 6)
    again = kitchen.platform.buttons[3].action
    assert (await kitchen.press(send)).text == "That is settled already."
    assert (await kitchen.press(again)).text == "Sent."
    assert kitchen.platform.texts() == ["hello there friend"]


async def test_an_edited_draft_is_sent_and_corrects_the_twin(kitchen):
    _, edit, _ = await in_draft_mode(kitchen)
    assert (await kitchen.press(edit)).prefill == "hello there friend"
    assert (await kitchen.press(edit, text="sure, 7!")).text == "Sent."
    assert kitchen.platform.texts() == ["sure, 7!"]
    [given] = await kitchen.feedback.effective()
    assert (given.kind, given.text) == (Signal.CORRECTION, "sure, 7!")
    assert (await kitchen.messages.get(given.reply_key)).text == "hello there friend"


async def test_a_skipped_draft_is_a_thumb_down(kitchen):
    _, _, skip = await in_draft_mode(kitchen)
    await kitchen.press(skip)
    assert kitchen.platform.texts() == []
    assert [given.kind for given in await kitchen.feedback.effective()] == [Signal.DOWN]


async def test_a_draft_whose_question_the_owner_answers_themselves_is_taken_over(kitchen):
    await kitchen.kept.chats.put(Chat("kitchen-app", "kitchen", private=True, draft=True))
    await kitchen.hear(as_owner("coming tonight?"))
    await kitchen.hear(as_owner("yes!", by="sam", by_owner=True))
    await until(kitchen.feedback.effective)
    [given] = await kitchen.feedback.effective()
    assert (given.kind, given.text) == (Signal.TAKEOVER, "yes!")
    send = kitchen.platform.buttons[0].action
    assert (await kitchen.press(send)).text == "That is settled already."


async def test_an_answer_that_loops_goes_out_once(kitchen):
    kitchen.model.answer = "see you at the harbour tonight " * 8
    answer = await kitchen.hear(said("when?"))
    assert kitchen.platform.texts() == ["see you at the harbour tonight"]
    assert answer.text == "see you at the harbour tonight"
