"""Private chats that began while nobody listened: Discord lists none, and still they are heard."""

from __future__ import annotations

import asyncio

import pytest
from discord.gateway import DiscordClientWebSocketResponse
from discord_twin import Heard, a_discord, app_on, connected

from bot import discord_app
from bot.discord_missed import LEFT_OPEN
from storage.cursors import CursorStore


@pytest.fixture
async def server(monkeypatch):
    monkeypatch.setattr(discord_app, "REMEMBER_SECONDS", 0.02)
    async with a_discord() as server:
        yield server


@pytest.fixture
def cursors(sqlite_database):
    return CursorStore(sqlite_database)


def say(server, name, text):
    stranger = server.user(name)
    server.say(server.dm(stranger), stranger, text)


async def remembered(cursors, sequence):
    while (found := await cursors.get("discord", "gateway session")) is None or (
        found.value["sequence"] < sequence
    ):
        await asyncio.sleep(0.01)


async def test_who_first_writes_while_nobody_listens_is_heard_after_the_next_start(server, cursors):
    heard = Heard()
    async with connected(server, heard, cursors=cursors):
        say(server, "Ana", "before")
        await server.wait_for(lambda: heard.texts == ["before"])
    say(server, "Ben", "in between")
    later = Heard()
    async with connected(server, later, cursors=cursors):
        await server.wait_for(lambda: later.texts == ["in between"])
    assert server.gateway.resumed == 1


async def test_who_first_writes_while_the_next_session_begins_is_heard(server, cursors, monkeypatch):
    async with connected(server, Heard(), cursors=cursors):
        await remembered(cursors, 1)
    hear = server.gateway._hear

    def say_just_before(connection, frame):
        if frame["op"] == 2:
            say(server, "Ben", "just then")
        hear(connection, frame)

    monkeypatch.setattr(server.gateway, "_hear", say_just_before)
    heard = Heard()
    async with connected(server, heard, cursors=cursors):
        await server.wait_for(lambda: heard.texts == ["just then"])


async def test_what_was_not_written_down_when_we_died_is_heard_again(server, cursors):
    heard, never = Heard(), asyncio.Event()
    heard.on_message = lambda message: never.wait()
    app = app_on(server, heard, cursors=cursors)
    running = asyncio.create_task(app.run())
    await server.wait_for(lambda: app._client and app._client.is_ready())
    [session] = server.gateway.sessions.values()
    await remembered(cursors, len(session.sent))
    say(server, "Ana", "hello?")
    await asyncio.sleep(0.2)  # time for several notes of how far we have heard
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    later = Heard()
    async with connected(server, later, cursors=cursors):
        await server.wait_for(lambda: later.texts == ["hello?"])


class Writing(CursorStore):
    """Cut off in a note, it takes its time to leave the database in peace, as a transaction does."""

    def __init__(self, database):
        super().__init__(database)
        self.begun, self.left = asyncio.Event(), False

    async def put(self, cursor):
        self.begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await self.get("discord", "gateway session")
            self.left = True


async def test_when_we_are_gone_nothing_of_ours_is_at_the_database(server, sqlite_database):
    cursors = Writing(sqlite_database)
    running = asyncio.create_task(app_on(server, Heard(), cursors=cursors).run())
    await cursors.begun.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert cursors.left


async def test_a_session_that_discord_has_forgotten_costs_nothing(server, cursors):
    async with connected(server, Heard(), cursors=cursors):
        await remembered(cursors, 1)
    server.gateway.sessions.clear()
    heard = Heard()
    async with connected(server, heard, cursors=cursors):
        say(server, "Ana", "hello")
        await server.wait_for(lambda: heard.texts == ["hello"])
    assert server.gateway.resumed == 0


async def test_who_is_told_to_stop_asks_for_no_end_of_the_session(server, cursors, monkeypatch):
    """The library asks for 1000, and only because it is listening just then sends another code by chance."""
    close, codes = DiscordClientWebSocketResponse.close, []

    async def noted(self, *, code=LEFT_OPEN, message=b""):
        codes.append(code)
        return await close(self, code=code, message=message)

    monkeypatch.setattr(DiscordClientWebSocketResponse, "close", noted)
    async with connected(server, Heard(), cursors=cursors):
        pass
    assert set(codes) == {LEFT_OPEN}
