"""Is the owner told of a flood once, and left in peace over an ordinary chat?"""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta

from fakes import FakePlatform, until

from bot.authority import Authority
from bot.owner_news import OwnerNews
from storage.chats import QuestionStore
from storage.database import Database
from storage.feedback import FeedbackStore
from storage.records import Feedback, Role, Signal, now
from twin.guard import guard_by_the_clock


async def given(feedback, person, count, *, days=0.0):
    """So many thumbs up of one person, a second apart."""
    for number in range(count):
        at = now() - timedelta(days=days, seconds=number)
        await feedback.record(Feedback(f"discord:~{person}{number}", person, Role.OTHER, Signal.UP, at))


@contextlib.asynccontextmanager
async def guarded(database, *, elsewhere=False, closed=False):
    app = FakePlatform()
    app.closed_to |= {"sam"} if closed else set()
    news = OwnerNews(Authority({app.name: ("sam",)}), {app.name: app}, {app.name} if elsewhere else set())
    told = QuestionStore(database)
    guarding = asyncio.create_task(guard_by_the_clock(FeedbackStore(database), told, news, every=0.02))
    try:
        yield app
    finally:
        guarding.cancel()
        await asyncio.wait([guarding])  # before the database is closed under it


async def test_a_flood_is_told_once_and_another_ones_too(sqlite_database: Database):
    feedback = FeedbackStore(sqlite_database)
    await given(feedback, "anna", 40)
    async with guarded(sqlite_database) as app:
        await until(lambda: app.told)
        await given(feedback, "bo", 40)
        await until(lambda: len(app.told) == 2)
        await given(feedback, "anna", 50)
        await asyncio.sleep(0.2)
    async with guarded(sqlite_database) as later:  # the service was started again
        await asyncio.sleep(0.2)
    assert later.told == []
    assert app.told[0] == "Somebody may be steering me. discord:anna gave 40 signals within an hour."
    assert "discord:bo gave" in app.told[1]
    assert len(app.told) == 2


async def test_an_owner_who_cannot_be_reached_hears_of_it_when_they_can(sqlite_database: Database):
    await given(FeedbackStore(sqlite_database), "anna", 40)
    async with guarded(sqlite_database, elsewhere=True) as other_copy:
        await asyncio.sleep(0.2)
    async with guarded(sqlite_database) as app:
        await until(lambda: app.told)
        await asyncio.sleep(0.2)
    assert other_copy.told == []
    assert len(app.told) == 1
    async with guarded(sqlite_database, closed=True) as closed:
        await given(FeedbackStore(sqlite_database), "bo", 40)
        await asyncio.sleep(0.2)
        closed.closed_to.clear()
        await until(lambda: closed.told)
    assert "discord:bo gave" in closed.told[0]


async def test_an_ordinary_chat_and_what_is_long_over_are_not_told(sqlite_database: Database):
    feedback = FeedbackStore(sqlite_database)
    await given(feedback, "anna", 20)
    await given(feedback, "bo", 40, days=3)
    async with guarded(sqlite_database) as app:
        await asyncio.sleep(0.3)
    assert app.told == []
