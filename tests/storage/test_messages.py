import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from storage.database import Database
from storage.messages import MessageStore
from storage.records import Message, Stamp, message_key

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def said(id: int, **changes: Any) -> Message:
    message = Message(
        key=message_key("telegram", "kitchen", id),
        platform="telegram",
        chat_id="kitchen",
        author_id="7",
        author_name="Ada",
        text=f"words {id}",
        sent_at=NOON + timedelta(seconds=id),
    )
    return replace(message, **changes)


def replied(id: int, to: Message | None, **changes: Any) -> Message:
    return said(id, by_twin=True, author_id="twin", reply_to=to and to.key, **changes)


def stamp() -> Stamp:
    return Stamp(
        adapter="v1",
        base_model="pocket",
        prompt_hash="ab",
        prompt=({"role": "system", "content": "Be \x1f Sam"}, {"role": "user", "content": "Hi 😀"}),
        sampling={"temperature": 0.7, "stop": ["\n\n"], "seed": None},
        recalled=("r1", "r2"),
        first_token_ms=12.5,
        total_ms=340.0,
        prompt_tokens=120,
        completion_tokens=9,
    )


async def test_a_message_comes_back_as_it_went_in(database: Database) -> None:
    store = MessageStore(database)
    question = said(1, edited_at=NOON)
    answer = replied(2, question, stamp=stamp(), by_owner=False)
    await store.add(question)
    await store.add(answer)
    assert await store.get(question.key) == question
    assert await store.get(answer.key) == answer
    assert await store.get("telegram:kitchen:99") is None


async def test_a_message_delivered_twice_is_new_once(database: Database) -> None:
    store = MessageStore(database)
    assert await store.add(said(1)) is True
    assert await store.add(said(1, text="changed since")) is False
    assert await store.get(said(1).key) == said(1)


async def test_of_many_who_deliver_the_same_message_at_once_one_is_first(database: Database) -> None:
    store = MessageStore(database)
    assert sorted(await asyncio.gather(*(store.add(said(1)) for _ in range(8)))) == [False] * 7 + [True]


async def test_recent_gives_the_last_of_one_chat_oldest_first(database: Database) -> None:
    store = MessageStore(database)
    for message in (
        said(1),
        said(2),
        said(3),
        said(4, chat_id="hall"),
        said(5, platform="discord"),
    ):
        await store.add(message)
    await store.delete(said(2).key, NOON)
    assert await store.recent("kitchen", "telegram") == [said(1), said(3)]
    assert await store.recent("kitchen", "telegram", limit=1) == [said(3)]
    assert await store.recent("kitchen", "telegram", before=said(3).sent_at) == [said(1)]
    assert await store.recent("nowhere", "telegram") == []


async def test_messages_of_the_same_second_keep_the_order_of_their_arrival(database: Database) -> None:
    store = MessageStore(database)
    arrived = [said(id, sent_at=NOON) for id in (9, 10, 8, 100)]
    for message in arrived:
        await store.add(message)
    assert await store.recent("kitchen", "telegram") == arrived
    assert await store.recent("kitchen", "telegram", limit=2) == arrived[2:]


async def test_replies_are_found_even_when_they_were_deleted(database: Database) -> None:
    store = MessageStore(database)
    answers = [replied(2, said(1)), replied(3, said(1))]
    for message in (said(1), *answers, replied(5, said(4))):
        await store.add(message)
    await store.delete(answers[0].key, NOON)
    assert [reply.key for reply in await store.replies_to(said(1).key)] == [answer.key for answer in answers]


async def test_unanswered_is_what_people_said_since_and_got_no_reply_to(database: Database) -> None:
    store = MessageStore(database)
    for message in (
        said(1),  # too old
        said(2, author_id="answered"),
        replied(3, said(2)),
        said(4, author_id="only the owner answered"),
        said(5, by_owner=True, reply_to=said(4).key),
        said(6, author_id="deleted"),
        said(7, author_id="waits"),
        replied(8, None),  # spoke up unasked
        said(9, chat_id="hall"),
    ):
        await store.add(message)
    await store.delete(said(6).key, NOON)
    waiting = await store.unanswered(since=said(2).sent_at)
    assert [message.key for message in waiting] == [said(4).key, said(7).key, said(9).key]


async def test_one_answer_counts_for_the_whole_burst_of_its_receiver(database: Database) -> None:
    store = MessageStore(database)
    for message in (
        said(1),
        said(2, author_id="somebody else"),
        said(3, chat_id="hall"),
        said(4),
        said(5),
        replied(6, said(4)),
    ):
        await store.add(message)
    waiting = await store.unanswered(since=NOON)
    assert [message.key for message in waiting] == [said(2).key, said(3).key, said(5).key]


async def test_a_question_counts_as_answered_even_when_the_reply_was_deleted(database: Database) -> None:
    store = MessageStore(database)
    await store.add(said(1))
    await store.add(replied(2, said(1)))
    await store.delete(replied(2, None).key, NOON)
    assert await store.unanswered(since=NOON) == []


async def test_the_last_reply_is_the_newest_of_the_twin_in_that_chat(database: Database) -> None:
    store = MessageStore(database)
    assert await store.last_reply("telegram", "kitchen") is None
    for message in (replied(1, None), replied(2, None), said(3), replied(4, None, chat_id="hall")):
        await store.add(message)
    assert await store.last_reply("telegram", "kitchen") == replied(2, None)
    await store.delete(replied(2, None).key, NOON)
    assert await store.last_reply("telegram", "kitchen") == replied(1, None)


async def test_an_edit_changes_the_words_and_says_when(database: Database) -> None:
    store = MessageStore(database)
    await store.add(said(1))
    assert await store.edit(said(1).key, "better words", NOON) is True
    assert await store.get(said(1).key) == said(1, text="better words", edited_at=NOON)
    assert await store.edit("telegram:kitchen:99", "x", NOON) is False


async def test_a_deleted_message_is_forgotten_but_a_reply_keeps_what_feedback_is_about(
    database: Database,
) -> None:
    store = MessageStore(database)
    answer = replied(2, said(1), stamp=stamp())
    await store.add(said(1))
    await store.add(answer)
    assert await store.delete(said(1).key, NOON) is True
    assert await store.delete(answer.key, NOON) is True
    assert await store.delete("telegram:kitchen:99", NOON) is False
    assert await store.get(said(1).key) == said(1, text="", deleted_at=NOON)
    assert await store.get(answer.key) == replace(answer, deleted_at=NOON)
