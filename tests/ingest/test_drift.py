"""Is it told when a format has grown, by name and never by value, and is nothing told of a normal export?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from export_files import KEY, ingested, put

from ingest.drift import MAX_FIELDS, MORE, NAMELESS, Drift, UnknownField, known
from ingest.ledger import Ledger
from ingest.pipeline import ingest
from ingest.source import Owner
from ingest.sources import SOURCES
from storage.cursors import CursorStore
from storage.records_store import RecordStore

OWNER = Owner(name="Ola Brandt", accounts={"x": ("5511",), "telegram": ("711",), "discord": ("81",)})
SECRET = "Tamsin"

DISCORD = [
    {"ID": 1191911000000000000 + n, "Timestamp": "2024-01-05 23:30:00", "Contents": "hi", "Attachments": ""}
    for n in range(3)
]
EXPORTER = {
    "guild": {"id": "1", "name": "g", "iconUrl": "u"},
    "channel": {"id": "2", "type": "GuildTextChat", "categoryId": "3", "category": "c", "name": "n"},
    "dateRange": {"after": None, "before": None},
    "exportedAt": "2026-01-01T00:00:00+00:00",
    "messages": [
        {
            "id": "1191911000000000000",
            "type": "Reply",
            "timestamp": "2024-01-05T23:30:00+00:00",
            "timestampEdited": None,
            "callEndedTimestamp": None,
            "isPinned": False,
            "content": "hi",
            "author": {
                "id": "81",
                "name": "ola",
                "discriminator": "0000",
                "nickname": "Ola",
                "color": None,
                "isBot": False,
                "roles": [{"id": "4", "name": "r", "color": None, "position": 1}],
                "avatarUrl": "u",
            },
            "attachments": [{"id": "5", "url": "u", "fileName": "a.png", "fileSizeBytes": 3}],
            "embeds": [],
            "stickers": [],
            "reactions": [],
            "mentions": [],
            "reference": {"type": "Default", "messageId": "6", "channelId": "2", "guildId": "1"},
            "inlineEmojis": [],
        },
        {"id": "1191911000000000001", "type": "20", "timestamp": "2024-01-05T23:31:00+00:00", "content": "x"},
    ],
    "messageCount": 2,
}
TELEGRAM = {
    "name": "Tam",
    "type": "personal_chat",
    "id": 77,
    "messages": [
        {
            "id": 1,
            "type": "message",
            "date": "2024-06-01T13:00:00",
            "date_unixtime": "1717243200",
            "from": "Ola",
            "from_id": "user711",
            "text": ["see ", {"type": "link", "text": "https://example.org"}],
            "text_entities": [{"type": "plain", "text": "see "}],
            "reactions": [{"type": "emoji", "count": 1, "emoji": "x"}],
        },
        {
            "id": 2,
            "type": "service",
            "date": "2024-06-01T13:00:01",
            "date_unixtime": "1717243201",
            "actor": "Tam",
            "actor_id": "user77",
            "action": "phone_call",
            "discard_reason": "missed",
            "text": "",
            "text_entities": [],
        },
    ],
}
SLACK = [
    {
        "client_msg_id": "a",
        "type": "message",
        "subtype": "thread_broadcast",
        "user": "U711",
        "text": "hi",
        "ts": "1717243200.000100",
        "team": "T1",
        "blocks": [],
        "user_profile": {},
        "edited": {"user": "U711", "ts": "1717243201.000000"},
    }
]
FACEBOOK = {
    "participants": [{"name": "Ola Brandt"}, {"name": "Tam"}],
    "messages": [
        {
            "sender_name": "Tam",
            "timestamp_ms": 1717243200000,
            "content": "hi",
            "is_geoblocked_for_viewer": False,
        }
    ],
    "title": "Tam",
    "is_still_participant": True,
    "thread_path": "inbox/tam_1234567",
    "magic_words": [],
}
POST = {
    "tweet": {
        "edit_info": {},
        "retweeted": False,
        "source": "web",
        "entities": {"hashtags": [], "symbols": [], "user_mentions": [], "urls": []},
        "display_text_range": ["0", "2"],
        "favorite_count": "0",
        "id_str": "9",
        "truncated": False,
        "retweet_count": "0",
        "id": "9",
        "created_at": "Tue Mar 19 14:05:17 +0000 2019",
        "favorited": False,
        "full_text": "hi",
        "lang": "en",
    }
}
HISTORY = [
    {
        "header": "YouTube",
        "title": "Watched moss",
        "titleUrl": "https://www.youtube.com/watch?v=abcdefg",
        "subtitles": [{"name": "c", "url": "u"}],
        "time": "2024-06-01T12:00:00.000Z",
        "products": ["YouTube"],
        "activityControls": ["YouTube watch history"],
        "details": [{"name": "From Google Ads"}],
    }
]
ACTIVITY = {
    "id": "a/activity",
    "type": "Create",
    "actor": "a",
    "published": "2024-06-01T12:00:00Z",
    "to": ["as:Public"],
    "cc": [],
    "object": {
        "id": "a/1",
        "type": "Note",
        "summary": None,
        "inReplyTo": None,
        "published": "2024-06-01T12:00:00Z",
        "url": "u",
        "attributedTo": "a",
        "to": ["as:Public"],
        "cc": [],
        "sensitive": False,
        "atomUri": "a/1",
        "inReplyToAtomUri": None,
        "conversation": "c",
        "content": "<p>hi</p>",
        "contentMap": {"en": "<p>hi</p>"},
        "attachment": [],
        "tag": [],
        "replies": {},
    },
}
OUTBOX = {
    "@context": "https://www.w3.org/ns/activitystreams",
    "id": "outbox.json",
    "type": "OrderedCollection",
    "totalItems": 1,
    "orderedItems": [ACTIVITY],
}
FRAME = {"chatItem": {"chatId": "1", "authorId": "1", "dateSent": "1717243200000", "outgoing": {}}}
COMMENTS = (
    "id,permalink,date,ip,subreddit,gildings,link,parent,body,media\n"
    "a1,p,2023-01-15 12:34:56 UTC,,moss,0,l,,hi,\n"
)

# source, file, its content as it is today, and the same with something new in it: where, field, type
EXPORTS: list[tuple[str, str, Any, Any, UnknownField]] = [
    (
        "discord_package",
        "Messages/c123456789/messages.json",
        DISCORD,
        [*DISCORD[:1], *({**one, "Mood": SECRET} for one in DISCORD[1:])],
        UnknownField("message", "mood", 2, "text"),
    ),
    (
        "discord_package",
        "Messages/c123456789/messages.csv",
        "ID,Timestamp,Contents,Attachments\n1191911000000000000,2024-01-05 23:30:00,hi,\n",
        f"ID,Timestamp,Contents,Attachments,Mood\n1191911000000000000,2024-01-05 23:30:00,hi,,{SECRET}\n",
        UnknownField("message", "mood", 1, "text"),
    ),
    (
        "discord_chat_exporter",
        "a.json",
        EXPORTER,
        {
            **EXPORTER,
            "messages": [{**EXPORTER["messages"][0], "author": {"id": "81", "pronouns": [SECRET]}}],
        },
        UnknownField("message.author", "pronouns", 1, "list"),
    ),
    (
        "telegram",
        "result.json",
        TELEGRAM,
        {
            **TELEGRAM,
            "messages": [*TELEGRAM["messages"], {**TELEGRAM["messages"][0], "id": 3, "type": "live"}],
        },
        UnknownField("message", "type = live", 1, "kind"),
    ),
    (
        "telegram",
        "result.json",
        TELEGRAM,
        {"wallpaper": {"by": SECRET}, **TELEGRAM},
        UnknownField("file", "wallpaper", 1, "object"),
    ),
    (
        "slack",
        "general/2024-06-01.json",
        SLACK,
        [{**SLACK[0], "voice_note": True}],
        UnknownField("message", "voice_note", 1, "yes or no"),
    ),
    (
        "facebook",
        "messages/inbox/tam_1234567/message_1.json",
        FACEBOOK,
        {**FACEBOOK, "nicknames": [SECRET]},
        UnknownField("file", "nicknames", 1, "list"),
    ),
    (
        "x_archive",
        "data/tweets.js",
        f"window.YTD.tweets.part0 = {json.dumps([POST])}",
        f"window.YTD.tweets.part0 = {json.dumps([{'tweet': {**POST['tweet'], 'article': {'by': SECRET}}}])}",
        UnknownField("post", "article", 1, "object"),
    ),
    (
        "youtube",
        "history/watch-history.json",
        HISTORY,
        [{**HISTORY[0], "duration": 7}],
        UnknownField("history", "duration", 1, "number"),
    ),
    (
        "youtube",
        "watch-history.html",
        '<div class="outer-cell"><div class="content-cell mdl-typography--body-1">Watched moss</div></div>',
        '<div class="outer-cell"><p class="mdl-typography--title">YouTube</p>'
        '<div class="content-cell mdl-typography--aside">Tamsin</div></div>',
        UnknownField("history", "cell = aside", 1, "kind"),
    ),
    (
        "mastodon",
        "outbox.json",
        OUTBOX,
        {**OUTBOX, "orderedItems": [{**ACTIVITY, "object": {**ACTIVITY["object"], "mood": SECRET}}]},
        UnknownField("activity.object", "mood", 1, "text"),
    ),
    (
        "signal",
        "main.jsonl",
        json.dumps(FRAME),
        json.dumps({"chatItem": {**FRAME["chatItem"], "pinned": True}}),
        UnknownField("frame.chatItem", "pinned", 1, "yes or no"),
    ),
    (
        "reddit",
        "comments.csv",
        COMMENTS,
        COMMENTS.replace("media\n", "media,mood\n").replace(",hi,\n", f",hi,,{SECRET}\n"),
        UnknownField("comments", "mood", 1, "text"),
    ),
    (
        "instagram",
        "media/posts_1.json",
        [{"media": [{"uri": "u", "creation_timestamp": 1717243200, "title": "moss"}]}],
        [{"media": [{"uri": "u", "creation_timestamp": 1717243200, "title": "moss", "song": {"a": SECRET}}]}],
        UnknownField("post.media", "song", 1, "object"),
    ),
    (
        "notion",
        f"Page {'a' * 32}.html",
        '<article><tr class="property-row property-row-date"><th>Day</th><td>x</td></tr></article>',
        '<article><tr class="property-row property-row-mood"><th>Day</th><td>x</td></tr></article>',
        UnknownField("property", "kind = mood", 1, "kind"),
    ),
]


@pytest.mark.parametrize(("name", "file", "today", "grown", "field"), EXPORTS)
def test_a_normal_export_names_nothing_and_a_new_field_is_told_without_its_value(
    tmp_path: Path, name: str, file: str, today: Any, grown: Any, field: UnknownField
) -> None:
    put(tmp_path / "today", file, today)
    put(tmp_path / "grown", file, grown)
    assert ingested(SOURCES[name], tmp_path / "today", OWNER).unknown == []
    ledger = ingested(SOURCES[name], tmp_path / "grown", OWNER)
    assert ledger.unknown == [field]
    assert SECRET not in json.dumps(ledger.as_json()["unknown_fields"])


async def test_the_ledger_tells_it_in_json_and_again_when_nothing_changed(
    tmp_path: Path, database: Any
) -> None:
    path = put(tmp_path, "result.json", {"wallpaper": 7, **TELEGRAM})
    about = {"key": KEY, "cursors": CursorStore(database)}
    first = await ingest("telegram", path, OWNER, RecordStore(database), **about)
    again = await ingest("telegram", path, OWNER, RecordStore(database), **about)
    told = [{"where": "file", "field": "wallpaper", "count": 1, "type": "number"}]
    assert first.as_json()["unknown_fields"] == again.as_json()["unknown_fields"] == told
    assert again.unchanged
    assert first.closes()


def test_endless_new_names_take_no_endless_memory_and_private_ones_are_not_repeated() -> None:
    drift = Drift()
    for number in range(MAX_FIELDS * 3):
        drift.look("message", {f"f{number}": 1}, known("id"))
    found = drift.found()
    assert len(found) == MAX_FIELDS + 1
    assert [one.count for one in found if one.field == MORE] == [MAX_FIELDS * 2]
    for private in ("+37060012345", "tam@example.org", "user 1234567", "", "x" * 61):
        drift = Drift()
        drift.look("message", {private: SECRET}, known("id"))
        assert [one.field for one in drift.found()] == [NAMELESS]
    drift = Drift()
    drift.look("message", {"type": "call Tamsin on 600"}, known("id", values={"type": "text"}))
    assert [one.field for one in drift.found()] == ["type = (another)"]


def test_only_declared_places_are_looked_into() -> None:
    drift = Drift()
    shape = known("id", author=known("name"))
    drift.look("message", {"id": {"deep": 1}, "author": [{"name": 1}, {"nick": None}, 7]}, shape)
    drift.look("message", [{"id": 1}, "text"], shape)
    drift.look("message", None, shape)
    assert drift.found() == [UnknownField("message.author", "nick", 1, "nothing")]
    assert Ledger("x", unknown=drift.found()).as_json()["unknown_fields"][0]["where"] == "message.author"
