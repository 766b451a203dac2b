import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.database import Database
from storage.feedback import FeedbackStore
from storage.records import Feedback, Role, Signal

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
REPLY = "discord:kitchen:1"


def gave(kind: Signal, minute: int, by: str = "ada", text: str | None = None, reply: str = REPLY) -> Feedback:
    return Feedback(reply, by, Role.OTHER, kind, NOON + timedelta(minutes=minute), text)


def withdrawn(feedback: Feedback, minute: int) -> Feedback:
    return replace(feedback, withdrawn_at=NOON + timedelta(minutes=minute))


async def test_feedback_comes_back_as_it_went_in(database: Database) -> None:
    store = FeedbackStore(database)
    owner = replace(gave(Signal.CORRECTION, 1, text="Say it so"), role=Role.OWNER)
    assert await store.record(owner) is True
    assert await store.about(REPLY) == [owner]
    assert await store.effective() == [owner]
    assert await store.about("discord:kitchen:2") == []


async def test_the_same_signal_twice_is_one(database: Database) -> None:
    store = FeedbackStore(database)
    up = gave(Signal.UP, 1)
    assert [await store.record(up), await store.record(up)] == [True, False]
    assert await store.about(REPLY) == [up]


async def test_a_signal_delivered_again_after_it_was_withdrawn_stays_withdrawn(database: Database) -> None:
    store = FeedbackStore(database)
    up, down = gave(Signal.UP, 1), gave(Signal.DOWN, 2)
    for feedback in (up, down, up):
        await store.record(feedback)
    assert await store.effective() == [down]


async def test_a_new_thumb_withdraws_the_same_persons_other_one(database: Database) -> None:
    store = FeedbackStore(database)
    up, down, again = gave(Signal.UP, 1), gave(Signal.DOWN, 2), gave(Signal.UP, 3)
    bystanders = [
        gave(Signal.DOWN, 1, by="bob"),
        gave(Signal.DOWN, 1, reply="discord:kitchen:2"),
        gave(Signal.COMPLAINT, 1, text="too long"),
        gave(Signal.CORRECTION, 1, text="Short"),
    ]
    for feedback in (*bystanders, up, down, again):
        await store.record(feedback)
    assert await store.effective() == [*bystanders, again]
    history = [feedback for feedback in await store.about(REPLY) if feedback not in bystanders]
    assert history == [withdrawn(up, 2), withdrawn(down, 3), again]


async def test_a_new_correction_supersedes_the_same_persons_former_one(database: Database) -> None:
    store = FeedbackStore(database)
    first, second = gave(Signal.CORRECTION, 1, text="a"), gave(Signal.CORRECTION, 2, text="b")
    theirs = gave(Signal.CORRECTION, 1, by="bob", text="c")
    for feedback in (first, theirs, second):
        await store.record(feedback)
    assert await store.effective() == [theirs, second]


async def test_a_thumb_that_arrives_late_does_not_beat_a_newer_one(database: Database) -> None:
    store = FeedbackStore(database)
    up, down = gave(Signal.UP, 1), gave(Signal.DOWN, 2)
    await store.record(down)
    await store.record(up)
    assert await store.effective() == [down]
    assert await store.about(REPLY) == [withdrawn(up, 2), down]


async def test_withdrawing_ends_it_and_says_whether_there_was_one(database: Database) -> None:
    store = FeedbackStore(database)
    up = gave(Signal.UP, 1)
    await store.record(up)
    at = NOON + timedelta(minutes=5)
    assert await store.withdraw(REPLY, "ada", Signal.DOWN, at) is False
    assert await store.withdraw(REPLY, "bob", Signal.UP, at) is False
    assert await store.withdraw(REPLY, "ada", Signal.UP, at) is True
    assert await store.withdraw(REPLY, "ada", Signal.UP, at) is False
    assert await store.effective() == []
    assert await store.about(REPLY) == [withdrawn(up, 5)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(thumbs=st.lists(st.tuples(st.sampled_from([Signal.UP, Signal.DOWN]), st.integers(0, 50)), min_size=1))
async def test_whatever_the_order_a_persons_newest_thumb_is_the_one_that_counts(
    sqlite_database: Database, thumbs: list[tuple[Signal, int]]
) -> None:
    store = FeedbackStore(sqlite_database)
    reply = str(thumbs)
    for kind, minute in thumbs:
        await store.record(gave(kind, minute, reply=reply))
    counting = [feedback for feedback in await store.about(reply) if feedback.withdrawn_at is None]
    assert [feedback.given_at for feedback in counting] == [
        NOON + timedelta(minutes=max(minute for _, minute in thumbs))
    ]


async def test_thumbs_given_at_the_same_time_leave_one(database: Database) -> None:
    store = FeedbackStore(database)
    for reply in ("connections are opened", "and now they are open", "so that it gets tight"):
        thumbs = [gave(Signal.UP if n % 2 else Signal.DOWN, n, reply=reply) for n in range(10)]
        await asyncio.gather(*(store.record(thumb) for thumb in thumbs))
        counting = [feedback for feedback in await store.about(reply) if feedback.withdrawn_at is None]
        assert counting == [thumbs[-1]]
