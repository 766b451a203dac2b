"""Is what the owner said on Discord read on and on, and what others said left where it is?"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from api_server import Home, Naps, answers, cut, running
from discord_history import DiscordHistory

from ingest.api_source import ApiSource
from ingest.apis.discord import discord
from ingest.discord import record_id
from ingest.source import Owner
from ingest.sync_settings import SyncSettings
from storage.database import Database
from storage.records import Cursor, Kind, Record, now, stable_id

OWNER = Owner("Mira Vale", accounts={"discord": ("11",)})
LATELY = now().replace(microsecond=0) - timedelta(days=2)


@pytest.fixture
async def chat() -> AsyncIterator[DiscordHistory]:
    async with running(DiscordHistory()) as server:
        yield server


@pytest.fixture
def home(sqlite_database: Database, tmp_path: Path) -> Home:
    return Home(sqlite_database, tmp_path, OWNER)


def source(chat: DiscordHistory, *channels: str, naps: Naps | None = None) -> ApiSource:
    settings = SyncSettings(discord_channels=list(channels) or ["all"])
    return discord(settings, "the-key", chat.url, naps or Naps())


def minutes(number: float) -> datetime:
    return LATELY + timedelta(minutes=number)


async def half_a_day_later(home: Home, channel: str) -> None:
    """So that the trailing days are looked at again."""
    position = await home.position("discord", channel)
    whole = datetime.fromisoformat(position["whole"]) - timedelta(hours=13)
    await home.cursors.put(Cursor("sync:discord", channel, {**position, "whole": whole.isoformat()}, now()))


async def test_only_the_owner_is_kept_and_those_who_agreed(chat: DiscordHistory, home: Home) -> None:
    room = chat.channel(70_000)
    mine = chat.say(
        room, "mine <@12>", minutes(1), mentions=[{"id": "12", "username": "anni", "global_name": "Anni B"}]
    )
    chat.say(room, "no consent", minutes(2), by="12")
    yes = chat.say(
        room,
        "I agreed, says Anni B",
        minutes(3),
        by="13",
        type=19,
        message_reference={"message_id": mine["id"]},
    )
    report = await home.sync(source(chat), agreed=frozenset({"discord:13"}))
    assert report.ledger.unknown == []
    kept = {record.id: record for record in await home.records.find()}
    assert set(kept) == {record_id(mine["id"]), record_id(yes["id"])}
    assert kept[record_id(mine["id"])].by_owner
    assert not (other := kept[record_id(yes["id"])]).by_owner
    assert other.author_id.startswith("<PERSON_")
    assert other.reply_to == record_id(mine["id"])
    assert "Anni" not in other.text
    assert sum(report.ledger.dropped.values()) == 1


async def test_a_message_is_the_same_record_as_in_the_data_package(chat: DiscordHistory, home: Home) -> None:
    room = chat.channel(70_000)
    message = chat.say(room, "hello", minutes(1))
    from_package = Record(
        stable_id("discord", message["id"]),
        "discord_package",
        Kind.MESSAGE,
        "owner",
        True,
        f"discord:{room}",
        minutes(1),
        "hello",
        origin="Messages/c70000/messages.json#1",
    )
    await home.records.add_all([from_package])
    await home.sync(source(chat))
    assert [record.id for record in await home.records.find()] == [from_package.id]


async def test_a_long_channel_is_read_in_pages_and_then_only_what_is_new(
    chat: DiscordHistory, home: Home
) -> None:
    room = chat.channel(70_000)
    for number in range(250):
        chat.say(room, f"line {number}", minutes(number))
    report = await home.sync(source(chat))
    assert (report.ledger.kept, report.troubles) == (250, [])
    assert len(chat.asked_for("/messages")) == 3
    chat.asked.clear()
    chat.say(room, "one more", minutes(300))
    report = await home.sync(source(chat))
    assert (report.ledger.seen, report.ledger.kept) == (1, 1)
    assert len(chat.asked_for("/messages")) == 1


async def test_edits_and_deletions_of_the_last_days_are_found(chat: DiscordHistory, home: Home) -> None:
    room = chat.channel(70_000)
    for number in range(130):
        chat.say(room, f"line {number}", minutes(number))
    await home.sync(source(chat))
    chat.said[room][5] |= {"content": "said better", "edited_timestamp": minutes(500).isoformat()}
    del chat.said[room][120]
    del chat.said[room][10]
    assert (await home.sync(source(chat))).deleted == 0  # too soon to look again
    await half_a_day_later(home, room)
    report = await home.sync(source(chat))
    texts = await home.texts()
    assert report.deleted == 2
    assert not {"line 5", "line 10", "line 120"} & set(texts)
    assert "said better" in texts
    assert len(texts) == 128


async def test_a_message_older_than_the_trailing_days_is_left_as_it_was(
    chat: DiscordHistory, home: Home
) -> None:
    room = chat.channel(70_000)
    old = chat.say(room, "long ago", minutes(-60 * 24 * 30))
    chat.say(room, "lately", minutes(1))
    await home.sync(source(chat))
    chat.said[room].remove(old)
    await half_a_day_later(home, room)
    report = await home.sync(source(chat))
    assert (report.deleted, sorted(await home.texts())) == (0, ["lately", "long ago"])


async def test_losing_the_right_to_read_history_deletes_nothing(chat: DiscordHistory, home: Home) -> None:
    room = chat.channel(70_000)
    chat.say(room, "still mine", minutes(1))
    await home.sync(source(chat))
    chat.mute.add(room)
    await half_a_day_later(home, room)
    report = await home.sync(source(chat))
    assert (report.deleted, await home.texts()) == (0, ["still mine"])


async def test_a_scan_that_was_cut_or_has_a_hole_deletes_nothing(chat: DiscordHistory, home: Home) -> None:
    room = chat.channel(70_000)
    for number in range(130):
        chat.say(room, f"line {number}", minutes(number))
    await home.sync(source(chat))
    del chat.said[room][3]
    await half_a_day_later(home, room)
    chat.fault("/messages", *[cut] * 5)
    report = await home.sync(source(chat))
    assert (report.deleted, report.well) == (0, False)
    chat.said[room][7]["id"] = "damaged"
    report = await home.sync(source(chat))
    assert report.deleted == 0
    assert report.ledger.failed["no message id"] >= 1


async def test_a_forbidden_channel_is_told_once_as_a_failure_and_tried_every_time(
    chat: DiscordHistory, home: Home
) -> None:
    closed, room = chat.channel(70_000), chat.channel(70_001)
    chat.closed.add(closed)
    chat.say(closed, "behind the door", minutes(1))
    chat.say(room, "in the room", minutes(1))
    first = await home.sync(source(chat))
    assert (first.well, await home.texts()) == (False, ["in the room"])
    assert first.troubles[0].container == closed
    assert (await home.position("discord", closed))["refused"] == 403
    assert (await home.sync(source(chat))).well
    chat.closed.clear()
    assert (await home.sync(source(chat))).ledger.kept == 1
    assert "refused" not in await home.position("discord", closed)


async def test_threads_are_read_and_archived_ones_once(chat: DiscordHistory, home: Home) -> None:
    forum = chat.channel(70_000, kind=15)
    chat.active.append({"id": "71000", "type": 11, "thread_metadata": {}})
    chat.say("71000", "in a thread", minutes(50))
    for number in range(5):
        stamp = {"archive_timestamp": minutes(number).isoformat()}
        chat.archived.setdefault(forum, []).append({"id": str(72_000 + number), "thread_metadata": stamp})
        chat.say(str(72_000 + number), f"archived {number}", minutes(number))
    await home.sync(source(chat))
    assert len(await home.texts()) == 6
    chat.asked.clear()
    chat.archived[forum].append(
        {"id": "73000", "thread_metadata": {"archive_timestamp": minutes(99).isoformat()}}
    )
    chat.say("73000", "archived later", minutes(98))
    await home.sync(source(chat))
    assert len(await home.texts()) == 7
    assert chat.asked_for("/channels/72") == []
    assert chat.asked_for(f"/channels/{forum}/messages") == []  # a forum has no messages of its own


async def test_an_archived_thread_that_failed_is_read_the_next_time(chat: DiscordHistory, home: Home) -> None:
    forum = chat.channel(70_000, kind=15)
    chat.archived[forum] = [{"id": "72000", "thread_metadata": {"archive_timestamp": minutes(1).isoformat()}}]
    chat.say("72000", "archived", minutes(1))
    chat.fault("/channels/72000/messages", *[answers(503)] * 5)
    await home.sync(source(chat))
    assert await home.texts() == []
    await home.sync(source(chat))
    assert await home.texts() == ["archived"]


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"type": 7}, "a system message"),
        ({"webhook_id": "5"}, "written by a bot"),
        ({"message_reference": {"type": 1}}, "forwarded: somebody else's words"),
        ({"content": "", "attachments": [{"filename": "x.png"}]}, "no words in it"),
        ({"content": ""}, "hidden: the bot lacks the Message Content intent"),
        ({"author": None}, "no author"),
        ({"content": ["odd"], "embeds": [{}]}, "no words in it"),
    ],
)
async def test_what_is_no_message_of_the_owners_is_counted_with_its_reason(
    chat: DiscordHistory, home: Home, more: dict[str, Any], why: str
) -> None:
    room = chat.channel(70_000)
    chat.say(room, "words", minutes(1), **more)
    report = await home.sync(source(chat, room))
    assert (report.ledger.seen, report.ledger.kept) == (1, 0)
    assert {**report.ledger.dropped, **report.ledger.failed} == {why: 1}


async def test_discords_limits_are_waited_for(chat: DiscordHistory, home: Home) -> None:
    room = chat.channel(70_000)
    chat.say(room, "words", minutes(1))
    naps = Naps()
    chat.fault("/messages", answers(429, {"retry_after": 2.5, "global": False}, {"Retry-After": "3"}))
    chat.fault(
        "/users",
        answers(200, [{"id": "5"}], {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "1.5"}),
    )
    report = await home.sync(source(chat, naps=naps))
    assert report.ledger.kept == 1
    assert [round(nap) for nap in naps.seconds] == pytest.approx([1, 3], abs=1)


async def test_stopped_between_two_pages_it_goes_on_at_the_second(chat: DiscordHistory, home: Home) -> None:
    room = chat.channel(70_000)
    for number in range(150):
        chat.say(room, f"line {number}", minutes(number))
    second_page = asyncio.Event()

    async def never(request: Any) -> Any:
        second_page.set()
        await asyncio.sleep(60)

    chat.fault(f"after={chat.said[room][99]['id']}", never)
    run = asyncio.create_task(home.sync(source(chat, room)))
    async with asyncio.timeout(20):
        await second_page.wait()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert len(await home.texts()) == 100
    chat.asked.clear()
    await home.sync(source(chat, room))
    assert len(await home.texts()) == 150
    assert chat.asked_for("after=0") == []
