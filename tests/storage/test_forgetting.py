"""Is somebody's data found whole, and gone for good when it is to go?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from storage.adapters import AdapterStore
from storage.chats import FactStore
from storage.deliveries import DeliveryStore
from storage.feedback import FeedbackStore
from storage.forgetting import clean_rows, private_chats
from storage.messages import MessageStore
from storage.records import (
    Adapter,
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


def said(id, by="ana", platform="telegram", **more):
    key = message_key(platform, "kitchen", id)
    at = NOON + timedelta(minutes=id)
    return replace(Message(key, platform, "kitchen", by, by.title(), f"words {id}", at), **more)


def replied(id, to, *speakers, **more):
    stamp = Stamp(None, "pocket", "hash", ({"role": "user", "content": to.text},), {}, speakers=speakers)
    return said(id, "twin", by_twin=True, reply_to=to.key, stamp=stamp, **more)


@pytest.fixture
async def kept(database):
    """Ana and Bo talk to the twin in one chat; Tia, a trainer, says what she thinks of the answers."""
    messages, feedback = MessageStore(database), FeedbackStore(database)
    ana, bo, namesake = said(1), said(3, "bo"), said(5, platform="discord")
    to_ana, to_bo = replied(2, ana, "telegram:ana"), replied(4, bo, "telegram:ana", "telegram:bo")
    draft = replied(6, ana, "telegram:ana")
    for message in (ana, to_ana, bo, to_bo, namesake):
        await messages.add(message)
    await messages.add(draft, unsent=True)
    for reply in (to_ana, to_bo):
        await feedback.record(Feedback(reply.key, "tia", Role.TRAINER, Signal.UP, NOON))
    await feedback.record(Feedback("discord:kitchen:9", "tia", Role.OTHER, Signal.DOWN, NOON))
    journal = DeliveryStore(database)
    await journal.put(Delivery(to_ana.key, 0, "telegram", "kitchen", ana.key, "x", DeliveryState.SENT, "77"))
    return {
        "messages": messages,
        "feedback": feedback,
        "journal": journal,
        "ana": ana,
        "bo": bo,
        "to_ana": to_ana,
        "to_bo": to_bo,
        "draft": draft,
    }


async def test_what_somebody_said_and_was_told_is_found_whole(kept):
    messages = kept["messages"]
    assert await messages.said_by("telegram", "ana") == [kept["ana"]]
    assert await messages.said_to("telegram", "ana") == [kept["to_ana"]]  # a draft was told to nobody
    assert await messages.heard("telegram", "ana") == [kept["to_ana"], kept["to_bo"], kept["draft"]]
    assert await messages.heard("telegram", "bo") == [kept["to_bo"]]


async def test_erasing_takes_the_replies_to_it_along_and_what_was_thought_of_them(kept):
    messages = kept["messages"]
    assert await messages.erase([kept["ana"].key]) == 5  # ana's, two replies, a delivery, a thumb
    for gone in (kept["ana"], kept["to_ana"], kept["draft"]):
        assert await messages.get(gone.key) is None
    assert await kept["journal"].of(kept["to_ana"].key) == []
    assert [one.reply_key for one in await kept["feedback"].about(kept["to_ana"].key)] == []
    assert await messages.get(kept["to_bo"].key) == kept["to_bo"]
    assert len(await kept["feedback"].about(kept["to_bo"].key)) == 1


async def test_a_stripped_reply_keeps_its_words_and_loses_its_prompt(kept):
    assert await kept["messages"].strip_prompt(kept["to_bo"].key)
    assert await kept["messages"].get(kept["to_bo"].key) == replace(kept["to_bo"], stamp=None)
    assert await kept["messages"].heard("telegram", "bo") == []


async def test_what_is_before_a_moment_leaves_out_the_owner_and_what_still_waits(kept):
    messages = kept["messages"]
    await messages.add(said(0, "sam", by_owner=True))
    await messages.add(said(0, "bo", platform="discord"), waiting=True)
    until = NOON + timedelta(minutes=4)
    assert await messages.before(until, by_twin=False) == [kept["ana"], kept["bo"]]
    assert await messages.before(until, by_twin=True) == [kept["to_ana"]]


async def test_the_signals_somebody_gave_are_theirs_on_that_platform_only(kept):
    feedback = kept["feedback"]
    assert len(await feedback.given_by("telegram", "tia")) == 2
    assert await feedback.given_by("tele", "tia") == []
    assert await feedback.erase_given_by("telegram", "tia") == 2
    assert [one.reply_key for one in await feedback.effective()] == ["discord:kitchen:9"]


async def test_a_name_goes_from_every_text_and_json_and_nothing_else_changes(database):
    messages, feedback, facts = MessageStore(database), FeedbackStore(database), FactStore(database)
    adapters = AdapterStore(database)
    hello = said(1, quote="Zorb said hi", media=(Media("file", "Zorb.txt", ref="https://x/Zorb"),))
    aye = replied(2, hello, "telegram:bo")
    aye = replace(aye, stamp=replace(aye.stamp, prompt=({"role": "user", "content": "Zorb: ž?"},)))
    for message in (hello, aye, said(3, "bo")):
        await messages.add(message)
    await feedback.record(Feedback(aye.key, "tia", Role.OWNER, Signal.CORRECTION, NOON, "ask Zorb"))
    await facts.add("Zorb bakes")
    report = {"replies": ["Zorb!", 1.5, None], "nested": {"Zorb": "x"}}
    await adapters.add(Adapter("a", "pocket", "sft", "/home/Zorb/a", "a", NOON, report=report))
    found = await clean_rows(database, lambda text: text.replace("Zorb", "somebody"))
    assert found == {
        "adapters.report": 1,
        "facts.text": 1,
        "feedback.text": 1,
        "messages.media": 1,
        "messages.quote": 1,
        "messages.stamp": 1,
    }
    media = (Media("file", "somebody.txt", ref="https://x/Zorb"),)  # an address is left alone
    assert await messages.get(hello.key) == replace(hello, quote="somebody said hi", media=media)
    [turn] = (await messages.get(aye.key)).stamp.prompt
    assert turn["content"] == "somebody: ž?"
    adapter = await adapters.get("a")
    assert adapter.report == {"replies": ["somebody!", 1.5, None], "nested": {"somebody": "x"}}
    assert adapter.path == "/home/Zorb/a"
    assert await clean_rows(database, lambda text: text.replace("Zorb", "somebody")) == {}


async def test_the_owners_own_chat_with_somebody_is_not_the_owners_private_one(database):
    messages = MessageStore(database)
    business = {"private": True, "as_owner": True}
    await messages.add(replace(said(1, "7", **business), chat_id="b1"))
    await messages.add(replace(said(2, "1", by_owner=True, **business), chat_id="b1"))
    await messages.add(replace(said(3, "1", by_owner=True, private=True), chat_id="1"))
    assert await private_chats(database, "telegram", "1") == ["1"]
    assert await private_chats(database, "telegram", "7") == ["b1"]
