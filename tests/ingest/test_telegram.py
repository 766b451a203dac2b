"""Does a Telegram Desktop export come in whole, with both sides, whatever its version and its damage?"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ingest.source import Owner, Person
from ingest.sources import telegram
from ingest.sources.telegram import people, read, recognise
from ingest.telegram import Said, Service, as_said
from storage.records import Attachment, Kind, Record, Skipped, ZoneSource, stable_id

LISBON = ((date.min, ZoneInfo("Europe/Lisbon")), (date(2025, 3, 1), ZoneInfo("Europe/Ljubljana")))
OWNER = Owner(name="Ola Brandt", accounts={"telegram": ("711",)}, zones=LISBON)
NOON = 1717243200  # 2024-06-01 12:00 UTC, 13:00 in Lisbon


def message(number: int, sender: str, text: Any, **more: Any) -> dict[str, Any]:
    when = {"date": "2024-06-01T13:00:00", "date_unixtime": str(NOON + number)}
    names = {"user711": "Ola Brandt", "user502": "Tam Okonjo", "user618": "Jorrit"}
    return {
        "id": number,
        "type": "message",
        **when,
        "from": names.get(sender),
        "from_id": sender,
        "text": text,
    } | more


def chat(*messages: Any, kind: str = "personal_chat", number: int = 502) -> dict[str, Any]:
    return {"name": "Tam Okonjo", "type": kind, "id": number, "messages": list(messages)}


def full(*chats: dict[str, Any]) -> dict[str, Any]:
    return {
        "about": "x",
        "personal_information": {"user_id": 711},
        "chats": {"about": "y", "list": list(chats)},
    }


def put(path: Path, content: Any) -> Path:
    file = path / "result.json"
    file.write_text(
        content if isinstance(content, str) else json.dumps(content, ensure_ascii=False), encoding="utf-8"
    )
    return path


def record(number: int, by_owner: bool, text: str, where: str, **more: Any) -> Record:
    thread = more.pop("thread_id", "telegram:502")
    return Record(
        id=stable_id("telegram", thread, str(number)),
        source="telegram",
        kind=more.pop("kind", Kind.MESSAGE),
        author_id=more.pop("author_id", "owner" if by_owner else "telegram:502"),
        by_owner=by_owner,
        thread_id=thread,
        said_at=more.pop("said_at", datetime.fromtimestamp(NOON + number, UTC)),
        text=text,
        audience=more.pop("audience", thread),
        origin=f"result.json#{where}",
        **more,
    )


def test_both_sides_of_a_full_export_come_in(tmp_path: Path) -> None:
    answer = message(
        2, "user711", "hi tam", reply_to_message_id=1, edited="x", edited_unixtime=str(NOON + 60)
    )
    put(tmp_path, full(chat(message(1, "user502", "hello"), answer)))
    edited_at = datetime.fromtimestamp(NOON + 60, UTC)
    replied = stable_id("telegram", "telegram:502", "1")
    assert list(read(tmp_path, OWNER)) == [
        record(1, False, "hello", "1.1"),
        record(2, True, "hi tam", "1.2", reply_to=replied, edited_at=edited_at),
    ]
    assert recognise(tmp_path) > 0.8
    assert recognise(tmp_path / "result.json") > 0.8


@pytest.mark.parametrize("owner", [OWNER, Owner()], ids=["account known", "account not known"])
def test_a_single_chat_knows_its_owner_too(tmp_path: Path, owner: Owner) -> None:
    put(tmp_path, chat(message(1, "user502", "hello"), message(2, "user711", "hi")))
    assert list(read(tmp_path, owner)) == [record(1, False, "hello", "0.1"), record(2, True, "hi", "0.2")]


def test_in_a_single_group_the_owner_is_known_by_name(tmp_path: Path) -> None:
    put(
        tmp_path,
        chat(message(1, "user502", "hello"), message(2, "user711", "hi"), kind="private_group", number=9),
    )
    found = [item for item in read(tmp_path, Owner(aliases=("Ola Brandt",))) if isinstance(item, Record)]
    assert [(item.by_owner, item.thread_id) for item in found] == [
        (False, "telegram:-9"),
        (True, "telegram:-9"),
    ]


def test_text_in_parts_is_joined_and_what_telegram_labels_keeps_its_label(tmp_path: Path) -> None:
    parts = [
        "ask ",
        {"type": "mention_name", "text": "Jorrit", "user_id": 618},
        " or ",
        {"type": "email", "text": "j@example.org"},
        {"type": "pre", "text": "make it"},
        {"type": "bold", "text": "!"},
        7,
    ]
    put(tmp_path, full(chat(message(1, "user711", parts))))
    text = "ask \ue000person:telegram:618\ue001 or \ue000email:j@example.org\ue001```\nmake it\n```!"
    assert list(read(tmp_path, OWNER)) == [record(1, True, text, "1.1")]


def test_what_is_nobodys_own_words_is_dropped_by_name(tmp_path: Path) -> None:
    put(
        tmp_path,
        full(
            chat(
                message(1, "user502", "", type="service"),
                message(2, "user711", "a poem", forwarded_from=None),
                message(3, "user711", "gif", via_bot="@gif"),
                message(4, "user502", "", media_type="sticker", file="x"),
                message(5, "user711", "look", photo="(File not included.)"),
                "nonsense",
                message(6, "user711", "undated", date="never", date_unixtime="soon"),
            ),
            chat(message(1, "user77", "beep"), kind="bot_chat", number=77),
            chat(message(1, "user711", "buy chalk"), kind="saved_messages", number=711),
            chat(message(1, "channel55", "news"), kind="public_channel", number=55),
        ),
    )
    where = "result.json#"
    saved = {"thread_id": "telegram:saved", "audience": "owner", "kind": Kind.NOTE}
    assert list(read(tmp_path, OWNER)) == [
        Skipped(where + "1.1", "a service message", failed=False),
        Skipped(where + "1.2", "forwarded: somebody else's words", failed=False),
        Skipped(where + "1.3", "written by a bot", failed=False),
        Skipped(where + "1.4", "no words in it", failed=False),
        record(5, True, "look", "1.5", attachments=(Attachment("image"),)),
        Skipped(where + "1.6", "not a message"),
        Skipped(where + "1.7", "no time that can be read"),
        Skipped(where + "2.1", "a chat with a bot", failed=False),
        record(1, True, "buy chalk", "3.1", **saved),
        Skipped(where + "4.1", "a channel, not a conversation", failed=False),
    ]


def test_old_exports_without_unixtime_are_read_on_the_owners_clock(tmp_path: Path) -> None:
    old = {
        "id": 1,
        "type": "message",
        "date": "2020-07-01T13:00:00",
        "from": "Ola",
        "from_id": 711,
        "text": "then",
    }
    late = old | {"id": 2, "date": "2025-07-01T13:00:00"}
    put(tmp_path, full(chat(old, late)))
    clock = {"zone_source": ZoneSource.OWNER}
    assert list(read(tmp_path, OWNER)) == [
        record(1, True, "then", "1.1", said_at=datetime(2020, 7, 1, 12, tzinfo=UTC), **clock),
        record(2, True, "then", "1.2", said_at=datetime(2025, 7, 1, 11, tzinfo=UTC), **clock),
    ]


def test_the_invalid_json_telegram_writes_is_mended(tmp_path: Path) -> None:
    first = json.dumps(message(1, "user502", "be_ll")).replace("be_ll", r"be\x07ll \\x41")
    second = json.dumps(message(2, "user711", "ok", reactions=[{"type": "custom", "document_id": "DOC"}]))
    second = second.replace('"DOC"', "(File not included. Change data exporting settings to download.)")
    text = json.dumps(full(chat("A", "B"))).replace('"A"', first).replace('"B"', second)
    with pytest.raises(ValueError):
        json.loads(text)
    put(tmp_path, text)
    assert list(read(tmp_path, OWNER)) == [
        record(1, False, "be\x07ll \\x41", "1.1"),
        record(2, True, "ok", "1.2"),
    ]


def test_one_message_beyond_mending_costs_only_itself(tmp_path: Path) -> None:
    text = json.dumps(full(chat("A", message(2, "user711", "still here")))).replace(
        '"A"', '{"id": 1, "text": nope nope}'
    )
    put(tmp_path, text)
    assert list(read(tmp_path, OWNER)) == [
        Skipped("result.json#1.1", "not valid JSON"),
        record(2, True, "still here", "1.2"),
    ]


def test_a_truncated_export_keeps_its_good_prefix(tmp_path: Path) -> None:
    whole = json.dumps(
        full(chat(message(1, "user502", "one"), message(2, "user711", "two"), message(3, "user502", "three")))
    )
    put(tmp_path, whole[: whole.index("three")])
    assert list(read(tmp_path, OWNER)) == [
        record(1, False, "one", "1.1"),
        record(2, True, "two", "1.2"),
        Skipped("result.json#end", "the file breaks off here"),
    ]


def test_threads_are_named_as_the_bot_api_names_its_chats(tmp_path: Path) -> None:
    kinds = ["personal_chat", "private_group", "private_supergroup", "public_supergroup"]
    put(tmp_path, full(*(chat(message(1, "user711", "hi"), kind=kind, number=42) for kind in kinds)))
    threads = [item.thread_id for item in read(tmp_path, OWNER) if isinstance(item, Record)]
    assert threads == ["telegram:42", "telegram:-42", "telegram:-10042", "telegram:-10042"]


def test_somebody_elses_export_is_refused_whole(tmp_path: Path) -> None:
    put(tmp_path, full(chat(message(1, "user711", "hi"))) | {"personal_information": {"user_id": 999}})
    why = "this export is account 999's, which is not in [owner] accounts.telegram"
    assert list(read(tmp_path, OWNER)) == [Skipped("result.json#personal_information", why)]


def test_everybody_in_the_export_is_known_before_reading(tmp_path: Path) -> None:
    export = full(chat(message(1, "user618", "hi"), message(2, "user618", "again")))
    contact = {"user_id": 33, "first_name": "Ben", "last_name": "Zupan", "phone_number": "+386 40 555 0123"}
    put(tmp_path, {"contacts": {"about": "x", "list": [contact, None]}} | export)
    assert list(people(tmp_path, OWNER)) == [
        Person("telegram:33", ("Ben Zupan",)),
        Person("telegram:618", ("Jorrit",)),
        Person("telegram:502", ("Tam Okonjo",)),
    ]


def test_half_characters_do_not_get_through(tmp_path: Path) -> None:
    put(tmp_path, json.dumps(full(chat(message(1, "user711", "A")))).replace('"A"', r'"half \ud83d of it"'))
    assert list(read(tmp_path, OWNER)) == [record(1, True, "half  of it", "1.1")]


def as_telegram_writes(one_chat: dict[str, Any]) -> str:
    return json.dumps(full(one_chat), ensure_ascii=False, indent=1)


ODD: tuple[dict[str, Any], ...] = (
    {"text": [{"type": "email", "text": "j@example.org", "since": 1}, 7, {"type": "bold", "text": None}]},
    {"text": ["see ", {"type": "mention_name", "text": "Jorrit", "user_id": "618"}]},
    {"text": None},
    {"type": "a new one"},
    {"type": "unsupported"},
    {"type": "service", "action": "pin_message", "actor": "Tam"},
    {"media_type": "hologram", "file": "x"},
    {"photo": "x", "width": 3, "height": 4, "reactions": [{"type": "emoji"}]},
    {"forwarded_from": None},
    {"edited_unixtime": str(NOON), "reply_to_message_id": 1, "reply_to_peer_id": "channel9"},
    {"edited_unixtime": None, "edited": "2024-06-01T14:00:00"},
    {"from_id": 502, "id": "77"},
    {"from_id": True},
    {"poll_results": {"a": 1}},
    {"date_unixtime": 1.5e9},
)


def test_a_message_says_the_same_decoded_among_many_and_looked_at_alone(tmp_path: Path) -> None:
    usual = [message(number, "user502", f"hello ж {number}") for number in range(9)]
    for odd in ODD:
        one = message(10, "user711", "hi") | odd
        found = []
        for width in (1, float("nan")):  # what JSON does not have: then they come one by one
            put(tmp_path, as_telegram_writes(chat(*usual, usual[0] | {"width": width}, one, *usual)))
            found.append((list(people(tmp_path, OWNER)), list(read(tmp_path, OWNER))))
        assert found[0] == found[1], odd


def test_a_plain_chat_is_decoded_many_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else reading it takes three times as long, and nothing else would tell."""
    parts = ["look: ", {"type": "link", "text": "https://example.org"}]
    plain = [
        message(
            number, "user502", parts if number % 2 else "hi", text_entities=[{"type": "plain", "text": "hi"}]
        )
        for number in range(500)
    ]
    pinned = message(
        500, "user502", "", type="service", action="pin_message", actor="Tam", actor_id="user502"
    )
    put(tmp_path, as_telegram_writes(chat(*plain, pinned, *plain)))
    looked_at: list[Any] = []

    def look(message: Any) -> Said | Service | None:
        looked_at.append(message)
        return as_said(message)

    monkeypatch.setattr(telegram, "as_said", look)
    assert len(list(read(tmp_path, OWNER))) == len(looked_at) == 1001
    assert sum(isinstance(message, dict) for message in looked_at) <= 2  # the first and the last
