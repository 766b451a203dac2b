from __future__ import annotations

import asyncio
from dataclasses import replace

import aiohttp
import pytest
from telegram_server import TelegramServer
from telegram_talk import QUICK, Heard, app_for, running

from bot.platform import ChatRefused, ChatUnavailable
from bot.telegram_door import Door
from bot.telegram_tuning import Webhook
from storage.cursors import CursorStore


@pytest.fixture
async def server():
    async with TelegramServer().running() as server:
        yield server
    assert server.unknown_methods == []


@pytest.fixture
def heard():
    return Heard()


@pytest.fixture
def webhook(unused_port):
    return Webhook(f"http://127.0.0.1:{unused_port}/telegram", "s3cret", unused_port)


@pytest.fixture
async def unused_port():
    listener = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    listener.close()
    await listener.wait_closed()
    return port


@pytest.fixture
def start(server, heard, sqlite_database):
    cursors = CursorStore(sqlite_database)
    return lambda **more: running(app_for(server, heard, cursors, **more))


async def test_updates_are_delivered_to_the_webhook(server, heard, start, webhook):
    ana = server.user("Ana")
    async with start(webhook=webhook) as app:
        sent = int(await app.send(str(ana.id), "hi"))
        for number in range(3):
            server.say(ana, ana, str(number))
        server.react(ana, ana, sent, "👍")
        await server.wait_for(lambda: heard.reactions)
        assert app.alive() < 5
    assert [message.text for message in heard.messages] == ["0", "1", "2"]
    assert server.updates == []


async def test_who_does_not_know_the_secret_is_turned_away(server, heard, start, webhook):
    async with start(webhook=webhook), aiohttp.ClientSession() as client:
        update = {"update_id": 1, "message": {"message_id": 1}}
        for headers in ({}, {"X-Telegram-Bot-Api-Secret-Token": "guess"}):
            async with client.post(webhook.url, json=update, headers=headers) as answer:
                assert answer.status == 403
        right = {"X-Telegram-Bot-Api-Secret-Token": "s3cret"}
        async with client.post(webhook.url, data=b"no json", headers=right) as answer:
            assert answer.status == 400
    assert heard.messages == []


async def test_a_delivery_that_was_not_written_down_comes_again(server, heard, start, webhook):
    ana = server.user("Ana")
    begun, forever = asyncio.Event(), asyncio.Event()

    async def hold(_):
        begun.set()
        await forever.wait()

    heard.on_message = hold
    async with start(webhook=webhook, tuning=replace(QUICK, stop_seconds=0.2)):
        server.say(ana, ana, "keep me")
        await asyncio.wait_for(begun.wait(), 5)
    assert heard.messages == []
    heard.on_message = None
    async with start(webhook=webhook):
        await server.wait_for(lambda: heard.messages)
    assert [message.text for message in heard.messages] == ["keep me"]
    assert 200 in server.webhook_attempts


async def test_polling_takes_the_webhook_back(server, heard, start, webhook):
    ana = server.user("Ana")
    async with start(webhook=webhook):
        assert server.webhook["max_connections"] == "1"
    assert server.webhook["url"]  # Telegram keeps what comes until the next start
    async with start():
        assert not server.webhook
        server.say(ana, ana, "hello")
        await server.wait_for(lambda: heard.messages)


async def test_bots_of_one_process_are_called_at_one_port_each_with_its_own_secret(
    server, heard, start, webhook, sqlite_database
):
    other, door = TelegramServer(), Door()
    heard_there = Heard()
    there = replace(webhook, url=f"{webhook.url}/other", secret="0ther")
    ana, bo = server.user("Ana"), other.user("Bo")
    async with other.running(), start(webhook=webhook, door=door):
        app = app_for(other, heard_there, CursorStore(sqlite_database), webhook=there, door=door)
        async with running(app), aiohttp.ClientSession() as client:
            server.say(ana, ana, "to the first")
            other.say(bo, bo, "to the second")
            await server.wait_for(lambda: heard.messages)
            await other.wait_for(lambda: heard_there.messages)
            for url, status in ((there.url, 403), (f"{webhook.url}/nobody", 404)):
                headers = {"X-Telegram-Bot-Api-Secret-Token": webhook.secret}
                async with client.post(url, json={"update_id": 1}, headers=headers) as answer:
                    assert answer.status == status
            with pytest.raises(ChatRefused, match="another twin is called at /telegram/other"):
                async with door.open(there, at_once, 0.1):
                    pass
        server.say(ana, ana, "the first is still there")
        await server.wait_for(lambda: len(heard.messages) == 2)
    assert [message.text for message in heard_there.messages] == ["to the second"]
    with pytest.raises(OSError, match="Connect call failed"):
        await asyncio.open_connection("127.0.0.1", webhook.port)


async def test_a_port_that_something_else_has_is_told_in_words(webhook):
    async with Door().open(webhook, at_once, 0.1):
        with pytest.raises(ChatUnavailable, match=f"port {webhook.port}, where Telegram would call"):
            async with Door().open(webhook, at_once, 0.1):
                pass


async def at_once(_):
    return True
