"""Does the button under the news of a promotion work on the real chat apps, for the owner, and only once?"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from types import SimpleNamespace

import pytest
from discord_twin import Heard, a_discord, connected
from fakes import until
from quick_model import QuickModel
from telegram_server import TelegramServer
from telegram_talk import app_for, running
from trial_world import SETTINGS, Chats

from bot.ears import ears_of
from bot.on_command import Commands
from brain.model_client import ModelClient
from brain.replicas import Replicas
from twin.build import Base, Model, build_brain, build_talk, open_stores
from twin.home import Home
from twin.settings import read_settings
from twin.trial import taking_back, watch_by_the_clock

NOT_YOURS = "Only the owner can do that."
LABEL = "Take it back"


class OnDiscord:
    def __init__(self, server):
        self.server = server
        self.sam, self.eve = server.user("Sam"), server.user("Eve")

    @contextlib.asynccontextmanager
    async def listening(self, ears):
        async with connected(self.server, Heard(), ears=ears) as app:
            yield app

    def told(self):
        """What lies in the owner's own chat with buttons under it, and what without."""
        return [one for one in self.server.messages(self.server.dm(self.sam)) if one["components"]]

    def text(self, message):
        return message["content"]

    async def press(self, message, by):
        pressed = self.server.press(LABEL, by, self.server.dm(self.sam), message)
        return await self.server.wait_for(lambda: pressed.texts)


class OnTelegram:
    def __init__(self, server, cursors):
        self.server, self.cursors = server, cursors
        self.sam, self.eve = server.user("Sam"), server.user("Eve")

    @contextlib.asynccontextmanager
    async def listening(self, ears):
        wired = SimpleNamespace(ears=lambda: ears)
        app = app_for(self.server, wired, self.cursors, owner_ids=(str(self.sam.id),))
        async with running(app):
            yield app

    def told(self):
        return [one for one in self.server.messages(self.sam) if one.get("reply_markup")]

    def text(self, message):
        return message["text"]

    async def press(self, message, by):
        before = len(self.server.ours(self.sam))
        self.server.press(by, self.sam, message["message_id"], LABEL)
        await self.server.wait_for(lambda: len(self.server.ours(self.sam)) > before)
        return self.server.ours(self.sam)[before:]


@contextlib.asynccontextmanager
async def a_place(kind, cursors):
    if kind == "discord":
        async with a_discord() as server:
            yield OnDiscord(server)
    else:
        server = TelegramServer()
        async with server.running():
            yield OnTelegram(server, cursors)


@pytest.fixture(params=["discord", "telegram"])
async def place(request, tmp_path, empty_tables):
    """The real client of one chat app, the flow behind it, a model, and a trial that may end."""
    home = Home(tmp_path / "home")
    home.make()
    shutil.copy(empty_tables, home.root / "twin.db")
    home.settings_file.write_text('[owner]\nname = "Sam"\n')
    quick = QuickModel(tells_model=True)
    await quick.start()
    async with contextlib.AsyncExitStack() as closing:
        closing.push_async_callback(quick.stop)
        stores = await closing.enter_async_context(open_stores(home, read_settings(home)))
        place = await closing.enter_async_context(a_place(request.param, stores.cursors))
        account = f'accounts = {{ {request.param} = "{place.sam.id}" }}\n'
        home.settings_file.write_text(f'[owner]\nname = "Sam"\n{account}')
        settings = read_settings(home)
        client = await closing.enter_async_context(Replicas([ModelClient(quick.url)]))
        model = Model(Base("weights", "quick", True), (quick.url,), client, "quick")
        place.chats = await with_a_trial(stores.database, client)
        brain, _ = build_brain(stores, model, settings)
        talk = build_talk(brain, stores, settings, take_back=taking_back(stores))
        commands = Commands(stores.adapters, stores.feedback, stores.runs, "quick", never, never)
        app = await closing.enter_async_context(place.listening(ears_of(talk, commands)))
        talk.news.platforms[app.name] = app
        watch = watch_by_the_clock(stores, model, lambda: SETTINGS, talk.news, every=0.05)
        watching = asyncio.create_task(watch)
        yield place
        watching.cancel()
        await asyncio.wait([watching])
        await talk.turns.close(1)


async def never(*_):
    raise AssertionError("nobody asked for that")


async def with_a_trial(database, client):
    chats = Chats(database)
    await chats.begin()
    for version in ("old", "new"):
        await client.load_adapter(version, f"a/{version}")
    await chats.judged("old", 14, 6, days=-3)
    await chats.reply("old", asked="what of the #1 dog?")
    return chats


async def ended_well(place):
    """The one message that the owner gets when the trial ends with a promotion."""
    await place.chats.judged("old", 84, 36)
    await place.chats.judged("new", 88, 32)
    await until(place.told)
    [message] = place.told()
    return message


async def test_the_owner_takes_a_promotion_back_with_one_press_and_nobody_else_does(place):
    message = await ended_well(place)
    text = place.text(message)
    assert text.startswith("new answers everywhere from now on, instead of old.")
    assert "what of the #1 dog?" in text
    assert await place.chats.states() == {"old": "retired", "new": "live"}

    assert await place.press(message, place.eve) == [NOT_YOURS]
    assert (await place.chats.states())["new"] == "live"

    assert await place.press(message, place.sam) == ["old answers from the next message on."]
    assert await place.chats.states() == {"old": "live", "new": "retired"}

    assert await place.press(message, place.sam) == ["new does not answer any more."]
    assert await place.chats.states() == {"old": "live", "new": "retired"}
    assert len(place.told()) == 1


async def test_an_old_message_takes_back_nothing_that_came_after_it(place):
    message = await ended_well(place)
    await place.chats.adapters.go_live("old", "promoted by hand")
    assert await place.press(message, place.sam) == ["new does not answer any more."]
    assert (await place.chats.adapters.live()).version == "old"
