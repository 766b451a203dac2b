"""Does a Slack export come in: who said what in which channel, threads joined, markup gone?"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from export_files import damaged, ingested, kept, left_out, put, zipped
from hypothesis import HealthCheck, given, settings

from ingest.source import Owner, Person
from ingest.sources.slack import SOURCE, people, read, recognise
from storage.records import Attachment, Kind, Record, Skipped, stable_id

OWNER = Owner(accounts={"slack": ("U711",)})
NOON = 1717243200  # 2024-06-01 12:00 UTC
DAY = "general/2024-06-01.json"
USERS = [
    {"id": "U711", "name": "ola", "profile": {"real_name": "Ola Brandt", "email": "ola@example.org"}},
    {"id": "U502", "name": "tam", "real_name": "Tam Okonjo", "profile": {"display_name": "tammy"}},
    {"id": "B1", "name": "ci", "is_bot": True, "profile": {}},
]


def message(second: int, user: str, text: str, **more: Any) -> dict[str, Any]:
    return {"type": "message", "user": user, "text": text, "ts": f"{NOON + second}.000100"} | more


def workspace(root: Path, *messages: Any) -> None:
    put(root, "users.json", USERS)
    put(root, "channels.json", [{"id": "C9", "name": "general", "members": ["U711"]}])
    put(root, "dms.json", [{"id": "D5", "members": ["U711", "U502"]}])
    put(root, DAY, list(messages))


def record(second: int, user: str, text: str, where: str, **more: Any) -> Record:
    return Record(
        id=stable_id("slack:C9", f"{NOON + second}.000100"),
        source="slack",
        kind=Kind.MESSAGE,
        author_id="owner" if user == "U711" else f"slack:{user}",
        by_owner=user == "U711",
        thread_id="slack:C9",
        said_at=datetime.fromtimestamp(NOON + second + 0.0001, UTC),
        text=text,
        audience="slack:C9",
        origin=where,
        **more,
    )


def test_everybodys_messages_come_in_and_threads_are_joined(tmp_path: Path) -> None:
    begun = f"{NOON}.000100"
    answer = message(
        2,
        "U711",
        "hi <@U502> &amp; <!here>",
        thread_ts=begun,
        edited={"user": "U711", "ts": f"{NOON + 60}.000000"},
        files=[{"mimetype": "image/png"}, {"mimetype": "text/plain"}],
    )
    workspace(tmp_path, message(0, "U502", "hello", thread_ts=begun, reply_count=1), answer)
    put(tmp_path, "D5/2024-06-02.json", [message(9, "U502", "in private")])
    (direct,) = [one for one in kept(SOURCE, tmp_path, OWNER) if one.thread_id == "slack:D5"]
    assert direct.audience == "slack:D5"
    assert [one for one in read(tmp_path, OWNER) if one != direct] == [
        record(0, "U502", "hello", f"{DAY}#1"),
        record(
            2,
            "U711",
            "hi @\ue000person:slack:U502\ue001 & @here",
            f"{DAY}#2",
            reply_to=stable_id("slack:C9", begun),
            edited_at=datetime.fromtimestamp(NOON + 60, UTC),
            attachments=(Attachment("image"), Attachment("file")),
        ),
    ]
    assert recognise(tmp_path) == 0.95
    assert list(read(zipped(tmp_path), OWNER)) == list(read(tmp_path, OWNER))
    assert list(people(tmp_path, OWNER)) == [
        Person("slack:U502", ("Tam Okonjo", "tammy"), ("tam",)),
        Person("slack:B1", (), ("ci",)),
    ]


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        (
            "see <https://example.org/a|the wall> or <https://example.org>",
            "see the wall or https://example.org",
        ),
        ("in <#C9|general> and <#C10>", "in #general and #channel"),
        ("<!subteam^S1|@climbers> <!date^1717243200^{date}|Jun 1>", "@climbers Jun 1"),
        ("<mailto:t@example.org|t@example.org>", "\ue000email:t@example.org\ue001"),
        ("<tel:+38640555012|+386 40 555 012>", "\ue000phone:+38640555012\ue001"),
        ("<@U502|tam>: 1 &lt; 2 &gt; <3", "@\ue000person:slack:U502\ue001: 1 < 2 > <3"),
        ("&#" + "9" * 5000 + ";", "&#" + "9" * 5000 + ";"),  # a number that no character has
    ],
)
def test_markup_becomes_plain(tmp_path: Path, written: str, plain: str) -> None:
    workspace(tmp_path, message(0, "U711", written))
    assert [one.text for one in kept(SOURCE, tmp_path, OWNER)] == [plain]


def test_bots_and_notices_are_dropped_by_name_and_bad_items_cost_only_themselves(tmp_path: Path) -> None:
    workspace(
        tmp_path,
        message(0, "U502", "joined", subtype="channel_join"),
        message(1, "U502", "beep", subtype="bot_message"),
        message(2, "U502", "beep", bot_id="B7"),
        message(3, "B1", "beep"),
        message(4, "U502", "gone", subtype="tombstone"),
        message(5, "U711", "", files=[{"mimetype": "image/png"}]),
        message(6, "U711", "when", ts="1717243200"),
        message(7, "", "who"),
        "nonsense",
        message(8, "U711", "also in the channel", subtype="thread_broadcast"),
    )
    dropped = {"failed": False}
    assert list(read(tmp_path, OWNER)) == [
        Skipped(f"{DAY}#1", "a system message", **dropped),
        Skipped(f"{DAY}#2", "written by a bot", **dropped),
        Skipped(f"{DAY}#3", "written by a bot", **dropped),
        Skipped(f"{DAY}#4", "written by a bot", **dropped),
        Skipped(f"{DAY}#5", "deleted", **dropped),
        Skipped(f"{DAY}#6", "no words in it", **dropped),
        Skipped(f"{DAY}#7", "no time that can be read"),
        Skipped(f"{DAY}#8", "no sender"),
        Skipped(f"{DAY}#9", "not a message"),
        record(8, "U711", "also in the channel", f"{DAY}#10"),
    ]


@pytest.mark.parametrize("owner", [Owner(name="Ola Brandt"), Owner(accounts={"email": ("Ola@example.org",)})])
def test_without_an_account_the_owner_is_known_by_name_or_address(tmp_path: Path, owner: Owner) -> None:
    workspace(tmp_path, message(0, "U711", "a"), message(1, "U502", "b"))
    assert [one.by_owner for one in kept(SOURCE, tmp_path, owner)] == [True, False]
    put(tmp_path, DAY, [message(0, "U502", "<@U711>")])
    assert kept(SOURCE, tmp_path, owner)[0].text == f"@{owner.name.partition(' ')[0] or 'me'}"


def test_torn_files_cost_only_themselves(tmp_path: Path) -> None:
    workspace(tmp_path)
    whole = json.dumps([message(0, "U711", "one"), message(1, "U502", "two")])
    put(tmp_path, DAY, whole[: whole.index("two")])
    put(tmp_path, "general/2024-06-02.json", "")
    put(tmp_path, "users.json", json.dumps(USERS)[:-9])
    assert list(read(tmp_path, OWNER)) == [
        Skipped("users.json#after 3", "the file breaks off here"),
        record(0, "U711", "one", f"{DAY}#1"),
        Skipped(f"{DAY}#after 2", "the file breaks off here"),
        Skipped("general/2024-06-02.json#after 0", "the file breaks off here"),
    ]


def test_an_empty_folder_says_so(tmp_path: Path) -> None:
    assert recognise(tmp_path) == 0.0
    assert left_out(SOURCE, tmp_path, OWNER)[0].why.startswith("no folder of a channel")


WHOLE = json.dumps([message(0, "U711", "hi <@U502>"), message(1, "U502", "yo", edited={"ts": "1"})]).encode()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80, deadline=None)
@given(data=damaged(WHOLE), users=damaged(json.dumps(USERS).encode()))
def test_files_damaged_anywhere_never_raise_and_the_ledger_closes(
    tmp_path: Path, data: bytes, users: bytes
) -> None:
    put(tmp_path, DAY, data)
    put(tmp_path, "users.json", users)
    put(tmp_path, "channels.json", users)
    ingested(SOURCE, tmp_path, OWNER)
