"""The real discord.py against a Discord of our own: what the twin says there, and how it ends."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

import pytest
from discord_gateway import MESSAGE_CONTENT
from discord_twin import Heard, a_discord, app_on, connected, key_of

from bot.platform import Button, ChatRefused, ChatUnavailable, Limits


@pytest.fixture
async def server():
    async with a_discord() as server:
        yield server


@pytest.fixture
def heard():
    return Heard()


@pytest.fixture
async def app(server, heard):
    async with connected(server, heard, call_seconds=5.0) as app:
        yield app


@pytest.fixture
def kitchen(server):
    return str(server.kitchen.id)


# saying something


async def test_what_we_send_is_there_and_pings_nobody(server, heard, app, kitchen):
    sent = await app.send(kitchen, f"**Seven**, @everyone and <@{server.user('Ana').id}>")
    [message] = server.messages(server.kitchen)
    assert (message["id"], message["content"][:10]) == (sent, "**Seven**,")
    assert server.violations == []  # the server notes whatever may ping


async def test_a_reply_refers_to_what_it_answers(server, app, kitchen):
    question = server.say(server.kitchen, server.user("Ana"), "When?")
    await app.send(kitchen, "Seven.", reply_to=key_of(question))
    assert server.messages(server.kitchen)[1]["message_reference"]["message_id"] == question["id"]


async def test_a_reply_to_a_message_that_is_gone_is_sent_without(server, app, kitchen):
    question = server.say(server.kitchen, server.user("Ana"), "When?")
    server.delete(server.kitchen, question)
    await app.send(kitchen, "Seven.", reply_to=key_of(question))
    assert server.sent(server.kitchen) == ["Seven."]
    assert "message_reference" not in server.messages(server.kitchen)[0]
    assert server.rest.calls.count(f"POST /channels/{kitchen}/messages") == 1


async def test_a_reply_that_discord_does_not_allow_is_sent_without(server, app, kitchen):
    """To a system message, say."""
    question = server.say(server.kitchen, server.user("Ana"), "", type=7)
    server.refuses_replies_to.add(question["id"])
    await app.send(kitchen, "Seven.", reply_to=key_of(question))
    assert server.sent(server.kitchen) == ["Seven."]


async def test_a_key_of_ours_that_is_no_message_there_is_no_reply(server, app, kitchen):
    await app.send(kitchen, "Seven.", reply_to="discord:~0123456789abcdef")
    assert server.sent(server.kitchen) == ["Seven."]


async def test_buttons_are_shown_and_go_with_an_edit(server, app, kitchen):
    buttons = [Button(f"B{number}", f"do-{number}") for number in range(7)]
    sent = await app.send(kitchen, "Which?", buttons=buttons)
    message = server.kitchen.messages[int(sent)]
    assert [len(row["components"]) for row in message["components"]] == [5, 2]
    assert message["components"][1]["components"][1]["custom_id"] == "twin:do-6"
    await app.edit(kitchen, sent, "This.", buttons=buttons[:1])
    assert [len(row["components"]) for row in message["components"]] == [1]
    await app.edit(kitchen, sent, "Done.")
    assert (message["content"], message["components"]) == ("Done.", [])


async def test_the_length_counts_code_points_as_discord_does(server, app, kitchen):
    assert app.limits == Limits(message_length=2000, edit_seconds=1.5)
    text = "🐑" * 2000
    assert app.length(text) == 2000
    await app.send(kitchen, text)
    with pytest.raises(ChatRefused):
        await app.send(kitchen, text + "🐑")


async def test_the_same_nonce_again_gives_the_message_that_is_there(server, app, kitchen):
    first = await app.send(kitchen, "Seven.", nonce="discord:~0123456789abcdef")
    again = await app.send(kitchen, "Seven.", nonce="discord:~0123456789abcdef")
    other = await app.send(kitchen, "Seven.", nonce="discord:~0123456789abcdee")
    assert (first, server.sent(server.kitchen)) == (again, ["Seven.", "Seven."])
    assert other != first


async def test_a_long_nonce_is_shortened_to_what_discord_takes_and_stays_its_own(server, app, kitchen):
    long = "discord:~0123456789abcdef/piece-"
    sent = [await app.send(kitchen, "Seven.", nonce=long + number) for number in "1122"]
    assert len(set(sent)) == 2


async def test_a_bad_gateway_after_it_was_done_makes_no_second_message(server, app, kitchen):
    server.fault("bad")
    await app.send(kitchen, "Seven.", nonce="n-1")
    assert server.rest.calls.count(f"POST /channels/{kitchen}/messages") == 2
    assert server.sent(server.kitchen) == ["Seven."]


async def test_a_lost_answer_says_that_it_may_be_done_and_can_be_repeated_or_found(server, app, kitchen):
    question = server.say(server.kitchen, server.user("Ana"), "When?")
    server.fault("lose")
    with pytest.raises(ChatUnavailable) as lost:
        await app.send(kitchen, "Seven.", nonce="n-1")
    assert lost.value.maybe_done
    found = await app.find_sent(kitchen, "Seven.", nonce="n-1", after=key_of(question), known=set())
    assert found == await app.send(kitchen, "Seven.", nonce="n-1")
    assert server.sent(server.kitchen) == ["Seven."]


async def test_only_our_own_new_message_of_that_text_is_found(server, app, kitchen):
    early = await app.send(kitchen, "Seven.")
    question = server.say(server.kitchen, server.user("Ana"), "When?")
    server.say(server.kitchen, server.user("Ana"), "Seven.")
    known = await app.send(kitchen, "Seven.")
    after = key_of(question)
    assert await app.find_sent(kitchen, "Seven.", nonce="n", after=after, known={known}) is None
    lost = await app.send(kitchen, "Seven.\n")
    assert await app.find_sent(kitchen, "Seven. ", nonce="n", after=after, known={known}) == lost
    assert await app.find_sent(kitchen, "Eight.", nonce="n", after=after, known=set()) is None
    before = f"discord:{kitchen}:{int(early) - 1}"
    assert await app.find_sent(kitchen, "Seven.", nonce="n", after=before, known=set()) == early


async def test_not_being_able_to_look_is_no_answer(server, app, kitchen):
    server.fault("lose", method="GET", times=9)
    with pytest.raises(ChatUnavailable):
        await app.find_sent(kitchen, "Seven.", nonce="n", after=f"discord:{kitchen}:1", known=set())


async def test_an_edit_replaces_the_whole_text(server, app, kitchen):
    sent = await app.send(kitchen, "Sev")
    await app.edit(kitchen, sent, "Seven, as ever.")
    assert server.sent(server.kitchen) == ["Seven, as ever."]


async def test_an_edit_of_a_message_that_is_gone_is_refused(server, app, kitchen):
    sent = await app.send(kitchen, "Sev")
    server.delete(server.kitchen, server.kitchen.messages[int(sent)])
    with pytest.raises(ChatRefused):
        await app.edit(kitchen, sent, "Seven.")


async def test_deleting_what_is_gone_already_is_fine(server, app, kitchen):
    sent = await app.send(kitchen, "Seven.")
    await app.delete(kitchen, sent)
    await app.delete(kitchen, sent)
    assert server.sent(server.kitchen) == []


async def test_a_word_of_the_program_may_be_long(server, app, kitchen):
    last = await app.tell(kitchen, "\n".join(["line " * 100] * 9), [Button("More", "more")])
    messages = server.messages(server.kitchen)
    assert len(messages) == 3
    assert (messages[-1]["id"], len(messages[-1]["components"])) == (last, 1)
    assert messages[0]["components"] == []


async def test_a_private_chat_can_be_opened(server, app):
    ana = server.user("Ana")
    chat = await app.private_chat(str(ana.id))
    await app.send(chat, "psst")
    assert server.sent(server.dm(ana)) == ["psst"]


# what goes wrong


@pytest.mark.parametrize("seconds", [0.05, 600.0])
@pytest.mark.parametrize("everywhere", [False, True])
async def test_a_short_limit_is_waited_for_and_a_long_one_is_told(server, app, kitchen, seconds, everywhere):
    server.fault("limit", path="", seconds=seconds, everywhere=everywhere)
    if seconds < 1:
        await app.send(kitchen, "Seven.")
        assert server.sent(server.kitchen) == ["Seven."]
    else:
        with pytest.raises(ChatUnavailable) as limited:
            await app.send(kitchen, "Seven.")
        assert (limited.value.retry_after, limited.value.maybe_done) == (600.0, False)


async def test_a_limit_that_does_not_end_is_told_with_its_time(server, app, kitchen):
    server.fault("limit", times=5, seconds=0.01)
    with pytest.raises(ChatUnavailable) as limited:
        await app.send(kitchen, "Seven.")
    assert limited.value.retry_after == 0.01


async def test_a_broken_discord_is_unavailable(server, app, kitchen):
    server.fault("down")
    with pytest.raises(ChatUnavailable) as broken:
        await app.send(kitchen, "Seven.")
    assert broken.value.maybe_done


async def test_no_call_takes_longer_than_it_may(server, heard, kitchen):
    async with connected(server, heard, call_seconds=0.2) as app:
        server.fault("delay", seconds=5.0)
        began = time.monotonic()
        with pytest.raises(ChatUnavailable) as slow:
            await app.send(kitchen, "Seven.")
        assert slow.value.maybe_done
        assert time.monotonic() - began < 2.0


async def test_no_right_to_write_and_being_blocked_are_refusals(server, app, kitchen):
    server.kitchen.read_only = True
    blocked = server.dm(server.user("Ana"))
    blocked.read_only = True
    for chat in (kitchen, str(blocked.id), "123456789012345678"):
        with pytest.raises(ChatRefused):
            await app.send(chat, "Seven.")


async def test_before_and_after_its_life_the_app_is_unavailable(server, heard, kitchen):
    app = app_on(server, heard)
    with pytest.raises(ChatUnavailable):
        await app.send(kitchen, "Seven.")
    async with connected(server, heard) as app:
        pass
    with pytest.raises(ChatUnavailable):
        await app.send(kitchen, "Seven.")
    async with app.typing(kitchen):
        pass


# typing


async def test_typing_is_shown_until_the_block_ends(server, app, kitchen, monkeypatch):
    monkeypatch.setattr("bot.discord_app.TYPING_SECONDS", 0.05)
    async with app.typing(kitchen):
        await server.wait_for(lambda: len(server.typed) >= 3)
    seen = len(server.typed)
    await asyncio.sleep(0.2)
    assert len(server.typed) == seen


async def test_typing_ends_when_the_block_fails(server, app, kitchen, monkeypatch):
    monkeypatch.setattr("bot.discord_app.TYPING_SECONDS", 0.05)

    async def fail():
        async with app.typing(kitchen):
            await server.wait_for(lambda: server.typed)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    seen = len(server.typed)
    await asyncio.sleep(0.2)
    assert len(server.typed) == seen


async def test_typing_never_raises(server, app, kitchen):
    server.kitchen.read_only = True
    async with app.typing(kitchen):
        await server.wait_for(lambda: f"POST /channels/{kitchen}/typing" in server.rest.calls)
        await asyncio.sleep(0.05)
    async with app.typing("123456789012345678"):
        await asyncio.sleep(0.05)


async def test_typing_that_ends_within_a_global_limit_holds_up_nothing(server, app, kitchen):
    server.fault("limit", path="/typing", seconds=20.0, everywhere=True)
    async with app.typing(kitchen):
        await server.wait_for(lambda: f"POST /channels/{kitchen}/typing" in server.rest.calls)
        await asyncio.sleep(0.1)
    async with asyncio.timeout(5):
        await app.send(kitchen, "Seven.")
    assert server.sent(server.kitchen) == ["Seven."]


# how it begins and ends


async def test_a_wrong_token_is_said_in_words(server, heard):
    with pytest.raises(ChatRefused, match="developer portal"):
        await app_on(server, heard, token="wrong").run()


async def test_a_token_that_the_gateway_refuses_is_said_in_words(server, heard):
    server.rest.trusts_everybody = True
    with pytest.raises(ChatRefused, match="does not accept this bot token"):
        await app_on(server, heard, token="wrong").run()
    assert server.gateway.identified == 0


async def test_a_missing_intent_is_said_in_words(server, heard):
    server.gateway.refused_intents |= MESSAGE_CONTENT
    with pytest.raises(ChatRefused, match="Message Content Intent"):
        await app_on(server, heard).run()


async def test_nobody_there_is_unavailable(server, heard):
    with pytest.raises(ChatUnavailable, match="cannot be reached"):
        await app_on(server, heard, api_url="http://127.0.0.1:1/api/v10").run()


async def test_a_gateway_that_is_not_there_is_unavailable(server, heard, monkeypatch):
    monkeypatch.setattr("discord.client.ExponentialBackoff.delay", lambda self: 0.01)
    with pytest.raises(ChatUnavailable, match="gateway"):
        await app_on(server, heard, gateway_url="ws://127.0.0.1:1/").run()


async def test_a_connection_that_was_cancelled_is_closed(server, heard):
    running = asyncio.create_task(app_on(server, heard).run())
    await server.wait_for(lambda: server.gateway.identified)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await server.wait_for(lambda: not server.gateway.connections)


async def test_the_same_app_can_run_again(server, heard):
    async with connected(server, heard) as app:
        pass
    running = asyncio.create_task(app.run())
    await server.wait_for(lambda: server.gateway.identified == 2)
    await app.stop()
    await running
    await app.stop()


async def test_without_the_intent_the_text_is_hidden_except_where_we_are_meant(server, heard):
    """What our Discord keeps from a bot; the bot itself always asks for it."""
    ana = server.user("Ana")
    async with connected(server, heard, fresh_for=timedelta(0)) as app:
        for session in server.gateway.sessions.values():
            session.intents &= ~MESSAGE_CONTENT
        server.say(server.kitchen, ana, "hidden")
        server.say(server.kitchen, ana, f"<@{server.bot.id}> shown")
        server.say(server.dm(ana), ana, "private")
        await server.wait_for(lambda: len(heard.messages) == 3)
        assert app.name == "discord"
    assert heard.texts == ["", "shown", "private"]


async def test_two_hundred_chats_at_once_are_all_answered(server, heard, app):
    people = [server.user(f"P{number}") for number in range(200)]

    async def answer(message):
        await app.send(message.chat_id, f"hello {message.author_name}", reply_to=message.key)

    heard.on_message = answer
    chats = [server.dm(person) for person in people]
    for chat, person in zip(chats, people, strict=True):
        server.say(chat, person, "hello")
    await server.wait_for(lambda: len(heard.messages) == 200, seconds=60)
    answers = [server.sent(chat) for chat in chats]
    assert answers == [[f"hello {person.name}"] for person in people]
