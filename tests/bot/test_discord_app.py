"""The real discord.py against a Discord of our own: what the twin hears there."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web
from discord_server import Upload
from discord_twin import Heard, a_discord, connected, key_of
from discord_world import FORUM, MANAGE_CHANNELS, VOICE

from bot import discord_client
from bot.discord_client import DiscordClient
from bot.platform import ChatRefused


@pytest.fixture
async def server():
    async with a_discord() as server:
        yield server


@pytest.fixture
def heard():
    return Heard()


@pytest.fixture
async def app(server, heard):
    async with connected(server, heard) as app:
        yield app


@dataclass
class Stranger:
    """A server that nobody should call."""

    url: str = ""
    asked: int = 0


@pytest.fixture
async def stranger():
    """Where an address leads that somebody wrote."""
    stranger = Stranger()

    async def answer(request: web.Request) -> web.Response:
        stranger.asked += 1
        return web.Response(body=b"p")

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    stranger.url = f"http://127.0.0.1:{runner.addresses[0][1]}/cat.png"
    yield stranger
    await runner.cleanup()


async def hear(server, heard, number=1):
    """The first messages, once there are so many."""
    return await server.wait_for(lambda: len(heard.messages) >= number and heard.messages)


# a message and all that it says


async def test_what_is_said_in_a_server_is_heard(server, heard, app):
    ana = server.user("Ana")
    sent = server.say(server.kitchen, ana, "When is dinner?")
    [message] = await hear(server, heard)
    assert message.key == key_of(sent)
    assert (message.platform, message.chat_id) == ("discord", str(server.kitchen.id))
    assert (message.author_id, message.author_name) == (str(ana.id), "Ana")
    assert (message.text, message.server_id) == ("When is dinner?", str(server.home.id))
    assert {message.private, message.by_owner, message.by_bot, message.to_twin, message.to_others} == {False}
    assert (message.reply_to, message.quote, message.media) == (None, None, ())
    assert message.sent_at.isoformat()[:19] == sent["timestamp"][:19]


async def test_a_private_chat_is_private_and_has_no_server(server, heard, app):
    server.say(server.dm(server.user("Ana")), server.user("Ana"), "psst")
    [message] = await hear(server, heard)
    assert (message.private, message.server_id) == (True, None)


async def test_the_owner_is_known_by_their_id(server, heard, app):
    server.say(server.kitchen, server.user("Sam"), "me")
    server.say(server.kitchen, server.user("Samantha"), "not me")
    assert [message.by_owner for message in await hear(server, heard, 2)] == [True, False]


async def test_a_nickname_is_how_people_see_somebody_there(server, heard, app):
    ana = server.user("Ana")
    server.home.members[ana.id].nick = "Chef"
    server.say(server.kitchen, ana, "hello")
    assert (await hear(server, heard))[0].author_name == "Chef"


async def test_threads_and_forum_posts_are_chats_of_their_own(server, heard, app):
    ana, forum = server.user("Ana"), server.channel("ideas", FORUM)
    for parent in (server.kitchen, forum):
        thread = server.thread(parent, ana, "soup")
        server.say(thread, ana, "more salt", id=thread.id if parent is forum else 0)
        await server.wait_for(lambda: heard.messages)
        assert heard.messages.pop().chat_id == str(thread.id)


async def test_another_server_may_invite_us_while_we_run(server, heard, app):
    there = server.join("Elsewhere")
    server.say(server.channel("hall", guild=there), server.user("Ana"), "welcome")
    assert (await hear(server, heard))[0].server_id == str(there.id)


async def test_our_own_messages_webhooks_and_system_messages_are_not_heard(server, heard, app):
    ana = server.user("Ana")
    await app.send(str(server.kitchen.id), "mine")
    server.say(server.kitchen, ana, "a webhook", webhook_id="123456789012345678")
    server.say(server.kitchen, ana, "", type=7)  # "Ana joined"
    server.say(server.kitchen, ana, "a person")
    await hear(server, heard)
    assert heard.texts == ["a person"]


async def test_another_bot_is_heard_as_a_bot(server, heard, app):
    server.say(server.kitchen, server.user("Weather", bot=True), "rain")
    assert (await hear(server, heard))[0].by_bot


async def test_the_mention_of_us_is_meant_for_us_and_left_out_of_the_text(server, heard, app):
    ana, us = server.user("Ana"), server.bot.id
    for text in (f"<@{us}> hello", f"hello <@!{us}>, you", "hello <@!1> <@2>".replace("1", str(us))):
        server.say(server.kitchen, ana, text)
    messages = await hear(server, heard, 3)
    assert [message.text for message in messages] == ["hello", "hello, you", "hello @somebody"]
    assert [message.to_twin for message in messages] == [True] * 3
    assert [message.to_others for message in messages] == [False, False, True]


async def test_a_role_of_ours_means_us_and_another_role_means_others(server, heard, app):
    ours = next(role for role in server.home.roles.values() if role.name == "Twin")
    cooks = server.world.role(server.home, "Cooks")
    server.gateway.emit("GUILD_ROLE_CREATE", {"guild_id": str(server.home.id), "role": cooks.payload()})
    server.say(server.kitchen, server.user("Ana"), f"<@&{ours.id}> salt?")
    server.say(server.kitchen, server.user("Ana"), f"<@&{cooks.id}> salt?")
    first, second = await hear(server, heard, 2)
    assert (first.text, first.to_twin, first.to_others) == ("salt?", True, False)
    assert (second.text, second.to_twin, second.to_others) == ("@Cooks salt?", False, True)


async def test_our_name_counts_as_a_whole_word_only(server, heard, app):
    sam = server.user("Sam")
    for text in ("sam, are you there?", "the same again", f"<@{sam.id}> are you there?"):
        server.say(server.kitchen, server.user("Ana"), text)
    assert [message.to_twin for message in await hear(server, heard, 3)] == [True, False, False]


async def test_the_ping_of_a_reply_is_no_mention(server, heard, app):
    await app.send(str(server.kitchen.id), "Seven.")
    ours = server.messages(server.kitchen)[0]
    said = server.say(server.kitchen, server.user("Ana"), "Thanks", reply_to=ours)
    [message] = await hear(server, heard)
    assert said["mentions"][0]["id"] == str(server.bot.id)
    assert (message.to_twin, message.to_others, message.reply_to) == (False, False, key_of(ours))


async def test_a_reply_to_somebody_else_is_for_them(server, heard, app):
    ana, ben = server.user("Ana"), server.user("Ben")
    question = server.say(server.kitchen, ana, "Who cooks?")
    server.say(server.kitchen, ben, "Me", reply_to=question)
    server.say(server.kitchen, ana, "Or I", reply_to=question)
    _, answer, own = await hear(server, heard, 3)
    assert (answer.reply_to, answer.to_others) == (key_of(question), True)
    assert (own.reply_to, own.to_others) == (key_of(question), False)


async def test_names_stand_where_discord_writes_numbers(server, heard, app):
    ben = server.user("Ben")
    server.say(server.kitchen, server.user("Ana"), f"<@{ben.id}> see <#{server.kitchen.id}> <a:wave:123>")
    [message] = await hear(server, heard)
    assert message.text == "@Ben see #kitchen :wave:"
    assert message.to_others


async def test_a_forwarded_message_is_a_quote_and_no_reply(server, heard, app):
    ana = server.user("Ana")
    original = server.say(
        server.channel("hall"), ana, "the recipe", attachments=(Upload("a.png", b"x", "image/png"),)
    )
    server.forward(server.kitchen, ana, original)
    message = (await hear(server, heard, 2))[1]
    assert (message.text, message.quote, message.reply_to) == ("", "the recipe", None)
    assert [media.kind for media in message.media] == ["image"]


async def test_files_become_media_and_small_texts_are_read(server, heard, app):
    uploads = (
        Upload("cat.png", b"png", "image/png"),
        Upload("film.mp4", b"mp4", "video/mp4"),
        Upload("song.mp3", b"mp3", "audio/mpeg"),
        Upload("notes.txt", "salt and péppér ".encode() * 500, "text/plain; charset=utf-8"),
        Upload("code.py", b"print()"),
        Upload("long.txt", b"x" * 20_001, "text/plain"),
        Upload("book.pdf", b"pdf", "application/pdf"),
    )
    server.say(server.kitchen, server.user("Ana"), "", attachments=uploads)
    media = (await hear(server, heard))[0].media
    assert [one.kind for one in media] == ["image", "video", "audio", "file", "file", "file", "file"]
    assert (media[0].name, media[0].mime, media[0].size) == ("cat.png", "image/png", 3)
    assert media[0].ref.startswith(server.url)
    assert media[3].text == ("salt and péppér " * 500)[:4000]
    assert [one.text for one in media[4:]] == ["print()", "", ""]
    assert media[3].mime == "text/plain"


async def test_a_file_that_cannot_be_fetched_costs_its_text_only(server, heard, app):
    message = server.world.message(server.kitchen, server.user("Ana"), "here")
    message["attachments"] = server.world.attach(
        server.kitchen, (Upload("notes.txt", b"salt", "text/plain"),)
    )
    server.world.files.clear()
    server.gateway.emit("MESSAGE_CREATE", server.world.event_of(server.kitchen, message), server.kitchen)
    [heard_message] = await hear(server, heard)
    assert (heard_message.text, heard_message.media[0].text) == ("here", "")


async def test_a_picture_is_fetched_from_discord_and_from_nowhere_else(server, heard, app, stranger):
    uploads = (Upload("cat.png", b"p" * 200_000, "image/png"),)
    server.say(server.kitchen, server.user("Ana"), "", attachments=uploads)
    cat = (await hear(server, heard))[0].media[0]
    assert await app.fetch(cat, 200_000) == b"p" * 200_000
    for media, most in (
        (cat, 199_999),
        (replace(cat, ref=f"{cat.ref}-gone"), 200_000),
        (replace(cat, ref=stranger.url), 200_000),
        (replace(cat, ref="file:///etc/passwd"), 200_000),
        (replace(cat, ref="https://cdn.discordapp.com.evil.example/cat.png"), 200_000),
        (replace(cat, ref="https://me@evil.example/cdn.discordapp.com"), 200_000),
        (replace(cat, kind="link"), 200_000),
    ):
        with pytest.raises(ChatRefused):
            await app.fetch(media, most)
    assert stranger.asked == 0


async def test_a_voice_message_is_one(server, heard, app):
    voice = Upload("voice-message.ogg", b"ogg", "audio/ogg", voice=True)
    server.say(server.kitchen, server.user("Ana"), "", attachments=(voice,))
    assert (await hear(server, heard))[0].media[0].kind == "voice"


async def test_stickers_previews_and_polls_become_media(server, heard, app):
    poll = {
        "question": {"text": "Soup?"},
        "answers": [
            {"answer_id": n, "poll_media": {"text": text}} for n, text in enumerate(["yes", "no"], 1)
        ],
        "expiry": "2099-01-01T00:00:00+00:00",
        "allow_multiselect": False,
        "layout_type": 1,
    }
    server.say(
        server.kitchen,
        server.user("Weather", bot=True),
        "",
        sticker_items=[{"id": "123456789012345678", "name": "Wave", "format_type": 1}],
        embeds=[{"type": "rich", "title": "Rain", "description": "all day", "url": "https://example.org/r"}],
        poll=poll,
    )
    sticker, preview, question = (await hear(server, heard))[0].media
    assert (sticker.kind, sticker.name) == ("sticker", "Wave")
    assert (preview.kind, preview.name, preview.ref) == ("link", "Rain", "https://example.org/r")
    assert preview.text == "Rain\nall day"
    assert (question.kind, question.text) == ("poll", "Soup?\n- yes\n- no")


async def test_emoji_that_a_server_drew_can_be_looked_at_and_stand_in_the_text_by_their_names(
    server, heard, app
):
    yum, dance = "<:yum:111111111111111111>", "<a:dance:222222222222222222>"
    server.say(server.kitchen, server.user("Ana"), f"so {yum} {dance} {yum}")
    message = (await hear(server, heard))[0]
    assert message.text == "so :yum: :dance: :yum:"
    yum, dance = message.media
    assert (yum.kind, yum.name) == ("emoji", "yum")
    assert yum.ref == "https://cdn.discordapp.com/emojis/111111111111111111.png"
    assert dance.ref.startswith("https://cdn.discordapp.com/emojis/222222222222222222.")


# what happens to it later


async def test_an_edit_hands_over_the_whole_message(server, heard, app):
    sent = server.say(server.kitchen, server.user("Ana"), "diner?")
    server.edit(server.kitchen, sent, "dinner?")
    [edited] = await server.wait_for(lambda: heard.edited)
    assert (edited.key, edited.text, edited.author_name) == (key_of(sent), "dinner?", "Ana")
    assert edited.edited_at is not None


async def test_an_edit_of_a_message_from_before_our_start_is_heard(server, heard):
    sent = server.say(server.kitchen, server.user("Ana"), "diner?")
    async with connected(server, heard, fresh_for=timedelta(0)):
        server.edit(server.kitchen, sent, "dinner?")
        [edited] = await server.wait_for(lambda: heard.edited)
    assert (edited.text, heard.messages) == ("dinner?", [])


async def test_an_update_that_says_only_half_is_looked_up(server, heard, app):
    sent = server.say(server.kitchen, server.user("Ana"), "diner?")
    sent |= {"content": "dinner?", "edited_timestamp": "2026-01-01T00:00:00+00:00"}
    half = {key: sent[key] for key in ("id", "channel_id", "edited_timestamp")}
    half["guild_id"] = str(server.home.id)
    server.gateway.emit("MESSAGE_UPDATE", half, server.kitchen)
    [edited] = await server.wait_for(lambda: heard.edited)
    assert (edited.text, edited.server_id) == ("dinner?", str(server.home.id))


async def test_the_preview_of_a_link_is_no_edit(server, heard, app):
    ana = server.user("Ana")
    fresh = server.say(server.kitchen, ana, "https://example.org/")
    server.unfurl(server.kitchen, fresh, "Example")
    server.edit(server.kitchen, fresh, "see https://example.org/")
    server.unfurl(server.kitchen, fresh, "Example again")
    server.say(server.kitchen, ana, "that was all")
    await hear(server, heard, 2)
    assert [message.text for message in heard.edited] == ["see https://example.org/"]


async def test_the_preview_of_a_link_from_before_our_start_is_no_edit(server, heard):
    old = server.say(server.kitchen, server.user("Ana"), "https://example.org/")
    async with connected(server, heard, fresh_for=timedelta(0)):
        server.unfurl(server.kitchen, old, "Example")
        server.say(server.kitchen, server.user("Ana"), "that was all")
        await hear(server, heard)
    assert heard.edited == []


async def test_deleted_messages_are_told_one_by_one_also_in_bulk(server, heard, app):
    ana = server.user("Ana")
    one, two, three = (server.say(server.kitchen, ana, text) for text in "123")
    server.delete(server.kitchen, one)
    server.delete(server.kitchen, two, three)
    await server.wait_for(lambda: len(heard.deleted) == 3)
    assert heard.deleted == [key_of(one), key_of(two), key_of(three)]


async def test_typing_is_seen_but_never_our_own(server, heard, app):
    ana = server.user("Ana")
    private = server.dm(ana)
    async with app.typing(str(server.kitchen.id)):
        await server.wait_for(lambda: server.typed)
        server.type(server.kitchen, ana)
        server.type(private, ana)
        await server.wait_for(lambda: len(heard.typing) == 2)
    assert heard.typing == [(str(server.kitchen.id), str(ana.id)), (str(private.id), str(ana.id))]


# reactions


async def test_a_reaction_is_told_when_it_comes_and_when_it_goes(server, heard, app):
    ana = server.user("Ana")
    cooks = server.world.role(server.home, "Cooks", 0, ana)
    server.gateway.emit("GUILD_ROLE_CREATE", {"guild_id": str(server.home.id), "role": cooks.payload()})
    sent = server.say(server.kitchen, server.user("Ben"), "Seven.", ago=timedelta(days=99))
    server.react(server.kitchen, sent, ana, "👍")
    server.unreact(server.kitchen, sent, ana, "👍")
    added, removed = await server.wait_for(lambda: len(heard.reactions) == 2 and heard.reactions)
    assert (added.message_key, added.emoji, added.added) == (key_of(sent), "👍", True)
    assert (added.by.id, added.by.name, added.by.roles) == (str(ana.id), "Ana", (str(cooks.id),))
    assert (removed.message_key, removed.emoji, removed.added) == (key_of(sent), "👍", False)
    assert removed.by.id == str(ana.id)


async def test_a_custom_emoji_is_told_by_its_name(server, heard, app):
    sent = server.say(server.kitchen, server.user("Ben"), "Seven.")
    server.react(server.kitchen, sent, server.user("Ana"), {"id": "123456789012345678", "name": "yum"})
    assert (await server.wait_for(lambda: heard.reactions))[0].emoji == ":yum:"


async def test_a_reaction_in_a_private_chat_is_told(server, heard, app):
    private = server.dm(server.user("Ana"))
    sent = await app.send(str(private.id), "Seven.")
    server.react(private, private.messages[int(sent)], server.user("Ana"), "👎")
    [reaction] = await server.wait_for(lambda: heard.reactions)
    assert (reaction.message_key, reaction.by.is_admin) == (f"discord:{private.id}:{sent}", False)


async def test_our_own_reactions_are_not_told(server, heard, app):
    sent = server.say(server.kitchen, server.user("Ben"), "Seven.")
    await app.react(str(server.kitchen.id), sent["id"], "👀")
    assert sent["reactions_by"] == {"👀": ["Twin"]}
    server.react(server.kitchen, sent, server.user("Ana"), "👍")
    await server.wait_for(lambda: heard.reactions)
    assert [reaction.emoji for reaction in heard.reactions] == ["👍"]


async def test_who_may_manage_the_channel_is_an_admin_there(server, heard, app):
    ana, ben = server.user("Ana"), server.user("Ben")
    hosts = server.world.role(server.home, "Hosts", MANAGE_CHANNELS, ana)
    server.gateway.emit("GUILD_ROLE_CREATE", {"guild_id": str(server.home.id), "role": hosts.payload()})
    sent = server.say(server.kitchen, ben, "Seven.")
    server.react(server.kitchen, sent, ana, "👍")
    server.react(server.kitchen, sent, ben, "👍")
    reactions = await server.wait_for(lambda: len(heard.reactions) == 2 and heard.reactions)
    assert [reaction.by.is_admin for reaction in reactions] == [True, False]


# order


async def test_events_of_one_chat_are_handed_over_in_their_order(server, heard, app):
    """The first is slow to be written down; the others, and the edit and the reaction, wait for it."""

    async def slowly(message):
        if message.text == "0":
            await asyncio.sleep(0.2)

    heard.on_message = slowly
    ana = server.user("Ana")
    sent = [server.say(server.kitchen, ana, str(number)) for number in range(5)]
    server.edit(server.kitchen, sent[0], "zero")
    server.react(server.kitchen, sent[0], ana, "👍")
    server.unreact(server.kitchen, sent[0], ana, "👍")
    await server.wait_for(lambda: len(heard.reactions) == 2)
    assert heard.texts == ["0", "1", "2", "3", "4"]
    assert [message.text for message in heard.edited] == ["zero"]
    assert [reaction.added for reaction in heard.reactions] == [True, False]


async def test_one_slow_chat_holds_up_no_other(server, heard, app):
    held = asyncio.Event()

    async def wait(message):
        if message.text == "slow":
            await held.wait()

    heard.on_message = wait
    server.say(server.kitchen, server.user("Ana"), "slow")
    server.say(server.channel("hall"), server.user("Ben"), "quick")
    await hear(server, heard)
    assert heard.texts == ["quick"]
    held.set()
    await hear(server, heard, 2)


# nothing ends it, nothing is lost


async def test_an_ear_that_fails_costs_that_event_only(server, heard, app, caplog):
    async def fail(message):
        if message.text == "the secret":
            raise ValueError("no room left")

    heard.on_message = fail
    sent = server.say(server.kitchen, server.user("Ana"), "the secret")
    server.say(server.kitchen, server.user("Ana"), "next")
    await hear(server, heard)
    assert heard.texts == ["next"]
    assert f"on_message failed, id {sent['id']}" in caplog.text
    assert "the secret" not in caplog.text


async def test_an_event_that_cannot_be_read_does_not_end_the_connection(server, heard, app, caplog):
    server.gateway.emit("MESSAGE_CREATE", {"id": "1", "channel_id": str(server.kitchen.id)}, server.kitchen)
    server.gateway.emit("MESSAGE_REACTION_ADD", {"emoji": {"name": "👍"}}, server.kitchen)
    server.say(server.kitchen, server.user("Ana"), "next")
    await hear(server, heard)
    assert heard.texts == ["next"]
    assert server.gateway.identified == 1
    assert "could not read a MESSAGE_CREATE, id 1" in caplog.text


async def test_what_is_said_while_the_line_is_cut_is_replayed(server, heard, app):
    ana = server.user("Ana")
    server.say(server.kitchen, ana, "before")
    await hear(server, heard)
    server.gateway.drop()
    sent = server.say(server.kitchen, ana, "meanwhile")
    server.react(server.kitchen, sent, ana, "👍")
    await server.wait_for(lambda: heard.reactions)
    assert (heard.texts, server.gateway.resumed) == (["before", "meanwhile"], 1)


async def test_discord_may_ask_us_to_reconnect(server, heard, app):
    server.gateway.ask_to_reconnect()
    server.say(server.kitchen, server.user("Ana"), "meanwhile")
    await hear(server, heard)
    assert (heard.texts, server.gateway.resumed, server.gateway.identified) == (["meanwhile"], 1, 1)


async def test_after_a_lost_session_we_look_for_what_was_missed(server, heard, app):
    server.gateway.invalidate()
    server.say(server.kitchen, server.user("Ana"), "meanwhile")
    await hear(server, heard)
    assert (heard.texts, server.gateway.identified) == (["meanwhile"], 2)


async def test_after_a_restart_we_look_everywhere_for_what_was_missed(server, heard):
    ana, forum = server.user("Ana"), server.channel("ideas", FORUM)
    thread, post = server.thread(server.kitchen, ana, "soup"), server.thread(forum, ana, "a garden")
    private, voice = server.dm(ana), server.channel("lounge", VOICE)
    heard.known_private = [str(private.id)]
    async with connected(server, heard):
        server.say(server.kitchen, ana, "before")
        await hear(server, heard)
    for place in (server.kitchen, thread, post, private, voice):
        server.say(place, ana, f"in {place.name or 'private'}")
    post.last_message_id = None  # nothing after the post itself
    async with connected(server, heard):
        await hear(server, heard, 7)
    assert heard.texts.count("before") == 2  # whoever writes it down knows it by its key
    assert set(heard.texts[1:]) == {
        "before",
        "in kitchen",
        "in soup",
        "in a garden",
        "in private",
        "in lounge",
    }
    by_text = {message.text: message for message in heard.messages}
    assert (by_text["in private"].private, by_text["in soup"].private) == (True, False)
    assert by_text["in soup"].server_id == str(server.home.id)


A_BOT = """
import asyncio, sys
from datetime import timedelta
import discord_quietly
from discord_twin import Heard
from bot.discord_app import DiscordApp

class Loud(Heard):
    async def _message(self, message, platform):
        print(message.text, flush=True)

token, api_url, gateway_url = sys.argv[1:]
app = DiscordApp(token, Loud().ears(), owner_ids=(), names=(), fresh_for=timedelta(hours=1),
                 api_url=api_url, gateway_url=gateway_url, guild_ready_seconds=0.1)
asyncio.run(app.run())
"""


@asynccontextmanager
async def a_process(server):
    """A bot of its own, which prints what it hears until it is killed."""
    root = Path(__file__).parent.parent.parent
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-W", "ignore", "-c", A_BOT, server.gateway.token, server.api_url, server.gateway_url),
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": f"{root}:{root / 'tests'}"},
    )
    try:
        yield process.stdout
    finally:
        process.kill()
        await process.communicate()


async def test_a_bot_that_is_killed_finds_what_it_missed(server):
    ana = server.user("Ana")
    async with asyncio.timeout(60):
        async with a_process(server) as out:
            await server.wait_for(lambda: server.gateway.identified, seconds=30)
            server.say(server.kitchen, ana, "before")
            assert await out.readline() == b"before\n"
        server.say(server.kitchen, ana, "meanwhile")
        async with a_process(server) as out:
            assert [await out.readline(), await out.readline()] == [b"before\n", b"meanwhile\n"]


async def test_reactions_to_what_we_said_are_found_after_a_restart(server, heard):
    ana, bo = server.user("Ana"), server.user("Bo")
    async with connected(server, heard) as app:
        ours = await app.send(str(server.kitchen.id), "hello")
    message = server.kitchen.messages[int(ours)]
    server.react(server.kitchen, message, ana, "👍")
    server.react(server.kitchen, message, bo, {"id": "77", "name": "meh"})
    server.react(server.kitchen, server.say(server.kitchen, ana, "not ours"), bo, "👍")
    async with connected(server, heard):
        await server.wait_for(lambda: len(heard.reactions) >= 2)
        await hear(server, heard, 1)
    found = {(one.message_key, one.emoji, one.by.name, one.added) for one in heard.reactions}
    assert found == {(key_of(message), "👍", "Ana", True), (key_of(message), ":meh:", "Bo", True)}


async def test_what_is_said_while_we_catch_up_comes_after_what_was_missed(server, heard):
    ana = server.user("Ana")
    server.say(server.kitchen, ana, "missed")

    async def say_it_as_soon_as_we_are_there():
        await server.wait_for(lambda: server.gateway.identified)
        server.say(server.kitchen, ana, "meanwhile")

    saying = asyncio.create_task(say_it_as_soon_as_we_are_there())
    async with connected(server, heard, guild_ready_seconds=0.5):
        await saying
        await hear(server, heard, 2)
    assert heard.texts[:2] == ["missed", "meanwhile"]


async def test_what_was_missed_comes_oldest_first_however_much_it_was(server, heard):
    ana = server.user("Ana")
    for number in range(150):
        server.say(server.kitchen, ana, str(number))
    async with connected(server, heard):
        await hear(server, heard, 150)
    assert heard.texts == [str(number) for number in range(150)]


async def test_what_is_too_old_is_left_alone(server, heard):
    ana, hall = server.user("Ana"), server.channel("hall")
    server.say(hall, ana, "yesterday", ago=timedelta(days=1))
    server.say(server.kitchen, ana, "an hour ago", ago=timedelta(hours=2))
    server.say(server.kitchen, ana, "now")
    async with connected(server, heard):
        await hear(server, heard)
    assert heard.texts == ["now"]
    assert f"GET /channels/{hall.id}/messages" not in server.rest.calls


async def test_one_chat_that_cannot_be_read_does_not_stop_the_rest(server, heard, caplog):
    ana, hall, secret = server.user("Ana"), server.channel("hall"), server.channel("secret", hidden=True)
    heard.known_private = ["123456789012345678"]  # gone
    for place in (hall, secret, server.kitchen):
        server.say(place, ana, place.name)
    async with connected(server, heard):
        await hear(server, heard, 2)
    assert sorted(heard.texts) == ["hall", "kitchen"]
    assert "could not look for what was missed in chat 123456789012345678" in caplog.text
    assert f"GET /channels/{secret.id}/messages" not in server.rest.calls


async def test_one_missed_message_that_fails_does_not_stop_the_rest(server, heard):
    async def fail(message):
        if message.text == "1":
            raise ValueError("no room left")

    heard.on_message = fail
    for number in range(3):
        server.say(server.kitchen, server.user("Ana"), str(number))
    async with connected(server, heard):
        await hear(server, heard, 2)
    assert heard.texts == ["0", "2"]


async def test_a_live_message_waits_for_the_missed_ones_of_its_chat(server, heard):
    ana = server.user("Ana")
    server.say(server.kitchen, ana, "first")
    server.fault("delay", method="GET", seconds=0.3)
    async with connected(server, heard):
        await server.wait_for(lambda: any(call.startswith("GET /channels") for call in server.rest.calls))
        server.say(server.kitchen, ana, "second")
        await hear(server, heard, 2)
    assert heard.texts[:2] == ["first", "second"]


async def test_stopping_lets_what_has_begun_come_to_its_end(server, heard):
    begun = asyncio.Event()

    async def slowly(message):
        begun.set()
        await asyncio.sleep(0.2)

    heard.on_message = slowly
    async with connected(server, heard):
        server.say(server.kitchen, server.user("Ana"), "last words")
        await begun.wait()
    assert heard.texts == ["last words"]


async def test_stopping_waits_until_what_was_cancelled_has_let_go(server, heard, monkeypatch):
    monkeypatch.setattr(DiscordClient.finish, "__defaults__", (0.05,))
    begun, happened = asyncio.Event(), []

    async def too_slowly(message):
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.05)  # a transaction that is rolled back
            happened.append("let go")

    heard.on_message = too_slowly
    async with connected(server, heard):
        server.say(server.kitchen, server.user("Ana"), "last words")
        await begun.wait()
    happened.append("left")
    assert happened == ["let go", "left"]


async def test_a_handler_that_takes_no_end_holds_up_no_stop(server, heard, monkeypatch, caplog):
    monkeypatch.setattr(DiscordClient.finish, "__defaults__", (0.05,))
    monkeypatch.setattr(discord_client, "CANCELLING_SECONDS", 0.05)
    begun, enough, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def stubborn(message):
        begun.set()
        try:
            while not enough.is_set():
                with suppress(asyncio.CancelledError):
                    await enough.wait()
        finally:
            ended.set()

    heard.on_message = stubborn
    async with connected(server, heard):
        server.say(server.kitchen, server.user("Ana"), "last words")
        await begun.wait()
    assert not ended.is_set()
    assert "1 handlers do not end" in caplog.text
    enough.set()
    await ended.wait()


async def test_every_frame_is_a_sign_of_life_and_silence_is_none(server, heard):
    server.gateway.heartbeat_seconds = 0.1
    async with connected(server, heard) as app:
        await asyncio.sleep(0.3)
        assert app.alive() < 0.3
        server.gateway.answers_heartbeats = False
        await server.wait_for(lambda: app.alive() > 0.3)
        server.say(server.kitchen, server.user("Ana"), "hello")
        await server.wait_for(lambda: app.alive() < 0.1)
    await asyncio.sleep(0.15)
    assert app.alive() > 0.1
