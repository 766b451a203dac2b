from __future__ import annotations

import pytest
from telegram_server import TelegramServer
from telegram_talk import Heard, app_for, running

from storage.cursors import CursorStore
from storage.records import Media


@pytest.fixture
async def server():
    async with TelegramServer().running() as server:
        yield server
    assert server.unknown_methods == []


@pytest.fixture
def heard():
    return Heard()


@pytest.fixture
async def app(server, heard, sqlite_database):
    app = app_for(server, heard, CursorStore(sqlite_database), owner_ids=("77",))
    async with running(app) as app:
        yield app


@pytest.fixture
def group(server):
    return server.group("kitchen")


@pytest.fixture
def ana(server):
    return server.user("Ana", username="ana")


@pytest.fixture
def hear(app, server, heard):
    """Say it and return what was heard."""

    async def hear(chat, user, text=None, **more):
        count = len(heard.messages)
        server.say(chat, user, text, **more)
        await server.wait_for(lambda: len(heard.messages) > count)
        return heard.messages[-1]

    return hear


def at(text, part, kind="mention", **more):
    start = len(text[: text.index(part)].encode("utf-16-le")) // 2
    return [{"type": kind, "offset": start, "length": len(part.encode("utf-16-le")) // 2, **more}]


async def test_a_group_is_the_server_of_what_is_said_there(hear, group, ana):
    message = await hear(group, ana, "hi all")
    assert (message.chat_id, message.server_id, message.private) == (str(group.id), str(group.id), False)


async def test_a_topic_is_a_chat_of_its_own_and_what_opened_it_is_no_question(server, hear, ana):
    forum = server.group("forum", forum=True)
    topic = server.topic(forum, "food")
    message = await hear(forum, ana, "soup?", topic=topic)
    assert message.chat_id == f"{forum.id}/{topic}"
    assert message.key.rpartition(":")[0] == f"telegram:{forum.id}"
    assert message.reply_to is None
    assert not message.to_others
    assert (await hear(forum, ana, "in general")).chat_id == str(forum.id)


async def test_the_owner_is_known_by_id(server, hear, group):
    assert (await hear(group, server.user("Sam", number=77), "it's me")).by_owner


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("@twin_bot what's up", "what's up"),
        ("@Twin_Bot, what's up", "what's up"),
        ("😀 hey @twin_bot what's up", "😀 hey what's up"),
        ("what's up @twin_bot", "what's up"),
    ],
)
async def test_a_mention_of_us_is_seen_and_taken_out(hear, group, ana, text, left):
    part = next(word.rstrip(",") for word in text.split() if word.startswith("@"))
    message = await hear(group, ana, text, entities=at(text, part))
    assert message.to_twin
    assert not message.to_others
    assert message.text == left


@pytest.mark.parametrize(
    ("text", "to_twin"), [("sam, are you there", True), ("SAMMY!", True), ("same old samba", False)]
)
async def test_our_name_counts_as_a_whole_word(hear, group, ana, text, to_twin):
    message = await hear(group, ana, text)
    assert message.to_twin is to_twin
    assert message.text == text


async def test_a_mention_of_somebody_else_is_to_them(server, hear, group, ana):
    text = "@ben look"
    assert (await hear(group, ana, text, entities=at(text, "@ben"))).to_others
    ben = server.user("Ben")
    text = "Ben look"
    message = await hear(group, ana, text, entities=at(text, "Ben", "text_mention", user=ben.json()))
    assert message.to_others
    assert not message.to_twin


async def test_a_reply_names_its_message_and_is_to_who_wrote_that(server, app, hear, group, ana):
    first = await hear(group, ana, "one")
    answer = await app.send(str(group.id), "two")
    to_us = await hear(group, ana, "three", reply_to=int(answer))
    assert to_us.reply_to == f"telegram:{group.id}:{answer}"
    assert not to_us.to_others
    assert not to_us.to_twin  # a reply alone does not count
    to_ana = await hear(group, server.user("Ben"), "four", reply_to=int(first.key.split(":")[-1]))
    assert to_ana.to_others


async def test_a_quote_is_only_the_part_that_was_quoted(hear, group, ana):
    message = await hear(group, ana, "this!", quote={"text": "the part", "position": 0})
    assert message.quote == "the part"
    outside = {"origin": {"type": "hidden_user", "sender_user_name": "X", "date": 1}}
    message = await hear(
        group, ana, "and this", external_reply=outside, quote={"text": "elsewhere", "position": 3}
    )
    assert (message.quote, message.reply_to) == ("elsewhere", None)


FILE = {"file_id": "F", "file_unique_id": "u", "file_size": 9}
PICTURE = FILE | {"width": 1, "height": 1}


@pytest.mark.parametrize(
    ("content", "media"),
    [
        (
            {"photo": [PICTURE | {"file_id": "small"}, PICTURE]},
            Media("image", mime="image/jpeg", size=9, ref="F"),
        ),
        (
            {"video": PICTURE | {"duration": 1, "mime_type": "video/mp4", "file_name": "a.mp4"}},
            Media("video", "a.mp4", "video/mp4", 9, "F"),
        ),
        ({"voice": FILE | {"duration": 1}}, Media("voice", mime="audio/ogg", size=9, ref="F")),
        (
            {"audio": FILE | {"duration": 1, "mime_type": "audio/mpeg"}},
            Media("audio", mime="audio/mpeg", size=9, ref="F"),
        ),
        ({"document": FILE | {"file_name": "x.pdf"}}, Media("file", "x.pdf", size=9, ref="F")),
        (
            {
                "sticker": PICTURE
                | {"type": "regular", "is_animated": False, "is_video": False, "emoji": "😀"}
            },
            Media("sticker", size=9, ref="F", text="😀"),
        ),
        (
            {
                "sticker": PICTURE
                | {"type": "regular", "is_animated": True, "is_video": False, "emoji": "😀"}
                | {"thumbnail": PICTURE | {"file_id": "still"}}
            },
            Media("sticker", size=9, ref="still", text="😀"),
        ),
        (
            {"animation": PICTURE | {"duration": 1}, "document": FILE},
            Media("video", size=9, ref="F"),
        ),
        ({"video_note": FILE | {"duration": 1, "length": 1}}, Media("video", "", "video/mp4", 9, "F")),
        ({"location": {"latitude": 1.5, "longitude": 2}}, Media("place", text="1.50000, 2.00000")),
        (
            {"venue": {"location": {"latitude": 1, "longitude": 2}, "title": "Pub", "address": "Road 1"}},
            Media("place", "Pub", text="Road 1"),
        ),
        ({"contact": {"phone_number": "+49123", "first_name": "Ben"}}, Media("contact", "Ben")),
        ({"dice": {"emoji": "🎲", "value": 4}}, Media("sticker", "dice", text="🎲 4")),
        (
            {
                "poll": {
                    "id": "1",
                    "question": "When?",
                    "options": [{"text": "now", "voter_count": 0, "persistent_id": "1"}],
                    "total_voter_count": 0,
                    "is_closed": False,
                    "is_anonymous": True,
                    "type": "regular",
                    "allows_multiple_answers": False,
                    "allows_revoting": False,
                    "members_only": False,
                }
            },
            Media("poll", "When?", text="When?\n- now"),
        ),
    ],
)
async def test_what_hangs_on_a_message(hear, ana, content, media):
    message = await hear(ana, ana, **content)
    assert message.media == (media,)
    assert message.text == ""


async def test_emoji_that_somebody_drew_hang_on_the_text_in_which_they_stand(hear, ana):
    def drawn(offset, id):
        return {"type": "custom_emoji", "offset": offset, "length": 2, "custom_emoji_id": id}

    message = await hear(ana, ana, "hi 😀 and 😎😀", entities=[drawn(3, "1"), drawn(10, "2"), drawn(12, "1")])
    assert message.text == "hi 😀 and 😎😀"
    assert message.media == (
        Media("emoji", "😀", ref="custom_emoji:1"),
        Media("emoji", "😎", ref="custom_emoji:2"),
    )


async def test_a_caption_is_text_and_an_album_is_one(hear, ana):
    message = await hear(ana, ana, photo=[PICTURE], caption="look", media_group_id="album-1")
    assert (message.text, message.album) == ("look", "album-1")


async def test_a_small_text_file_is_read(server, hear, ana):
    document = {"file_id": server.file(b"line\n" * 1000), "file_unique_id": "u", "file_name": "notes.txt"}
    message = await hear(ana, ana, document=document | {"file_size": 5000})
    assert message.media[0].text == ("line\n" * 1000)[:4000]
    message = await hear(ana, ana, document=document | {"file_size": 50_000})
    assert message.media[0].text == ""
    message = await hear(ana, ana, document=FILE | {"file_name": "gone.txt"})
    assert message.media[0].text == ""


async def test_service_messages_and_automatic_forwards_are_not_heard(server, heard, hear, group, ana):
    server.say(group, ana, new_chat_title="pantry")
    server.say(group, ana, left_chat_member=ana.json())
    server.say(group, ana, "news", is_automatic_forward=True)
    await hear(group, ana, "last")
    assert [message.text for message in heard.messages] == ["last"]


async def test_bots_are_known_as_bots_and_anonymous_admins_as_the_group(server, hear, group):
    assert (await hear(group, server.user("Other", is_bot=True), "beep")).by_bot
    anonymous = server.user("Group", is_bot=True)
    message = await hear(group, anonymous, "quiet please", sender_chat=group.json())
    assert (message.author_id, message.author_name, message.by_bot) == (str(group.id), "kitchen", False)


async def test_an_edit_is_heard_whole(server, heard, hear, ana):
    first = await hear(ana, ana, "tpyo")
    server.edit(ana, int(first.key.split(":")[-1]), "typo")
    [edit] = await server.wait_for(lambda: heard.edits)
    assert (edit.key, edit.text, edit.edited_at is not None) == (first.key, "typo", True)


async def test_reactions_come_and_go_one_by_one(server, app, heard, ana):
    sent = int(await app.send(str(ana.id), "hi"))
    server.react(ana, ana, sent, "👍")
    server.react(ana, ana, sent, "👎", "🎉")
    server.unreact(ana, ana, sent)
    server.react(ana, ana, sent, custom="555")
    await server.wait_for(lambda: len(heard.reactions) == 7)
    assert [(one.emoji, one.added) for one in heard.reactions] == [
        ("👍", True),
        ("👍", False),
        ("👎", True),
        ("🎉", True),
        ("👎", False),
        ("🎉", False),
        (":555:", True),
    ]
    last = heard.reactions[-1]
    assert (last.by.id, last.message_key) == (str(ana.id), f"telegram:{ana.id}:{sent}")


async def test_anonymous_reactions_are_nobodys(server, app, heard, group, ana, caplog):
    sent = int(await app.send(str(group.id), "hi"))
    server.update(
        "message_reaction",
        {
            "chat": group.json(),
            "message_id": sent,
            "date": 1,
            "old_reaction": [],
            "new_reaction": [{"type": "emoji", "emoji": "👍"}],
            "actor_chat": group.json(),
        },
    )
    server.react(ana, group, sent, "👎")
    await server.wait_for(lambda: heard.reactions)
    assert [one.emoji for one in heard.reactions] == ["👎"]
    assert caplog.text == ""


async def test_a_group_where_privacy_mode_is_on_shows_us_only_what_is_meant_for_us(server, heard, hear, ana):
    group, server.privacy = server.group("kitchen", admin=False), True
    server.say(group, ana, "among us")
    await hear(ana, ana, "in private")
    assert [message.text for message in heard.messages] == ["in private"]


async def test_the_words_of_a_forwarded_message_are_a_quote_and_not_the_ones_of_who_forwards_it(
    hear, server, group
):
    owner = server.user("Sam", number=77)
    somebody = {"type": "hidden_user", "sender_user_name": "Somebody", "date": 1_700_000_000}
    message = await hear(group, owner, "buy now!", forward_origin=somebody)
    assert (message.by_owner, message.text, message.quote) == (True, "", "buy now!")
