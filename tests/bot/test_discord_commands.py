"""The real discord.py against a Discord of our own: commands, buttons and forms."""

from __future__ import annotations

import asyncio

import pytest
from discord_twin import Heard, a_discord, connected
from discord_world import MANAGE_CHANNELS

from bot.commands import COMMANDS
from bot.discord_commands import pieces
from bot.platform import Button, Question, Said

LATE = 0.15  # seconds; what we grant an ear before a form in these tests, instead of 2


@pytest.fixture
async def server():
    async with a_discord() as server:
        yield server


@pytest.fixture
def heard():
    return Heard()


@pytest.fixture
async def app(server, heard):
    async with connected(server, heard, call_seconds=10.0) as app:
        yield app


@pytest.fixture
def ana(server):
    return server.user("Ana")


def answering(answer, after=0.0):
    async def answered(asked):
        await asyncio.sleep(after)
        return answer

    return answered


async def failing(asked):
    raise ValueError("no room left")


async def read(server, interaction, number=1):
    """What the person reads, once it is there."""
    return await server.wait_for(lambda: len(interaction.texts) >= number and interaction.texts)


# the menu


async def test_the_menu_holds_every_command_with_its_words(server, app):
    menu = {(command["type"], command["name"]): command for command in server.interactions.commands}
    assert {name for kind, name in menu if kind == 1} == {command.name for command in COMMANDS}
    assert {name for kind, name in menu if kind == 3} == {"Correct this"}
    for command in COMMANDS:
        offered = menu[1, command.name]
        assert offered["description"] == command.description
        assert {option["name"] for option in offered["options"]} == {word.name for word in command.words}
        assert (offered["contexts"], offered["default_member_permissions"]) == ([0, 1], None)
    mode, _ = menu[1, "chat"]["options"]
    assert [choice["value"] for choice in mode["choices"]] == ["show", "off", "mentions", "always"]
    assert menu[1, "adapters"]["options"][1]["autocomplete"]
    assert menu[1, "draft"]["options"][0]["required"]


async def test_the_menu_is_left_alone_when_asked_to(server, heard):
    async with connected(server, heard, sync_commands=False):
        assert server.interactions.commands == []


async def test_a_menu_that_cannot_be_brought_up_to_date_stops_nothing(server, heard, ana, caplog):
    server.fault("down", method="PUT", path="/commands")
    async with connected(server, heard):
        server.say(server.kitchen, ana, "hello")
        await server.wait_for(lambda: heard.messages)
    assert "could not be brought up to date" in caplog.text


# commands


async def test_a_command_is_handed_over_with_its_words_and_who_gave_it(server, heard, app, ana):
    hosts = server.world.role(server.home, "Hosts", MANAGE_CHANNELS, ana)
    server.gateway.emit("GUILD_ROLE_CREATE", {"guild_id": str(server.home.id), "role": hosts.payload()})
    given = server.slash("chat", ana, server.kitchen, mode="mentions")
    assert await read(server, given) == ["Done."]
    [command] = heard.commands
    assert (command.command, command.words) == ("chat", {"mode": "mentions"})
    assert (command.by.id, command.by.name, command.by.roles) == (str(ana.id), "Ana", (str(hosts.id),))
    assert command.by.is_admin
    assert (command.chat_id, command.server_id) == (str(server.kitchen.id), str(server.home.id))
    assert (command.private, command.about) == (False, None)
    assert not given.thinking


async def test_a_command_in_a_private_chat_is_private(server, heard, app, ana):
    await read(server, server.slash("status", ana, server.dm(ana)))
    [command] = heard.commands
    assert (command.private, command.server_id, command.by.is_admin) == (True, None, False)
    assert command.chat_id == str(server.dm(ana).id)


async def test_a_slow_command_is_acknowledged_first(server, heard, app, ana):
    held = asyncio.Event()

    async def slowly(command):
        await held.wait()
        return Said("Learned.")

    heard.on_command = slowly
    given = server.slash("retrain", ana, server.kitchen)
    await server.wait_for(lambda: given.thinking)
    held.set()
    assert await read(server, given) == ["Learned."]
    assert given.acknowledged_after < 1.0
    assert server.messages(server.kitchen) == []  # nobody else saw it


async def test_what_everybody_may_see_is_said_in_the_chat(server, heard, app, ana):
    heard.on_command = answering(Said("I speak here again.", only_to_them=False))
    given = server.slash("resume", ana, server.kitchen)
    await server.wait_for(lambda: server.sent(server.kitchen))
    assert server.sent(server.kitchen) == ["I speak here again."]
    assert given.texts == ["I speak here again."]
    assert not given.thinking


async def test_a_long_answer_comes_in_pieces_with_its_file_and_buttons_on_the_last(server, heard, app, ana):
    text = "\n".join(["line " * 99] * 6)
    heard.on_command = answering(Said(text, (Button("Good", "good"),), file=("you.json", b"{}")))
    given = server.slash("mydata", ana, server.kitchen)
    texts = await read(server, given, 2)
    assert "\n".join(texts) == text
    first, last = given.shown.values()
    assert (first["attachments"], first["components"]) == ([], [])
    assert last["components"][0]["components"][0]["custom_id"] == "twin:good"
    assert last["attachments"][0]["filename"] == "you.json"
    path = last["attachments"][0]["url"].removeprefix(server.url)
    assert server.world.files[path][0] == b"{}"
    assert {shown["flags"] for shown in given.shown.values()} == {64}


def test_pieces_lose_nothing_and_always_go_on():
    assert pieces("x" * 4001) == ["x" * 2000, "x" * 2000, "x"]
    assert pieces("a\nb", 2) == ["a", "b"]
    assert pieces("\n" * 3000 + "x") == ["x"] or "x" in pieces("\n" * 3000 + "x")[-1]
    assert pieces("") == []


async def test_a_failing_ear_is_answered_politely_and_told_to_the_log(server, heard, app, ana, caplog):
    heard.on_command = failing
    given = server.slash("remember", ana, server.kitchen, fact="the secret")
    [text] = await read(server, given)
    assert "went wrong on my side" in text
    assert f"interaction {given.id}" in caplog.text
    assert "no room left" in caplog.text
    assert "the secret" not in caplog.text


async def test_an_answer_after_a_quarter_of_an_hour_comes_as_a_private_message(server, heard, app, ana):
    server.interactions.token_seconds = 0.1
    heard.on_command = answering(Said("Learned."), after=0.2)
    server.slash("retrain", ana, server.kitchen)
    await server.wait_for(lambda: server.sent(server.dm(ana)))
    assert server.sent(server.dm(ana)) == ["Learned."]
    heard.on_command = answering(Said("Resumed.", only_to_them=False), after=0.2)
    server.slash("resume", ana, server.kitchen)
    await server.wait_for(lambda: server.sent(server.kitchen))
    assert server.sent(server.kitchen) == ["Resumed."]


async def test_a_command_is_done_even_if_discord_thinks_that_we_were_late(server, heard, app, ana):
    server.interactions.acknowledge_seconds = 0.0
    server.slash("pause", ana, server.kitchen)
    await server.wait_for(lambda: server.sent(server.dm(ana)))
    assert [command.command for command in heard.commands] == ["pause"]


async def test_a_command_that_is_no_more_is_answered(server, heard, app, ana):
    server.interactions.commands[0]["name"] = "bygone"
    assert await read(server, server.slash("bygone", ana, server.kitchen)) == [
        "I don't know bygone any more."
    ]
    assert heard.commands == []


async def test_completions_come_from_the_ear(server, heard, app, ana):
    heard.found = ["v1", "v2", "x" * 101] + [f"v{number}" for number in range(3, 40)]
    typed = server.complete("adapters", ana, server.kitchen, "version", action="promote", version="v")
    choices = await server.wait_for(lambda: typed.choices)
    assert choices == [f"v{number}" for number in range(1, 26)]
    assert heard.asked == [("adapters", "version", "v", "Ana")]


# the menu of a message, and forms


async def test_the_menu_of_a_message_opens_a_form_whose_text_comes_back(server, heard, app, ana):
    sent = await app.send(str(server.kitchen.id), "Seven.")
    question = Question("ask-correct:r1", "What should I have said?", "Better words", prefill="Seven.")
    heard.on_command = answering(question)
    opened = server.menu("Correct this", ana, server.kitchen, server.kitchen.messages[int(sent)])
    form = await server.wait_for(lambda: opened.modal)
    assert (heard.commands[0].command, heard.commands[0].about) == (
        "correct",
        f"discord:{server.kitchen.id}:{sent}",
    )
    label = form["components"][0]
    assert (form["title"], label["label"]) == ("What should I have said?", "Better words")
    assert (label["component"]["value"], label["component"]["max_length"]) == ("Seven.", 4000)
    heard.on_press = answering(Said("Noted."), after=0.1)
    submitted = server.submit(opened, "Half past seven.")
    await server.wait_for(lambda: submitted.thinking)
    assert await read(server, submitted) == ["Noted."]
    [press] = heard.presses
    assert (press.action, press.text) == ("ask-correct:r1", "Half past seven.")
    assert (press.by.id, press.chat_id) == (str(ana.id), str(server.kitchen.id))


async def test_a_command_about_a_reply_may_ask_or_answer(server, heard, app, ana):
    heard.on_command = answering(Question("ask-correct:r1", "What should I have said?", "Better words"))
    opened = server.slash("correct", ana, server.kitchen)
    await server.wait_for(lambda: opened.modal)
    heard.on_command = answering(Said("There is no answer of mine here."))
    assert await read(server, server.slash("correct", ana, server.kitchen)) == [
        "There is no answer of mine here."
    ]
    heard.on_command = answering(Said("Noted."), after=0.1)
    given = server.slash("correct", ana, server.kitchen, text="Eight.")
    await server.wait_for(lambda: given.thinking)  # with its text, it needs no form
    assert await read(server, given) == ["Noted."]


async def test_a_question_that_comes_too_late_for_a_form_offers_a_button(
    server, heard, app, ana, monkeypatch
):
    monkeypatch.setattr("bot.discord_commands.FORM_SECONDS", LATE)
    question = Question("ask-correct:r1", "What should I have said?", "Better words")
    heard.on_command = answering(question, after=2 * LATE)
    late = server.slash("correct", ana, server.kitchen)
    assert await read(server, late) == ["What should I have said?"]
    [shown] = late.shown.values()
    heard.on_press = answering(question)
    opened = server.press("Write it", ana, server.kitchen, shown)
    await server.wait_for(lambda: opened.modal)


async def test_a_form_may_be_filled_in_after_a_restart(server, heard, ana):
    heard.on_command = answering(Question("ask-correct:r1", "What should I have said?", "Better words"))
    async with connected(server, heard):
        opened = server.slash("correct", ana, server.kitchen)
        await server.wait_for(lambda: opened.modal)
    async with connected(server, heard):
        heard.on_press = answering(Said("Noted."))
        assert await read(server, server.submit(opened, "Eight.")) == ["Noted."]
    assert [(press.action, press.text) for press in heard.presses] == [("ask-correct:r1", "Eight.")]


# buttons


async def with_buttons(app, server, *actions):
    buttons = [Button(action.title(), action) for action in actions]
    sent = await app.send(str(server.kitchen.id), "Which?", buttons=buttons)
    return server.kitchen.messages[int(sent)]


async def test_a_button_is_acknowledged_first_and_may_say_nothing(server, heard, app, ana):
    held = asyncio.Event()

    async def slowly(press):
        await held.wait()

    heard.on_press = slowly
    message = await with_buttons(app, server, "good")
    pressed = server.press("Good", ana, server.kitchen, message)
    await server.wait_for(lambda: pressed.callback)
    held.set()
    await server.wait_for(lambda: heard.presses)
    [press] = heard.presses
    assert (press.action, press.message_id, press.text) == ("good", message["id"], None)
    assert (press.by.id, press.chat_id) == (str(ana.id), str(server.kitchen.id))
    assert (pressed.callback["type"], pressed.texts) == (6, [])


async def test_a_button_may_be_answered_to_them_or_to_all(server, heard, app, ana):
    message = await with_buttons(app, server, "good", "bad")
    heard.on_press = answering(Said("Thank you."))
    pressed = server.press("Good", ana, server.kitchen, message)
    assert await read(server, pressed) == ["Thank you."]
    assert server.sent(server.kitchen) == ["Which?"]
    heard.on_press = answering(Said("A tie.", only_to_them=False))
    await read(server, server.press("Bad", ana, server.kitchen, message))
    assert server.sent(server.kitchen) == ["Which?", "A tie."]


async def test_a_button_works_after_a_restart(server, heard, ana):
    async with connected(server, heard) as app:
        message = await with_buttons(app, server, "good")
    async with connected(server, heard):
        heard.on_press = answering(Said("Thank you."))
        assert await read(server, server.press("Good", ana, server.kitchen, message)) == ["Thank you."]


async def test_a_button_that_asks_opens_a_form(server, heard, app, ana):
    message = await with_buttons(app, server, "ask-better")
    heard.on_press = answering(Question("ask-better", "What instead?", "Better words"))
    pressed = server.press("Ask-Better", ana, server.kitchen, message)
    await server.wait_for(lambda: pressed.modal)
    heard.on_press = answering(None)
    submitted = server.submit(pressed, "Eight.")
    await server.wait_for(lambda: len(heard.presses) == 2)
    assert (heard.presses[1].message_id, heard.presses[1].text) == (message["id"], "Eight.")
    await server.wait_for(lambda: not submitted.thinking and submitted.callback)


async def test_a_button_that_would_ask_may_answer_instead_or_be_too_slow(
    server, heard, app, ana, monkeypatch
):
    monkeypatch.setattr("bot.discord_commands.FORM_SECONDS", LATE)
    message = await with_buttons(app, server, "ask-better")
    heard.on_press = answering(Said("That is for the owner."))
    assert await read(server, server.press("Ask-Better", ana, server.kitchen, message)) == [
        "That is for the owner."
    ]
    heard.on_press = answering(Question("better", "What instead?", "Better words"), after=2 * LATE)
    [text] = await read(server, server.press("Ask-Better", ana, server.kitchen, message))
    assert "try once more" in text


async def test_a_failing_button_is_answered_politely(server, heard, app, ana):
    message = await with_buttons(app, server, "good", "ask-better")
    heard.on_press = failing
    for label in ("Good", "Ask-Better"):
        [text] = await read(server, server.press(label, ana, server.kitchen, message))
        assert "went wrong on my side" in text


async def test_a_button_of_somebody_else_is_not_ours_to_answer(server, heard, app, ana):
    message = await with_buttons(app, server, "good")
    message["components"][0]["components"][0]["custom_id"] = "game:good"
    theirs = server.press("Good", ana, server.kitchen, message)
    message["components"][0]["components"][0]["custom_id"] = "twin:good"
    ours = server.press("Good", ana, server.kitchen, message)
    await server.wait_for(lambda: ours.callback and heard.presses)
    assert (theirs.callback, [press.action for press in heard.presses]) == (None, ["good"])
