from datetime import UTC, datetime, timedelta

import pytest

from storage.changes import Changes, Place
from storage.chats import PersonStore
from storage.feedback import FeedbackStore
from storage.messages import MessageStore
from storage.pages import PROPOSED, Pages
from storage.pulse import PulseStore
from storage.records import (
    Consent,
    Feedback,
    Kind,
    Message,
    Record,
    Role,
    RunState,
    Signal,
    Stamp,
    message_key,
    now,
)
from storage.records_store import RecordStore
from storage.runs import RunStore

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def said(number, chat="kitchen", at=NOON, author="ann", **fields):
    key = message_key("discord", chat, number)
    return Message(key, "discord", chat, author, author.title(), f"words {number}", at, **fields)


def reply(number, adapter=None, at=NOON, ms=100.0, recalled=(), to=None, **fields):
    stamp = Stamp(
        adapter, "base", "h", ({"role": "user", "content": "?"},), {}, recalled, (), (), ms / 2, ms, 10, 5
    )
    return Message(
        f"discord:~{number}",
        "discord",
        "kitchen",
        "twin",
        "twin",
        f"Answer {number}",
        at,
        by_twin=True,
        stamp=stamp,
        reply_to=to,
        **fields,
    )


def up(key, kind=Signal.UP, by="sam", at=NOON):
    return Feedback(key, by, Role.OWNER, kind, at, "better" if kind is Signal.CORRECTION else None)


@pytest.fixture
def pages(database):
    return Pages(database)


@pytest.fixture
def messages(database):
    return MessageStore(database)


@pytest.fixture
def feedback(database):
    return FeedbackStore(database)


async def test_chats_are_listed_by_who_spoke_last_and_the_list_goes_on(pages, messages):
    for number, chat in enumerate(["a", "b", "a", "c"]):
        await messages.add(said(number, chat))
    first = await pages.conversations(2)
    assert [(one.chat_id, one.messages, one.title) for one in first] == [("c", 1, "Ann"), ("a", 2, "Ann")]
    assert [one.chat_id for one in await pages.conversations(2, first[-1].number)] == ["b"]
    assert await pages.conversations(2, platform="telegram") == []


async def test_messages_that_came_since_do_not_move_what_follows(pages, messages):
    for number in range(4):
        await messages.add(said(number))
    first = await pages.messages("discord", "kitchen", 2)
    await messages.add(said(9))
    rest = await pages.messages("discord", "kitchen", 2, first[-1].number)
    assert [one.message.text for one in (*first, *rest)] == [f"words {n}" for n in (3, 2, 1, 0)]


async def test_replies_are_found_by_adapter_label_and_words(pages, messages, feedback):
    await messages.add(reply(1, "dpo-1"))
    await messages.add(reply(2))
    await messages.add(reply(3, "dpo-1"), unsent=True)
    await messages.add(said(4))
    await feedback.record(up("discord:~1"))

    async def keys(**wanted):
        return [one.message.key[-1] for one in await pages.replies(10, **wanted)]

    assert await keys() == ["2", "1"]
    assert await keys(adapter="dpo-1") == ["1"]
    assert await keys(adapter="base") == ["2"]
    assert await keys(labelled=True) == ["1"]
    assert await keys(labelled=False) == ["2"]
    assert await keys(saying="ANSWER 2") == ["2"]
    assert await keys(saying="%") == []
    await feedback.withdraw("discord:~1", "sam", Signal.UP, NOON)
    assert await keys(labelled=True) == []


async def test_drafts_are_those_nothing_was_decided_about(pages, messages):
    for number in (1, 2):
        await messages.add(reply(number), unsent=True)
        await messages.conclude(f"discord:~{number}", PROPOSED)
    await messages.conclude("discord:~1", "skipped")
    assert [one.message.key for one in await pages.drafts(5)] == ["discord:~2"]


async def test_feedback_is_filtered_and_goes_on(pages, feedback):
    for number, kind in enumerate([Signal.UP, Signal.DOWN, Signal.CORRECTION]):
        await feedback.record(up(f"discord:~{number}", kind))
    await feedback.withdraw("discord:~0", "sam", Signal.UP, NOON)
    newest = await pages.feedback(1)
    assert [one.kind for _, one in newest] == [Signal.CORRECTION]
    assert [one.kind for _, one in await pages.feedback(5, newest[0][0])] == [Signal.DOWN, Signal.UP]
    assert [one.kind for _, one in await pages.feedback(5, counts=False)] == [Signal.UP]
    assert [one.kind for _, one in await pages.feedback(5, kind=Signal.DOWN)] == [Signal.DOWN]
    assert await pages.feedback(5, platform="telegram") == []
    by_reply = await pages.feedback_on(["discord:~1", "discord:~9"])
    assert [one.kind for one in by_reply["discord:~1"]] == [Signal.DOWN]


async def test_records_of_one_moment_are_all_listed_once(pages, database):
    records = [
        Record(f"r{n}", "journal", Kind.NOTE, "owner", True, "t", NOON, f"Text {n}", tags=("tea",))
        for n in range(5)
    ]
    await RecordStore(database).add_all(records)
    first = await pages.records(3)
    rest = await pages.records(3, (first[-1].said_at, first[-1].id))
    assert [one.id for one in (*first, *rest)] == ["r4", "r3", "r2", "r1", "r0"]
    assert [one.id for one in await pages.records(9, tag="tea", saying="text 2")] == ["r2"]
    assert await pages.records(9, source="git") == []
    assert [(one.name, one.records) for one in await pages.sources()] == [("journal", 5)]
    assert [(one.name, one.records) for one in await pages.audiences(5)] == [("owner", 5)]


async def test_people_are_whoever_spoke_or_said_what_they_allow(pages, messages, database):
    await messages.add(said(1, author="ann"))
    await messages.add(said(2, author="bob"))
    await messages.add(said(3, author="sam", by_owner=True))
    await PersonStore(database).set_consent("discord", "bob", Consent.AGREED)
    await PersonStore(database).set_consent("telegram", "7", Consent.OPTED_OUT)
    everybody = await pages.people(10)
    assert [(one.person_id, one.name, one.consent, one.messages) for one in everybody] == [
        ("ann", "Ann", Consent.UNKNOWN, 1),
        ("bob", "Bob", Consent.AGREED, 1),
        ("7", "", Consent.OPTED_OUT, 0),
    ]
    assert everybody[0].last_at == NOON
    assert [one.person_id for one in await pages.people(10, ("discord", "ann"))] == ["bob", "7"]
    assert [one.person_id for one in await pages.people(10, consent=Consent.UNKNOWN)] == ["ann"]


async def test_the_pulse_counts_by_hour_and_adapter(database, messages, feedback):
    for number, ms in enumerate(range(100, 1100, 100)):
        await messages.add(reply(number, "dpo-1", NOON, ms, recalled=("r1",) if number < 5 else ()))
    await messages.add(reply(20, None, NOON + HOUR))
    await messages.add(reply(21, None, NOON + HOUR), unsent=True)
    await messages.add(reply(22, None, NOON - 30 * HOUR))
    await messages.add(said(1))
    await feedback.record(up("discord:~0"))
    await feedback.record(up("discord:~1"))
    await feedback.record(up("discord:~1", Signal.CORRECTION))
    await feedback.record(up("discord:~2", Signal.DOWN))
    pulse = PulseStore(database)
    first, second = await pulse.replies(NOON - HOUR, NOON + 2 * HOUR, HOUR)
    assert (first.at, first.adapter, first.replies, first.liked, first.disliked) == (NOON, "dpo-1", 10, 1, 2)
    assert (first.with_memories, first.prompt_tokens, first.completion_tokens) == (5, 100, 50)
    assert (first.p50_ms, first.p95_ms, first.first_token_p50_ms) == (500, 900, 250)
    assert (second.at, second.adapter, second.replies, second.with_memories) == (NOON + HOUR, None, 1, 0)
    [of_base, of_dpo] = sorted(
        await pulse.replies(NOON - 100 * HOUR, NOON + 2 * HOUR, None), key=lambda one: one.replies
    )
    assert (of_base.at, of_base.adapter, of_base.replies, of_dpo.replies) == (None, None, 2, 10)
    [heard] = await pulse.heard(NOON - HOUR, NOON + HOUR, HOUR)
    assert (heard.at, heard.platform, heard.messages) == (NOON, "discord", 1)


async def test_the_pulse_knows_what_waits(database, messages):
    await messages.add(said(1), waiting=True)
    await messages.add(reply(2), unsent=True)
    await messages.conclude("discord:~2", PROPOSED)
    assert await PulseStore(database).waiting() == (1, 1)


async def test_whoever_reads_on_from_a_place_misses_nothing_and_gets_nothing_twice(
    database, messages, feedback
):
    changes, runs = Changes(database), RunStore(database)
    await messages.add(said(1))
    place = await changes.here()
    assert await changes.since(place) == []
    await messages.add(said(2))
    await feedback.record(up("discord:~1"))
    run = await runs.start("learn", "host:1")
    found = await changes.since(place)
    assert [type(one.what).__name__ for one in found] == ["Listed", "Feedback", "Run"]
    half_way = Place.read(str(found[0].place))
    assert [type(one.what).__name__ for one in await changes.since(half_way)] == ["Feedback", "Run"]
    assert await changes.since(found[-1].place) == []
    await runs.finish(run.id, RunState.PASSED)
    [ended] = await changes.since(found[-1].place)
    assert ended.what.state is RunState.PASSED


@pytest.mark.parametrize(
    "text", ["", "1.2.3", "1.2.3.x", "1.2.3.4.5", "-1.2.3.4", "1.2.3." + "9" * 30, "١.1.1.1"]
)
def test_what_is_no_place_is_none(text):
    assert Place.read(text) is None


def test_a_place_is_read_as_it_was_written():
    place = Place(1, 2, 3, now())
    assert Place.read(str(place)) == place
