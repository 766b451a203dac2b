"""Are the owner's ratings read on and on?"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from api_server import ApiServer, Home, Naps, answers, running
from pydantic import SecretStr

from ingest.api_source import ApiSource
from ingest.apis.myanimelist import myanimelist
from ingest.source import Owner
from ingest.sync_settings import SyncSettings
from storage.database import Database
from storage.records import Cursor, Kind, Precision, now, stable_id


class ListServer(ApiServer):
    key = ("X-MAL-CLIENT-ID", "the-key")

    def __init__(self) -> None:
        super().__init__()
        self.page = 1000
        self.lists: dict[str, list[dict[str, Any]]] = {"anime": [], "manga": []}

    def rate(self, kind: str, number: int, title: str, *, day: int = 1, **status: Any) -> dict[str, Any]:
        entry = {
            "node": {"id": number, "title": title, "num_episodes": 26},
            "list_status": {
                "status": "completed",
                "score": 9,
                "updated_at": f"2026-03-{day:02}T10:00:00+00:00",
                **status,
            },
        }
        self.lists[kind].append(entry)
        return entry

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/v2/users/{user}/{list:animelist|mangalist}", self._list)]

    async def _list(self, request: web.Request) -> web.Response:
        assert request.query["sort"] == "list_updated_at"
        assert request.query["nsfw"] == "true"
        assert "comments" in request.query["fields"]
        found = self.lists[request.match_info["list"].removesuffix("list")]
        found = sorted(
            found, key=lambda entry: str(entry.get("list_status", {}).get("updated_at")), reverse=True
        )
        start = int(request.query.get("offset", 0))
        body: dict[str, Any] = {"data": found[start : start + self.page], "paging": {}}
        if start + self.page < len(found):
            body["paging"]["next"] = str(request.url.update_query(offset=start + self.page))
        return web.json_response(body)


@pytest.fixture
async def lists() -> AsyncIterator[ListServer]:
    async with running(ListServer()) as server:
        yield server


@pytest.fixture
def home(sqlite_database: Database, tmp_path: Path) -> Home:
    return Home(sqlite_database, tmp_path, Owner("Mira Vale", accounts={"myanimelist": ("mira",)}))


def source(lists: ListServer, **more: Any) -> ApiSource:
    settings = SyncSettings(myanimelist_client_id=SecretStr("the-key"), myanimelist_url=lists.url, **more)
    return myanimelist(settings, Naps())


async def half_a_day_later(home: Home) -> None:
    for kind in ("anime", "manga"):
        position = await home.position("myanimelist", kind)
        whole = datetime.fromisoformat(position["whole"]) - timedelta(hours=13)
        await home.cursors.put(
            Cursor("sync:myanimelist", kind, {**position, "whole": whole.isoformat()}, now())
        )


async def test_a_title_is_a_rating_with_the_id_and_the_words_of_an_export(
    lists: ListServer, home: Home
) -> None:
    lists.rate(
        "anime",
        457,
        "Mushishi",
        num_episodes_watched=26,
        finish_date="2020-03-10",
        comments="Quiet.",
        tags=["Slow", "slow", "forest"],
        num_times_rewatched=1,
    )
    lists.rate("manga", 2, "Berserk", score=0, status="plan_to_read", start_date="2020")
    assert (await home.sync(source(lists))).ledger.unknown == []
    kept = {record.id: record for record in await home.records.find()}
    anime, manga = (
        kept[stable_id("myanimelist", "anime", "457")],
        kept[stable_id("myanimelist", "manga", "2")],
    )
    assert anime.text == "rated Mushishi (anime) 9/10, completed, 26 of 26 episodes, once again\nQuiet."
    assert (anime.kind, anime.precision, f"{anime.said_at:%F}") == (Kind.RATING, Precision.DAY, "2020-03-10")
    assert anime.tags[:3] == ("anime", "slow", "forest")
    assert manga.text == "put Berserk (manga) on the list, plan to read"


async def test_pages_are_followed_and_the_second_run_reads_only_what_changed(
    lists: ListServer, home: Home
) -> None:
    lists.page = 3
    for number in range(1, 11):
        lists.rate("anime", number, f"Title {number}", day=number)
    assert (await home.sync(source(lists))).ledger.kept == 10
    lists.asked.clear()
    lists.lists["anime"][0]["list_status"] |= {"score": 3, "updated_at": "2026-03-20T10:00:00+00:00"}
    report = await home.sync(source(lists))
    assert (report.ledger.kept, report.ledger.seen) == (1, 2)
    assert len(lists.asked_for("animelist")) == 1


async def test_what_was_taken_off_the_list_is_deleted_once_the_whole_list_is_read(
    lists: ListServer, home: Home
) -> None:
    for number in range(1, 5):
        lists.rate("anime", number, f"Title {number}", day=number)
    await home.sync(source(lists))
    del lists.lists["anime"][1]
    assert (await home.sync(source(lists))).deleted == 0
    await half_a_day_later(home)
    assert (await home.sync(source(lists))).deleted == 1
    assert len(await home.texts()) == 3


async def test_malformed_entries_are_counted_and_nothing_is_deleted_then(
    lists: ListServer, home: Home
) -> None:
    lists.rate("anime", 1, "Title 1")
    lists.rate("anime", 2, "Title 2")
    await home.sync(source(lists))
    await half_a_day_later(home)
    lists.lists["anime"] = [{"node": {"id": None}}, {"node": {"id": 2, "title": ""}, "list_status": {}}]
    report = await home.sync(source(lists))
    assert (report.deleted, sum(report.ledger.failed.values())) == (0, 2)


async def test_a_private_list_is_told_and_the_other_one_read(lists: ListServer, home: Home) -> None:
    lists.rate("manga", 2, "Berserk")
    lists.fault("animelist", answers(403, {"error": "not_permitted"}))
    report = await home.sync(source(lists))
    assert [(one.container, "not_permitted" in one.why) for one in report.troubles] == [("anime", True)]
    assert len(await home.texts()) == 1


async def test_a_token_reads_the_owners_own_list_and_its_expiry_is_told(
    lists: ListServer, home: Home
) -> None:
    lists.key = ("Authorization", "Bearer the-token")
    lists.rate("anime", 1, "Title 1")
    token = SecretStr("the-token")
    assert (await home.sync(source(lists, myanimelist_token=token))).ledger.kept == 1
    assert lists.asked_for("/users/@me/") or lists.asked_for("/users/%40me/")
    lists.key = ("Authorization", "Bearer another")
    report = await home.sync(source(lists, myanimelist_token=token))
    assert "TWIN_SYNC__MYANIMELIST_TOKEN" in report.troubles[0].why
