import asyncio
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.database import Database
from storage.records import Attachment, Kind, Precision, Record, ZoneSource, with_changes
from storage.records_store import CHUNK, MANY, Kept, RecordStore

NOON = datetime(2024, 2, 29, 12, tzinfo=UTC)


def a_record(id: str, **changes: Any) -> Record:
    record = Record(
        id=id,
        source="telegram",
        kind=Kind.MESSAGE,
        author_id="owner",
        by_owner=True,
        thread_id="kitchen",
        said_at=NOON,
        text="Dinner is at eight",
        origin=f"result.json:{id}",
    )
    return with_changes(record, **changes)


async def test_a_record_comes_back_as_it_went_in(database: Database) -> None:
    full = a_record(
        "full",
        reply_to="other",
        attachments=(Attachment("image", "ab12"), Attachment("link")),
        tags=("personal", "Grüße, \"quoted\" and 'more'"),
        lang="de",
        audience="kitchen",
        precision=Precision.MINUTE,
        zone_source=ZoneSource.OWNER,
        said_at=datetime(2024, 2, 29, 12, 0, 0, 123456, tzinfo=UTC),
        edited_at=NOON + timedelta(hours=1),
    )
    bare = a_record("bare")
    store = RecordStore(database)
    await store.add_all([full, bare])
    assert await store.get("full") == full
    assert await store.get("bare") == bare
    assert await store.get("nobody") is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(text=st.text(st.characters(codec=None), max_size=20), tags=st.lists(st.text(max_size=5), max_size=3))
async def test_any_text_an_export_may_hold_can_be_kept_and_changes_nothing_the_second_time(
    sqlite_database: Database, text: str, tags: list[str]
) -> None:
    store = RecordStore(sqlite_database)
    await store.remove(["x"])
    assert await store.add_all([a_record("x", text=text, tags=tuple(tags))]) == Kept(added=1)
    assert await store.add_all([a_record("x", text=text, tags=tuple(tags))]) == Kept(merged=1)


async def test_half_an_emoji_and_a_nul_become_replacement_characters(database: Database) -> None:
    store = RecordStore(database)
    await store.add_all([a_record("x", text="a\x00b \ud83d c \ud83d\ude00", tags=("\udc00",))])
    kept = await store.get("x")
    assert kept
    assert kept.text == "a\ufffdb \ufffd c \U0001f600"
    assert kept.tags == ("\ufffd",)


async def test_times_come_back_in_utc_whatever_zone_they_came_in(database: Database) -> None:
    store = RecordStore(database)
    elsewhere = NOON.astimezone(timezone(timedelta(hours=9)))
    await store.add_all([a_record("x", said_at=elsewhere)])
    kept = await store.get("x")
    assert kept
    assert kept.said_at == NOON
    assert kept.said_at.tzinfo is UTC or kept.said_at.utcoffset() == timedelta(0)


async def test_a_time_without_a_zone_is_our_own_mistake(database: Database) -> None:
    with pytest.raises(Exception, match="has no time zone"):
        await RecordStore(database).add_all([a_record("x", said_at=NOON.replace(tzinfo=None))])


async def test_the_same_records_again_change_nothing(database: Database) -> None:
    store = RecordStore(database)
    records = [a_record(str(number)) for number in range(10)]
    assert await store.add_all(records) == Kept(added=10)
    elsewhere = [with_changes(record, origin="a second export") for record in records]
    assert await store.add_all(elsewhere) == Kept(merged=10)
    assert await store.find() == sorted(records, key=lambda record: record.id)


async def test_twice_in_one_import_counts_as_merged(database: Database) -> None:
    kept = await RecordStore(database).add_all([a_record("x"), a_record("x"), a_record("x", text="New")])
    assert kept == Kept(added=1, merged=1, updated=1)


async def test_an_edit_replaces_what_was_there(database: Database) -> None:
    store = RecordStore(database)
    await store.add_all([a_record("x"), a_record("y")])
    edited = a_record("x", text="Dinner is at nine", edited_at=NOON)
    assert await store.add_all([edited, a_record("y")]) == Kept(updated=1, merged=1)
    assert await store.get("x") == edited


async def test_a_message_that_came_by_two_routes_keeps_what_either_of_them_knows(database: Database) -> None:
    store = RecordStore(database)
    rich = a_record("1", source="exporter", reply_to="0", attachments=(Attachment("image"),))
    poor = a_record("1", source="package", text="Dinner is at eight?")
    await store.add_all([rich])
    assert await store.add_all([poor]) == Kept(merged=1)
    assert await store.get("1") == rich
    await store.add_all([with_changes(poor, id="2"), with_changes(rich, id="2")])
    assert await store.get("2") == with_changes(
        poor, id="2", reply_to="0", attachments=rich.attachments, origin=poor.origin
    )
    edited = with_changes(poor, edited_at=NOON + timedelta(hours=1))
    await store.add_all([edited])
    assert await store.get("1") == with_changes(rich, text=edited.text, edited_at=edited.edited_at)


async def test_what_is_seen_live_again_comes_back_and_what_was_forgotten_never_does(
    database: Database,
) -> None:
    store = RecordStore(database)
    records = [a_record("x", source="notion"), a_record("y", source="notion")]
    await store.add_all(records)
    await store.mark_deleted(["x", "y"], NOON)
    assert await store.forget(["y", "nobody"], NOON) == 1
    assert await store.forget(["y"], NOON) == 0
    assert await store.deleted_at_source("notion") == {"x"}
    assert await store.add_all(records) == Kept(merged=2)
    assert await store.find() == []
    assert await store.add_all(records, live=True) == Kept(updated=1, merged=1)
    assert await store.find() == records[:1]
    assert await store.deleted_at_source("notion") == set()
    forgotten = await store.get("y")
    assert (forgotten.text, forgotten.tags, forgotten.attachments) == ("", (), ())
    assert records[1].origin not in str(forgotten)


async def test_what_was_deleted_is_emptied_and_no_import_brings_it_back(database: Database) -> None:
    store = RecordStore(database)
    await store.add_all([a_record("x", attachments=(Attachment("image", "ab"),)), a_record("y")])
    assert await store.mark_deleted(["x", "nobody"], NOON) == 1
    assert await store.mark_deleted(["x"], NOON + timedelta(days=1)) == 0
    assert await store.add_all([a_record("x", text="Here again")]) == Kept(merged=1)
    tombstone = await store.get("x")
    assert tombstone == a_record("x", text="", deleted_at=NOON)
    assert [record.id for record in await store.find()] == ["y"]
    assert [record.id for record in await store.find(deleted=True)] == ["x", "y"]
    assert await store.counts() == {"telegram": 1}
    assert await store.threads() == {"kitchen": 1}


async def test_what_was_removed_leaves_no_trace(database: Database) -> None:
    store = RecordStore(database)
    many = [a_record(str(number)) for number in range(CHUNK + 5)]
    await store.add_all(many)
    assert await store.remove(record.id for record in many[3:]) == CHUNK + 2
    assert len(await store.find(deleted=True)) == 3
    assert await store.add_all(many[3:4]) == Kept(added=1)


async def test_find_gives_what_fits_all_filters_oldest_first(database: Database) -> None:
    store = RecordStore(database)
    day = timedelta(days=1)
    await store.add_all(
        [
            a_record("c", said_at=NOON + 2 * day, tags=("work", "personal")),
            a_record("b", said_at=NOON, source="notes", kind=Kind.NOTE, thread_id="diary"),
            a_record("a", said_at=NOON, tags=("Work",)),
            a_record("d", said_at=NOON + 3 * day, by_owner=False, author_id="<PERSON_1>"),
            a_record("e", said_at=NOON - day, tags=("homework", 'wo"rk')),
        ]
    )

    async def found(**filters: Any) -> str:
        return "".join(record.id for record in await store.find(**filters))

    assert await found() == "eabcd"
    assert await found(source="notes") == "b"
    assert await found(kind=Kind.NOTE) == "b"
    assert await found(thread_id="diary") == "b"
    assert await found(by_owner=True) == "eabc"
    assert await found(by_owner=False) == "d"
    assert await found(author_id="<PERSON_1>") == "d"
    assert await found(tag="work") == "c"
    assert await found(tag='wo"rk') == "e"
    assert await found(tag="%") == ""
    assert await found(since=NOON) == "abcd"
    assert await found(until=NOON) == "e"
    assert await found(since=NOON, until=NOON + 3 * day, by_owner=True, source="telegram") == "ac"
    assert await found(limit=2) == "ea"
    assert await found(limit=2, offset=1) == "ab"
    assert await found(offset=3) == "cd"
    assert await found(limit=0) == ""


async def test_the_newest_can_come_first_so_that_a_limit_keeps_them(database: Database) -> None:
    store = RecordStore(database)
    await store.add_all(a_record(f"{hour}", said_at=NOON + timedelta(hours=hour)) for hour in range(5))
    assert [record.id for record in await store.find(newest_first=True, limit=2)] == ["4", "3"]


async def test_a_record_is_found_by_how_its_id_begins(database: Database) -> None:
    store = RecordStore(database)
    await store.add_all([a_record("ab12"), a_record("ab34"), a_record("a_12")])
    assert [record.id for record in await store.beginning_with("ab1")] == ["ab12"]
    assert [record.id for record in await store.beginning_with("ab")] == ["ab12", "ab34"]
    assert [record.id for record in await store.beginning_with("a_")] == ["a_12"]
    assert await store.beginning_with("c") == []


async def test_counts_and_threads_tell_the_largest_first(database: Database) -> None:
    store = RecordStore(database)
    await store.add_all(
        [
            a_record("1", source="notes", thread_id="diary"),
            a_record("2", thread_id="hall"),
            a_record("3", thread_id="hall"),
        ]
    )
    assert list((await store.counts()).items()) == [("telegram", 2), ("notes", 1)]
    assert list((await store.threads()).items()) == [("hall", 2), ("diary", 1)]


async def test_one_record_that_is_there_spoils_no_import_of_new_ones(database: Database) -> None:
    store = RecordStore(database)
    await store.add_all([a_record("7", text="As it was"), a_record("8"), a_record("9")])
    await store.mark_deleted(["9"], NOON)
    many = [a_record(str(number)) for number in range(2 * MANY)]
    assert await store.add_all(many) == Kept(added=2 * MANY - 3, merged=2, updated=1)
    assert await store.counts() == {"telegram": 2 * MANY - 1}
    assert await store.add_all(a_record(f"later {number}") for number in range(MANY)) == Kept(added=MANY)
    assert await store.add_all(many) == Kept(merged=2 * MANY)


async def test_two_imports_of_the_same_export_at_once_keep_every_record_once(database: Database) -> None:
    store = RecordStore(database)
    records = [a_record(str(number)) for number in range(CHUNK + 500)]
    await asyncio.gather(store.add_all(records), store.add_all(reversed(records)))
    assert await store.counts() == {"telegram": len(records)}


async def test_imports_that_overlap_do_not_wait_for_each_other_for_ever(database: Database) -> None:
    store = RecordStore(database)
    for room in range(5):  # each with a shelf of memories that nobody has used before
        records = [a_record(f"{room}-{number}", audience=f"room {room}") for number in range(600)]
        await asyncio.gather(store.add_all(records), store.add_all(records[200:]))
    assert await store.counts() == {"telegram": 3000}


async def test_a_large_import_leaves_the_loop_free_for_a_chat(sqlite_database: Database) -> None:
    store = RecordStore(sqlite_database)
    beats = 0

    async def chat() -> None:
        nonlocal beats
        while True:
            await asyncio.sleep(0)
            beats += 1

    chatting = asyncio.create_task(chat())
    await store.add_all(a_record(str(number)) for number in range(3 * CHUNK))
    chatting.cancel()
    assert beats > 20
