"""The part of Discord's REST API that gives what was said, with its odd order and its silent refusals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web
from api_server import ApiServer

Json = dict[str, Any]
EPOCH = datetime(2015, 1, 1, tzinfo=UTC)


def snowflake(at: datetime, number: int = 0) -> int:
    return (int((at - EPOCH) / timedelta(milliseconds=1)) << 22) + number


class DiscordHistory(ApiServer):
    key = ("Authorization", "Bot the-key")

    def __init__(self) -> None:
        super().__init__()
        self.said: dict[str, list[Json]] = {}
        self.channels: list[Json] = []
        self.active: list[Json] = []
        self.archived: dict[str, list[Json]] = {}
        self.closed: set[str] = set()  # 403
        self.mute: set[str] = set()  # without READ_MESSAGE_HISTORY: no messages, and no error

    def channel(self, number: int, kind: int = 0) -> str:
        self.channels.append({"id": str(number), "type": kind})
        return str(number)

    def say(self, channel: str, text: str, at: datetime, by: str = "11", **more: Any) -> Json:
        said = self.said.setdefault(channel, [])
        message = {
            "id": str(snowflake(at, len(said))),
            "type": 0,
            "content": text,
            "timestamp": at.isoformat(),
            "edited_timestamp": None,
            "author": {"id": by, "username": f"user{by}", "global_name": None},
            "mentions": [],
            "attachments": [],
            **more,
        }
        said.append(message)
        return message

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/users/@me/guilds", self._guilds),
            web.get("/guilds/5/channels", self._channels),
            web.get("/guilds/5/threads/active", self._active),
            web.get("/channels/{channel}/threads/archived/public", self._archived),
            web.get("/channels/{channel}/messages", self._messages),
        ]

    async def _guilds(self, request: web.Request) -> web.Response:
        return web.json_response([{"id": "5"}])

    async def _channels(self, request: web.Request) -> web.Response:
        return web.json_response(self.channels)

    async def _active(self, request: web.Request) -> web.Response:
        return web.json_response({"threads": self.active})

    async def _archived(self, request: web.Request) -> web.Response:
        found = self.archived.get(request.match_info["channel"], [])
        found = sorted(found, key=lambda one: one["thread_metadata"]["archive_timestamp"], reverse=True)
        if before := request.query.get("before"):
            found = [one for one in found if one["thread_metadata"]["archive_timestamp"] < before]
        return web.json_response({"threads": found[:2], "has_more": len(found) > 2})

    async def _messages(self, request: web.Request) -> web.Response:
        """The oldest ones after `after`, and among these the newest first."""
        channel = request.match_info["channel"]
        if channel in self.closed:
            return web.json_response({"code": 50001, "message": "Missing Access"}, status=403)
        after, limit = int(request.query["after"]), int(request.query["limit"])
        assert limit <= 100
        assert request.headers["User-Agent"].startswith("DiscordBot (")
        said = [] if channel in self.mute else self.said.get(channel, [])
        found = [one for one in said if not _number(one) or _number(one) > after]
        return web.json_response(found[:limit][::-1])


def _number(message: Json) -> int:
    found = str(message.get("id"))
    return int(found) if found.isdigit() else 0
