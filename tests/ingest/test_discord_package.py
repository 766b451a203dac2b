"""Does Discord's data package come in whole, whichever year it is from and however broken?"""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingest.source import Owner, Person
from ingest.sources.discord_package import people, read, recognise
from storage.records import Attachment, Kind, Record, Skipped, ZoneSource, stable_id

OWNER = Owner(name="Ola Brandt", accounts={"discord": ("201190884120068096",)})
CHANNEL = "512003884417089536"
FIRST, SECOND = 1192591538257920001, 1192591542452224003  # larger than 2^53: a float would round them


def record(message_id: int, text: str, said_at: datetime, where: str, **more: object) -> Record:
    return Record(
        id=stable_id("discord", str(message_id)),
        source="discord_package",
        kind=Kind.MESSAGE,
        author_id="owner",
        by_owner=True,
        thread_id=f"discord:{CHANNEL}",
        said_at=said_at,
        text=text,
        audience=f"discord:{CHANNEL}",
        origin=where,
        **({"zone_source": ZoneSource.SCHEMA} | more),  # type: ignore[arg-type]
    )


def write(root: Path, name: str, content: object) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")


def rows(*texts: str) -> list[dict[str, object]]:
    return [
        {
            "ID": FIRST + number,
            "Timestamp": f"2024-01-04 22:13:0{number}",
            "Contents": text,
            "Attachments": "",
        }
        for number, text in enumerate(texts)
    ]


def at(second: int) -> datetime:
    return datetime(2024, 1, 4, 22, 13, second, tzinfo=UTC)


@pytest.mark.parametrize(
    "folder", ["messages/c", "Messages/c", "Nachrichten/c", "Wiadomości/", "package/Messages/c"]
)
@pytest.mark.parametrize("kind", [1, "DM", "GUILD_TEXT"])
def test_every_generation_of_json_gives_the_same_records(
    tmp_path: Path, folder: str, kind: int | str
) -> None:
    write(tmp_path, f"{folder}{CHANNEL}/channel.json", {"id": CHANNEL, "type": kind})
    write(tmp_path, f"{folder}{CHANNEL}/messages.json", rows("hello", "again"))
    where = f"{folder}{CHANNEL}/messages.json"
    assert list(read(tmp_path, OWNER)) == [
        record(FIRST, "hello", at(0), f"{where}#1"),
        record(FIRST + 1, "again", at(1), f"{where}#2"),
    ]
    assert recognise(tmp_path) > 0.9


def test_the_csv_of_before_2024_reads_the_same(tmp_path: Path) -> None:
    write(tmp_path, f"messages/{CHANNEL}/channel.json", {"id": CHANNEL, "type": 0})
    lines = (
        "ID,Timestamp,Contents,Attachments\r\n"
        f'{FIRST},2024-01-04 22:13:00.000000+00:00,"hello, ""you""\nthere",https://cdn.example.org/a.png\r\n'
        f"{SECOND},2024-01-04 22:13:01.000000+00:00,again,\r\n"
        "12,torn"
    )
    write(tmp_path, f"messages/{CHANNEL}/messages.csv", lines)
    where = f"messages/{CHANNEL}/messages.csv"
    explicit = {"zone_source": ZoneSource.EXPLICIT}
    assert list(read(tmp_path, OWNER)) == [
        record(
            FIRST, 'hello, "you"\nthere', at(0), f"{where}#2", attachments=(Attachment("image"),), **explicit
        ),
        record(SECOND, "again", at(1), f"{where}#3", **explicit),
        Skipped(f"{where}#4", "the line breaks off"),
    ]


def test_a_zip_reads_like_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "package"
    write(folder, f"Messages/c{CHANNEL}/channel.json", {"id": CHANNEL})
    write(folder, f"Messages/c{CHANNEL}/messages.json", rows("hello"))
    with zipfile.ZipFile(tmp_path / "package.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for file in folder.rglob("*.json"):
            archive.write(file, file.relative_to(folder))
    assert list(read(tmp_path / "package.zip", OWNER)) == list(read(folder, OWNER))


def test_a_truncated_channel_keeps_its_good_prefix_and_costs_no_other_channel(tmp_path: Path) -> None:
    whole = json.dumps(rows("one", "two", "three"))
    write(tmp_path, f"Messages/c{CHANNEL}/messages.json", whole[: whole.rindex("three")])
    write(tmp_path, "Messages/c99999/messages.json", rows("elsewhere"))
    found = list(read(tmp_path, OWNER))
    assert [item.text for item in found if isinstance(item, Record)] == ["one", "two", "elsewhere"]
    torn = f"Messages/c{CHANNEL}/messages.json#after 3"
    assert [item for item in found if isinstance(item, Skipped)] == [
        Skipped(torn, "the file breaks off here")
    ]


def test_what_is_no_message_is_counted_with_its_reason(tmp_path: Path) -> None:
    broken = [
        {"ID": 1.1925962752e18, "Timestamp": "2024-01-04 22:13:00", "Contents": "a float lost its digits"},
        {
            "ID": FIRST,
            "Timestamp": "2024-01-04 22:13:00",
            "Contents": "",
            "Attachments": "https://x.example/a.png",
        },
        {"ID": 7, "Timestamp": "yesterday", "Contents": "when?"},
        "not even an object",
        {"ID": str(FIRST), "Timestamp": None, "Contents": "its id knows the time"},
    ]
    write(tmp_path, f"c{CHANNEL}/messages.json", broken)
    write(tmp_path, f"c{CHANNEL}/channel.json", "{")
    where = f"c{CHANNEL}/messages.json"
    by_id = at(0)
    found = list(read(tmp_path, OWNER))
    assert found == [
        Skipped(f"c{CHANNEL}/channel.json", "not valid JSON; its messages are read all the same"),
        Skipped(f"{where}#1", "no message id"),
        Skipped(f"{where}#2", "no words in it", failed=False),
        Skipped(f"{where}#3", "no time that can be read"),
        Skipped(f"{where}#4", "not a message"),
        record(FIRST, "its id knows the time", by_id, f"{where}#5", zone_source=ZoneSource.EXPLICIT),
    ]


def test_a_time_that_contradicts_the_id_gives_way_to_it(tmp_path: Path) -> None:
    row = {"ID": FIRST, "Timestamp": "2019-05-05 05:05:05", "Contents": "hi", "Attachments": ""}
    write(tmp_path, f"c{CHANNEL}/messages.json", [row])
    (found,) = read(tmp_path, OWNER)
    assert isinstance(found, Record)
    assert found.said_at == at(0)


def test_markup_becomes_plain_and_mentions_keep_who_is_meant(tmp_path: Path) -> None:
    text = "<@!302118840066113536> in <#99999999> <a:party:123456> <@&55555555> <t:1700000000:R>"
    write(tmp_path, f"c{CHANNEL}/messages.json", rows(text))
    (found,) = read(tmp_path, OWNER)
    assert isinstance(found, Record)
    assert found.text == "@\ue000person:discord:302118840066113536\ue001 in #channel :party: @role "


def test_somebody_elses_package_is_refused_whole(tmp_path: Path) -> None:
    write(tmp_path, "Compte/user.json", {"id": "123456789012345678", "username": "else"})
    write(tmp_path, f"Messages/c{CHANNEL}/messages.json", rows("not mine"))
    why = "this package is account 123456789012345678's, which is not in [owner] accounts.discord"
    assert list(read(tmp_path, OWNER)) == [Skipped(tmp_path.name, why)]


def test_the_decoy_account_deeper_down_is_not_the_owner(tmp_path: Path) -> None:
    write(tmp_path, "Compte/user.json", {"id": "201190884120068096", "username": "ola"})
    write(
        tmp_path, "Activités/Activities_1/users/user.json", {"id": "123456789012345678", "username": "decoy"}
    )
    write(tmp_path, "Activités/users/user.json", {"id": "123456789012345678", "username": "nearer decoy"})
    write(tmp_path, f"Messages/c{CHANNEL}/messages.json", rows("mine"))
    assert [item.text for item in read(tmp_path, OWNER) if isinstance(item, Record)] == ["mine"]


def test_friends_and_partners_of_direct_messages_are_known_before_reading(tmp_path: Path) -> None:
    friend = {"id": "302118840066113536", "username": "tam.climbs", "global_name": "Tam Okonjo"}
    account = {"id": OWNER.accounts["discord"][0], "username": "ola"}
    related = [{"id": friend["id"], "type": 1, "nickname": "Tammy", "user": friend}]
    write(tmp_path, "Account/user.json", account | {"relationships": related})
    write(tmp_path, "Messages/index.json", {CHANNEL: "Direct Message with jorrit.h#0", "99999": None})
    both = [int(OWNER.accounts["discord"][0]), 401118840066113536]
    write(tmp_path, f"Messages/c{CHANNEL}/channel.json", {"id": CHANNEL, "type": "DM", "recipients": both})
    write(tmp_path, f"Messages/c{CHANNEL}/messages.json", rows("hi"))
    write(
        tmp_path,
        "Messages/c99999/channel.json",
        {"id": "99999", "type": "DM", "recipients": ["Deleted User"]},
    )
    write(tmp_path, "Messages/c99999/messages.json", rows("hi"))
    assert list(people(tmp_path, OWNER)) == [
        Person("discord:302118840066113536", ("Tammy", "Tam Okonjo"), ("tam.climbs",)),
        Person("discord:401118840066113536", (), ("jorrit.h",)),
    ]


def test_an_empty_folder_says_so(tmp_path: Path) -> None:
    expected = Skipped(tmp_path.name, "no folder with a Discord channel's messages in it")
    assert list(read(tmp_path, OWNER)) == [expected]
    assert recognise(tmp_path) == 0.0
