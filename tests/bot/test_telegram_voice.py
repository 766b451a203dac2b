from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest
from telegram_methods import Refused
from telegram_server import TelegramServer
from telegram_talk import QUICK, Heard, app_for, running

from bot.platform import Button, ChatRefused, ChatUnavailable
from storage.cursors import CursorStore
from storage.records import Media


@pytest.fixture
async def server():
    async with TelegramServer().running() as server:
        yield server
    assert server.unknown_methods == []


@pytest.fixture
def cursors(sqlite_database):
    return CursorStore(sqlite_database)


@pytest.fixture
async def app(server, cursors):
    async with running(app_for(server, Heard(), cursors)) as app:
        yield app


@pytest.fixture
def ana(server):
    return server.user("Ana")


def calls(server, method):
    return [call for call in server.calls if call.method == method]


async def test_a_reply_is_sent_as_text_with_entities_and_answers_its_message(server, app, ana):
    number = server.say(ana, ana, "hi")
    sent = await app.send(str(ana.id), "**bold** https://x.y", reply_to=f"telegram:{ana.id}:{number}")
    message = server.chats[ana.id].messages[int(sent)]
    assert message["text"] == "bold https://x.y"
    assert [(one["type"], one["offset"], one["length"]) for one in message["entities"]] == [("bold", 0, 4)]
    assert message["reply_to_message"]["message_id"] == number
    [call] = calls(server, "sendMessage")
    assert call.asked["link_preview_options"] == {"is_disabled": True}
    assert "parse_mode" not in call.asked


async def test_a_reply_to_a_message_that_is_gone_is_sent_without_it(server, app, ana):
    sent = await app.send(str(ana.id), "hi", reply_to=f"telegram:{ana.id}:9999")
    assert "reply_to_message" not in server.chats[ana.id].messages[int(sent)]


async def test_a_reply_to_a_key_of_our_own_or_of_another_chat_is_sent_without_it(server, app, ana):
    for key in ("telegram:~0123", "telegram:55:1"):
        await app.send(str(ana.id), "hi", reply_to=key)
    assert all("reply_parameters" not in call.asked for call in calls(server, "sendMessage"))


async def test_if_telegram_dislikes_the_entities_the_text_goes_out_plain(server, app, ana):
    server.methods.refuse_entities = True
    sent = await app.send(str(ana.id), "**bold**")
    assert "entities" not in server.chats[ana.id].messages[int(sent)]
    await app.edit(str(ana.id), sent, "**bolder**")
    assert server.ours(ana) == ["bolder"]


async def test_length_counts_what_telegram_counts(app):
    assert app.length("**😀**") == 2
    assert app.limits.message_length == 4096


async def test_a_message_of_exactly_the_limit_goes_out_and_a_longer_one_is_refused(server, app, ana):
    await app.send(str(ana.id), "😀" * 2048)
    with pytest.raises(ChatRefused, match="too long"):
        await app.send(str(ana.id), "a" * 4097)


async def test_an_edit_replaces_text_and_buttons(server, app, ana):
    sent = await app.send(str(ana.id), "which?", buttons=[Button("A", "a"), Button("B", "b" * 60)])
    message = server.chats[ana.id].messages[int(sent)]
    assert [[one["text"] for one in row] for row in message["reply_markup"]["inline_keyboard"]] == [
        ["A", "B"]
    ]
    await app.edit(str(ana.id), sent, "that one")
    assert message["text"] == "that one"
    assert "reply_markup" not in message


async def test_an_edit_that_changes_nothing_is_well(server, app, ana):
    sent = await app.send(str(ana.id), "same")
    await app.edit(str(ana.id), sent, "same")


async def test_an_edit_of_a_message_that_is_gone_is_refused(server, app, ana):
    with pytest.raises(ChatRefused):
        await app.edit(str(ana.id), "9999", "x")


async def test_deleting_is_content_with_a_message_that_is_gone(server, app, ana):
    sent = await app.send(str(ana.id), "oops")
    await app.delete(str(ana.id), sent)
    await app.delete(str(ana.id), sent)
    assert server.messages(ana) == []


async def test_a_reaction_of_ours_is_shown(server, app, ana):
    number = server.say(ana, ana, "hi")
    await app.react(str(ana.id), str(number), "👍")
    assert server.chats[ana.id].reactions[number, server.bot.id] == [{"type": "emoji", "emoji": "👍"}]


async def test_typing_ends_with_the_block_and_never_fails_it(server, app, ana):
    async with app.typing(str(ana.id)):
        await server.wait_for(lambda: server.chats[ana.id].actions)
    ana.blocks_us = True
    async with app.typing(str(ana.id)):
        await asyncio.sleep(0.05)
    async with app.typing("no chat at all"):
        await asyncio.sleep(0.01)
    assert server.chats[ana.id].actions == ["typing"]
    assert len(asyncio.all_tasks()) < 10


async def test_typing_does_not_swallow_a_cancellation(app, ana):
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05), app.typing(str(ana.id)):
            await asyncio.sleep(5)


async def test_a_growing_answer_is_shown_as_one_draft_in_a_private_chat_only(server, app, ana):
    assert await app.show_growing(str(ana.id), "I **thi", nonce="ab-0")
    assert await app.show_growing(str(ana.id), "I **think**", nonce="ab-0")
    assert [one["text"] for one in server.chats[ana.id].drafts] == ["I **thi", "I think"]
    assert len({one["draft_id"] for one in server.chats[ana.id].drafts}) == 1
    assert not await app.show_growing(str(server.group("kitchen").id), "x", nonce="ab-1")


async def test_where_telegram_takes_no_drafts_none_are_shown_again(server, app, ana):
    server.methods.sendMessageDraft = lambda asked: (_ for _ in ()).throw(
        Refused(400, "Bad Request: no drafts")
    )
    assert not await app.show_growing(str(ana.id), "I thi", nonce="ab-0")
    before = len(server.calls)
    assert not await app.show_growing(str(ana.id), "I think", nonce="ab-0")
    assert len(server.calls) == before


async def test_a_topic_of_a_forum_is_written_to(server, app):
    forum = server.group("forum", forum=True)
    topic = server.topic(forum, "food")
    sent = await app.send(f"{forum.id}/{topic}", "soup")
    assert forum.messages[int(sent)]["message_thread_id"] == topic
    await app.send(str(forum.id), "in general")
    with pytest.raises(ChatRefused, match="thread"):
        await app.send(f"{forum.id}/999", "x")


async def test_who_blocked_us_and_a_chat_that_is_not_there_refuse(server, app, ana):
    ana.blocks_us = True
    with pytest.raises(ChatRefused, match="blocked"):
        await app.send(str(ana.id), "x")
    with pytest.raises(ChatRefused, match="not found"):
        await app.send("424242", "x")
    with pytest.raises(ChatRefused):
        await app.send("kitchen", "x")


async def test_a_group_that_became_another_one_is_told(server, app):
    group = server.group("kitchen")
    group.moved_to = -1009
    with pytest.raises(ChatRefused, match="-1009"):
        await app.send(str(group.id), "x")


async def test_a_private_chat_has_the_id_of_the_person(app, ana):
    assert await app.private_chat(str(ana.id)) == str(ana.id)


# limits


async def test_asked_to_be_quiet_for_a_moment_a_message_waits_and_goes_out_once(server, app, ana):
    server.flood(1, chat=ana.id)
    began = time.monotonic()
    await app.send(str(ana.id), "patience")
    assert time.monotonic() - began >= 1
    assert server.ours(ana) == ["patience"]


async def test_asked_to_be_quiet_for_long_a_message_is_not_sent_and_says_when(server, app, ana):
    server.flood(300, chat=ana.id)
    for _ in range(2):  # the second one does not even ask
        with pytest.raises(ChatUnavailable) as caught:
            await app.send(str(ana.id), "x")
        assert 295 < caught.value.retry_after <= 300
        assert not caught.value.maybe_done
    assert len(calls(server, "sendMessage")) == 1


async def test_asked_to_be_quiet_an_edit_is_put_off_at_once_and_the_whole_chat_rests(server, app, ana):
    sent = await app.send(str(ana.id), "a")
    server.flood(2, chat=ana.id)
    with pytest.raises(ChatUnavailable) as caught:
        await app.edit(str(ana.id), sent, "ab")
    assert 1 < caught.value.retry_after <= 2
    await app.send(str(ana.id), "b")
    server.flood(20, chat=ana.id)
    for text in ("ab", "abc"):
        with pytest.raises(ChatUnavailable) as caught:
            await app.edit(str(ana.id), sent, text)
        assert 15 < caught.value.retry_after <= 20
    assert len(calls(server, "editMessageText")) == 2
    assert server.ours(ana) == ["a", "b"]


async def test_edits_count_as_messages_do(server, cursors, ana):
    tuning = replace(QUICK, chat_seconds=0.15)
    async with running(app_for(server, Heard(), cursors, tuning=tuning)) as app:
        sent = await app.send(str(ana.id), "a")
        await app.edit(str(ana.id), sent, "ab")
        await app.send(str(ana.id), "c")
    at = [call.at for call in server.calls if call.method in ("sendMessage", "editMessageText")]
    assert at[1] - at[0] > 0.14
    assert at[2] - at[1] > 0.14


# lost answers


@pytest.mark.parametrize("how", ["drop", "502", "hang"])
async def test_a_lost_answer_may_have_been_done_and_the_message_is_found_once(server, cursors, ana, how):
    asked = server.say(ana, ana, "hi")
    tuning = replace(QUICK, request_seconds=0.3) if how == "hang" else QUICK
    async with running(app_for(server, Heard(), cursors, tuning=tuning)) as app:
        server.lose_answers(how=how)
        with pytest.raises(ChatUnavailable) as caught:
            await app.send(str(ana.id), "**the** answer")
        assert caught.value.maybe_done
        after = f"telegram:{ana.id}:{asked}"
        found = await app.find_sent(str(ana.id), "**the** answer", nonce="n", after=after, known=set())
    assert found == str(server.messages(ana)[-1]["message_id"])
    assert server.ours(ana) == ["the answer"]


async def test_what_never_arrived_is_not_found(server, app, ana):
    asked = server.say(ana, ana, "hi")
    server.say(ana, ana, "anybody there?")
    found = await app.find_sent(
        str(ana.id), "the answer", nonce="n", after=f"telegram:{ana.id}:{asked}", known=set()
    )
    assert found is None
    assert server.ours(ana) == []
    assert len(calls(server, "editMessageReplyMarkup")) < 30


async def test_looking_for_a_lost_message_leaves_alone_what_is_accounted_for(server, app, ana):
    asked = server.say(ana, ana, "hi")
    known = await app.send(str(ana.id), "an earlier answer", buttons=[Button("A", "a")])
    notice = await app.tell(str(ana.id), "a notice", [Button("B", "b")])
    found = await app.find_sent(
        str(ana.id), "the answer", nonce="n", after=f"telegram:{ana.id}:{asked}", known={known}
    )
    assert found is None
    assert server.ours(ana) == ["an earlier answer", "a notice"]
    assert "reply_markup" in server.chats[ana.id].messages[int(notice)]


async def test_a_notice_is_left_alone_even_after_a_restart(server, cursors, ana):
    asked = server.say(ana, ana, "hi")
    async with running(app_for(server, Heard(), cursors)) as app:
        await app.tell(str(ana.id), "a notice")
    async with running(app_for(server, Heard(), cursors)) as app:
        await app.find_sent(str(ana.id), "x", nonce="n", after=f"telegram:{ana.id}:{asked}", known=set())
    assert server.ours(ana) == ["a notice"]


async def test_half_an_answer_that_was_lost_becomes_the_whole(server, app, ana):
    asked = server.say(ana, ana, "hi")
    server.lose_answers()
    with pytest.raises(ChatUnavailable):
        await app.send(str(ana.id), "the ans")
    found = await app.find_sent(
        str(ana.id), "the answer is 42", nonce="n", after=f"telegram:{ana.id}:{asked}", known=set()
    )
    assert found is not None
    assert server.ours(ana) == ["the answer is 42"]


async def test_a_lost_message_is_found_among_those_of_other_people(server, app):
    group = server.group("kitchen")
    ben = server.user("Ben")
    asked = server.say(group, ben, "hi")
    for number in range(20):
        server.say(group, ben, str(number))
    server.lose_answers()
    with pytest.raises(ChatUnavailable):
        await app.send(str(group.id), "here")
    found = await app.find_sent(
        str(group.id), "here", nonce="n", after=f"telegram:{group.id}:{asked}", known=set()
    )
    assert found == str(group.messages[max(group.messages)]["message_id"])
    assert server.ours(group) == ["here"]
    assert len(calls(server, "editMessageText")) == 1  # of nobody else's


async def test_a_hole_in_the_chat_is_not_its_end(server, cursors):
    heard, group, ben = Heard(), server.group("kitchen"), server.user("Ben")
    async with running(app_for(server, heard, cursors)) as app:
        asked = server.say(group, ben, "hi")
        for _ in range(2 * QUICK.probe_gap):
            del group.messages[server.say(group, ben, "gone in a moment")]
        server.say(group, ben, "still here")
        await server.wait_for(lambda: heard.messages and heard.messages[-1].text == "still here")
        server.lose_answers()
        with pytest.raises(ChatUnavailable):
            await app.send(str(group.id), "me too")
        after = f"telegram:{group.id}:{asked}"
        assert await app.find_sent(str(group.id), "me too", nonce="n", after=after, known=set())


async def test_when_it_cannot_be_found_out_that_is_told(server, app, ana):
    asked = server.say(ana, ana, "hi")
    server.flood(5, times=100, methods=("editMessageReplyMarkup",))
    with pytest.raises(ChatUnavailable):
        await app.find_sent(str(ana.id), "x", nonce="n", after=f"telegram:{ana.id}:{asked}", known=set())


async def test_a_connection_that_was_refused_did_nothing(server, cursors, ana):
    async with TelegramServer().running() as closed:
        pass
    app = app_for(server, Heard(), cursors, base_url=closed.base_url)
    with pytest.raises(ChatUnavailable) as caught:
        await app.send(str(ana.id), "x")
    assert not caught.value.maybe_done


async def test_an_emoji_that_somebody_drew_is_fetched_as_a_picture(server, app):
    still = {"file_id": server.file(b"drawn"), "file_unique_id": "u", "width": 1, "height": 1}
    moving = still | {"file_id": "moves", "type": "custom_emoji", "is_animated": True, "is_video": False}
    server.emoji["7"] = moving | {"thumbnail": still}
    assert await app.fetch(Media("emoji", "😀", ref="custom_emoji:7"), 1000) == b"drawn"


async def test_a_picture_is_fetched_by_its_id_and_within_its_size(server, app):
    cat = Media("image", mime="image/jpeg", ref=server.file(b"p" * 1000))
    assert await app.fetch(cat, 1000) == b"p" * 1000
    with pytest.raises(ChatRefused):
        await app.fetch(cat, 999)
    with pytest.raises(ChatRefused):
        await app.fetch(replace(cat, ref="http://127.0.0.1:1/secret"), 1000)
    assert {call.asked["file_id"] for call in calls(server, "getFile")} == {
        cat.ref,
        "http://127.0.0.1:1/secret",
    }
