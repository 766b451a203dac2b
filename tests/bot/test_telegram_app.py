from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

import pytest
from telegram_server import TelegramServer
from telegram_talk import QUICK, Heard, app_for, running

from bot.platform import ChatRefused, ChatUnavailable
from storage.cursors import CursorStore
from storage.unavailable import DatabaseUnavailable


@pytest.fixture
async def server():
    async with TelegramServer().running() as server:
        yield server
    assert server.unknown_methods == []


@pytest.fixture
def heard():
    return Heard()


@pytest.fixture
def cursors(sqlite_database):
    return CursorStore(sqlite_database)


@pytest.fixture
async def app(server, heard, cursors):
    async with running(app_for(server, heard, cursors)) as app:
        yield app


async def test_a_message_in_a_private_chat_is_heard(server, heard, app):
    ana = server.user("Ana", username="ana")
    number = server.say(ana, ana, "hello you")
    await server.wait_for(lambda: heard.messages)
    [message] = heard.messages
    assert message.key == f"telegram:{ana.id}:{number}"
    assert (message.chat_id, message.author_id, message.author_name) == (str(ana.id), str(ana.id), "Ana")
    assert message.text == "hello you"
    assert message.private
    assert message.server_id is None
    assert not any((message.by_owner, message.by_bot, message.to_twin, message.to_others))


async def test_an_update_is_acknowledged_only_after_the_ears_returned(server, heard, cursors):
    ana = server.user("Ana")
    begun, forever = asyncio.Event(), asyncio.Event()

    async def hold(_):
        begun.set()
        await forever.wait()

    heard.on_message = hold
    dying = asyncio.create_task(app_for(server, heard, cursors).run())
    server.say(ana, ana, "do not lose me")
    await asyncio.wait_for(begun.wait(), 5)
    dying.cancel()  # as a crash: nothing more is acknowledged
    await asyncio.wait({dying})
    assert heard.messages == []
    heard.on_message = None
    async with running(app_for(server, heard, cursors)):
        await server.wait_for(lambda: heard.messages)
    assert [message.text for message in heard.messages] == ["do not lose me"]


async def test_what_was_heard_does_not_come_again_after_a_stop(server, heard, cursors):
    ana = server.user("Ana")
    async with running(app_for(server, heard, cursors)):
        server.say(ana, ana, "once")
        await server.wait_for(lambda: heard.messages)
    assert server.updates == []


async def test_only_what_comes_before_a_stuck_message_is_acknowledged(server, heard, cursors):
    ana, ben = server.user("Ana"), server.user("Ben")
    forever = asyncio.Event()

    async def hold(message):
        if message.author_name == "Ana":
            await forever.wait()

    heard.on_message = hold
    server.say(ben, ben, "first")
    server.say(ana, ana, "stuck")
    server.say(ben, ben, "third")
    dying = asyncio.create_task(app_for(server, heard, cursors).run())
    await server.wait_for(lambda: len(heard.messages) == 2)  # another chat is not held up
    assert [message.text for message in heard.messages] == ["first", "third"]
    dying.cancel()
    await asyncio.wait({dying})
    assert len(server.updates) == 3


async def test_messages_of_one_chat_are_heard_in_order(server, heard, app):
    ana = server.user("Ana")

    async def slower_at_first(message):
        await asyncio.sleep(0.05 if message.text == "0" else 0)

    heard.on_message = slower_at_first
    for number in range(5):
        server.say(ana, ana, str(number))
    await server.wait_for(lambda: len(heard.messages) == 5)
    assert [message.text for message in heard.messages] == list("01234")


async def test_an_update_that_cannot_be_read_is_logged_by_its_number_and_skipped(server, heard, app, caplog):
    ana = server.user("Ana")
    server.update("message", {"message_id": "?", "chat": {"id": ana.id}, "text": "my secret"})
    server.say(ana, ana, "and on it goes")
    await server.wait_for(lambda: heard.messages)
    assert "is skipped" in caplog.text
    assert "my secret" not in caplog.text


async def test_an_ear_that_fails_for_one_message_does_not_stop_the_others(server, heard, app, caplog):
    ana = server.user("Ana")

    async def fail(message):
        if message.text == "1":
            raise ZeroDivisionError

    heard.on_message = fail
    server.say(ana, ana, "1")
    server.say(ana, ana, "2")
    await server.wait_for(lambda: heard.messages)
    assert [message.text for message in heard.messages] == ["2"]
    assert "is skipped" in caplog.text


async def test_while_the_database_is_away_a_message_waits(server, heard, app):
    ana, failures = server.user("Ana"), iter(range(3))

    async def away_for_a_while(_):
        if next(failures, None) is not None:
            raise DatabaseUnavailable("gone")

    heard.on_message = away_for_a_while
    server.say(ana, ana, "keep me")
    await server.wait_for(lambda: heard.messages)
    assert [message.text for message in heard.messages] == ["keep me"]


async def test_a_stop_while_the_database_is_away_leaves_the_message_to_telegram(server, heard, cursors):
    ana = server.user("Ana")
    tried = asyncio.Event()

    async def away(_):
        tried.set()
        raise DatabaseUnavailable("gone")

    heard.on_message = away
    async with running(app_for(server, heard, cursors)):
        server.say(ana, ana, "keep me")
        await asyncio.wait_for(tried.wait(), 5)
    assert len(server.updates) == 1


async def test_polling_goes_on_after_a_bad_gateway(server, heard, app):
    ana = server.user("Ana")
    server.broken_polls = 3
    server.say(ana, ana, "still there?")
    await server.wait_for(lambda: heard.messages)
    assert app.alive() < 5


async def test_alive_counts_from_the_last_sign(server, heard, cursors):
    app = app_for(server, heard, cursors)
    assert app.alive() == float("inf")
    async with running(app):
        assert app.alive() < 5
        server.broken_polls = 1000
        server.say(server.user("Ana"), server.user("Ben"), "x")
        await asyncio.sleep(0.3)
        assert app.alive() > 0.15


async def test_failures_that_do_not_end_are_told(server, heard, cursors):
    server.broken_polls = 10_000
    tuning = replace(QUICK, give_up_seconds=0.05)
    with pytest.raises(ChatUnavailable, match="did not answer"):
        await asyncio.wait_for(app_for(server, heard, cursors, tuning=tuning).run(), 10)


async def test_a_wrong_token_is_told_without_showing_it(server, heard, cursors):
    app = app_for(server, heard, cursors)
    server.token = "1000:another"
    with pytest.raises(ChatRefused, match="@BotFather") as caught:
        await app.run()
    assert "a-token-for-tests" not in repr(caught.value.__cause__) + str(caught.value)
    assert caught.value.__suppress_context__


async def test_no_network_is_told(server, heard, cursors):
    async with TelegramServer().running() as closed:
        pass
    app = app_for(server, heard, cursors, base_url=closed.base_url)
    with pytest.raises(ChatUnavailable, match="cannot be reached") as caught:
        await app.run()
    assert not caught.value.maybe_done


async def test_another_program_with_the_same_token_is_told(server, heard, cursors):
    first = app_for(server, Heard(), cursors, tuning=replace(QUICK, conflicts=1000))
    async with running(first):
        with pytest.raises(ChatUnavailable, match="another program"):
            await asyncio.wait_for(app_for(server, heard, cursors).run(), 10)


async def test_a_former_run_that_still_ends_is_no_conflict(server, heard, cursors):
    ana = server.user("Ana")
    async with running(app_for(server, heard, cursors)):
        async with running(app_for(server, Heard(), cursors)):
            pass
        server.say(ana, ana, "hello")
        await server.wait_for(lambda: heard.messages)


async def test_after_a_run_that_failed_another_one_hears_and_speaks(server, heard, cursors):
    ana = server.user("Ana")
    impatient = replace(QUICK, give_up_seconds=0.05)
    app = app_for(server, heard, cursors, tuning=impatient)
    server.broken_polls = 1000
    with pytest.raises(ChatUnavailable):
        await app.run()
    with pytest.raises(ChatUnavailable) as away:
        await app.send(str(ana.id), "is anybody there?")
    assert not away.value.maybe_done
    server.broken_polls = 0
    async with running(app):
        server.say(ana, ana, "hello again")
        await server.wait_for(lambda: heard.messages)
        await app.send(str(ana.id), "hello")
    assert server.ours(ana) == ["hello"]


async def test_the_token_is_not_logged(server, heard, cursors, caplog):
    caplog.set_level(logging.INFO)
    async with running(app_for(server, heard, cursors)):
        server.broken_polls = 1
        await asyncio.sleep(0.1)
    assert "a-token-for-tests" not in caplog.text


async def test_two_hundred_chats_at_once_are_all_heard_and_answered(server, heard, app):
    people = [server.user(f"P{number}") for number in range(200)]

    async def answer(message):
        tasks.append(asyncio.create_task(app.send(message.chat_id, "hi", reply_to=message.key)))

    tasks: list[asyncio.Task[str]] = []
    heard.on_message = answer
    for person in people:
        server.say(person, person, "hello")
    await server.wait_for(lambda: len(heard.messages) == 200, 30)
    await asyncio.gather(*tasks)
    assert all(server.ours(person) == ["hi"] for person in people)
