"""Does a Facebook download come in: chats, encrypted ones too, posts and comments?"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from export_files import damaged, ingested, kept, left_out, put, zipped
from hypothesis import HealthCheck, given, settings

from ingest.pipeline import recognise as recognise_any
from ingest.source import Owner, Person
from ingest.sources.facebook import SOURCE, people, read, recognise
from storage.records import Attachment, Kind, Record, Skipped, stable_id

OWNER = Owner(name="Ola Brandt")
NOON = 1717243200  # 2024-06-01 12:00 UTC
CHAT = "messages/inbox/tamokonjo_10150123/message_1.json"
THREAD = f"facebook:{stable_id('facebook', '10150123')[:16]}"


def broken(text: str) -> str:
    return text.encode().decode("latin-1")


def message(second: int, sender: str, content: str | None, **more: Any) -> dict[str, Any]:
    about = {"sender_name": sender, "timestamp_ms": (NOON + second) * 1000, "is_geoblocked_for_viewer": False}
    return about | ({} if content is None else {"content": content}) | more


def chat(*messages: Any, names: tuple[str, ...] = ("Tam Okonjo", "Ola Brandt")) -> dict[str, Any]:
    return {
        "participants": [{"name": name} for name in names],
        "messages": list(messages),
        "title": names[0],
        "thread_path": "inbox/tamokonjo_10150123",
        "magic_words": [],
    }


def record(second: int, sender: str, text: str, where: str, **more: Any) -> Record:
    written = str((NOON + second) * 1000)
    return Record(
        id=stable_id("facebook", THREAD, sender, written, text, more.pop("nth", "0")),
        source="facebook",
        kind=Kind.MESSAGE,
        author_id="owner" if sender == "Ola Brandt" else f"facebook:{sender}",
        by_owner=sender == "Ola Brandt",
        thread_id=THREAD,
        said_at=datetime.fromtimestamp(NOON + second, UTC),
        text=text,
        audience=THREAD,
        origin=where,
        **more,
    )


@pytest.mark.parametrize("above", ["", "your_facebook_activity/", "your_activity_across_facebook/"])
def test_chats_come_in_with_their_letters_mended(tmp_path: Path, above: str) -> None:
    tam = broken("Tam Okonjö")
    put(
        tmp_path,
        above + CHAT,
        chat(
            message(3, "Ola Brandt", broken("who’s there? 👍"), photos=[{"uri": "x"}]),
            message(2, tam, "ha"),
            message(2, tam, "ha"),
            names=(tam, "Ola Brandt"),
        ),
    )
    where = above + CHAT
    assert list(read(tmp_path, OWNER)) == [
        record(3, "Ola Brandt", "who’s there? 👍", f"{where}#1", attachments=(Attachment("image"),)),
        record(2, "Tam Okonjö", "ha", f"{where}#2"),
        record(2, "Tam Okonjö", "ha", f"{where}#3", nth="1"),
    ]
    assert recognise_any(tmp_path) is SOURCE
    assert list(read(zipped(tmp_path), OWNER)) == list(read(tmp_path, OWNER))
    assert list(people(tmp_path, OWNER)) == [Person("facebook:Tam Okonjö", ("Tam Okonjö",))]


def test_what_nobody_typed_is_counted_with_its_reason(tmp_path: Path) -> None:
    put(
        tmp_path,
        CHAT,
        chat(
            message(1, "Tam Okonjo", "Tam sent a photo."),
            message(2, "Ola Brandt", "You missed a video call"),
            message(3, "Tam Okonjo", "Reacted ❤ to your message "),
            message(4, "Tam Okonjo", "x", is_unsent=True),
            message(5, "Tam Okonjo", None, sticker={"uri": "x"}),
            message(6, "Tam Okonjo", "x", call_duration=7),
            message(7, "Tam Okonjo", "x", timestamp_ms="soon"),
            message(8, "", "x"),
            "nonsense",
            message(9, "Tam Okonjo", "he sent a photo."),
        ),
    )
    assert list(read(tmp_path, OWNER)) == [
        Skipped(f"{CHAT}#1", "a system message", failed=False),
        Skipped(f"{CHAT}#2", "a system message", failed=False),
        Skipped(f"{CHAT}#3", "a system message", failed=False),
        Skipped(f"{CHAT}#4", "deleted", failed=False),
        Skipped(f"{CHAT}#5", "no words in it", failed=False),
        Skipped(f"{CHAT}#6", "a system message", failed=False),
        Skipped(f"{CHAT}#7", "no time that can be read"),
        Skipped(f"{CHAT}#8", "no sender"),
        Skipped(f"{CHAT}#9", "not a message"),
        record(9, "Tam Okonjo", "he sent a photo.", f"{CHAT}#10"),
    ]


def test_encrypted_chats_have_a_schema_of_their_own(tmp_path: Path) -> None:
    said = {
        "senderName": "Tam",
        "text": "hi",
        "timestamp": NOON * 1000,
        "type": "text",
        "isUnsent": False,
        "media": [],
    }
    mine = said | {"senderName": "Ola Brandt", "text": broken("größer"), "media": [{"uri": "x"}]}
    gone = said | {"isUnsent": True}
    notice = said | {"type": "placeholder"}
    content = {
        "participants": ["Tam", "Ola Brandt"],
        "threadName": "Tam_15",
        "messages": [said, mine, gone, notice],
    }
    put(tmp_path, "Tam_15.json", content)
    put(tmp_path, "media/x.json", {"other": 1})
    first, second = kept(SOURCE, tmp_path, OWNER)
    assert (first.by_owner, first.text, first.author_id) == (False, "hi", "facebook:Tam")
    assert (second.by_owner, second.text, second.attachments) == (True, "größer", (Attachment("file"),))
    assert first.thread_id == second.thread_id
    assert [one.why for one in left_out(SOURCE, tmp_path, OWNER)] == ["deleted", "a system message"]
    assert recognise(tmp_path) == 0.75


def test_posts_and_comments_come_in(tmp_path: Path) -> None:
    post = {
        "timestamp": NOON,
        "data": [{"post": broken("schön")}, {"update_timestamp": 1}],
        "title": "Ola wrote",
    }
    empty = {"timestamp": NOON, "title": "Ola was here"}
    comment = {"comment": "nice", "author": "Ola Brandt"}
    entry = {"timestamp": NOON, "data": [{"comment": comment}], "title": "x"}
    others = {"timestamp": NOON, "data": [{"comment": comment | {"author": "Tam"}}]}
    profile = {"profile_v2": {"name": {"full_name": "Ola Brandt"}}}
    posts = "posts/your_posts__check_ins__photos_and_videos_1.json"
    comments = "comments_and_reactions/comments.json"
    put(tmp_path, "personal_information/profile_information/profile_information.json", profile)
    put(tmp_path, posts, [post, empty, 7, post | {"timestamp": None}])
    put(tmp_path, comments, {"comments_v2": [entry, others]})
    first, second = kept(SOURCE, tmp_path, Owner())
    assert (first.kind, first.text, first.audience) == (Kind.POST, "schön", "owner")
    assert (second.kind, second.text, second.said_at) == (
        Kind.COMMENT,
        "nice",
        datetime.fromtimestamp(NOON, UTC),
    )
    assert left_out(SOURCE, tmp_path, Owner()) == [
        Skipped(f"{posts}#2", "no words in it", failed=False),
        Skipped(f"{posts}#3", "not a post"),
        Skipped(f"{posts}#4", "no time that can be read"),
        Skipped(f"{comments}#2", "somebody else's words", failed=False),
    ]
    assert recognise_any(tmp_path) is SOURCE


def test_files_that_overlap_add_nothing_twice(tmp_path: Path) -> None:
    put(tmp_path, CHAT, chat(message(3, "Tam Okonjo", "c"), message(2, "Tam Okonjo", "b")))
    put(
        tmp_path,
        CHAT.replace("_1.", "_2."),
        chat(message(2, "Tam Okonjo", "b"), message(1, "Tam Okonjo", "a")),
    )
    ledger = ingested(SOURCE, tmp_path, OWNER)
    assert (ledger.seen, ledger.kept, ledger.merged) == (4, 3, 1)


def test_a_torn_chat_keeps_its_good_prefix(tmp_path: Path) -> None:
    whole = json.dumps(chat(message(1, "Tam Okonjo", "one"), message(2, "Tam Okonjo", "two")))
    put(tmp_path, CHAT, whole[: whole.index("two")])
    assert list(read(tmp_path, OWNER)) == [
        record(1, "Tam Okonjo", "one", f"{CHAT}#1"),
        Skipped(f"{CHAT}#after 2", "the file breaks off here"),
    ]
    put(tmp_path, CHAT, "")
    assert list(read(tmp_path, OWNER)) == [Skipped(f"{CHAT}#after 0", "the file breaks off here")]


def test_an_empty_folder_says_so(tmp_path: Path) -> None:
    assert recognise(tmp_path) == 0.0
    why = "no Facebook download in JSON here; ask for it again and choose JSON"
    assert list(read(tmp_path, OWNER)) == [Skipped("messages", why)]


WHOLE = json.dumps(chat(message(1, "Tam", "hi"), message(2, "Ola Brandt", "yo"))).encode()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80, deadline=None)
@given(data=damaged(WHOLE), posts=damaged(b'[{"timestamp": 1717243200, "data": [{"post": "hi"}]}]'))
def test_files_damaged_anywhere_never_raise_and_the_ledger_closes(
    tmp_path: Path, data: bytes, posts: bytes
) -> None:
    put(tmp_path, CHAT, data)
    put(tmp_path, "x.json", data)
    put(tmp_path, "posts/your_posts_1.json", posts)
    put(tmp_path, "comments/comments.json", posts)
    put(tmp_path, "profile_information.json", posts)
    ingested(SOURCE, tmp_path, OWNER)
