"""Does the owner hear of a trial once, with examples and a way back, and nobody else of anything?"""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from fakes import FakePlatform, until
from quick_model import QuickModel
from trial_world import SETTINGS, Chats

from bot.authority import Authority
from bot.owner_news import OwnerNews
from brain.live_adapter import served_name
from brain.model_client import ModelClient
from brain.replicas import Replicas
from storage.database import Database
from storage.records import Role
from twin.build import Base, Model
from twin.trial import taking_back, watch_by_the_clock


@pytest.fixture
async def chats(database: Database) -> Chats:
    chats = Chats(database)
    await chats.begin()
    await chats.judged("old", 14, 6, days=-3)
    return chats


@pytest.fixture
async def model():
    quick = QuickModel(tells_model=True)
    await quick.start()
    async with Replicas([ModelClient(quick.url)]) as client:
        await client.load_adapter("old", "a/old")
        await client.load_adapter("new", "a/new")
        yield Model(Base("weights", "quick", True), (quick.url,), client, "quick"), quick
    await quick.stop()


@contextlib.asynccontextmanager
async def watched(chats, model, *, elsewhere=(), closed_to=(), settings=(SETTINGS,)):
    """The watch at work, and what the owner is told."""
    app = FakePlatform()
    app.closed_to |= set(closed_to)
    news = OwnerNews(Authority({"kitchen-app": ("sam",)}), {app.name: app}, set(elsewhere))
    watching = asyncio.create_task(watch_by_the_clock(chats, model, lambda: settings[-1], news, every=0.05))
    try:
        yield app
    finally:
        watching.cancel()
        await asyncio.wait([watching])  # before the database is closed under it


async def test_a_promotion_is_told_once_with_what_both_say_to_the_owners_words_and_a_way_back(chats, model):
    await chats.reply("old", asked="what of the #1 dog?")
    await chats.reply("old", asked="anna's secret #2", speakers=("discord:anna",))
    await chats.judged("old", 84, 36)
    await chats.judged("new", 88, 32)
    async with watched(chats, model[0]) as app:
        await until(lambda: app.told)
        await asyncio.sleep(0.3)
    [told] = app.told
    assert told.startswith("new answers everywhere from now on, instead of old.")
    names = {version: served_name(version, f"a/{version}") for version in ("old", "new")}
    assert f"> what of the #1 dog?\nold: {names['old']} " in told
    assert f"\nnew: {names['new']} " in told
    assert "secret" not in told
    [button] = app.buttons
    assert button.action == "roll-back:new"
    assert await chats.states() == {"old": "retired", "new": "live"}


async def test_a_rollback_is_told_without_a_button_and_what_both_say_alike_is_no_example(chats, model):
    await chats.reply("old", asked="what of the #1 dog?")
    model[1].tells_model = False
    await chats.judged("old", 28, 12)
    await chats.judged("new", 8, 32)
    async with watched(chats, model[0]) as app:
        await until(lambda: app.told)
    assert app.told[0].startswith("I took new back: people liked it less. old answers, as before.")
    assert app.buttons == []
    assert "dog" not in app.told[0]


async def test_without_a_model_to_ask_the_owner_hears_of_it_all_the_same(chats, model):
    await chats.reply("old", asked="what of the #1 dog?")
    await chats.judged("old", 28, 12)
    await chats.judged("new", 8, 32)
    model[1].fails = True
    async with watched(chats, model[0]) as app:
        await until(lambda: app.told)
    assert "dog" not in app.told[0]


async def test_while_the_trial_goes_on_nobody_hears_anything(chats, model):
    await chats.judged("new", 7, 3, by="stranger", role=Role.OTHER)
    async with watched(chats, model[0]) as app:
        await asyncio.sleep(0.3)
    assert app.told == []
    assert (await chats.states())["new"] == "canary"


async def test_an_end_that_another_copy_decided_or_a_kill_kept_from_the_owner_is_told_later_and_once(
    chats, model
):
    await chats.judged("old", 28, 12)
    await chats.judged("new", 8, 32)

    async def decided():
        return (await chats.states())["new"] == "retired"

    async def known():
        return "to_tell" not in (await chats.adapters.get("new")).report["trial"]

    async with watched(chats, model[0], elsewhere=["kitchen-app"]) as mute:
        await until(decided)
        await asyncio.sleep(0.2)
    async with watched(chats, model[0], closed_to=["sam"]) as closed:
        await asyncio.sleep(0.2)
        closed.closed_to.clear()
        await until(known)
    async with watched(chats, model[0]) as later:
        await asyncio.sleep(0.2)
    assert (mute.told, later.told) == ([], [])
    [told] = closed.told
    assert told.startswith("I took new back")


async def test_what_one_copy_is_just_telling_is_told_by_no_other(chats, model):
    await chats.judged("old", 28, 12)
    await chats.judged("new", 8, 32)
    await chats.leases.take("trial new", "another copy", 600)
    async with watched(chats, model[0]) as app:
        await asyncio.sleep(0.3)
        assert app.told == []
        await chats.leases.give_back("trial new", "another copy")
        await until(lambda: app.told)


async def test_long_answers_and_long_questions_still_make_one_message_on_every_chat_app(chats, model):
    for number in range(9):
        await chats.reply("old", asked=f"{number} {'why? ' * 100}#{number}")
    await chats.judged("old", 28, 12)
    await chats.judged("new", 8, 32)
    async with watched(chats, model[0]) as app:
        await until(lambda: app.told)
    assert "why?" in app.told[0]
    assert len(app.told[0]) <= 1900


async def test_what_twin_toml_says_of_trials_counts_for_the_one_that_is_on(chats, model):
    await chats.judged("old", 28, 12)
    await chats.judged("new", 8, 32)
    settings = [SETTINGS.model_copy(update={"min_opinions": 1000})]
    async with watched(chats, model[0], settings=settings) as app:
        await asyncio.sleep(0.3)
        assert (await chats.states())["new"] == "canary"
        settings.append(SETTINGS)
        await until(lambda: app.told)
    assert (await chats.states())["new"] == "retired"


async def test_the_way_back_leads_away_from_the_version_it_names_and_from_no_other(chats):
    take_back = taking_back(chats)
    assert await take_back("new") == "new does not answer any more."
    await chats.adapters.go_live("new", "liked")
    assert await take_back("new") == "old answers from the next message on."
    assert (await chats.adapters.live()).version == "old"
    assert await take_back("new") == "new does not answer any more."
