"""Does a Mastodon archive come in: the owner's own posts, as plain text, heard only by who may hear them?"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from export_files import damaged, ingested, kept, left_out, put, zipped
from hypothesis import HealthCheck, given, settings

from ingest.drift import UnknownField
from ingest.source import Owner, Person
from ingest.sources.mastodon import SOURCE, people, read, recognise
from storage.records import Attachment, Kind, Record, Skipped, stable_id

HOME = "https://social.example"
OWNER = Owner(accounts={"mastodon": ("@ola@social.example",)})
ACTOR = {"id": f"{HOME}/users/ola", "preferredUsername": "ola", "name": "Ola Brandt"}
PUBLIC = "https://www.w3.org/ns/activitystreams#Public"
FOLLOWERS = f"{HOME}/users/ola/followers"


def note(number: int, content: str, **more: Any) -> dict[str, Any]:
    uri = f"{HOME}/users/ola/statuses/{number}"
    published = f"2023-05-01T10:00:{number:02}Z"
    about = {"id": uri, "type": "Note", "content": content, "published": published, "to": [PUBLIC]} | more
    return {
        "type": "Create",
        "published": published,
        "to": about["to"],
        "cc": about.get("cc", []),
        "object": about,
    }


def outbox(*activities: Any) -> dict[str, Any]:
    context = "https://www.w3.org/ns/activitystreams"
    items = list(activities)
    return {"@context": context, "id": "outbox.json", "type": "OrderedCollection", "orderedItems": items}


def record(number: int, text: str, **more: Any) -> Record:
    uri = f"{HOME}/users/ola/statuses/{number}"
    thread = more.pop("thread", uri)
    return Record(
        id=stable_id("mastodon", uri),
        source="mastodon",
        author_id="owner",
        by_owner=True,
        thread_id=f"mastodon:{stable_id('mastodon', thread)[:16]}",
        said_at=datetime(2023, 5, 1, 10, 0, number, tzinfo=UTC),
        text=text,
        origin=f"outbox.json#{more.pop('nth', number)}",
        **({"kind": Kind.POST, "audience": "public"} | more),
    )


def test_posts_come_in_as_plain_text_and_boosts_do_not(tmp_path: Path) -> None:
    tam = {"type": "Mention", "href": "https://else.example/users/tam", "name": "@tam@else.example"}
    parent = "https://else.example/users/tam/statuses/9"
    answer = note(
        2,
        '<p><span class="h-card"><a href="https://else.example/@tam" class="u-url mention">@<span>tam</span>'
        "</a></span>"
        ' read <a href="https://example.org/long"><span class="invisible">https://</span><span>exam…</span></a></p>',
        inReplyTo=parent,
        conversation="tag:else.example,2023:7",
        summary="climbing",
        contentMap={"en": "x"},
        tag=[tam, {"type": "Hashtag", "name": "#x"}, tam | {"href": f"{HOME}/users/tam", "name": "@tam"}],
        attachment=[{"type": "Document", "mediaType": "image/png"}],
        updated="2023-05-02T00:00:00Z",
    )
    boost = {"type": "Announce", "published": "2023-05-01T10:00:00Z", "object": "https://else.example/1"}
    put(tmp_path, "actor.json", ACTOR)
    put(tmp_path, "outbox.json", outbox(note(1, "<p>one<br />two</p>"), answer, boost))
    assert list(read(tmp_path, OWNER)) == [
        record(1, "one\ntwo"),
        record(
            2,
            "climbing\n\n@\ue000person:mastodon:https://else.example/users/tam\ue001 read https://example.org/long",
            kind=Kind.COMMENT,
            thread="tag:else.example,2023:7",
            reply_to=stable_id("mastodon", parent),
            lang="en",
            attachments=(Attachment("image"),),
            edited_at=datetime(2023, 5, 2, tzinfo=UTC),
        ),
        Skipped("outbox.json#3", "a boost: somebody else's words", failed=False),
    ]
    assert recognise(tmp_path) == 0.95
    assert list(read(zipped(tmp_path), OWNER)) == list(read(tmp_path, OWNER))
    assert list(people(tmp_path, OWNER)) == [
        Person("mastodon:https://else.example/users/tam", (), ("tam",)),
        Person(f"mastodon:{HOME}/users/tam", (), ("tam",)),
    ]


@pytest.mark.parametrize(
    ("to", "cc", "audience"),
    [
        ([PUBLIC], [FOLLOWERS], "public"),
        ([FOLLOWERS], ["as:Public"], "public"),
        ([FOLLOWERS], [], "owner"),
        (["https://else.example/users/tam"], [], "owner"),
        (PUBLIC, None, "public"),
        (None, None, "owner"),
    ],
)
def test_only_what_everybody_may_read_is_said_to_everybody(
    tmp_path: Path, to: Any, cc: Any, audience: str
) -> None:
    put(tmp_path, "outbox.json", outbox(note(1, "<p>hi</p>", to=to, cc=cc)))
    assert [one.audience for one in kept(SOURCE, tmp_path, OWNER)] == [audience]


def test_what_is_no_post_is_counted_with_its_reason(tmp_path: Path) -> None:
    poll = {"type": "Move", "object": "x"}
    put(
        tmp_path,
        "archive/outbox.json",
        outbox(
            note(1, ""), note(2, "x", published="soon") | {"published": 7}, note(3, "x", id=None), poll, 7
        ),
    )
    where = "archive/outbox.json"
    assert list(read(tmp_path, OWNER)) == [
        Skipped(f"{where}#1", "no words in it", failed=False),
        Skipped(f"{where}#2", "no time that can be read"),
        Skipped(f"{where}#3", "no post id"),
        Skipped(f"{where}#4", "not a post", failed=False),
        Skipped(f"{where}#5", "not a post"),
        UnknownField("activity", "type = Move", 1, "kind"),
    ]


def test_a_torn_archive_keeps_its_good_prefix(tmp_path: Path) -> None:
    whole = json.dumps(outbox(note(1, "one"), note(2, "two")))
    put(tmp_path, "outbox.json", whole[: whole.index("two")])
    assert list(read(tmp_path, OWNER)) == [
        record(1, "one"),
        Skipped("outbox.json#after 2", "the file breaks off here"),
    ]


def test_somebody_elses_archive_is_refused_whole(tmp_path: Path) -> None:
    put(
        tmp_path,
        "actor.json",
        ACTOR | {"id": "https://social.example/users/else", "preferredUsername": "else"},
    )
    put(tmp_path, "outbox.json", outbox(note(1, "not mine")))
    assert kept(SOURCE, tmp_path, OWNER) == []
    assert "accounts.mastodon" in left_out(SOURCE, tmp_path, OWNER)[0].why
    assert len(kept(SOURCE, tmp_path, Owner())) == 1


def test_other_files_are_not_taken_for_one(tmp_path: Path) -> None:
    put(tmp_path, "outbox.json", {"orderedItems": []})
    assert recognise(tmp_path) == 0.0
    (tmp_path / "outbox.json").unlink()
    why = "no outbox.json here; unpack a tar.gz first"
    assert list(read(tmp_path, OWNER)) == [Skipped("outbox.json", why)]


WHOLE = json.dumps(
    outbox(note(1, '<p>hi <a href="x">@a</a></p>', tag=[{"type": "Mention", "name": "@a"}]))
).encode()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80, deadline=None)
@given(data=damaged(WHOLE))
def test_a_file_damaged_anywhere_never_raises_and_the_ledger_closes(tmp_path: Path, data: bytes) -> None:
    put(tmp_path, "outbox.json", data)
    put(tmp_path, "actor.json", data)
    ingested(SOURCE, tmp_path, OWNER)
