from __future__ import annotations

from dataclasses import replace

import pytest
from telegram_server import TelegramServer
from telegram_talk import QUICK, Heard, app_for, running

from bot.platform import ChatRefused, ChatUnavailable
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
def sam(server):
    return server.user("Sam")


@pytest.fixture
def ana(server):
    return server.user("Ana")


@pytest.fixture
def cursors(sqlite_database):
    return CursorStore(sqlite_database)


@pytest.fixture
def start(server, heard, cursors, sam):
    patient = replace(QUICK, settle_seconds=0.5)  # an echo comes by another way than the answer
    return lambda: running(app_for(server, heard, cursors, owner_ids=(str(sam.id),), tuning=patient))


@pytest.fixture
async def app(start):
    async with start() as app:
        yield app


@pytest.fixture
async def chat_id(server, heard, sam, ana, app):
    """A chat of the owner's with Ana, in which she has said hello."""
    server.connection = server.connect(sam)
    server.hello = server.business_say(server.connection, ana, "hello")
    await server.wait_for(lambda: heard.messages)
    return f"b{sam.id}/{ana.id}"


def theirs(server, ana):
    return [one["text"] for one in server.business_chat(server.connection, ana.id).messages.values()]


async def test_a_message_to_the_owner_is_heard_as_the_owner(heard, chat_id, server, ana):
    [message] = heard.messages
    assert message.chat_id == chat_id
    assert message.key == f"telegram:{chat_id}:{server.hello}"
    assert (message.as_owner, message.private, message.by_owner) == (True, True, False)


async def test_when_the_owner_writes_there_it_is_theirs(server, heard, chat_id, ana):
    server.business_say(server.connection, ana, "I take over", by_owner=True)
    await server.wait_for(lambda: len(heard.messages) == 2)
    assert heard.messages[-1].by_owner


async def test_what_we_write_there_is_from_the_owner_and_does_not_come_back_to_us(
    server, heard, app, chat_id, ana
):
    sent = await app.send(chat_id, "hi Ana", reply_to=heard.messages[0].key)
    message = server.business_chat(server.connection, ana.id).messages[int(sent)]
    assert message["from"]["first_name"] == "Sam"
    assert message["reply_to_message"]["message_id"] == server.hello
    await app.edit(chat_id, sent, "hi dear Ana")
    async with app.typing(chat_id):
        await server.wait_for(lambda: server.business_chat(server.connection, ana.id).actions)
    server.business_say(server.connection, ana, "bye")
    await server.wait_for(lambda: len(heard.messages) == 2)
    assert [message.text for message in heard.messages] == ["hello", "bye"]
    await app.delete(chat_id, sent)
    assert theirs(server, ana) == ["hello", "bye"]
    with pytest.raises(ChatRefused):
        await app.react(chat_id, str(server.hello), "👍")


async def test_edits_and_deletions_there_are_heard(server, heard, chat_id, ana):
    server.business_edit(server.connection, ana, server.hello, "hello!")
    server.business_delete(server.connection, ana, server.hello)
    await server.wait_for(lambda: heard.deleted)
    assert [edit.text for edit in heard.edits] == ["hello!"]
    assert heard.deleted == [f"telegram:{chat_id}:{server.hello}"]


async def test_a_command_there_is_a_message_like_any_other(server, heard, chat_id, ana):
    server.business_say(server.connection, ana, "/help")
    await server.wait_for(lambda: len(heard.messages) == 2)
    assert heard.commands == []


async def test_the_connection_is_remembered_over_a_restart(server, start, heard, sam, ana):
    async with start():
        connection = server.connect(sam)
        server.business_say(connection, ana, "hello")
        await server.wait_for(lambda: heard.messages)
    async with start() as app:
        await app.send(f"b{sam.id}/{ana.id}", "hi")


async def test_a_connection_that_was_made_while_we_were_away_is_looked_up(server, app, heard, sam, ana):
    server.allowed.discard("business_connection")
    server.business_say(server.connect(sam), ana, "hello")
    await server.wait_for(lambda: heard.messages)
    await app.send(f"b{sam.id}/{ana.id}", "hi")


async def test_without_the_right_to_reply_sending_is_refused_in_words(server, app, heard, sam, ana):
    server.business_say(server.connect(sam, can_reply=False), ana, "hello")
    await server.wait_for(lambda: heard.messages)
    with pytest.raises(ChatRefused, match="allow to reply"):
        await app.send(f"b{sam.id}/{ana.id}", "hi")
    with pytest.raises(ChatRefused, match="Chat Automation"):
        await app.send(f"b555/{ana.id}", "hi")


async def test_the_twin_does_not_speak_for_a_stranger_who_connects_it(server, heard, app, ana):
    stranger = server.user("Mallory")
    server.business_say(server.connect(stranger), ana, "hello")
    server.say(ana, ana, "in private")
    await server.wait_for(lambda: heard.messages)
    assert [message.text for message in heard.messages] == ["in private"]


async def test_a_lost_message_there_is_found_by_its_echo_and_the_owners_words_are_left_alone(
    server, app, chat_id, ana
):
    after = f"telegram:{chat_id}:{server.hello}"
    server.business_say(server.connection, ana, "what I wrote myself", by_owner=True)
    assert await app.find_sent(chat_id, "the answer", nonce="n", after=after, known=set()) is None
    server.lose_answers()
    with pytest.raises(ChatUnavailable):
        await app.send(chat_id, "the ans")
    found = await app.find_sent(chat_id, "the answer", nonce="n", after=after, known=set())
    assert found is not None
    assert theirs(server, ana) == ["hello", "what I wrote myself", "the answer"]
    assert await app.find_sent(chat_id, "the answer", nonce="n", after=after, known={found}) is None
