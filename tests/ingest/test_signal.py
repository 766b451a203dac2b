"""Do Signal's own export and that of signal-export come in with both sides?"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from export_files import damaged, ingested, kept, left_out, put, zipped
from hypothesis import HealthCheck, given, settings

from ingest.source import Owner, Person
from ingest.sources.signal import SOURCE, people, read, recognise
from storage.records import Attachment, Kind, Skipped, ZoneSource

OWNER = Owner(zones=((date.min, ZoneInfo("Europe/Lisbon")),))
NOON = 1717243200  # 2024-06-01 12:00 UTC
TAM = "EREREREREUERgRERERERERE="
FRAMES: list[dict[str, Any]] = [
    {"version": "1", "backupTimeMs": "1"},
    {"account": {"givenName": "Ola"}},
    {"recipient": {"id": "1", "self": {}}},
    {
        "recipient": {
            "id": "2",
            "contact": {
                "aci": TAM,
                "e164": "38640555012",
                "systemGivenName": "Tam",
                "systemFamilyName": "Okonjo",
                "username": "tam.07",
            },
        }
    },
    {"recipient": {"id": "3", "group": {"masterKey": "a2V5", "snapshot": {"title": {"title": "Climbers"}}}}},
    {"chat": {"id": "10", "recipientId": "2"}},
    {"chat": {"id": "11", "recipientId": "1"}},
    {"chat": {"id": "12", "recipientId": "3"}},
]


def item(second: int, chat: str, author: str, text: str | None, **more: Any) -> dict[str, Any]:
    way = "outgoing" if author == "1" else "incoming"
    about = {"chatId": chat, "authorId": author, "dateSent": str((NOON + second) * 1000), way: {}}
    return {
        "chatItem": about | ({} if text is None else {"standardMessage": {"text": {"body": text}}}) | more
    }


def lines(*values: Any) -> str:
    return "\n".join(value if isinstance(value, str) else json.dumps(value) for value in values) + "\n"


def test_signals_own_export_comes_in_with_both_sides(tmp_path: Path) -> None:
    quote = {"targetSentTimestamp": str((NOON + 1) * 1000), "authorId": "2"}
    answer = {
        "text": {
            "body": "hi \ufffc!",
            "bodyRanges": [{"start": 3, "length": 1, "mentionAci": TAM}, {"style": "BOLD"}],
        },
        "quote": quote,
        "attachments": [{"pointer": {"contentType": "image/jpeg"}}],
    }
    edited = item(30, "12", "2", "now right", revisions=[item(20, "12", "2", "not rihgt")["chatItem"]])
    put(
        tmp_path,
        "main.jsonl",
        lines(
            *FRAMES,
            item(1, "10", "2", "hello"),
            item(2, "10", "1", None, standardMessage=answer),
            item(3, "11", "1", "buy chalk"),
            edited,
        ),
    )
    first, second, third, fourth = kept(SOURCE, tmp_path, OWNER)
    assert (first.by_owner, first.author_id, first.text) == (False, f"signal:{TAM}", "hello")
    assert first.said_at == datetime.fromtimestamp(NOON + 1, UTC)
    assert (second.by_owner, second.text) == (True, f"hi @\ue000person:signal:{TAM}\ue001!")
    assert (second.reply_to, second.attachments) == (first.id, (Attachment("image"),))
    assert second.thread_id == second.audience == first.thread_id
    assert (third.kind, third.audience, third.by_owner) == (Kind.NOTE, "owner", True)
    assert (fourth.text, fourth.said_at) == ("now right", datetime.fromtimestamp(NOON + 20, UTC))
    assert fourth.edited_at == datetime.fromtimestamp(NOON + 30, UTC)
    assert recognise(tmp_path) == 0.9
    assert list(read(zipped(tmp_path), OWNER)) == list(read(tmp_path, OWNER))
    assert list(people(tmp_path, OWNER)) == [Person(f"signal:{TAM}", ("Tam Okonjo",), ("tam.07",))]


def test_the_numbers_of_one_export_mean_nothing_in_the_next(tmp_path: Path) -> None:
    put(tmp_path, "a/main.jsonl", lines(*FRAMES, item(1, "10", "2", "hello")))
    text = lines(*FRAMES, item(1, "10", "2", "hello"), item(2, "10", "1", "new"))
    later = text.replace('"id": "2"', '"id": "77"').replace('"recipientId": "2"', '"recipientId": "77"')
    put(tmp_path, "b/main.jsonl", later.replace('"authorId": "2"', '"authorId": "77"'))
    ledger = ingested(SOURCE, tmp_path, OWNER)
    assert (ledger.seen, ledger.kept, ledger.merged) == (3, 2, 1)


def test_what_is_no_message_is_counted_with_its_reason(tmp_path: Path) -> None:
    put(
        tmp_path,
        "main.jsonl",
        lines(
            *FRAMES,
            item(1, "10", "2", None, updateMessage={"simpleUpdate": {}}),
            item(2, "10", "2", None, remoteDeletedMessage={}),
            item(3, "10", "2", None, stickerMessage={}),
            item(4, "99", "2", "where"),
            item(5, "10", "99", "who"),
            item(6, "10", "2", "when", dateSent="soon"),
            "{torn",
            "7",
            "",
            item(7, "10", "2", "still here"),
        ),
    )
    (found,) = kept(SOURCE, tmp_path, OWNER)
    assert found.text == "still here"
    where = "main.jsonl#"
    assert left_out(SOURCE, tmp_path, OWNER) == [
        Skipped(f"{where}9", "a system message", failed=False),
        Skipped(f"{where}10", "deleted", failed=False),
        Skipped(f"{where}11", "no words in it", failed=False),
        Skipped(f"{where}12", "no chat"),
        Skipped(f"{where}13", "no sender"),
        Skipped(f"{where}14", "no time that can be read"),
        Skipped(f"{where}15", "not valid JSON"),
        Skipped(f"{where}16", "not a frame of a backup"),
    ]


def said(sender: str, body: str, second: int = 0, **more: Any) -> dict[str, Any]:
    about = {
        "date": f"2024-06-01T13:00:0{second}",
        "sender": sender,
        "body": body + "  ",
        "quote": "\n\n> q\n\n",
    }
    return about | {"sticker": "", "reactions": [], "attachments": []} | more


def test_what_signal_export_writes_comes_in_on_the_owners_clock(tmp_path: Path) -> None:
    talk = [
        said("Tam Okonjo", "ok"),
        said("Tam Okonjo", "ok"),
        said("Me", "yes", 1, attachments=[{"name": "a.png"}]),
    ]
    put(tmp_path, "Tam/data.json", lines(*talk))
    first, second, third = kept(SOURCE, tmp_path, OWNER)
    assert (first.text, first.author_id, first.by_owner) == ("ok", "signal:Tam Okonjo", False)
    assert first.id != second.id
    assert (third.text, third.by_owner, third.attachments) == ("yes", True, (Attachment("file"),))
    assert first.said_at == datetime.fromtimestamp(NOON, UTC)  # 13:00 in Lisbon
    assert first.zone_source == ZoneSource.OWNER
    assert first.thread_id == third.audience
    assert recognise(tmp_path) == recognise(tmp_path / "Tam" / "data.json") == 0.9
    assert list(people(tmp_path, OWNER)) == [Person("signal:Tam Okonjo", ("Tam Okonjo",))]
    put(tmp_path, "Tam/data.json", lines(*talk, said("Me", "new", 2)))
    assert [one.id for one in kept(SOURCE, tmp_path, OWNER)][:3] == [first.id, second.id, third.id]


def test_calls_and_deleted_ones_are_no_messages_there_either(tmp_path: Path) -> None:
    put(
        tmp_path,
        "Tam/data.json",
        lines(
            said("Me", "", deleted=True),
            said("Me", "x", call=True),
            said("Tam", "Incoming voice call (accepted, 2m 3s)"),
            said("No-Sender", "x"),
            said("Tam", ""),
            said("Tam", "x", date="soon"),
            "[]",
            "{",
        ),
    )
    where = "Tam/data.json#"
    assert list(read(tmp_path, OWNER)) == [
        Skipped(f"{where}1", "deleted", failed=False),
        Skipped(f"{where}2", "a system message", failed=False),
        Skipped(f"{where}3", "a system message", failed=False),
        Skipped(f"{where}4", "no sender"),
        Skipped(f"{where}5", "no words in it", failed=False),
        Skipped(f"{where}6", "no time that can be read"),
        Skipped(f"{where}7", "not a message"),
        Skipped(f"{where}8", "not valid JSON"),
    ]


def test_an_empty_folder_says_so(tmp_path: Path) -> None:
    put(tmp_path, "main.jsonl", "")
    put(tmp_path, "data.json", '{"date": 1}')
    assert recognise(tmp_path) == 0.0
    why = "no main.jsonl of Signal and no data.json of signal-export here"
    assert list(read(tmp_path, OWNER)) == [Skipped("main.jsonl", why)]


WHOLE = lines(*FRAMES[2:], item(1, "10", "2", "hi \ufffc"), item(2, "10", "1", "yo", revisions=[{}])).encode()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80, deadline=None)
@given(data=damaged(WHOLE), talk=damaged(lines(said("Me", "hi"), said("Tam", "yo")).encode()))
def test_files_damaged_anywhere_never_raise_and_the_ledger_closes(
    tmp_path: Path, data: bytes, talk: bytes
) -> None:
    put(tmp_path, "main.jsonl", data)
    put(tmp_path, "Tam/data.json", talk)
    ingested(SOURCE, tmp_path, OWNER)


@pytest.mark.parametrize("before", ["", "\n\n", "\r\n \t\r\n  ", "{}\n\x0b\n\u2003", "x\n" * 9])
def test_it_is_known_wherever_its_first_line_stands(tmp_path: Path, before: str) -> None:
    lines = "\n".join(map(json.dumps, FRAMES))
    assert recognise(put(tmp_path, "main.jsonl", before + lines)) > 0.5
    assert recognise(put(tmp_path, "main.jsonl", f"{before}x" + lines.replace("\n", "\nx"))) == 0.0
