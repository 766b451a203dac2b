"""Does an archive from X come in whole: long posts, replies and direct messages, and nobody else's words?"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from export_files import damaged, ingested, kept, left_out, put, zipped
from hypothesis import HealthCheck, given, settings

from ingest.source import Owner, Person
from ingest.sources.x_archive import SOURCE, people, read, recognise
from storage.records import Attachment, Kind, Record, Skipped, stable_id

OWNER = Owner(name="Ola Brandt", accounts={"x": ("5511",)})
ACCOUNT = [{"account": {"accountId": "5511", "username": "ola", "email": "ola@example.org"}}]


def script(what: str, items: Any, part: int = 0) -> str:
    return f"window.YTD.{what}.part{part} = {json.dumps(items, ensure_ascii=False)}"


def post(number: int, text: str, **more: Any) -> dict[str, Any]:
    created = f"Tue Mar 19 14:05:{number:02} +0000 2019"
    return {"tweet": {"id_str": str(number), "created_at": created, "full_text": text, "lang": "en"} | more}


def record(number: int, text: str, where: str, **more: Any) -> Record:
    return Record(
        id=stable_id("x", str(number)),
        source="x_archive",
        author_id="owner",
        by_owner=True,
        said_at=datetime(2019, 3, 19, 14, 5, number, tzinfo=UTC),
        text=text,
        audience="public",
        origin=where,
        **({"kind": Kind.POST, "thread_id": f"x:{number}"} | more),
    )


def test_posts_and_replies_come_in_and_reposts_do_not(tmp_path: Path) -> None:
    tam = {"screen_name": "Tam_C", "name": "Tam Okonjo", "id_str": "77"}
    answer = post(
        2,
        "@tam_c look &amp; see https://t.co/a1 https://t.co/p2",
        in_reply_to_status_id_str="9",
        entities={
            "user_mentions": [tam],
            "urls": [{"url": "https://t.co/a1", "expanded_url": "https://example.org/wall"}],
            "media": [{"url": "https://t.co/p2", "type": "photo"}],
        },
    )
    put(tmp_path, "data/account.js", script("account", ACCOUNT))
    put(tmp_path, "data/tweets.js", script("tweets", [post(1, "hello"), answer, post(3, "RT @else: theirs")]))
    put(tmp_path, "data/tweets-part1.js", script("tweets", [post(1, "hello"), post(4, "fourth")["tweet"]], 1))
    put(tmp_path, "data/deleted-tweets.js", script("deleted_tweets", [post(5, "I took this back")]))
    put(tmp_path, "data/like.js", script("like", [{"like": {"fullText": "not mine"}}]))
    first, second = "data/tweets.js", "data/tweets-part1.js"
    assert list(read(tmp_path, OWNER)) == [
        record(1, "hello", f"{second}#1"),
        record(4, "fourth", f"{second}#2"),
        record(1, "hello", f"{first}#1"),
        record(
            2,
            "@\ue000person:x:77\ue001 look & see https://example.org/wall",
            f"{first}#2",
            kind=Kind.COMMENT,
            thread_id="x:9",
            reply_to=stable_id("x", "9"),
            attachments=(Attachment("image"),),
        ),
        Skipped(f"{first}#3", "a repost: somebody else's words", failed=False),
    ]
    assert recognise(tmp_path) == 0.95
    assert list(read(zipped(tmp_path), OWNER)) == list(read(tmp_path, OWNER))
    assert ingested(SOURCE, tmp_path, OWNER).merged == 1
    assert list(people(tmp_path, OWNER)) == [Person("x:77", ("Tam Okonjo",), ("Tam_C",))]


def test_a_long_post_is_whole_again(tmp_path: Path) -> None:
    long, other = "I climbed & fell. " * 30 + "The end.", "another in that second"
    short = long.replace("&", "&amp;")[:275] + "… https://t.co/x9"
    put(tmp_path, "data/tweets.js", script("tweets", [post(1, short), post(2, short)]))
    notes = [
        {"noteTweet": {"createdAt": "2019-03-19T14:05:01.123Z", "core": {"text": text}}}
        for text in (other, long)
    ]
    new = {"createdAt": "2019-03-19T14:05:02.000Z", "noteTweetResults": {"result": {"text": long}}}
    put(tmp_path, "data/note-tweet.js", script("note_tweet", [*notes, {"noteTweet": new}, {"noteTweet": {}}]))
    assert [one.text for one in kept(SOURCE, tmp_path, OWNER)] == [long, long]
    assert left_out(SOURCE, tmp_path, OWNER) == [
        Skipped("data/note-tweet.js#4", "a long post without text or time")
    ]


@pytest.mark.timeout(20)
def test_blanks_without_end_take_no_time(tmp_path: Path) -> None:
    blanks = "I" + " " * 200_000
    put(tmp_path, "data/tweets.js", script("tweets", [post(1, f"{blanks}fell")]))
    note = {"createdAt": "2019-03-19T14:05:01.123Z", "core": {"text": "I climbed"}}
    put(tmp_path, "data/note-tweet.js", script("note_tweet", [{"noteTweet": note}]))
    assert [one.text for one in kept(SOURCE, tmp_path, OWNER)] == [f"{blanks}fell"]


def direct(number: int, sender: str, text: str, **more: Any) -> dict[str, Any]:
    created = f"2020-05-01T10:00:0{number}.500Z"
    return {
        "messageCreate": {"id": str(number), "senderId": sender, "text": text, "createdAt": created} | more
    }


def test_the_number_of_no_character_stays_as_it_is_written(tmp_path: Path) -> None:
    endless = "&#" + "9" * 5000 + ";"
    put(tmp_path, "data/tweets.js", script("tweets", [post(1, endless)]))
    assert [one.text for one in read(tmp_path, OWNER) if isinstance(one, Record)] == [endless]


def test_direct_messages_have_both_sides_and_are_nobody_elses_business(tmp_path: Path) -> None:
    link = {"url": "https://t.co/q", "expanded": "https://example.org/q"}
    talk = [
        direct(1, "5511", "see https://t.co/q", urls=[link], mediaUrls=["https://example.org/i.jpg"]),
        direct(2, "77", "hi &lt;3"),
        {"joinConversation": {"initiatingUserId": "77"}},
        direct(3, "77", ""),
        direct(4, "77", "undated", createdAt="soon"),
        "nonsense",
    ]
    talks = [{"dmConversation": {"conversationId": "77-5511", "messages": talk}}, 7]
    put(tmp_path, "data/account.js", script("account", ACCOUNT))
    put(tmp_path, "data/direct-messages.js", script("direct_messages", talks))
    first, second = kept(SOURCE, tmp_path, Owner())
    assert (first.by_owner, first.text, first.kind) == (True, "see https://example.org/q", Kind.MESSAGE)
    assert (second.by_owner, second.text, second.author_id) == (False, "hi <3", "x:77")
    assert first.thread_id == first.audience == second.audience != "public"
    assert first.said_at == datetime(2020, 5, 1, 10, 0, 1, 500_000, tzinfo=UTC)
    assert first.attachments == (Attachment("image"),)
    where = "data/direct-messages.js"
    assert left_out(SOURCE, tmp_path, Owner()) == [
        Skipped(f"{where}#3", "a system message", failed=False),
        Skipped(f"{where}#4", "no words in it", failed=False),
        Skipped(f"{where}#5", "no time that can be read"),
        Skipped(f"{where}#6", "not a message"),
    ]


def test_without_an_account_direct_messages_are_nobodys(tmp_path: Path) -> None:
    talks = [{"dmConversation": {"conversationId": "77-5511", "messages": [direct(1, "5511", "hi")]}}]
    put(tmp_path, "data/direct-messages-group.js", script("direct_messages_group", talks))
    (only,) = read(tmp_path, Owner())
    assert isinstance(only, Skipped)
    assert "accounts.x" in only.why


def test_somebody_elses_archive_is_refused_whole(tmp_path: Path) -> None:
    put(tmp_path, "data/account.js", script("account", [{"account": {"accountId": "42"}}]))
    put(tmp_path, "data/tweets.js", script("tweets", [post(1, "hello")]))
    why = "this archive is account 42's, which is not in [owner] accounts.x"
    assert list(read(tmp_path, OWNER)) == [Skipped("data/account.js", why)]


def test_bad_rows_and_torn_files_cost_only_themselves(tmp_path: Path) -> None:
    rows = [
        "nonsense",
        {"tweet": {"full_text": "no id"}},
        post(3, "too old", created_at="Tue Mar 19 14:05:17 +0000 1997"),
        post(4, "https://t.co/p", entities={"media": [{"url": "https://t.co/p", "type": "video"}]}),
        post(5, "torn"),
    ]
    whole = script("tweets", rows)
    put(tmp_path, "data/tweets.js", whole[: whole.index("torn")])
    put(tmp_path, "data/community-tweet.js", "")
    put(tmp_path, "data/direct-messages.js", "window.YTD.direct_messages.part0 = [{")
    assert list(read(tmp_path, OWNER)) == [
        Skipped("data/community-tweet.js#after 0", "the file breaks off here"),
        Skipped("data/tweets.js#1", "not a post"),
        Skipped("data/tweets.js#2", "no post id"),
        Skipped("data/tweets.js#3", "no time that can be read"),
        Skipped("data/tweets.js#4", "no words in it", failed=False),
        Skipped("data/tweets.js#after 5", "the file breaks off here"),
        Skipped("data/direct-messages.js#after 0", "the file breaks off here"),
    ]


def test_a_folder_of_other_scripts_is_none(tmp_path: Path) -> None:
    put(tmp_path, "account.js", "export default 7")
    assert recognise(tmp_path) == 0.0
    (tmp_path / "account.js").unlink()
    assert left_out(SOURCE, tmp_path, OWNER)[0].where == "data/tweets.js"


POSTS = script("tweets", [post(1, "hi", entities={"user_mentions": [{"screen_name": "a"}]})]).encode()
TALKS = script(
    "dm", [{"dmConversation": {"conversationId": "1", "messages": [direct(1, "1", "x")]}}]
).encode()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80, deadline=None)
@given(posts=damaged(POSTS), talks=damaged(TALKS))
def test_files_damaged_anywhere_never_raise_and_the_ledger_closes(
    tmp_path: Path, posts: bytes, talks: bytes
) -> None:
    put(tmp_path, "data/tweets.js", posts)
    put(tmp_path, "data/note-tweet.js", posts)
    put(tmp_path, "data/direct-messages.js", talks)
    put(tmp_path, "data/account.js", talks)
    ingested(SOURCE, tmp_path, OWNER)
