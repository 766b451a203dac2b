import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from storage.database import Database
from storage.deliveries import DeliveryStore
from storage.feedback import FeedbackStore
from storage.messages import MessageStore
from storage.records import (
    Delivery,
    DeliveryState,
    Feedback,
    Media,
    Message,
    Role,
    Signal,
    Stamp,
    message_key,
)

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
        speakers=("telegram:7",),
        first_token_ms=12.5,
        total_ms=340.0,
        prompt_tokens=120,
        completion_tokens=9,
    )


async def test_a_message_comes_back_as_it_went_in(database: Database) -> None:
    store = MessageStore(database)
    media = (
        Media("image", "beach.jpg", "image/jpeg", 12345, "https://cdn.example/1"),
        Media("sticker", text="🌊"),
    )
    question = said(
        1, edited_at=NOON, media=media, quote="before", album="a1", to_twin=True, author_roles=("9",)
    )
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


async def test_what_waits_is_given_in_order_until_it_is_settled(database: Database) -> None:
    store = MessageStore(database)
    for message in (said(2), said(1, author_id="8"), said(3), said(4, chat_id="hall")):
        await store.add(message, waiting=True)
    await store.add(said(5))
    assert await store.waiting("telegram", "kitchen") == [said(2), said(1, author_id="8"), said(3)]
    assert await store.waiting("telegram", "kitchen", "7") == [said(2), said(3)]
    assert await store.waiting("discord") == []
    await store.settle([said(2).key, said(5).key], "too old")
    assert await store.outcome(said(2).key) == "too old"
    assert await store.outcome(said(5).key) is None  # it never waited
    assert await store.waiting("telegram", "kitchen", "7") == [said(3)]
    await store.await_answer(said(2).key)
    assert said(2) in await store.waiting()


async def test_a_reply_is_planned_with_its_parts_and_its_questions_at_once(database: Database) -> None:
    store, journal = MessageStore(database), DeliveryStore(database)
    await store.add(said(1), waiting=True)
    reply = replied(2, said(1), key="telegram:~ab")
    await store.plan(reply, ["one", "two"], [said(1).key])
    assert await store.outcome(said(1).key) == "answered by telegram:~ab"
    first, second = await journal.of(reply.key)
    assert [(one.text, one.state, one.question_key) for one in (first, second)] == [
        ("one", DeliveryState.PLANNED, said(1).key),
        ("two", DeliveryState.PLANNED, said(1).key),
    ]
    assert await store.recent("kitchen", "telegram") == [said(1)]  # nobody has seen it yet
    await journal.put(replace(first, state=DeliveryState.SENT, message_id="77"))
    assert await store.recent("kitchen", "telegram") == [said(1), reply]
    assert await store.last_reply("telegram", "kitchen") == reply
    assert [one.text for one in await journal.undone()] == ["two"]
    assert await journal.reply_of("telegram", "kitchen", "77") == reply.key
    assert await journal.reply_of("telegram", "kitchen/9", "77") == reply.key
    assert await journal.reply_of("telegram", "hall", "77") is None
    assert await journal.ids("telegram", "kitchen") == {"77"}
    assert await journal.drop(reply.key) == 1
    assert await journal.undone() == []


async def test_planning_keeps_what_is_shown_already_and_knows_the_last_text(database: Database) -> None:
    store, journal = MessageStore(database), DeliveryStore(database)
    growing = Delivery("telegram:~ab", 0, "telegram", "kitchen", said(1).key, "o", DeliveryState.SHOWN, "77")
    await journal.put(growing)
    await store.plan(replied(2, said(1), key="telegram:~ab"), ["one"], [])
    [part] = await journal.of("telegram:~ab")
    assert (part.text, part.state, part.message_id) == ("one", DeliveryState.SHOWN, "77")


async def test_a_changed_question_waits_again_in_the_place_of_its_answer(database: Database) -> None:
    store, journal = MessageStore(database), DeliveryStore(database)
    await store.add(said(1), waiting=True)
    reply = replied(2, said(1), key="telegram:~ab")
    await store.plan(reply, ["one"], [said(1).key])
    [old] = await journal.of(reply.key)
    old = await journal.put(replace(old, state=DeliveryState.SENT, message_id="77"))
    new = replace(old, reply_key="telegram:~cd", state=DeliveryState.SHOWN)
    await store.reopen(said(1).key, reply.key, old, new)
    assert await store.waiting() == [said(1)]
    assert (await store.get(reply.key)).deleted_at  # type: ignore[union-attr]
    assert await journal.undone() == [new]
    assert await journal.reply_of("telegram", "kitchen", "77") == "telegram:~cd"


async def test_what_the_owner_says_in_a_chat_is_found_by_its_arrival(database: Database) -> None:
    store = MessageStore(database)
    mine = said(3, by_owner=True, sent_at=NOON)  # the clock of the chat app may be behind
    for message in (said(1, by_owner=True), said(2), mine, said(4, by_owner=True, chat_id="hall")):
        await store.add(message)
    assert await store.owner_spoke_after(said(2)) == [mine]


async def test_erasing_takes_the_replies_and_what_was_said_about_them_along(database: Database) -> None:
    store, journal, feedback = MessageStore(database), DeliveryStore(database), FeedbackStore(database)
    reply = replied(2, said(1), key="telegram:~ab")
    await store.add(said(1), waiting=True)
    await store.plan(reply, ["one"], [said(1).key])
    await feedback.record(Feedback(reply.key, "owner", Role.OWNER, Signal.UP, NOON))
    await store.add(said(3))
    assert await store.said_by("telegram", "7") == [said(1), said(3)]
    assert await store.erase([said(1).key]) == 4
    assert [await store.get(key) for key in (said(1).key, reply.key, said(3).key)] == [None, None, said(3)]
    assert await journal.of(reply.key) == []
    assert await feedback.about(reply.key) == []


async def test_who_was_heard_in_a_prompt_is_found_and_the_prompt_can_be_forgotten(database: Database) -> None:
    store = MessageStore(database)
    heard = replied(2, said(1), stamp=replace(stamp(), speakers=("telegram:7", "telegram:77")))
    await store.add(heard)
    await store.add(replied(3, said(1), stamp=replace(stamp(), speakers=("telegram:70",))))
    assert await store.heard("telegram", "7") == [heard]
    assert await store.heard("telegram", "0") == []
    assert await store.strip_prompt(heard.key)
    assert (await store.get(heard.key)).stamp is None


async def test_a_reply_nobody_has_seen_can_be_put_aside(database: Database) -> None:
    store = MessageStore(database)
    draft = replied(2, said(1), key="telegram:~ab")
    await store.add(draft, unsent=True)
    await store.conclude(draft.key, "proposed")
    assert await store.unseen("telegram", "kitchen", "proposed") == [draft]
    assert await store.unseen("telegram", "kitchen", "skipped") == []


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
    assert await store.rewrite(said(1), NOON) is False  # only a preview was added, say
    assert await store.rewrite(said(1, text="better words"), NOON) is True
    assert await store.get(said(1).key) == said(1, text="better words", edited_at=NOON)
    assert await store.rewrite(said(99), NOON) is False


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


async def test_what_every_answer_asks_for_comes_back_whole(database):
    """It goes past SQLAlchemy on SQLite: every kind of column comes out as it went in."""
    store, zone = MessageStore(database), timezone(timedelta(hours=5))
    stamp = Stamp(
        "v1", "pocket", "hash", ({"role": "user", "content": "é \N{WAVING HAND SIGN}"},), {"seed": 1}
    )
    said = Message(
        key="whole:1",
        platform="whole",
        chat_id="1",
        author_id="ana",
        author_name="Ana",
        text="lone \ud83d and nul \x00",
        sent_at=datetime(2026, 5, 4, 12, 0, 0, 250000, tzinfo=zone),
        by_twin=True,
        stamp=stamp,
        media=(Media("picture", "abc"),),
    )
    await store.add(said)
    [recent] = await store.recent("1", "whole")
    kept = await store.get("whole:1")
    assert recent == replace(kept, stamp=None)  # all but what made it, which nobody asks of so many
    assert (recent.sent_at, kept.stamp) == (said.sent_at, stamp)
    just_then, later = said.sent_at, said.sent_at + timedelta(microseconds=1)
    assert await store.recent("1", "whole", before=just_then) == []
    assert await store.recent("1", "whole", before=later.astimezone(UTC)) == [recent]
    assert await store.recent("\ud83d", "whole") == []
    assert await store.recent("1", "whole", limit=0) == []
