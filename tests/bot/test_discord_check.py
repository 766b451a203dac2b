from __future__ import annotations

import pytest
from discord_twin import a_discord
from discord_world import Guild

from bot.discord_check import missing_on_discord


@pytest.fixture
async def server():
    async with a_discord() as server:
        yield server


async def missing(server, **options):
    return await missing_on_discord(**({"token": server.gateway.token, "api_url": server.api_url} | options))


async def test_a_working_bot_misses_nothing(server):
    assert await missing(server) == []
    assert server.gateway.identified == 0


async def test_what_is_missing_is_said_in_words(server):
    assert "bot token" in (await missing(server, token="wrong"))[0]
    server.application_flags = 0
    server.home = Guild(1, "nowhere", 1)
    server.world.guilds.clear()
    intent, invitation = await missing(server)
    assert "Message Content Intent" in intent
    assert f"client_id={server.world.application_id}" in invitation
    assert "scope=bot+applications.commands" in invitation
    assert "permissions=274878008384" in invitation
    [away] = await missing(server, api_url="http://127.0.0.1:1/api/v10")
    assert "Discord" in away
