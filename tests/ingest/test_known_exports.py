"""Is an export that did not change told from memory, and read again whenever that could matter?"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from ingest import changed_files, known_exports
from ingest.changed_files import examine
from ingest.ledger import Ledger
from ingest.pipeline import ingest
from ingest.roster import Roster
from ingest.source import Owner, Person
from storage.cursors import CursorStore
from storage.database import Database
from storage.records import READ_EXPORTS
from storage.records_store import RecordStore

KEY = bytes(range(32))
OWNER = Owner("Mira", accounts={"telegram": ("7",)})
Read = Callable[..., Awaitable[Ledger]]


def message(number: int, text: str, **more: Any) -> dict[str, Any]:
    about = {"id": number, "type": "message", "date_unixtime": str(1717243200 + number), "from_id": "user7"}
    return about | {"text": text} | more


def write(folder: Path, *messages: Any) -> Path:
    chat = {"name": "Tam", "type": "personal_chat", "id": 5, "messages": messages}
    (folder / "export").mkdir(exist_ok=True)
    (folder / "export" / "result.json").write_text(json.dumps(chat))
    return folder / "export"


@pytest.fixture
def export(tmp_path: Path) -> Path:
    return write(
        tmp_path, message(1, "hello Ola"), message(2, "bye"), message(3, ""), "torn", message(2, "bye")
    )


@pytest.fixture
def read(sqlite_database: Database, tmp_path: Path, export: Path) -> Read:
    async def ingested(**more: Any) -> Ledger:
        about = {"source": "auto", "path": export, "owner": OWNER, "key": KEY} | more
        store, cursors = RecordStore(sqlite_database), CursorStore(sqlite_database)
        return await ingest(keep=store, cursors=cursors, roster_path=tmp_path / "roster.json", **about)

    return ingested


async def test_the_second_time_the_first_is_told_and_nothing_read(
    read: Read, export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await read()
    monkeypatch.setattr("ingest.pipeline.read_all", lambda *about: pytest.fail("it was read"))
    second = await read()
    assert (first.seen, first.kept, first.merged, first.unchanged) == (5, 2, 1, False)
    assert (second.seen, second.kept, second.merged, second.unchanged) == (5, 0, 3, True)
    assert (second.dropped, second.failed) == (first.dropped, first.failed)
    assert (second.skipped, second.files) == (first.skipped, first.files)
    assert first.failed
    assert second.closes()


@pytest.mark.parametrize("text", ["hi", "hello, everybody"])
async def test_a_change_is_read(read: Read, tmp_path: Path, text: str) -> None:
    await read()
    write(tmp_path, message(1, text))
    changed = await read()
    assert (changed.unchanged, changed.seen, changed.kept) == (False, 1, 1)
    assert (await read()).unchanged


async def test_a_file_as_large_and_as_old_as_the_one_before_is_looked_into(
    read: Read, tmp_path: Path, export: Path
) -> None:
    times = (time.time(), time.time())
    write(tmp_path, message(1, "one"))
    os.utime(export / "result.json", times)
    await read()
    write(tmp_path, message(1, "two"))
    os.utime(export / "result.json", times)
    assert not (await read()).unchanged


async def test_another_name_another_owner_another_key_or_other_code_read_it_again(
    read: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sqlite_database: Database
) -> None:
    await read()
    roster = Roster(KEY, OWNER)
    roster.load(tmp_path / "roster.json")
    roster.learn(Person("telegram:9", ("Ola",)))
    roster.save(tmp_path / "roster.json")
    assert (await read()).kept == 1  # the one that says Ola
    assert "Ola" not in " ".join(one.text for one in await RecordStore(sqlite_database).find())
    assert (await read()).unchanged
    assert not (await read(owner=Owner("Mira", ("M",), OWNER.accounts))).unchanged
    assert not (await read(key=bytes(32))).unchanged
    await read()
    monkeypatch.setattr(known_exports, "_code", lambda: "other")
    assert not (await read()).unchanged


async def test_again_reads_it_all_the_same(read: Read) -> None:
    first = await read()
    again = await read(again=True)
    assert (again.unchanged, again.kept, again.merged) == (False, 0, first.kept + first.merged)
    assert (await read()).unchanged


async def test_what_was_removed_comes_back_and_what_was_deleted_does_not(
    read: Read, sqlite_database: Database
) -> None:
    store = RecordStore(sqlite_database)
    await read()
    one, other = await store.find()
    await store.remove([one.id])
    assert (await read()).kept == 1
    assert await store.find() == [one, other]
    await store.mark_deleted([one.id], one.said_at)
    await read()
    assert await store.find() == [other]


async def test_a_repository_is_always_read(read: Read, sqlite_database: Database, tmp_path: Path) -> None:
    for _ in range(2):
        assert not (await read(source="git", path=tmp_path)).unchanged
    assert await CursorStore(sqlite_database).all(READ_EXPORTS) == []


def test_pictures_are_not_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.JPG").write_bytes(b"one")
    (tmp_path / "a.txt").write_bytes(b"one")
    state, _ = examine(tmp_path, None)
    (tmp_path / "a.JPG").write_bytes(b"two")
    monkeypatch.setattr(changed_files, "_JUST_NOW", 0)
    assert examine(tmp_path, state)[0].words == state.words
    (tmp_path / "a.JPG").write_bytes(b"three")
    assert examine(tmp_path, state)[0].words != state.words
