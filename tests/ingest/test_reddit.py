"""Does a Reddit data request come in: comments, posts and messages, whatever the order of the columns?"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from export_files import damaged, ingested, kept, left_out, put, zipped
from hypothesis import HealthCheck, given, settings

from ingest.drift import UnknownField
from ingest.source import Owner, Person
from ingest.sources.reddit import SOURCE, people, read, recognise
from storage.records import Kind, Record, Skipped, ZoneSource, stable_id

OWNER = Owner(accounts={"reddit": ("u/Ola-Climbs",)})
COMMENTS = "id,permalink,date,ip,subreddit,gildings,link,parent,body,media\n"
POSTS = "id,permalink,date,ip,subreddit,gildings,title,url,body\n"
MESSAGES = "id,permalink,thread_id,date,ip,from,to,subject,body\n"
LINK = "https://www.reddit.com/r/climbing/comments/p1/the_wall/"


def record(id: str, text: str, where: str, **more: Any) -> Record:
    return Record(
        id=stable_id("reddit", id),
        source="reddit",
        author_id="owner",
        by_owner=True,
        said_at=datetime(2023, 1, 15, 12, 34, 56, tzinfo=UTC),
        text=text,
        audience="public",
        origin=where,
        zone_source=ZoneSource.SCHEMA,
        **({"kind": Kind.COMMENT, "thread_id": "reddit:p1"} | more),
    )


def test_comments_and_posts_come_in(tmp_path: Path) -> None:
    when = "2023-01-15 12:34:56 UTC"
    put(
        tmp_path,
        "comments.csv",
        COMMENTS + f"c1,{LINK}c1/,{when},203.0.113.9,climbing,0,{LINK},,"
        '"&gt; they said\n\nno, ask /u/Tam_C &amp; me",\r\n'
        f"c2,,{when},,climbing,0,{LINK},c1,[deleted],\n"
        f"c3,,{when},,climbing,0,{LINK},c1,>!still mine!<,\n",
    )
    put(
        tmp_path,
        "posts.csv",
        POSTS + f"p1,{LINK},{when},,climbing,0,The wall,,how high\n"
        f"p2,,{when},,climbing,0,A link,https://example.org,\n"
        f"p3,,{when},,climbing,0,[removed],,[removed]\n",
    )
    put(tmp_path, "comment_votes.csv", "id,permalink,direction\nx,y,up\n")
    assert list(read(tmp_path, OWNER)) == [
        record(
            "t1_c1",
            "no, ask u/\ue000person:reddit:tam_c\ue001 & me",
            "comments.csv#2",
            reply_to=stable_id("reddit", "t3_p1"),
        ),
        Skipped("comments.csv#3", "no words in it", failed=False),
        record("t1_c3", ">!still mine!<", "comments.csv#4", reply_to=stable_id("reddit", "t1_c1")),
        record("t3_p1", "The wall\n\nhow high", "posts.csv#2", kind=Kind.POST),
        record("t3_p2", "A link", "posts.csv#3", kind=Kind.POST, thread_id="reddit:p2"),
        Skipped("posts.csv#4", "no words in it", failed=False),
    ]
    assert recognise(tmp_path) == 0.95
    assert list(read(zipped(tmp_path), OWNER)) == list(read(tmp_path, OWNER))


def test_messages_have_both_sides_and_meet_in_their_archive(tmp_path: Path) -> None:
    lines = (
        "m1,,t9,2023-01-15 12:34:56 UTC,,ola-climbs,Tam_C,hello,hi there\n"
        "m2,,t9,2023-01-15 12:35:00 UTC,,Tam_C,ola-climbs,re: hello,hi you\n"
    )
    put(tmp_path, "messages.csv", MESSAGES + lines)
    put(tmp_path, "messages_archive.csv", MESSAGES + lines)
    chat = (
        "message_id,created_at,updated_at,username,message,thread_parent_message_id,channel_url,subreddit\n"
        'k1,2023-01-15 12:34:56.123 UTC,,Ola-Climbs,"hey, you",,room7,\n'
        "k2,2023-01-15 12:35:00 UTC,,Tam_C,ho,k1,room7,\n"
    )
    put(tmp_path, "chat_history.csv", chat)
    first, second, *rest = kept(SOURCE, tmp_path, OWNER)
    assert (first.by_owner, first.text, first.said_at.microsecond) == (True, "hey, you", 123_000)
    assert (second.author_id, second.reply_to, second.thread_id) == (
        "reddit:tam_c",
        first.id,
        first.thread_id,
    )
    assert second.audience == second.thread_id
    assert [one.text for one in rest] == ["hi there", "hi you"] * 2
    assert rest[0].kind == Kind.MESSAGE
    assert ingested(SOURCE, tmp_path, OWNER).merged == 2
    assert list(people(tmp_path, OWNER)) == [Person("reddit:tam_c", (), ("Tam_C",))]
    assert recognise(tmp_path) == 0.8


def test_the_owners_name_is_in_the_request_or_messages_are_nobodys(tmp_path: Path) -> None:
    put(tmp_path, "messages.csv", MESSAGES + "m1,,t9,2023-01-15 12:34:56 UTC,,ola-climbs,Tam_C,hello,hi\n")
    assert "accounts.reddit" in left_out(SOURCE, tmp_path, Owner())[0].why
    put(tmp_path, "statistics.csv", "statistic,value\naccount name,Ola-Climbs\n")
    assert [one.by_owner for one in kept(SOURCE, tmp_path, Owner())] == [True]


def test_columns_go_by_name_and_bad_rows_cost_only_themselves(tmp_path: Path) -> None:
    put(
        tmp_path,
        "comments.csv",
        "\ufeffdate,body,id,parent,link,subreddit,new_column\n"
        f"2023-01-15 12:34:56 UTC,hello,c1,t1_c0,{LINK},climbing,x\n"
        f"yesterday,when,c2,,{LINK},climbing,x\n"
        f"2023-01-15 12:34:56 UTC,who,,,{LINK},climbing,x\n"
        "2023-01-15,torn",
    )
    assert list(read(tmp_path, OWNER)) == [
        record("t1_c1", "hello", "comments.csv#2", reply_to=stable_id("reddit", "t1_c0")),
        Skipped("comments.csv#3", "no time that can be read"),
        Skipped("comments.csv#4", "no id"),
        Skipped("comments.csv#5", "the line breaks off"),
        UnknownField("comments", "new_column", 3, "text"),
    ]


def test_the_number_of_no_character_stays_as_it_is_written(tmp_path: Path) -> None:
    endless = "&#" + "9" * 5000 + ";"
    row = f"c1,2023-01-15 12:34:56 UTC,climbing,{LINK},,{endless}\n"
    put(tmp_path, "comments.csv", "id,date,subreddit,link,parent,body\n" + row)
    assert [one.text for one in kept(SOURCE, tmp_path, OWNER)] == [endless]


def test_other_tables_are_not_taken_for_one(tmp_path: Path) -> None:
    put(tmp_path, "votes.csv", "id,permalink,direction\n")
    put(tmp_path, "empty.csv", "")
    assert recognise(tmp_path) == 0.0
    why = "no table of a Reddit data request here"
    assert list(read(tmp_path, OWNER)) == [Skipped("comments.csv", why)]


WHOLE = (COMMENTS + f'c1,,2023-01-15 12:34:56 UTC,,a,0,{LINK},,"b\n> c",\n').encode()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80, deadline=None)
@given(data=damaged(WHOLE), more=damaged((MESSAGES + "m1,,t,2023-01-15 12:34:56 UTC,,a,b,c,d\n").encode()))
def test_files_damaged_anywhere_never_raise_and_the_ledger_closes(
    tmp_path: Path, data: bytes, more: bytes
) -> None:
    put(tmp_path, "comments.csv", data)
    put(tmp_path, "messages.csv", more)
    ingested(SOURCE, tmp_path, OWNER)
