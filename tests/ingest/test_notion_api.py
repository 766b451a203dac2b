"""Are the owner's words in Notion read on and on, and nobody else's?"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from api_server import Home, Naps, answers, running
from notion_server import ANN, ME, NotionServer, at, paragraph
from pydantic import SecretStr

from ingest.api_source import ApiSource
from ingest.apis.notion import notion
from ingest.source import Owner
from ingest.sync_settings import SyncSettings
from storage.database import Database
from storage.records import Cursor, Kind, now, stable_id


@pytest.fixture
async def work() -> AsyncIterator[NotionServer]:
    async with running(NotionServer()) as server:
        yield server


@pytest.fixture
def home(sqlite_database: Database, tmp_path: Path) -> Home:
    return Home(sqlite_database, tmp_path, Owner("Mira Vale", accounts={"notion": (ME,)}))


def source(work: NotionServer, naps: Naps | None = None) -> ApiSource:
    settings = SyncSettings(notion_token=SecretStr("the-key"), notion_url=work.url)
    return notion(settings, naps or Naps())


async def half_a_day_later(home: Home) -> None:
    position = await home.position("notion", "pages")
    whole = datetime.fromisoformat(position["whole"]) - timedelta(hours=13)
    await home.cursors.put(Cursor("sync:notion", "pages", {**position, "whole": whole.isoformat()}, now()))


async def test_a_page_is_one_record_with_the_id_of_an_export(work: NotionServer, home: Home) -> None:
    listed = work.inside(
        paragraph("Tools", kind="bulleted_list_item"), paragraph("spade", kind="bulleted_list_item")
    )
    tags = {"type": "multi_select", "multi_select": [{"name": "Garden"}, {"name": "2026"}]}
    note = {"type": "rich_text", "rich_text": [{"plain_text": "not before the frost"}]}
    page = work.page(
        "Plans for spring",
        "Dig the beds.",
        listed,
        paragraph("print(1)", kind="code"),
        minute=5,
        Tags=tags,
        Note=note,
    )
    assert (await home.sync(source(work))).ledger.unknown == []
    [record] = await home.records.find()
    assert record.id == stable_id("notion", page["id"].replace("-", ""))
    assert record.text == (
        "Plans for spring\n\nNote: not before the frost\n\n"
        "Dig the beds.\n- Tools\n  - spade\n```\nprint(1)\n```"
    )
    assert {"garden", "2026"} <= set(record.tags)
    assert (record.kind, record.thread_id, record.audience) == (Kind.NOTE, "notion", "owner")


async def test_a_kind_of_block_or_property_that_is_new_is_told_and_stops_nothing(
    work: NotionServer, home: Home
) -> None:
    mood = {"type": "mood", "mood": {"by": "Tamsin"}}
    work.page("Plans", "Dig the beds.", paragraph("sunny", kind="weather"), minute=5, Mood=mood)
    report = await home.sync(source(work))
    assert [one.as_json() for one in report.ledger.unknown] == [
        {"where": "block", "field": "type = weather", "count": 1, "type": "kind"},
        {"where": "block", "field": "weather", "count": 1, "type": "object"},
        {"where": "property", "field": "mood", "count": 1, "type": "object"},
        {"where": "property", "field": "type = mood", "count": 1, "type": "kind"},
    ]
    assert (report.well, len(await home.texts())) == (True, 1)
    assert report.as_json()["unknown_fields"] == [one.as_json() for one in report.ledger.unknown]


async def test_a_page_named_after_a_day_is_a_journal_page_of_that_day(work: NotionServer, home: Home) -> None:
    work.page("2024-03-10", "It rained.", minute=5)
    await home.sync(source(work))
    [record] = await home.records.find()
    assert (record.kind, f"{record.said_at:%Y-%m-%d}") == (Kind.JOURNAL, "2024-03-10")


async def test_what_others_wrote_is_left_out_and_whom_a_page_names_is_hidden(
    work: NotionServer, home: Home
) -> None:
    mention = paragraph("")
    user = {"id": ANN, "name": "Annika Berg"}
    mention["paragraph"]["rich_text"] = [
        {"plain_text": "Ask "},
        {"type": "mention", "mention": {"type": "user", "user": user}, "plain_text": "@Annika Berg"},
    ]
    work.page("Ours", "Mine, as Annika Berg knows.", paragraph("Hers alone.", by=ANN), mention, minute=1)
    work.page("Hers", "Hers again.", paragraph("My note in it.", by=ME), minute=2, by=ANN)
    work.page("All hers", "Nothing of mine.", minute=3, by=ANN)
    report = await home.sync(source(work))
    texts = sorted(await home.texts())
    assert texts[0] == "My note in it."
    assert "Hers" not in " ".join(texts)
    assert "Annika" not in " ".join(texts)
    assert texts[1].count("<PERSON_") == 2
    assert dict(report.ledger.dropped) == {"written by somebody else": 1}


async def test_only_pages_edited_since_are_read_again(work: NotionServer, home: Home) -> None:
    for number in range(8):
        work.page(f"Page number {number}", "words", minute=number * 10)
    await home.sync(source(work))
    work.asked.clear()
    edited = work.pages[2]
    edited["last_edited_time"] = at(200)
    work.blocks[edited["id"]].append(paragraph("and more words"))
    report = await home.sync(source(work))
    assert (report.ledger.kept, report.ledger.seen) == (1, 2)  # and the one at the edge of a minute
    assert len(work.asked_for("/children")) == 2
    assert "Page number 2\n\nwords\nand more words" in await home.texts()


async def test_long_lists_and_long_pages_are_read_page_by_page(work: NotionServer, home: Home) -> None:
    work.page_size = 3
    work.page("Long", *[f"line {number}" for number in range(10)], minute=0)
    for number in range(10):
        work.page(f"Page number {number}", minute=number + 1)
    report = await home.sync(source(work))
    assert report.ledger.kept == 11
    assert "line 9" in next(text for text in await home.texts() if text.startswith("Long"))


async def test_what_went_to_the_trash_is_deleted_and_what_is_hidden_from_us_stays(
    work: NotionServer, home: Home
) -> None:
    thrown, hidden = work.page("Thrown away", minute=1), work.page("Hidden", minute=2)
    work.page("Still there", minute=3)
    await home.sync(source(work))
    work.trash(thrown)
    work.hidden.add(hidden["id"])
    assert (await home.sync(source(work))).deleted == 0
    await half_a_day_later(home)
    report = await home.sync(source(work))
    assert (report.deleted, sorted(await home.texts())) == (1, ["Hidden", "Still there"])


async def test_a_page_restored_from_the_trash_comes_back_but_not_what_the_owner_forgot(
    work: NotionServer, home: Home
) -> None:
    back, forgotten = work.page("Comes back", minute=1), work.page("Never again", minute=2)
    work.page("Still there", minute=30)
    await home.sync(source(work))
    for page in (back, forgotten):
        work.trash(page)
    await half_a_day_later(home)
    assert (await home.sync(source(work))).deleted == 2
    await home.records.forget([stable_id("notion", forgotten["id"].replace("-", ""))], now())
    for page in (back, forgotten):
        page["in_trash"] = False  # Notion does not call that an edit
    await half_a_day_later(home)
    work.asked.clear()
    report = await home.sync(source(work))
    assert sorted(await home.texts()) == ["Comes back", "Still there"]
    assert (report.ledger.kept, report.deleted, report.ledger.closes()) == (1, 0, True)
    assert work.asked_for(f"blocks/{forgotten['id']}") == []  # it is not even read
    await home.sync(source(work), again=True)
    assert sorted(await home.texts()) == ["Comes back", "Still there"]


async def test_a_failure_in_the_middle_keeps_what_was_read(work: NotionServer, home: Home) -> None:
    pages = [work.page(f"Page number {number}", minute=number * 10) for number in range(5)]
    work.fault(pages[3]["id"].replace("-", ""), *[answers(500)] * 5)
    report = await home.sync(source(work))
    assert (report.well, len(await home.texts())) == (False, 3)
    work.asked.clear()
    assert (await home.sync(source(work))).well
    assert len(await home.texts()) == 5
    assert work.asked_for(pages[0]["id"].replace("-", "")) == []


async def test_a_page_that_vanishes_meanwhile_is_told_and_the_rest_read(
    work: NotionServer, home: Home
) -> None:
    gone = work.page("Vanishes", minute=1)
    work.page("Stays", minute=2)
    del work.blocks[gone["id"]]
    report = await home.sync(source(work))
    assert await home.texts() == ["Stays"]
    assert [why for why in report.ledger.failed if "404 (object_not_found)" in why]


async def test_it_asks_no_faster_than_notion_wants(work: NotionServer, home: Home) -> None:
    for number in range(3):
        work.page(f"Page number {number}", minute=number)
    naps = Naps()
    work.fault("/v1/search", answers(429, {"code": "rate_limited"}, {"Retry-After": "4"}))
    await home.sync(source(work, naps))
    assert max(naps.seconds) >= 4
    assert len([nap for nap in naps.seconds if 0.2 < nap <= 0.34]) >= 3


async def test_who_we_are_comes_from_the_settings_or_from_a_personal_integration(
    work: NotionServer, sqlite_database: Database, tmp_path: Path
) -> None:
    home = Home(sqlite_database, tmp_path, Owner("Mira Vale"))
    work.page("Mine", minute=1)
    report = await home.sync(source(work))
    assert "[owner.accounts] notion" in report.troubles[0].why
    assert await home.texts() == []
    work.bot_owner = {"type": "user", "user": {"id": ME}}
    assert (await home.sync(source(work))).ledger.kept == 1


async def test_malformed_pages_and_blocks_are_counted_or_passed_over(work: NotionServer, home: Home) -> None:
    work.page(
        "Good", None, "text", 5, {"type": "paragraph", "paragraph": 3, "created_by": {"id": ME}}, minute=1
    )  # type: ignore[arg-type]
    broken = work.page("No time", minute=2)
    broken["last_edited_time"] = "some day"
    report = await home.sync(source(work))
    assert (report.ledger.kept, report.ledger.failed["no id and time of its last edit"]) == (1, 1)
