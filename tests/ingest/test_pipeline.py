"""Does every export, the nastiest too, end in a ledger that closes and in the store once?"""

from __future__ import annotations

import io
import json
import os
import stat
import tomllib
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from examples.make_sample import write_all
from ingest import dedup as dedup_file
from ingest.dedup import Dedup, Duplicate
from ingest.files import ExportUnreadable, open_export
from ingest.ledger import Ledger
from ingest.pipeline import Passage, ingest, read_all, recognise
from ingest.redact import Redactor
from ingest.roster import Roster
from ingest.settings import OwnerSettings
from ingest.source import Owner, Source, place
from ingest.sources import SOURCES
from storage.database import Database
from storage.records import Kind, Record, Skipped, with_changes
from storage.records_store import RecordStore

KEY = b"0123456789abcdef0123456789abcdef"
MIRA = Path(__file__).parents[2] / "examples" / "mira"
EXPORTS = {"telegram": "telegram", "discord_package": "discord-package", "journal": "journal"}


def mira() -> Owner:
    return OwnerSettings(**tomllib.loads((MIRA / "twin.toml").read_text(encoding="utf-8"))["owner"]).owner()


def record(number: int, text: str, minute: int = 0) -> Record:
    said_at = datetime(2024, 1, 1, 12, minute, tzinfo=UTC)
    origin = place(f"file{number % 2}", number)
    return Record(str(number), "made-up", Kind.MESSAGE, "made-up:7", False, "t", said_at, text, origin=origin)


def made_up(*items: Record | Skipped) -> Source:
    def read(path: Path, owner: Owner) -> Iterator[Record | Skipped]:
        yield from items

    return Source("made-up", lambda path: 0.0, read)


def run(source: Source, path: Path = Path()) -> tuple[list[object], Ledger]:
    ledger = Ledger(source.name)
    outcomes = list(read_all(source, path, Owner(), Passage(Roster(KEY, Owner()), ledger)))
    ledger.kept = sum(isinstance(outcome, Record) for outcome in outcomes)
    assert ledger.closes()
    return list(outcomes), ledger


@pytest.mark.parametrize("source", EXPORTS)
async def test_the_sample_comes_in_once_and_the_second_time_adds_nothing(
    sqlite_database: Database, tmp_path: Path, source: str
) -> None:
    store, people = RecordStore(sqlite_database), tmp_path / "people.json"
    seen: list[int] = []

    async def again() -> Ledger:
        path = MIRA / EXPORTS[source]
        return await ingest(
            "auto",
            path,
            mira(),
            store,
            key=KEY,
            roster_path=people,
            on_progress=lambda now: seen.append(now.seen),
        )

    first = await again()
    kept = await store.find()
    second = await again()
    assert first.source == source
    assert first.closes()
    assert second.closes()
    assert (second.kept, second.merged) == (0, first.kept)
    assert first.kept == len(kept) > 25
    assert first.dropped
    assert seen[-1] == second.seen
    assert await store.find() == kept


async def test_nobodys_name_or_number_is_in_the_store(sqlite_database: Database, tmp_path: Path) -> None:
    store = RecordStore(sqlite_database)
    for name in ("telegram", "discord_package", "journal"):
        await ingest(name, MIRA / EXPORTS[name], mira(), store, key=KEY, roster_path=tmp_path / "people.json")
    everything = " ".join(f"{one.text} {one.author_id}" for one in await store.find()).lower()
    for told in (
        "tamsin",
        "okonjo",
        "jorrit",
        "saoirse",
        "benedikt",
        "ludmila",
        "juniper",
        "example.org is",
        "555 0123",
    ):
        assert told not in everything
    assert "sourd0ugh" not in everything
    assert "0123 438" not in everything


async def test_the_ledger_names_what_was_torn(sqlite_database: Database) -> None:
    ledger = await ingest("auto", MIRA / "discord-package", mira(), RecordStore(sqlite_database), key=KEY)
    assert dict(ledger.failed) == {"the file breaks off here": 1}
    report = ledger.as_json()
    assert report["closes"]
    assert json.loads(json.dumps(report)) == report
    assert sum(tally["seen"] for tally in report["files"].values()) == ledger.seen


def test_what_cannot_be_pseudonymised_is_kept_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: Redactor, text: str) -> str:
        raise RuntimeError("a bug")

    monkeypatch.setattr(Redactor, "redact", fails)
    monkeypatch.setattr(Redactor, "worth_a_look", fails)  # nor is what a bug keeps us from looking at
    outcomes, ledger = run(made_up(record(1, "hello")))
    assert outcomes == [Skipped("file1#1", "could not be pseudonymised")]
    assert dict(ledger.failed) == {"could not be pseudonymised": 1}


def test_everything_is_entered_once_for_each_file_and_in_total() -> None:
    long = "one two three four five six seven eight nine"
    outcomes, ledger = run(
        made_up(
            record(1, "ha"),
            record(2, "ha"),
            record(1, "ha"),
            record(3, long),
            record(4, f"{long}!", minute=5),
            record(5, " \u200b\x00 "),
            record(6, "x" * 300_000),
            Skipped("file1#9", "torn"),
            Skipped("file1#10", "a service message", failed=False),
        )
    )
    assert [type(outcome) for outcome in outcomes].count(Duplicate) == 2
    assert (ledger.seen, ledger.kept, ledger.merged) == (9, 3, 2)
    assert dict(ledger.dropped) == {"no words in it": 1, "a service message": 1}
    assert dict(ledger.failed) == {"longer than 200,000 characters": 1, "torn": 1}
    assert {name: tally.seen for name, tally in ledger.files.items()} == {"file0": 3, "file1": 6}


def test_a_ledger_that_lost_something_does_not_close() -> None:
    ledger = Ledger("made-up")
    ledger.see("file#1")
    assert not ledger.closes()
    ledger.kept = 1
    assert not ledger.closes()  # in total, but not for the file
    ledger.enter(record(1, "x"))
    ledger.files["file"].gave = 1
    ledger.files.pop("file1")
    assert ledger.closes()
    ledger.kept = 0
    assert not ledger.closes()  # for the file, but not in total


def test_short_words_and_other_times_are_no_duplicates() -> None:
    dedup, long = Dedup(), "one two three four five six seven eight nine"
    new = [
        record(1, "ok"),
        record(2, "ok"),
        record(3, long),
        record(4, long.replace("nine", "ten ten"), minute=1),
    ]
    assert [dedup.check(one) for one in new] == new
    tomorrow = with_changes(record(5, long), said_at=datetime(2024, 1, 2, 12, tzinfo=UTC))
    assert dedup.check(tomorrow) == tomorrow
    much_longer = record(7, " ".join(f"{long} {number}" for number in range(9)), minute=2)
    assert dedup.check(much_longer) == much_longer
    assert dedup.check(with_changes(much_longer, id="8")) == Duplicate("file1#7", "7")
    assert dedup.check(record(6, f"{long} ten", minute=2)) == Duplicate("file0#6", "3")


def test_words_are_compared_in_whatever_order_an_export_has_them() -> None:
    dedup, long = Dedup(), "one two three four five six seven eight nine"
    early = with_changes(record(2, f"{long} other words"), said_at=datetime(2023, 1, 1, tzinfo=UTC))
    assert [dedup.check(record(1, long)), dedup.check(early)] == [record(1, long), early]
    assert dedup.check(record(3, long, minute=5)) == Duplicate("file1#3", "1")


def test_what_is_remembered_for_comparing_stays_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dedup_file, "_IDS", 10)
    monkeypatch.setattr(dedup_file, "_SPEAKERS", 3)
    dedup, long = Dedup(), "one two three four five six seven eight nine"
    for number in range(100):
        said = with_changes(record(number, f"{long} {number}"), thread_id=str(number))
        assert dedup.check(said) == said
        assert dedup.check(said) == Duplicate(said.origin, said.id)
        short = record(1000 + number, "ha")
        assert dedup.check(short) == short
        assert dedup.check(short) == Duplicate(short.origin, short.id)
    assert len(dedup._ids) + len(dedup._former) <= 20
    assert len(dedup._recent) == 3
    assert isinstance(dedup.check(with_changes(record(101, f"{long} 99"), thread_id="99")), Duplicate)


@pytest.mark.parametrize("name", [*SOURCES, "auto"])
async def test_a_missing_path_is_one_sentence(sqlite_database: Database, tmp_path: Path, name: str) -> None:
    with pytest.raises(ExportUnreadable, match="There is no file or folder"):
        await ingest(name, tmp_path / "nowhere", Owner(), RecordStore(sqlite_database), key=KEY)


async def test_an_unknown_source_and_an_unknown_export_say_what_there_is(
    sqlite_database: Database, tmp_path: Path
) -> None:
    store = RecordStore(sqlite_database)
    with pytest.raises(ExportUnreadable, match=", ".join(SOURCES)):
        await ingest("myspace", tmp_path, Owner(), store, key=KEY)
    with pytest.raises(ExportUnreadable, match=", ".join(SOURCES)):
        await ingest("auto", tmp_path, Owner(), store, key=KEY)


@pytest.mark.parametrize("name", SOURCES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    data=st.binary(max_size=400)
    | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass"))
)
def test_arbitrary_bytes_never_raise_and_the_ledger_closes(tmp_path: Path, name: str, data: bytes) -> None:
    inside = {"discord_package": "c512003884417089536/messages.json", "journal": "2024-01-01.md"}
    file = tmp_path / inside.get(name, "result.json")
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(data)
    (file.parent / "messages.csv").write_bytes(data)
    (file.parent / "channel.json").write_bytes(data)
    run(SOURCES[name], tmp_path)
    for source in SOURCES.values():
        assert 0 <= source.recognise(tmp_path) <= 1


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(data=st.data())
def test_a_telegram_export_damaged_anywhere_never_raises(tmp_path: Path, data: st.DataObject) -> None:
    message = {
        "id": 1,
        "type": "message",
        "date": "2024-06-01T13:00:00",
        "from_id": "user5",
        "text": ["a", {"text": "b"}],
    }
    chat = {"name": "A", "type": "personal_chat", "id": 5, "messages": [message, message | {"id": 2}]}
    whole = bytearray(
        json.dumps({"personal_information": {"user_id": 7}, "chats": {"list": [chat]}}).encode()
    )
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    (tmp_path / "result.json").write_bytes(whole[: data.draw(st.integers(0, len(whole)))])
    run(SOURCES["telegram"], tmp_path)


def bomb(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("c512003884417089536/messages.json", b" " * (64 << 20))
        archive.writestr("../../../c99999/messages.json", b"[]")
        archive.writestr("/c99998/messages.json", b"[]")
        archive.writestr("a/" * 60 + "c99997/messages.json", b"[]")
        link = zipfile.ZipInfo("c99996/messages.json")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    return folder / "bomb.zip"


def test_a_zip_that_means_harm_is_refused_file_by_file(tmp_path: Path) -> None:
    outcomes, _ = run(SOURCES["discord_package"], bomb(tmp_path))
    assert sorted(one.why for one in outcomes if isinstance(one, Skipped)) == [
        "a link or device, not a file",
        "it unpacks to far more than an export would",
        "its name leads outside the archive",
        "its name leads outside the archive",
        "nested too deeply",
        "no folder with a Discord channel's messages in it",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["bomb.zip"]


def test_a_torn_zip_is_one_sentence_and_a_rotten_member_one_failure(tmp_path: Path) -> None:
    file = tmp_path / "package.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("c512003884417089536/messages.json", b'[{"ID": 1}, "%s"]' % (b"x" * 1000))
    whole = file.read_bytes()
    file.write_bytes(whole.replace(b"x" * 900, b"y" * 900))
    outcomes, _ = run(SOURCES["discord_package"], file)
    assert any("cannot be read any further" in one.why for one in outcomes if isinstance(one, Skipped))
    file.write_bytes(whole[:500])
    with pytest.raises(ExportUnreadable, match="download the export again"):
        run(SOURCES["discord_package"], file)


def test_links_pipes_and_deep_folders_are_left_alone(tmp_path: Path) -> None:
    secret = tmp_path / "secret.md"
    secret.write_text("# 2024-01-01\n\nnot for anybody")
    folder = tmp_path / "journal"
    (folder / "/".join("d" * 30)).mkdir(parents=True)
    (folder / "2024-01-01.md").symlink_to(secret)
    (folder / "around").symlink_to(folder)
    os.mkfifo(folder / "2024-01-02.md")
    outcomes, _ = run(SOURCES["journal"], folder)
    assert sorted(one.why for one in outcomes if isinstance(one, Skipped)) == [
        "a link or device, not a file",
        "a link or device, not a file",
        "a link or device, not a file",
        "nested too deeply",
        "no text or Markdown file here",
    ]


def test_reading_a_zip_never_takes_more_than_it_declared(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.md", b"hello")
    with open_export(tmp_path / "a.zip") as export:
        assert export.head("a.md", 100) == b"hello"
        assert export.head("b.md", 100) == b""
        with pytest.raises(OSError):
            export.open("b.md")


@pytest.mark.parametrize("name", EXPORTS)
def test_each_sample_export_is_recognised_by_its_structure(tmp_path: Path, name: str) -> None:
    (tmp_path / "some folder").symlink_to(MIRA / EXPORTS[name])
    assert recognise(tmp_path / "some folder").name == name


def test_a_csv_with_one_endless_line_is_survived(tmp_path: Path) -> None:
    file = tmp_path / "c512003884417089536" / "messages.csv"
    file.parent.mkdir()
    lines = io.StringIO()
    lines.write(
        "ID,Timestamp,Contents,Attachments\n1,2024-01-04 22:13:00+00:00,first,\n2,2024-01-04 22:13:00+00:00,"
    )
    lines.write("x" * (3 << 20) + ",\n3,2024-01-04 22:13:00+00:00,last,\n")
    file.write_text(lines.getvalue())
    outcomes, ledger = run(SOURCES["discord_package"], tmp_path)
    assert [one.text for one in outcomes if isinstance(one, Record)] == ["first", "last"]
    assert ledger.failed.total() >= 1


def test_the_sample_is_what_its_generator_writes(tmp_path: Path) -> None:
    write_all(tmp_path)
    written = {
        path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()
    }
    assert len(written) == 12
    assert written == {name: (MIRA / name).read_bytes() for name in written}
