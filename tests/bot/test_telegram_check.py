from __future__ import annotations

import pytest
from telegram_server import TOKEN, TelegramServer

from bot.telegram_check import missing_on_telegram
from storage.cursors import CursorStore
from storage.records import Cursor, now


@pytest.fixture
async def server():
    async with TelegramServer().running() as server:
        yield server
    assert server.unknown_methods == []


@pytest.fixture
def look(server, sqlite_database):
    cursors = CursorStore(sqlite_database)

    async def look(token=TOKEN, **more):
        return await missing_on_telegram(token, cursors, base_url=server.base_url, **more)

    look.cursors = cursors
    return look


async def test_when_all_is_well_nothing_is_missing(look):
    assert await look() == []


async def test_a_wrong_token_is_the_one_thing_to_be_told(look):
    [told] = await look("1000:wrong")
    assert "@BotFather" in told


async def test_privacy_mode_is_told_with_what_to_do(look, server):
    server.privacy = True
    [told] = await look()
    assert "/setprivacy" in told
    assert "@twin_bot" in told


async def test_a_bot_that_cannot_be_connected_to_an_account_is_told(look, server):
    server.can_connect_to_business = False
    [told] = await look()
    assert "Business Mode" in told


async def test_a_group_where_we_are_no_admin_is_told_by_its_name(look, server):
    kitchen, garden = server.group("kitchen", admin=False), server.group("garden")
    for group in (kitchen, garden):
        await look.cursors.put(Cursor("telegram", f"group:{group.id}", {"status": "member"}, now()))
    [told] = await look()
    assert "kitchen" in told


async def test_a_webhook_that_would_take_the_messages_is_told(look, server):
    server.webhook = {"url": "https://elsewhere.example/x"}
    [told] = await look()
    assert "https://elsewhere.example/x" in told
    assert await look(webhook_url="https://elsewhere.example/x") == []
