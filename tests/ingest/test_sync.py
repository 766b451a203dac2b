"""Does a sync keep what it read before it moves on, whatever kills it, on both databases?"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from api_server import PLACEHOLDER_KEY, Home, answers, running
from github_server import GithubServer

from ingest.api_client import ApiForbidden, ApiRefused
from ingest.api_source import ApiSource, Gone, Item, Reached, Reading, Scanned, Trouble, contained
from ingest.roster import Roster
from ingest.source import OWNER, Owner, Person, marked, place
from storage.database import Database
from storage.records import Cursor, Kind, Record, Skipped, now, stable_id

ROOT = Path(__file__).parents[2]
DAY = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def home(database: Database, tmp_path: Path) -> Home:
    return Home(database, tmp_path, Owner("Mira Vale", accounts={"github": ("mira",)}))


def said(number: int, text: str = "", container: str = "kitchen", thread: str = "t") -> Record:
    at = DAY + timedelta(minutes=number)
    origin = place(container, number)
    words = text or f"line {number}"
    return Record(
        stable_id("made-up", str(number)),
        "made-up",
        Kind.MESSAGE,
        OWNER,
        True,
        thread,
        at,
        words,
        origin=origin,
    )


def made_up(*items: Item | Exception, seen: list[Reading] | None = None) -> ApiSource:
    async def read(reading: Reading) -> AsyncIterator[Item]:
        if seen is not None:
            seen.append(reading)
        for item in items:
            if isinstance(item, Exception):
                raise item
            yield item

    return ApiSource("made-up", read)


async def test_a_position_is_kept_only_after_everything_before_it(home: Home) -> None:
    readings: list[Reading] = []
    broken = made_up(said(1), Reached("kitchen", {"at": 1}), said(2), ApiRefused("the key"), seen=readings)
    report = await home.sync(broken)
    assert (report.well, report.troubles[0].why) == (False, "the key")
    assert sorted(await home.texts()) == ["line 1", "line 2"]
    await home.sync(made_up(seen=readings))
    assert readings[1].at("kitchen") == {"at": 1}
    assert readings[1].at("cellar") == {}


async def test_a_crash_before_the_position_is_written_only_repeats(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = made_up(said(1), said(2), Reached("kitchen", {"at": 2}))

    async def fails(cursor: Cursor) -> None:
        raise RuntimeError("the power went")

    with monkeypatch.context() as patch:
        patch.setattr(home.cursors, "put", fails)
        with pytest.raises(RuntimeError):
            await home.sync(source)
    assert len(await home.texts()) == 2
    report = await home.sync(source)
    assert (report.ledger.kept, report.ledger.merged) == (0, 2)
    assert await home.position("made-up", "kitchen") == {"at": 2, "version": 1}


async def test_positions_of_a_newer_twin_are_refused_in_words(home: Home) -> None:
    await home.cursors.put(Cursor("sync:made-up", "kitchen", {"version": 9, "at": 1}, now()))
    report = await home.sync(made_up(said(1)))
    assert "version 9" in report.troubles[0].why
    assert "--again" in report.troubles[0].why
    assert await home.texts() == []
    assert (await home.sync(made_up(said(1), Reached("kitchen", {})), again=True)).well
    assert await home.position("made-up", "kitchen") == {"version": 1}


async def test_what_is_missing_from_a_whole_scan_is_deleted_until_it_is_seen_there_again(home: Home) -> None:
    await home.sync(made_up(*map(said, range(6)), said(3_000), said(7, container="cellar", thread="u")))
    present = frozenset(stable_id("made-up", str(number)) for number in (0, 1, 4, 5))
    scan = Scanned("kitchen", DAY, DAY + timedelta(minutes=9), present)
    report = await home.sync(made_up(scan))
    assert report.deleted == 2
    assert sorted(await home.texts()) == ["line 0", "line 1", "line 3000", "line 4", "line 5", "line 7"]
    assert (await home.records.add_all([said(2)])).merged == 1  # an export knows only how it was
    report = await home.sync(made_up(said(2)))
    assert (report.ledger.kept, len(await home.texts())) == (1, 7)


async def test_an_empty_scan_proves_nothing(home: Home) -> None:
    await home.sync(made_up(said(1)))
    report = await home.sync(made_up(Scanned("kitchen", DAY, now(), frozenset())))
    assert (report.deleted, await home.texts()) == (0, ["line 1"])


async def test_what_is_said_to_be_gone_is_emptied(home: Home) -> None:
    await home.sync(made_up(said(1), said(2)))
    report = await home.sync(made_up(Gone(stable_id("made-up", "1")), Gone("never seen")))
    assert (report.deleted, await home.texts()) == (1, ["line 2"])


async def test_a_forbidden_container_keeps_its_position_is_marked_and_fails_once(home: Home) -> None:
    async def closed(reading: Reading) -> AsyncIterator[Item]:
        async def items() -> AsyncIterator[Item]:
            yield said(1)
            yield Reached("kitchen", {"at": 1})
            raise ApiForbidden("403: we may not read this", 403, "")

        async for item in contained("kitchen", reading.at("kitchen"), items()):
            yield item
        yield said(2)

    source = ApiSource("made-up", closed)
    first = await home.sync(source)
    assert await home.position("made-up", "kitchen") == {"at": 1, "refused": 403, "version": 1}
    second = await home.sync(source)
    assert (first.well, second.well) == (False, True)
    assert second.troubles == [Trouble("kitchen", "403: we may not read this", known=True)]
    assert len(await home.texts()) == 2


async def test_one_person_is_one_placeholder_in_every_run_and_in_every_export(home: Home) -> None:
    ann = Person("github:ann", ("Annika Berg",), ("ann-b",))
    tagged = marked("person", "github:ann")
    await home.sync(made_up(ann, said(1, f"hello {tagged}"), Reached("kitchen", {})))
    await home.sync(made_up(said(2, "Annika Berg was here")))
    roster = Roster(PLACEHOLDER_KEY, home.owner)
    roster.load(home.roster)
    stand_in = roster.placeholder("github:ann")
    assert sorted(await home.texts()) == sorted([f"hello {stand_in}", f"{stand_in} was here"])
    assert oct(home.roster.stat().st_mode & 0o777) == "0o600"


async def test_a_name_met_late_hides_in_what_comes_after_it(home: Home) -> None:
    items: list[Item] = [said(number) for number in range(600)]
    await home.sync(made_up(*items, Person("x:1", ("Annika Berg",)), said(700, "with Annika Berg")))
    assert not any("Annika" in one for one in await home.texts())


async def test_the_ledger_counts_what_was_skipped(home: Home) -> None:
    report = await home.sync(
        made_up(said(1), Skipped("kitchen#2", "no id"), Skipped("kitchen#3", "a bot", failed=False), said(1))
    )
    ledger = report.ledger
    assert (ledger.seen, ledger.kept, ledger.merged) == (4, 1, 1)
    assert (dict(ledger.failed), dict(ledger.dropped)) == ({"no id": 1}, {"a bot": 1})
    assert ledger.seconds > 0


async def test_killed_between_two_pages_it_goes_on_and_nothing_is_lost_or_twice(
    home: Home, tables_url: str, tmp_path: Path
) -> None:
    async with running(GithubServer(page=10)) as hub:
        for number in range(100):
            hub.commit("mira/garden", f"Commit {number}", minute=number)
        for number in range(20):
            hub.issue("mira/garden", number + 1, "words", day=number)
        stuck = asyncio.Event()

        async def never(request: object) -> object:
            stuck.set()
            await asyncio.sleep(60)
            return await answers(500)(request)  # type: ignore[arg-type]

        hub.fault("/issues/11/comments", never)  # type: ignore[arg-type]
        (tmp_path / "twin.toml").write_text(
            '[owner]\nname = "Mira Vale"\naccounts = { github = "mira" }\n'
            f'[sync]\ngithub_url = "{hub.url}"\n'
        )
        environment = {
            **os.environ,
            "TWIN_SYNC__GITHUB_TOKEN": "the-key",
            "TWIN_STORAGE__URL": tables_url,
        }
        arguments = ["-m", "twin", "--home", str(tmp_path), "sync", "github"]
        child = await asyncio.create_subprocess_exec(sys.executable, *arguments, env=environment, cwd=ROOT)
        async with asyncio.timeout(60):
            await stuck.wait()
        child.send_signal(signal.SIGKILL)
        await child.wait()
        assert len(await home.texts()) == 10
        hub.asked.clear()
        child = await asyncio.create_subprocess_exec(sys.executable, *arguments, env=environment, cwd=ROOT)
        assert await asyncio.wait_for(child.wait(), 60) == 0
        assert hub.asked_for("/issues/1/comments") == []  # older than the trailing days
    assert len(await home.texts()) == 120
    assert len(set(await home.texts())) == 120
