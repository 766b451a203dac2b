"""Are the owner's documents kept up with, change by change, whatever becomes of the keys?"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from api_server import Home, Naps, answers, running
from drive_server import DriveServer
from pydantic import SecretStr

from ingest.api_source import ApiSource
from ingest.apis.google_docs import google_docs
from ingest.source import Owner
from ingest.sync_settings import SyncSettings
from storage.database import Database
from storage.records import now, stable_id


@pytest.fixture
async def drive() -> AsyncIterator[DriveServer]:
    async with running(DriveServer()) as server:
        yield server


@pytest.fixture
def home(sqlite_database: Database, tmp_path: Path) -> Home:
    return Home(sqlite_database, tmp_path, Owner("Mira Vale"))


def source(drive: DriveServer, naps: Naps | None = None) -> ApiSource:
    settings = SyncSettings(
        google_client_id="the-client",
        google_client_secret=SecretStr("the-secret"),
        google_refresh_token=SecretStr("the-key"),
        google_url=drive.url,
        google_token_url=f"{drive.url}/token",
    )
    return google_docs(settings, naps or Naps())


async def test_a_document_is_one_record_in_plain_words(drive: DriveServer, home: Home) -> None:
    link = "https://www.google.com/url?q=https://example.org/seeds&sa=D"
    drive.write(
        "doc1",
        f"# Seeds\n\nI **like** these: {link}\n\n![][image1]\n\n[image1]: <data:image/png;base64,AAAA>",
    )
    assert (await home.sync(source(drive))).ledger.unknown == []
    [record] = await home.records.find()
    assert record.id == stable_id("google_docs", "doc1")
    assert record.text == "Seeds\n\nI like these: https://example.org/seeds"
    assert record.edited_at is not None
    assert (record.audience, record.by_owner) == ("owner", True)


async def test_afterwards_only_changes_are_read(drive: DriveServer, home: Home) -> None:
    for number in range(5):
        drive.write(f"doc{number}", f"words {number}")
    drive.write("sheet", "x", mimeType="application/vnd.google-apps.spreadsheet")
    await home.sync(source(drive))
    drive.asked.clear()
    drive.write("doc2", "better words", day=5)
    drive.write("new", "new words", day=6)
    drive.remove("doc3")
    drive.trash("doc4")
    report = await home.sync(source(drive))
    assert sorted(await home.texts()) == ["better words", "new words", "words 0", "words 1"]
    assert (report.ledger.seen, report.deleted) == (2, 2)
    assert drive.asked_for("/drive/v3/files?") == []
    drive.asked.clear()
    await home.sync(source(drive))
    assert len(drive.asked) == 2  # a key, and that nothing changed


async def test_a_document_restored_from_the_trash_comes_back_but_not_what_the_owner_forgot(
    drive: DriveServer, home: Home
) -> None:
    for name in ("back", "forgotten", "twice"):
        drive.write(name, f"words of {name}")
    await home.sync(source(drive))
    for name in ("back", "forgotten"):
        drive.trash(name)
    assert (await home.sync(source(drive))).deleted == 2
    assert await home.texts() == ["words of twice"]
    await home.records.forget([stable_id("google_docs", "forgotten")], now())
    for name in ("back", "forgotten"):
        drive.write(name, f"words of {name}", trashed=False)
    drive.changes.append({"changeType": "file", "removed": True, "fileId": "twice"})
    drive.write("twice", "words of twice")  # gone and back between two runs
    await home.sync(source(drive))
    assert sorted(await home.texts()) == ["words of back", "words of twice"]


async def test_what_changes_while_the_first_list_is_read_is_not_missed(
    drive: DriveServer, home: Home
) -> None:
    drive.write("doc1", "old words")
    listed = answers(200, {"files": [dict(drive.files["doc1"])]})

    async def changes_meanwhile(request):
        drive.write("late", "came late")
        return await listed(request)

    drive.fault("/drive/v3/files?", changes_meanwhile)
    await home.sync(source(drive))
    assert sorted(await home.texts()) == ["came late", "old words"]


async def test_a_long_list_goes_on_at_the_page_where_it_stopped(drive: DriveServer, home: Home) -> None:
    drive.page = 2
    for number in range(7):
        drive.write(f"doc{number}", f"words {number}")
    drive.fault("doc4/export", *[answers(503)] * 5)
    report = await home.sync(source(drive))
    assert (report.well, sorted(await home.texts())) == (False, [f"words {number}" for number in range(4)])
    drive.asked.clear()
    assert (await home.sync(source(drive))).well
    assert len(await home.texts()) == 7
    assert drive.asked_for("doc0/export") == []


async def test_an_expired_key_is_exchanged_in_the_middle(drive: DriveServer, home: Home) -> None:
    for number in range(3):
        drive.write(f"doc{number}", f"words {number}")

    async def expires(request):
        drive.expire()
        return await answers(401, {"error": {"status": "UNAUTHENTICATED"}})(request)

    drive.fault("doc1/export", expires)
    report = await home.sync(source(drive))
    assert (report.ledger.kept, report.troubles, drive.tokens) == (3, [], 2)


async def test_a_withdrawn_refresh_token_is_told_with_what_to_do(
    drive: DriveServer, home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    drive.withdrawn = True
    report = await home.sync(source(drive))
    assert "TWIN_SYNC__GOOGLE_REFRESH_TOKEN" in report.troubles[0].why
    told = caplog.text + str(report.as_json())
    assert "the-key" not in told
    assert "the-secret" not in told


async def test_a_key_that_is_refused_for_ever_is_asked_for_twice_and_no_more(
    drive: DriveServer, home: Home
) -> None:
    drive.fault("/drive/", *[answers(401, {})] * 9)
    report = await home.sync(source(drive))
    assert "does not accept the key" in report.troubles[0].why
    assert drive.tokens == 2


async def test_changes_too_old_to_go_on_from_mean_reading_everything_again(
    drive: DriveServer, home: Home
) -> None:
    drive.write("doc1", "old words")
    await home.sync(source(drive))
    drive.write("doc1", "new words")
    drive.write("doc2", "more words")
    drive.forgotten = len(drive.changes)
    report = await home.sync(source(drive))
    assert sorted(await home.texts()) == ["more words", "new words"]
    assert report.well


async def test_documents_of_others_and_those_that_cannot_be_exported_are_counted(
    drive: DriveServer, home: Home
) -> None:
    drive.write("hers", "hers", ownedByMe=False)
    drive.write("big", "big")
    drive.write("vanished", "x")
    del drive.words["vanished"]
    drive.write("empty", " \n")
    drive.write("odd", "x", createdTime=None)
    drive.write("fine", "fine")
    drive.fault("big/export", answers(403, {"error": {"errors": [{"reason": "exportSizeLimitExceeded"}]}}))
    report = await home.sync(source(drive))
    assert await home.texts() == ["fine"]
    assert dict(report.ledger.dropped) == {"somebody else's document": 1, "no words in it": 1}
    assert report.ledger.failed["larger than Google exports (10 MB)"] == 1
    assert report.ledger.failed["no id and time"] == 1
    assert sum(report.ledger.failed.values()) == 3


async def test_googles_own_word_for_a_limit_is_waited_for(drive: DriveServer, home: Home) -> None:
    drive.write("doc1", "words")
    naps = Naps()
    limit = {"error": {"errors": [{"reason": "userRateLimitExceeded"}], "code": 403}}
    drive.fault("doc1/export", answers(403, limit), answers(403, limit))
    report = await home.sync(source(drive, naps))
    assert (report.ledger.kept, len(naps.seconds)) == (1, 2)


async def test_the_last_editors_name_is_hidden(drive: DriveServer, home: Home) -> None:
    editor = {"displayName": "Annika Berg", "permissionId": "77", "me": False}
    drive.write("doc1", "Written with Annika Berg.", lastModifyingUser=editor)
    await home.sync(source(drive))
    assert "Annika" not in (await home.texts())[0]
