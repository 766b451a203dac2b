"""What did the owner rate on MyAnimeList? The anime and the manga list, the latest change first.

Two containers, "anime" and "manga". Mostly only what changed since the last time is read; now and then the
whole list, which is a few pages, to see what was taken off it.

Ids: ("myanimelist", "anime" | "manga", the title's number), as from an export.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

from ingest.api_client import Api, Sleep, open_client
from ingest.api_source import RESCAN_EVERY, ApiSource, Item, Position, Reached, Reading, Scanned, contained
from ingest.dated_pages import When, when
from ingest.days import Period
from ingest.drift import known
from ingest.source import OWNER, Owner, place
from ingest.sync_settings import SyncSettings
from ingest.values import as_dict, as_id, as_list, as_text, from_iso, texts
from storage.records import Kind, Precision, Record, Skipped, ZoneSource, stable_id

_ADVICE = (
    "Make a new one and put it into TWIN_SYNC__MYANIMELIST_TOKEN (it lasts a month), or leave that empty and "
    "make the list public."
)
_FIELDS = {
    "anime": "list_status{comments,tags,num_times_rewatched},num_episodes",
    "manga": "list_status{comments,tags,num_times_reread},num_chapters",
}
_DONE = {
    "anime": ("num_episodes_watched", "num_episodes", "episodes", "num_times_rewatched"),
    "manga": ("num_chapters_read", "num_chapters", "chapters", "num_times_reread"),
}
_ENTRY = known(
    "",
    node=known("id title main_picture num_episodes num_chapters"),
    list_status=known(
        "status score num_episodes_watched is_rewatching num_times_rewatched num_volumes_read"
        " num_chapters_read is_rereading num_times_reread updated_at start_date finish_date comments"
        " tags priority rewatch_value reread_value"
    ),
)
_EVER = (datetime(1900, 1, 1, tzinfo=UTC), timedelta(days=366))  # a list has titles, not times


def myanimelist(settings: SyncSettings, sleep: Sleep) -> ApiSource:
    return ApiSource("myanimelist", partial(_read, settings, sleep))


async def _read(settings: SyncSettings, sleep: Sleep, reading: Reading) -> AsyncIterator[Item]:
    keys, user = {}, reading.owner.accounts.get("myanimelist", ("@me",))[0]
    if settings.myanimelist_client_id:
        keys["X-MAL-CLIENT-ID"] = settings.myanimelist_client_id.get_secret_value()
    if settings.myanimelist_token:
        keys, user = {"Authorization": f"Bearer {settings.myanimelist_token.get_secret_value()}"}, "@me"
    async with open_client() as client:
        api = Api(client, "MyAnimeList", settings.myanimelist_url, keys=keys, advice=_ADVICE, sleep=sleep)
        for kind in _FIELDS:
            before = reading.at(kind)
            async for item in contained(kind, before, _titles(api, reading, kind, user, before)):
                yield item


async def _titles(api: Api, reading: Reading, kind: str, user: str, before: Position) -> AsyncIterator[Item]:
    last, whole = from_iso(before.get("updated")), from_iso(before.get("whole"))
    everything = whole is None or reading.began - whole >= RESCAN_EVERY
    newest, present, without_a_gap = last, set[str](), True
    path: str | None = f"/v2/users/{user}/{kind}list"
    params: dict[str, Any] | None = {
        "fields": _FIELDS[kind],
        "limit": 1000,
        "nsfw": "true",
        "sort": "list_updated_at",
    }
    while path:
        body = as_dict((await api.get(path, params)).body)
        for number, entry in enumerate(map(as_dict, as_list(body.get("data")))):
            reading.drift.look(kind, entry, _ENTRY)
            title_id = as_id(as_dict(entry.get("node")).get("id"))
            updated = from_iso(as_dict(entry.get("list_status")).get("updated_at"))
            if not everything and last and updated and updated < last:
                path = None
                break
            without_a_gap = without_a_gap and title_id is not None
            present.add(stable_id("myanimelist", kind, title_id or "?"))
            newest = max(filter(None, (newest, updated)), default=None)
            yield _record(
                kind, entry, title_id, updated, place(kind, title_id or f"? {number}"), reading.owner
            )
        path, params = path and as_text(as_dict(body.get("paging")).get("next")), None
    if everything and without_a_gap:
        yield Scanned(kind, _EVER[0], reading.began + _EVER[1], frozenset(present))
    position = {"updated": newest.isoformat()} if newest else {}
    yield Reached(kind, {**position, "whole": reading.began.isoformat() if everything else before["whole"]})


def _record(
    kind: str,
    entry: dict[str, Any],
    title_id: str | None,
    updated: datetime | None,
    where: str,
    owner: Owner,
) -> Record | Skipped:
    title, status = (
        as_text(as_dict(entry.get("node")).get("title")).strip(),
        as_dict(entry.get("list_status")),
    )
    if not title_id or not title:
        return Skipped(where, "no title" if title_id else "no number that names the title")
    said = _day(status.get("finish_date"), owner) or _day(status.get("start_date"), owner)
    if said is None and updated:
        said = When(updated, Precision.SECOND, ZoneSource.EXPLICIT)
    if said is None:
        return Skipped(where, "no day to put it on")
    return Record(
        id=stable_id("myanimelist", kind, title_id),
        source="myanimelist",
        kind=Kind.RATING,
        author_id=OWNER,
        by_owner=True,
        thread_id=f"myanimelist:{kind}",
        said_at=said.said_at,
        text=_text(kind, title, as_dict(entry.get("node")), status),
        tags=tuple(dict.fromkeys([kind, *(tag.lower() for tag in texts(*as_list(status.get("tags"))))]))[:20],
        audience="owner",
        origin=where,
        precision=said.precision,
        zone_source=said.zone_source,
    )


def _text(kind: str, title: str, node: dict[str, Any], status: dict[str, Any]) -> str:
    """As from an export: rated Mushishi (anime) 9/10, completed, 26 of 26 episodes, 2 times again"""
    done_key, total_key, unit, again_key = _DONE[kind]
    score = _number(status.get("score"))
    parts = [f"rated {title} ({kind}) {score}/10" if score else f"put {title} ({kind}) on the list"]
    if how := as_text(status.get("status")):
        parts.append(how.replace("_", " ").lower())
    done, total = _number(status.get(done_key)), _number(node.get(total_key))
    if done:
        parts.append(f"{done} of {total} {unit}" if total else f"{done} {unit}")
    if again := _number(status.get(again_key)):
        parts.append("once again" if again == 1 else f"{again} times again")
    comment = as_text(status.get("comments")).strip()
    return ", ".join(parts) + (f"\n{comment}" if comment else "")


def _day(written: Any, owner: Owner) -> When | None:
    """2020-03 is a month, 2020 a year."""
    parts = as_text(written).split("-")
    try:
        year, month, day = (*map(int, parts), 1, 1)[:3]
        first = date(year, month, day)
    except ValueError:
        return None
    return when(Period(first, first.isoformat(), sure=len(parts) == 3), None, owner)


def _number(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**7 else 0
