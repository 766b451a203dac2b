"""Does an Instagram download come in: direct messages, captions, comments, whatever its labels say?"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from export_files import damaged, ingested, kept, left_out, put, zipped
from hypothesis import HealthCheck, given, settings

from ingest.pipeline import recognise as recognise_any
from ingest.source import Owner, Person
from ingest.sources.instagram import SOURCE, people, read, recognise
from storage.records import Attachment, Kind, Skipped

OWNER = Owner(name="Ola Brandt")
NOON = 1717243200  # 2024-06-01 12:00 UTC
CHAT = "your_instagram_activity/messages/inbox/tam_17840/message_1.json"
AT_NOON = datetime.fromtimestamp(NOON, UTC)


def test_direct_messages_come_in_with_their_letters_mended(tmp_path: Path) -> None:
    said = {"sender_name": "Tam", "timestamp_ms": NOON * 1000, "content": "schÃ¶n"}
    mine = {"sender_name": "Ola B.", "timestamp_ms": NOON * 1000 + 1, "content": "ja", "photos": [{}]}
    put(tmp_path, CHAT, {"participants": [{"name": "Tam"}, {"name": "Ola B."}], "messages": [mine, said]})
    name = {"string_map_data": {"Name": {"value": "Ola B."}, "E-mail": {"value": "o@example.org"}}}
    put(tmp_path, "personal_information/personal_information.json", {"profile_user": [name]})
    second, first = kept(SOURCE, tmp_path, Owner())
    assert (first.by_owner, first.text, first.author_id) == (False, "schön", "instagram:Tam")
    assert (second.by_owner, second.text, second.attachments) == (True, "ja", (Attachment("image"),))
    assert first.thread_id == second.thread_id == first.audience
    assert recognise_any(tmp_path) is SOURCE
    assert list(read(zipped(tmp_path), Owner())) == list(read(tmp_path, Owner()))
    assert list(people(tmp_path, Owner())) == [Person("instagram:Tam", ("Tam",))]


def test_a_folder_with_chats_alone_is_known_by_the_word_instagram(tmp_path: Path) -> None:
    said = {"sender_name": "Tam", "timestamp_ms": NOON * 1000, "content": "hi"}
    put(tmp_path, CHAT, {"participants": [{"name": "Tam"}], "messages": [said]})
    assert recognise_any(tmp_path) is SOURCE


@pytest.mark.parametrize(
    "comment",
    [
        {
            "media_list_data": [],
            "string_map_data": {
                "Comment": {"value": "nice"},
                "Media Owner": {"value": "tam"},
                "Time": {"timestamp": NOON},
            },
        },
        {"string_map_data": {"Kommentar": {"value": "nice"}, "Zeit": {"timestamp": NOON}}},
        {"label_values": [{"label": "Komentar", "value": "nice"}, {"label": "Čas", "timestamp_value": NOON}]},
        {
            "timestamp": NOON,
            "label_values": [{"label": "Comment", "value": "nice"}, {"label": "x", "dict": []}],
        },
    ],
)
def test_comments_are_told_by_place_not_by_label(tmp_path: Path, comment: dict[str, Any]) -> None:
    put(tmp_path, "comments/post_comments_1.json", [comment])
    put(tmp_path, "comments/reels_comments.json", {"comments_reels_comments": [comment]})
    found = kept(SOURCE, tmp_path, OWNER)
    assert [(one.text, one.kind, one.said_at) for one in found] == [("nice", Kind.COMMENT, AT_NOON)] * 2
    assert recognise(tmp_path) == 0.92


def test_a_caption_stands_on_the_post_or_on_its_only_picture(tmp_path: Path) -> None:
    picture = {"uri": "media/x.jpg", "creation_timestamp": NOON, "title": "the wall"}
    album = {"media": [picture, picture], "title": "two of it", "creation_timestamp": NOON}
    exif = {"media_metadata": {"photo_metadata": {"exif_data": [{"latitude": 46.05}]}}}
    silent = {"media": [picture | {"title": ""}]}
    undated = {"title": "when", "media": [7]}
    put(tmp_path, "media/posts_1.json", [{"media": [picture | exif]}, album, silent, undated, 7])
    first, second = kept(SOURCE, tmp_path, OWNER)
    assert (first.text, first.kind, first.said_at, len(first.attachments)) == (
        "the wall",
        Kind.POST,
        AT_NOON,
        1,
    )
    assert (second.text, len(second.attachments)) == ("two of it", 2)
    where = "media/posts_1.json"
    assert left_out(SOURCE, tmp_path, OWNER) == [
        Skipped(f"{where}#3", "no words in it", failed=False),
        Skipped(f"{where}#4", "no time that can be read"),
        Skipped(f"{where}#5", "not a post"),
    ]


def test_an_empty_folder_says_so(tmp_path: Path) -> None:
    put(tmp_path, "posts_1.json", "")
    assert recognise(tmp_path) == 0.0
    why = "no Instagram download in JSON here; ask for it again and choose JSON"
    assert list(read(tmp_path, OWNER)) == [Skipped("messages", why)]


COMMENT = b'[{"string_map_data": {"Comment": {"value": "hi"}, "Time": {"timestamp": 1717243200}}}]'


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80, deadline=None)
@given(
    data=damaged(COMMENT), posts=damaged(b'[{"media": [{"title": "hi", "creation_timestamp": 1717243200}]}]')
)
def test_files_damaged_anywhere_never_raise_and_the_ledger_closes(
    tmp_path: Path, data: bytes, posts: bytes
) -> None:
    put(tmp_path, "post_comments_1.json", data)
    put(tmp_path, "posts_1.json", posts)
    put(tmp_path, "personal_information.json", data)
    ingested(SOURCE, tmp_path, OWNER)
