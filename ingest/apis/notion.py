"""What did the owner write in Notion? Every page that was shared with the integration, block by block.

One container, "pages": search lists the pages by their last edit, and those edited since the last time are
read again, oldest edit first. A page of somebody else gives only the owner's own blocks; `created_by` says
whose a block is. Rows of a data source are pages, too. What went to the trash is asked for one by one, when
the whole list is compared now and then: a page that is merely no longer shared with us is no deletion. A page
that was restored is read again then, whenever it was edited.

Ids: ("notion", the page's id as 32 digits without dashes), as from an export.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from ingest.api_client import Api, ApiForbidden, ApiRefused, Sleep, open_client
from ingest.api_source import RESCAN_EVERY, ApiSource, Gone, Item, Position, Reached, Reading, contained
from ingest.dated_pages import When, when
from ingest.days import period
from ingest.drift import known
from ingest.source import OWNER, Owner, Person, file_of, marked, place
from ingest.sync_settings import SyncSettings
from ingest.values import as_dict, as_list, as_text, from_iso, texts
from storage.records import Kind, Precision, Record, Skipped, ZoneSource, stable_id

VERSION = "2025-09-03"
PACE = 0.34  # Notion asks for three questions a second at the most
_ADVICE = "Copy the integration's secret again and put it into TWIN_SYNC__NOTION_TOKEN."
_WHO = "Notion does not say who you are: put your user id into [owner.accounts] notion; docs/sync.md says how"
_ROUNDED = timedelta(minutes=2)  # Notion tells the minute of an edit
_MAX_DEPTH = 8
_NOT_INSIDE = ("child_page", "child_database")  # pages of their own
_BEFORE = {"bulleted_list_item": "- ", "numbered_list_item": "- ", "to_do": "- "}
_WRITING = 3  # words; what was picked from a list is no writing
_THING = (
    "object id parent created_time last_edited_time created_by last_edited_by archived in_trash is_archived"
)
_PAGE = known(f"{_THING} properties cover icon url public_url is_locked request_id")
_PROPERTY = (
    "button checkbox created_by created_time date email files formula last_edited_by last_edited_time"
    " multi_select number people phone_number place relation rich_text rollup select status title"
    " unique_id url verification"
)
_BLOCK = (
    "audio bookmark breadcrumb bulleted_list_item callout child_database child_page code column column_list"
    " divider embed equation file heading_1 heading_2 heading_3 heading_4 image link_preview link_to_page"
    " meeting_notes numbered_list_item paragraph pdf quote synced_block tab table table_of_contents table_row"
    " template to_do toggle transcription unsupported video"
)
_OF_PROPERTY = known(f"id name has_more next_url {_PROPERTY}", values={"type": _PROPERTY})
_OF_BLOCK = known(f"{_THING} has_children request_id {_BLOCK}", values={"type": _BLOCK})


@dataclass(slots=True)
class _Words:
    """What a page says, and whom it names."""

    lines: list[str] = field(default_factory=list)
    people: dict[str, str] = field(default_factory=dict)
    others: int = 0  # blocks that somebody else wrote


def notion(settings: SyncSettings, sleep: Sleep) -> ApiSource:
    return ApiSource("notion", partial(_read, settings, sleep))


async def _read(settings: SyncSettings, sleep: Sleep, reading: Reading) -> AsyncIterator[Item]:
    assert settings.notion_token
    keys = {
        "Authorization": f"Bearer {settings.notion_token.get_secret_value()}",
        "Notion-Version": VERSION,
    }
    async with open_client() as client:
        api = Api(client, "Notion", settings.notion_url, keys=keys, advice=_ADVICE, pace=PACE, sleep=sleep)
        own = {_plain(account) for account in reading.owner.accounts.get("notion", ())} or await _who_we_are(
            api
        )
        before = reading.at("pages")
        async for item in contained("pages", before, _Workspace(api, reading, own).pages(before)):
            yield item


async def _who_we_are(api: Api) -> set[str]:
    """The one who installed the integration, where it is theirs and not the whole workspace's."""
    about = as_dict(as_dict((await api.get("/v1/users/me")).body).get("bot"))
    user = _plain(as_text(as_dict(as_dict(about.get("owner")).get("user")).get("id")))
    if not user:
        raise ApiRefused(_WHO)
    return {user}


class _Workspace:
    def __init__(self, api: Api, reading: Reading, own: set[str]) -> None:
        self._api, self._reading, self._own = api, reading, own

    async def pages(self, before: Position) -> AsyncIterator[Item]:
        began, last, whole = (
            self._reading.began,
            from_iso(before.get("edited")),
            from_iso(before.get("whole")),
        )
        everything = whole is None or began - whole >= RESCAN_EVERY
        since = last - _ROUNDED if last else None
        position = {"edited": before["edited"]} if last else {}
        if whole:
            position["whole"] = before["whole"]
        gone = await self._reading.gone() if everything and self._reading.gone else set()
        listed, edited = set[str](), dict[str, tuple[datetime, dict[str, Any]]]()
        async for page in self._listed(None if everything else since):
            page_id, at = _plain(as_text(page.get("id"))), from_iso(page.get("last_edited_time"))
            listed.add(page_id)
            if not page_id or at is None:
                yield Skipped(place("pages", page_id or "?"), "no id and time of its last edit")
            elif since is None or at >= since or stable_id("notion", page_id) in gone:  # out of the trash
                edited.setdefault(page_id, (at, page))
        for page_id, (at, page) in sorted(edited.items(), key=lambda one: one[1][0]):
            async for item in self._page(page_id, page):
                yield item
            position["edited"] = max(at, last or at).isoformat()
            yield Reached("pages", dict(position))
        if everything:
            async for item in self._in_the_trash(listed):
                yield item
            position["whole"] = began.isoformat()
        yield Reached("pages", dict(position))

    async def _listed(self, since: datetime | None) -> AsyncIterator[dict[str, Any]]:
        """The latest edit first; all of them, or those edited since then and a few more."""
        question: dict[str, Any] = {
            "filter": {"property": "object", "value": "page"},
            "sort": {"timestamp": "last_edited_time", "direction": "descending"},
            "page_size": 100,
        }
        while True:
            answer = as_dict((await self._api.ask("POST", "/v1/search", json=question)).body)
            times = []
            for page in map(as_dict, as_list(answer.get("results"))):
                times.append(from_iso(page.get("last_edited_time")))
                yield page
            oldest = min(filter(None, times), default=None)
            if answer.get("has_more") is not True or (since and oldest and oldest < since):
                return
            question["start_cursor"] = answer.get("next_cursor")

    async def _page(self, page_id: str, page: dict[str, Any]) -> AsyncIterator[Item]:
        where = place("pages", page_id)
        if page.get("in_trash") is True or page.get("archived") is True:
            yield Gone(stable_id("notion", page_id))
            return
        self._reading.drift.look("page", page, _PAGE)
        is_own = _plain(as_text(as_dict(page.get("created_by")).get("id"))) in self._own
        words = _Words()
        try:
            await self._read_blocks(page_id, words, 0)
        except ApiForbidden as refused:
            yield Skipped(where, str(refused))
            return
        title, properties, tags = self._properties(as_dict(page.get("properties")), words)
        for user, name in words.people.items():
            yield Person(f"notion:{user}", (name,))
        parts = [title, "\n".join(properties)] if is_own else []
        text = "\n\n".join(part for part in (*parts, "\n".join(words.lines).strip()) if part)
        if not text:
            others = words.others or not is_own
            yield Skipped(where, "written by somebody else" if others else "no words in it", failed=False)
            return
        yield _record(page_id, page, title, text, tags, where, self._reading.owner)

    async def _read_blocks(self, block_id: str, words: _Words, depth: int) -> None:
        params: dict[str, Any] = {"page_size": 100}
        while True:
            answer = as_dict((await self._api.get(f"/v1/blocks/{block_id}/children", params)).body)
            for block in map(as_dict, as_list(answer.get("results"))):
                self._reading.drift.look("block", block, _OF_BLOCK)
                self._take(block, words, depth)
                inner = as_text(block.get("id"))
                if inner and depth < _MAX_DEPTH and _holds_more(block):
                    await self._read_blocks(inner, words, depth + 1)
            if answer.get("has_more") is not True or not answer.get("next_cursor"):
                return
            params["start_cursor"] = answer["next_cursor"]

    def _take(self, block: dict[str, Any], words: _Words, depth: int) -> None:
        kind = as_text(block.get("type"))
        content = as_dict(block.get(kind))
        if kind == "table_row":
            line = " | ".join(self._text(cell, words) for cell in as_list(content.get("cells")))
        else:
            line = self._text(content.get("rich_text"), words)
        if not line.strip(" |"):
            return
        if _plain(as_text(as_dict(block.get("created_by")).get("id"))) not in self._own:
            words.others += 1
            return
        if kind == "code":
            line = f"```\n{line}\n```"
        words.lines.append("  " * min(depth, 4) * (kind in _BEFORE) + _BEFORE.get(kind, "") + line)

    def _text(self, pieces: Any, words: _Words) -> str:
        return "".join(self._said(piece, words) for piece in map(as_dict, as_list(pieces)))

    def _said(self, piece: dict[str, Any], words: _Words) -> str:
        text, user = as_text(piece.get("plain_text")), as_dict(as_dict(piece.get("mention")).get("user"))
        user_id = as_text(user.get("id"))
        if not user_id or _plain(user_id) in self._own:
            return text
        self._meet(user, words)
        return "@" + marked("person", f"notion:{_plain(user_id)}")

    def _properties(
        self, properties: dict[str, Any], words: _Words
    ) -> tuple[str, list[str], tuple[str, ...]]:
        """The title, what was written into columns, and the tags."""
        title, lines, tags = "", list[str](), list[str]()
        for name, value in properties.items():
            about = as_dict(value)
            self._reading.drift.look("property", about, _OF_PROPERTY)
            kind = as_text(about.get("type"))
            if kind == "title":
                title = self._text(about.get("title"), words).strip()
            elif kind == "rich_text":
                text = self._text(about.get("rich_text"), words).strip()
                if len(text.split()) >= _WRITING:
                    lines.append(f"{name}: {text}")
            elif kind == "multi_select":
                tags += texts(*(as_dict(one).get("name") for one in as_list(about.get("multi_select"))))
            elif kind == "people":
                for user in map(as_dict, as_list(about.get("people"))):
                    self._meet(user, words)
        return title, lines, tuple(dict.fromkeys(tag.lower() for tag in tags if len(tag) <= 40))[:20]

    def _meet(self, user: dict[str, Any], words: _Words) -> None:
        user_id, name = _plain(as_text(user.get("id"))), as_text(user.get("name"))
        if user_id and name and user_id not in self._own:
            words.people[user_id] = name

    async def _in_the_trash(self, listed: set[str]) -> AsyncIterator[Item]:
        """Those we have and search did not find; search may miss some, so each is asked for."""
        for record in await self._reading.kept() if self._reading.kept else ():
            page_id = record.origin.partition("#")[2]
            if file_of(record.origin) != "pages" or page_id in listed:
                continue
            try:
                page = as_dict((await self._api.get(f"/v1/pages/{page_id}")).body)
            except ApiForbidden:
                continue
            if page.get("in_trash") is True or page.get("archived") is True:
                yield Gone(record.id)


def _record(
    page_id: str,
    page: dict[str, Any],
    title: str,
    text: str,
    tags: tuple[str, ...],
    where: str,
    owner: Owner,
) -> Record | Skipped:
    of_title, created = period(title), from_iso(page.get("created_time"))
    said = when(of_title, None, owner) if of_title else None
    if said is None and created:
        said = When(created, Precision.MINUTE, ZoneSource.EXPLICIT)
    if said is None:
        return Skipped(where, "no day to put it on")
    edited = from_iso(page.get("last_edited_time"))
    return Record(
        id=stable_id("notion", page_id),
        source="notion",
        kind=Kind.JOURNAL if of_title else Kind.NOTE,
        author_id=OWNER,
        by_owner=True,
        thread_id="notion",
        said_at=said.said_at,
        text=text,
        tags=tags,
        audience="owner",
        origin=where,
        precision=said.precision,
        zone_source=said.zone_source,
        edited_at=edited if edited and created and edited > created else None,
    )


def _holds_more(block: dict[str, Any]) -> bool:
    copied = as_dict(block.get("synced_block")).get("synced_from")  # is read where it comes from
    return block.get("has_children") is True and not copied and block.get("type") not in _NOT_INSIDE


def _plain(id: str) -> str:
    return id.replace("-", "").lower()
