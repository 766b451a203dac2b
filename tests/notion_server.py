"""A Notion of our own: search by last edit, blocks within blocks, users, and three questions a second."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web
from api_server import ApiServer

Json = dict[str, Any]
ME, ANN = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"


def at(minutes: int) -> str:
    return f"{datetime(2026, 3, 1, 9, tzinfo=UTC) + timedelta(minutes=minutes):%Y-%m-%dT%H:%M}:00.000Z"


class NotionServer(ApiServer):
    def __init__(self, page: int = 100) -> None:
        super().__init__()
        self.page_size = page
        self.pages: list[Json] = []
        self.hidden: set[str] = set()  # not shared with us (any more)
        self.blocks: dict[str, list[Json]] = {}
        self.bot_owner: Json = {"type": "workspace", "workspace": True}

    def page(self, title: str, *lines: str | Json, minute: int, by: str = ME, **properties: Json) -> Json:
        named = {"title": {"type": "title", "title": [{"plain_text": title}]}}
        page = {
            "object": "page",
            "id": str(uuid.uuid4()),
            "created_time": at(minute),
            "last_edited_time": at(minute),
            "created_by": {"id": by},
            "in_trash": False,
            "properties": {**properties, "Name": named["title"]},
        }
        self.pages.append(page)
        self.blocks[page["id"]] = [paragraph(line, by) if isinstance(line, str) else line for line in lines]
        return page

    def inside(self, block: Json, *blocks: Json) -> Json:
        block["has_children"] = True
        self.blocks[block["id"]] = list(blocks)
        return block

    def trash(self, page: Json) -> None:
        page["in_trash"] = True

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/v1/users/me", self._me),
            web.post("/v1/search", self._search),
            web.get("/v1/blocks/{id}/children", self._children),
            web.get("/v1/pages/{id}", self._page),
        ]

    def lets_in(self, request: web.Request) -> bool:
        assert request.headers.get("Notion-Version") == "2025-09-03"
        return super().lets_in(request)

    async def _me(self, request: web.Request) -> web.Response:
        return web.json_response({"object": "user", "type": "bot", "bot": {"owner": self.bot_owner}})

    async def _search(self, request: web.Request) -> web.Response:
        asked = await request.json()
        assert asked["filter"] == {"property": "object", "value": "page"}
        assert asked["sort"] == {"timestamp": "last_edited_time", "direction": "descending"}
        found = [page for page in self.pages if not page.get("in_trash") and page["id"] not in self.hidden]
        found.sort(key=lambda page: str(page.get("last_edited_time")), reverse=True)
        return self._slice(found, asked.get("start_cursor"))

    async def _children(self, request: web.Request) -> web.Response:
        wanted = request.match_info["id"].replace("-", "")  # Notion takes an id with dashes and without
        found = {key.replace("-", ""): blocks for key, blocks in self.blocks.items()}.get(wanted)
        if found is None:
            return web.json_response({"code": "object_not_found"}, status=404)
        return self._slice(found, request.query.get("start_cursor"))

    async def _page(self, request: web.Request) -> web.Response:
        wanted = request.match_info["id"].replace("-", "")
        for page in self.pages:
            if page["id"].replace("-", "") == wanted and page["id"] not in self.hidden:
                return web.json_response(page)
        return web.json_response({"code": "object_not_found"}, status=404)

    def _slice(self, found: list[Json], cursor: str | None) -> web.Response:
        start = int(cursor or 0)
        more = start + self.page_size < len(found)
        body = {"results": found[start : start + self.page_size], "has_more": more}
        return web.json_response({**body, "next_cursor": str(start + self.page_size) if more else None})


def paragraph(text: str, by: str = ME, kind: str = "paragraph", **more: Any) -> Json:
    return {
        "id": str(uuid.uuid4()),
        "type": kind,
        kind: {"rich_text": [{"type": "text", "plain_text": text}], **more},
        "created_by": {"id": by},
        "has_children": False,
    }
