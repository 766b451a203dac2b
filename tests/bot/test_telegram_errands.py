from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from telegram_server import TelegramServer
from telegram_talk import QUICK, Heard, app_for, running

from bot.commands import COMMANDS
from bot.platform import Button, Question, Said
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
def ana(server):
    return server.user("Ana")


@pytest.fixture
def group(server):
    return server.group("kitchen")


@pytest.fixture
def cursors(sqlite_database):
    return CursorStore(sqlite_database)


@pytest.fixture
async def app(server, heard, cursors, ana):
    app = app_for(server, heard, cursors, owner_ids=(str(ana.id), "424242"))
    async with running(app) as app:
        yield app


async def test_the_menu_offers_everybody_what_they_may_use(server, app, ana):
    offered = server.methods.commands
    everything = [command.name for command in COMMANDS]
    assert offered[f"chat:{ana.id}"] == everything
    assert "retrain" not in offered["all_private_chats"]
    assert {"pause", "retrain"}.isdisjoint(offered["all_group_chats"])
    assert "pause" in offered["all_chat_administrators"]


async def test_an_owner_whom_the_bot_does_not_know_yet_gets_the_menu_with_the_first_command(server, app, ana):
    assert "chat:424242" not in server.methods.commands
    owner = server.user("Sam", number=424242)
    server.say(owner, owner, "/start")
    await server.wait_for(lambda: "chat:424242" in server.methods.commands)


async def test_a_command_is_parsed_and_its_outcome_is_told(server, heard, app, ana):
    heard.answer = Said("**well**", (Button("Go", "go"),))
    answered = server.say(ana, ana, "hi")
    server.say(ana, ana, "/adapters promote sft-1", reply_to=answered)
    await server.wait_for(lambda: server.ours(ana))
    [given] = heard.commands
    assert (given.command, given.words) == ("adapters", {"action": "promote", "version": "sft-1"})
    assert (given.by.id, given.chat_id, given.private, given.server_id) == (
        str(ana.id),
        str(ana.id),
        True,
        None,
    )
    assert given.about == f"telegram:{ana.id}:{answered}"
    last = server.messages(ana)[-1]
    assert last["text"] == "well"
    assert last["reply_markup"]["inline_keyboard"][0][0]["callback_data"] == "go"
    assert [message.text for message in heard.messages] == ["hi"]


async def test_start_is_help(server, heard, app, ana):
    server.say(ana, ana, "/start")
    [given] = await server.wait_for(lambda: heard.commands)
    assert given.command == "help"


async def test_in_a_group_the_outcome_answers_the_command(server, heard, app, group):
    ben = server.user("Ben")
    group.admins.add(ben.id)
    asked = server.say(group, ben, "/pause@twin_bot 5")
    await server.wait_for(lambda: server.ours(group))
    assert server.messages(group)[-1]["reply_to_message"]["message_id"] == asked
    [given] = heard.commands
    assert (given.words, given.by.is_admin, given.server_id) == ({"minutes": "5"}, True, str(group.id))


async def test_who_is_no_admin_is_known_to_be_none(server, heard, app, group):
    server.say(group, server.user("Ben"), "/pause")
    [given] = await server.wait_for(lambda: heard.commands)
    assert not given.by.is_admin


async def test_a_command_to_another_bot_is_not_for_us(server, heard, app, group, ana):
    server.say(group, ana, "/help@other_bot")
    server.say(group, ana, "/help")
    await server.wait_for(lambda: len(server.ours(group)) == 1)
    await asyncio.sleep(0.1)
    assert len(heard.commands) == len(server.ours(group)) == 1
    assert heard.messages == []


async def test_an_unknown_command_is_answered_in_private_and_ignored_in_a_group(
    server, heard, app, group, ana
):
    server.say(group, ana, "/cook")
    server.say(ana, ana, "/cook")
    await server.wait_for(lambda: server.ours(ana))
    assert "/help" in server.ours(ana)[0]
    assert server.ours(group) == []
    assert heard.messages == heard.commands == []


async def test_a_path_is_no_command(server, heard, app, ana):
    server.say(ana, ana, "/home/ana/notes")
    await server.wait_for(lambda: heard.messages)
    assert heard.commands == []


async def test_a_slow_command_holds_up_nobody(server, heard, app, ana):
    done = asyncio.Event()

    async def slow(_):
        await done.wait()

    heard.on_command = slow
    server.say(ana, ana, "/retrain")
    server.say(ana, ana, "and now?")
    await server.wait_for(lambda: heard.messages)
    assert heard.commands == []
    done.set()
    await server.wait_for(lambda: server.ours(ana) == ["done"])


async def test_a_command_that_fails_is_logged_and_the_next_one_works(server, heard, app, ana, caplog):
    async def fail(invocation):
        if invocation.command == "status":
            raise ZeroDivisionError

    heard.on_command = fail
    server.say(ana, ana, "/status")
    server.say(ana, ana, "/help")
    await server.wait_for(lambda: heard.commands)
    assert "a command or button failed" in caplog.text


async def test_on_stop_a_command_is_finished_and_one_that_takes_too_long_is_cancelled(
    server, heard, cursors, ana
):
    begun, ended = [], []

    async def slow(invocation):
        begun.append(invocation)
        try:
            await asyncio.sleep(0.2 if invocation.command == "status" else 60)
            ended.append("finished")
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    heard.on_command = slow
    async with running(app_for(server, heard, cursors, tuning=replace(QUICK, stop_seconds=1))):
        server.say(ana, ana, "/status")
        server.say(ana, ana, "/retrain")
        await server.wait_for(lambda: len(begun) == 2)
    assert ended == ["finished", "cancelled"]


async def test_a_long_outcome_comes_in_pieces_with_the_buttons_under_the_last(server, heard, app, ana):
    heard.answer = Said("\n".join(f"line {number}" for number in range(1000)), (Button("Go", "go"),))
    server.say(ana, ana, "/status")
    await server.wait_for(lambda: len(server.ours(ana)) == 3)
    assert "\n".join(server.ours(ana)) == heard.answer.text
    assert [("reply_markup" in one) for one in server.messages(ana)[1:]] == [False, False, True]


async def test_a_file_is_sent_as_a_document(server, heard, app, ana):
    heard.answer = Said("here", file=("data.json", b"{}"))
    server.say(ana, ana, "/mydata")
    await server.wait_for(lambda: "document" in server.messages(ana)[-1])
    document = server.messages(ana)[-1]["document"]
    assert (document["file_name"], server.files[document["file_id"]]) == ("data.json", b"{}")


async def test_a_press_is_answered_at_once_and_handed_over(server, heard, app, ana):
    sent = await app.send(str(ana.id), "which?", buttons=[Button("This", "choose-1")])
    heard.press_answer = Said("noted")
    query = server.press(ana, ana, int(sent), "This")
    await server.wait_for(lambda: server.ours(ana)[-1] == "noted")
    [press] = heard.presses
    assert (press.action, press.by.id, press.chat_id, press.message_id) == (
        "choose-1",
        str(ana.id),
        str(ana.id),
        sent,
    )
    assert server.methods.answered == [query]


async def test_a_press_in_a_topic_is_answered_there(server, heard, app, ana):
    forum = server.group("forum", forum=True)
    topic = server.topic(forum, "food")
    sent = await app.send(f"{forum.id}/{topic}", "which?", buttons=[Button("This", "choose-1")])
    heard.press_answer = Said("noted")
    server.press(ana, forum, int(sent), "This")
    await server.wait_for(lambda: server.ours(forum)[-1] == "noted")
    assert heard.presses[0].chat_id == f"{forum.id}/{topic}"
    assert server.messages(forum)[-1]["message_thread_id"] == topic


async def test_a_question_opens_an_answer_and_its_key_is_told(server, heard, app, ana):
    sent = await app.send(str(ana.id), "bad?", buttons=[Button("Say better", "ask-correct:1")])
    heard.press_answer = Question("ask-correct:1", "Correct this", "What should I have said?", "as I said")
    server.press(ana, ana, int(sent), "Say better")
    [(key, action, person)] = await server.wait_for(lambda: heard.asked)
    assert (action, person) == ("ask-correct:1", str(ana.id))
    asked = server.messages(ana)[-1]
    assert key == f"telegram:{ana.id}:{asked['message_id']}"
    assert asked["asks"]["force_reply"]
    assert asked["text"] == "Correct this\nWhat should I have said?\n\nas I said"
    server.say(ana, ana, "better words", reply_to=asked["message_id"])
    [answer] = await server.wait_for(lambda: heard.messages)
    assert (answer.reply_to, answer.text) == (key, "better words")


async def test_a_question_in_a_group_names_who_is_asked(server, heard, app, group):
    ben = server.user("Ben")
    heard.answer = Question("ask-x", "Title", "Label")
    asked = server.say(group, ben, "/correct")
    await server.wait_for(lambda: heard.asked)
    question = server.messages(group)[-1]
    assert question["reply_to_message"]["message_id"] == asked
    assert question["asks"]["selective"]
    assert question["text"].startswith("Ben, Title")
    assert question["entities"][0]["user"]["id"] == ben.id
