"""Does a DiscordChatExporter file bring in what others said, and meet the package on the owner's words?"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from export_files import damaged, ingested, kept, left_out, put, zipped
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.source import Owner, Person
from ingest.sources import discord_package
from ingest.sources.discord_chat_exporter import SOURCE, people, read, recognise
from storage.database import Database
from storage.records import Attachment, Kind, Record, Skipped, stable_id
from storage.records_store import RecordStore

OLA, TAM = "201190884120068096", "302118840066113536"
OWNER = Owner(name="Ola Brandt", accounts={"discord": (OLA,)})
CHANNEL = "512003884417089536"
FIRST = 1192591538257920001  # its time: 2024-01-04 22:13:00
AUTHORS = {OLA: ("ola", "Ola"), TAM: ("tam.climbs", "Tam Okonjo")}


def message(nth: int, author: str, content: str, **more: Any) -> dict[str, Any]:
    name, nickname = AUTHORS.get(author, ("else", "Else"))
    return {
        "id": str(FIRST + nth),
        "type": "Default",
        "timestamp": f"2024-01-04T23:13:0{nth}+01:00",
        "timestampEdited": None,
        "content": content,
        "author": {"id": author, "name": name, "nickname": nickname, "isBot": False},
        "attachments": [],
        "mentions": [],
    } | more


def export(*messages: Any) -> dict[str, Any]:
    return {
        "guild": {"id": "1", "name": "Climbers"},
        "channel": {"id": CHANNEL, "type": "GuildTextChat", "name": "general"},
        "dateRange": {"after": None, "before": None},
        "exportedAt": "2024-02-01T00:00:00+00:00",
        "messages": list(messages),
        "messageCount": len(messages),
    }


def record(nth: int, author: str, text: str, where: str, **more: Any) -> Record:
    thread = f"discord:{CHANNEL}"
    return Record(
        id=stable_id("discord", str(FIRST + nth)),
        source="discord_chat_exporter",
        kind=Kind.MESSAGE,
        author_id="owner" if author == OLA else f"discord:{author}",
        by_owner=author == OLA,
        thread_id=thread,
        said_at=datetime(2024, 1, 4, 22, 13, nth, tzinfo=UTC),
        text=text,
        audience=thread,
        origin=where,
        **more,
    )


def test_both_sides_come_in_with_replies_and_edits(tmp_path: Path) -> None:
    answer = message(
        2,
        OLA,
        "hi tam",
        type="Reply",
        timestampEdited="2024-01-04T23:14:00.5+01:00",
        reference={"messageId": str(FIRST + 1), "channelId": CHANNEL, "guildId": "1"},
        attachments=[{"id": "9", "fileName": "wall.png"}],
        stickers=[{"id": "3", "name": "wave"}],
    )
    put(tmp_path, "export.json", export(message(1, TAM, "hello"), answer))
    assert list(read(tmp_path, OWNER)) == [
        record(1, TAM, "hello", "export.json#1"),
        record(
            2,
            OLA,
            "hi tam",
            "export.json#2",
            reply_to=stable_id("discord", str(FIRST + 1)),
            edited_at=datetime(2024, 1, 4, 22, 14, 0, 500_000, tzinfo=UTC),
            attachments=(Attachment("image"), Attachment("sticker")),
        ),
    ]
    assert recognise(tmp_path) == recognise(tmp_path / "export.json") == 0.95
    assert list(read(zipped(tmp_path), OWNER)) == list(read(tmp_path, OWNER))


async def test_the_owners_message_from_the_package_and_from_here_is_one_record(
    tmp_path: Path, sqlite_database: Database
) -> None:
    row = {"ID": FIRST + 1, "Timestamp": "2024-01-04 22:13:01", "Contents": "hello", "Attachments": ""}
    put(tmp_path, f"package/Messages/c{CHANNEL}/messages.json", [row])
    put(tmp_path, "export.json", export(message(1, OLA, "hello"), message(2, TAM, "you too")))
    (from_package,) = kept(discord_package.SOURCE, tmp_path / "package", OWNER)
    from_here = kept(SOURCE, tmp_path / "export.json", OWNER)
    assert from_here[0].id == from_package.id
    assert from_here[0].thread_id == from_package.thread_id
    store = RecordStore(sqlite_database)
    await store.add_all([from_package])
    await store.add_all(from_here)
    assert [one.text for one in await store.find()] == ["hello", "you too"]


def test_what_nobody_wrote_is_dropped_by_name(tmp_path: Path) -> None:
    forwarded = {"timestamp": "2024-01-01T00:00:00+00:00", "content": "a poem"}
    put(
        tmp_path,
        "export.json",
        export(
            message(1, TAM, "Joined the server.", type="GuildMemberJoin"),
            message(2, TAM, "", type="21"),
            message(3, OLA, "", forwardedMessage=forwarded),
            message(4, OLA, "x", reference={"type": "Forward", "messageId": "5"}),
            message(5, TAM, "beep") | {"author": {"id": "7", "name": "b", "isBot": True}},
            message(6, OLA, "", attachments=[{"fileName": "a.mp4"}]),
            message(7, OLA, "when", timestamp="never", id="12"),
            message(8, OLA, "who", id=1.2e18),
            "nonsense",
        ),
    )
    assert list(read(tmp_path, OWNER)) == [
        Skipped("export.json#1", "a system message", failed=False),
        Skipped("export.json#2", "a system message", failed=False),
        Skipped("export.json#3", "forwarded: somebody else's words", failed=False),
        Skipped("export.json#4", "forwarded: somebody else's words", failed=False),
        Skipped("export.json#5", "written by a bot", failed=False),
        Skipped("export.json#6", "no words in it", failed=False),
        Skipped("export.json#7", "no time that can be read"),
        Skipped("export.json#8", "no message id"),
        Skipped("export.json#9", "not a message"),
    ]


def test_partitions_and_repeated_exports_meet_by_id(tmp_path: Path) -> None:
    put(tmp_path, "general.json", export(message(1, TAM, "one"), message(2, OLA, "two")))
    put(tmp_path, "general [part 2].json", export(message(2, OLA, "two"), message(3, TAM, "three")))
    ledger = ingested(SOURCE, tmp_path, OWNER)
    assert (ledger.seen, ledger.kept, ledger.merged) == (4, 3, 1)


def test_a_killed_export_without_closing_brackets_keeps_all_it_has(tmp_path: Path) -> None:
    whole = json.dumps(export(message(1, TAM, "one"), message(2, OLA, "two"), message(3, TAM, "three")))
    put(tmp_path, "export.json", whole[: whole.index("three")])
    assert list(read(tmp_path, OWNER)) == [
        record(1, TAM, "one", "export.json#1"),
        record(2, OLA, "two", "export.json#2"),
        Skipped("export.json#after 3", "the file breaks off here"),
    ]


def test_one_bad_message_in_the_middle_costs_only_itself(tmp_path: Path) -> None:
    text = json.dumps(export("A", message(2, OLA, "still here"))).replace('"A"', '{"id": nope nope}')
    put(tmp_path, "export.json", text)
    assert list(read(tmp_path, OWNER)) == [
        Skipped("export.json#1", "not valid JSON"),
        record(2, OLA, "still here", "export.json#2"),
    ]


def test_a_mention_keeps_who_is_meant_however_it_was_exported(tmp_path: Path) -> None:
    tam = {"id": TAM, "name": "tam.climbs", "nickname": "Tam Okonjo"}
    tamara = {"id": "402118840066113536", "name": "tamara", "nickname": "Tam"}
    marked = f"@\ue000person:discord:{TAM}\ue001"
    put(
        tmp_path,
        "export.json",
        export(
            message(1, OLA, "ask @Tam Okonjo or @Tam or @Tamsin", mentions=[tamara, tam]),
            message(2, OLA, f"ask <@!{TAM}> in <#{CHANNEL}> <a:party:123456>"),
        ),
    )
    assert [one.text for one in kept(SOURCE, tmp_path, OWNER)] == [
        f"ask {marked} or @\ue000person:discord:402118840066113536\ue001 or @Tamsin",
        f"ask {marked} in #channel :party:",
    ]


def test_without_an_account_the_owner_is_known_by_name(tmp_path: Path) -> None:
    put(tmp_path, "export.json", export(message(1, TAM, "hello"), message(2, OLA, "hi")))
    assert [one.by_owner for one in kept(SOURCE, tmp_path, Owner(aliases=("Ola",)))] == [False, True]


def test_everybody_is_known_before_reading(tmp_path: Path) -> None:
    mentioned = {"id": "77777", "name": "jorrit.h", "nickname": "Jorrit"}
    put(tmp_path, "a.json", export(message(1, TAM, "hi @Jorrit", mentions=[mentioned]), message(2, TAM, "x")))
    assert list(people(tmp_path, OWNER)) == [
        Person(f"discord:{TAM}", ("Tam Okonjo",), ("tam.climbs",)),
        Person("discord:77777", ("Jorrit",), ("jorrit.h",)),
    ]


def test_other_files_are_not_taken_for_one(tmp_path: Path) -> None:
    put(tmp_path, "empty.json", "")
    put(tmp_path, "other.json", {"messages": []})
    assert recognise(tmp_path) == 0.0
    assert kept(SOURCE, tmp_path, OWNER) == []
    why = "no JSON of DiscordChatExporter here; export again and choose the format JSON"
    assert left_out(SOURCE, tmp_path, OWNER) == [Skipped("export.json", why)]


WHOLE = json.dumps(
    export(message(1, TAM, "hi"), message(2, OLA, "yo", mentions=[{"id": TAM}], type="Reply"))
).encode()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80, deadline=None)
@given(data=damaged(WHOLE) | st.binary(max_size=99).map(lambda tail: WHOLE[:-3] + tail))
def test_a_file_damaged_anywhere_never_raises_and_the_ledger_closes(tmp_path: Path, data: bytes) -> None:
    put(tmp_path, "export.json", data)
    ingested(SOURCE, tmp_path, OWNER)


def test_a_message_with_news_in_it_is_read_like_the_others_and_told(tmp_path: Path) -> None:
    plain = [message(nth, OLA, f"line {nth}") for nth in range(6)]
    news = [one | ({"mood": 1} if nth == 3 else {}) for nth, one in enumerate(plain)]
    news[4] = news[4] | {"author": news[4]["author"] | {"pronouns": "she"}}
    put(tmp_path / "a", "general.json", export(*plain))
    put(tmp_path / "b", "general.json", export(*news))
    before, after = list(read(tmp_path / "a", OWNER)), list(read(tmp_path / "b", OWNER))
    assert before == after[:6]
    assert [str(one) for one in after[6:]] == ["message mood (number)", "message.author pronouns (text)"]


@pytest.mark.parametrize(
    "odd", [None, 7, [], {"id": None}, {"id": 7, "name": ["x"]}, {"id": "7", "isBot": True}]
)
def test_an_odd_author_among_others_changes_nothing_about_them(tmp_path: Path, odd: Any) -> None:
    plain = [message(nth, TAM, f"line {nth}") for nth in range(6)]
    put(tmp_path / "a", "general.json", export(*plain))
    put(tmp_path / "b", "general.json", export(*plain[:3], plain[3] | {"author": odd}, *plain[4:]))
    before, after = list(read(tmp_path / "a", OWNER)), list(read(tmp_path / "b", OWNER))
    assert [one for nth, one in enumerate(before) if nth != 3] == [
        one for nth, one in enumerate(after) if nth != 3
    ]
    assert next(people(tmp_path / "a", OWNER)) in list(people(tmp_path / "b", OWNER))
