"""How does our Discord answer a bot's requests? The part of the REST API v10 that a chat bot uses."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from aiohttp import web
from discord_checks import ApiError, check_commands, check_message
from discord_interactions import Interaction
from discord_world import Channel, Json, Upload, now_text

if TYPE_CHECKING:
    from discord_server import DiscordServer

Handler = Callable[["Rest", "Call"], Awaitable[Any]]


@dataclass
class Fault:
    """Something goes wrong with the next `times` requests of this method whose path contains `path`."""

    kind: str  # lose (cut after it was done), bad (502 after it was done), down (503 before), limit, delay
    times: int
    method: str = "POST"
    path: str = "/messages"
    seconds: float = 0.0
    everywhere: bool = False  # a limit on everything we do

    def hits(self, request: web.Request) -> bool:
        return self.times > 0 and request.method == self.method and self.path in request.path


@dataclass
class Call:
    """One request, read."""

    request: web.Request
    body: Any = None
    uploads: list[Upload] = field(default_factory=list)

    def __getitem__(self, name: str) -> str:
        return self.request.match_info[name]


class Rest:
    def __init__(self, server: DiscordServer) -> None:
        self.server = server
        self.world = server.world
        self.nonces: dict[tuple[int, str], int] = {}
        self.faults: list[Fault] = []
        self.calls: list[str] = []  # "POST /channels/1/messages", as they came
        self.unknown: list[str] = []
        self.trusts_everybody = False  # a token that only the gateway finds out about

    def routes(self, api: str) -> list[web.RouteDef]:
        table: dict[str, Handler] = {
            "GET /users/@me": Rest.me,
            "GET /users/@me/guilds": Rest.my_guilds,
            "POST /users/@me/channels": Rest.open_dm,
            "GET /oauth2/applications/@me": Rest.application,
            "GET /gateway/bot": Rest.gateway,
            "GET /channels/{channel}": Rest.channel_info,
            "GET /channels/{channel}/messages": Rest.history,
            "POST /channels/{channel}/messages": Rest.create,
            "GET /channels/{channel}/messages/{message}": Rest.get,
            "PATCH /channels/{channel}/messages/{message}": Rest.edit,
            "DELETE /channels/{channel}/messages/{message}": Rest.delete,
            "PUT /channels/{channel}/messages/{message}/reactions/{emoji}/@me": Rest.react,
            "GET /channels/{channel}/messages/{message}/reactions/{emoji}": Rest.who_reacted,
            "POST /channels/{channel}/typing": Rest.typing,
            "GET /applications/{app}/commands": Rest.commands,
            "PUT /applications/{app}/commands": Rest.sync,
            "PUT /applications/{app}/guilds/{guild}/commands": Rest.sync,
            "POST /interactions/{id}/{token}/callback": Rest.callback,
            "POST /webhooks/{app}/{token}": Rest.follow_up,
            "GET /webhooks/{app}/{token}/messages/{message}": Rest.get_answer,
            "PATCH /webhooks/{app}/{token}/messages/{message}": Rest.edit_answer,
            "DELETE /webhooks/{app}/{token}/messages/{message}": Rest.delete_answer,
        }
        routes = []
        for line, handler in table.items():
            method, path = line.split(" ")
            routes.append(web.route(method, api + path, self._serve(handler)))
        routes.append(web.get("/cdn/{path:.*}", self._file))
        routes.append(web.route("*", "/{path:.*}", self._unknown))
        return routes

    def _serve(self, handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def serve(request: web.Request) -> web.StreamResponse:
            self.calls.append(f"{request.method} {request.path.removeprefix('/api/v10')}")
            fault = next((fault for fault in self.faults if fault.hits(request)), None)
            if fault:
                fault.times -= 1
                if trouble := await self._trouble(fault):
                    return trouble
            try:
                if not request.path.startswith(("/api/v10/interactions", "/api/v10/webhooks")):
                    self._authorize(request)
                answer = _answer(200, await handler(self, await self._read(request)))
            except ApiError as error:
                answer = _answer(error.status, error.body)
            if fault and fault.kind == "lose" and request.transport:
                request.transport.abort()
            if fault and fault.kind == "bad":
                return _answer(502, {"code": 0, "message": "502: Bad Gateway"})
            return answer

        return serve

    async def _trouble(self, fault: Fault) -> web.Response | None:
        if fault.kind == "delay":
            await asyncio.sleep(fault.seconds)
            return None
        if fault.kind in ("lose", "bad"):
            return None
        if fault.kind == "down":
            return _answer(503, {"code": 0, "message": "503: Service Unavailable"})
        limit = {"message": "You are being rate limited.", "code": 0, "global": fault.everywhere}
        answer = _answer(429, limit | {"retry_after": fault.seconds})
        answer.headers["Retry-After"] = str(fault.seconds)
        answer.headers["X-RateLimit-Scope"] = "global" if fault.everywhere else "user"
        return answer

    def _authorize(self, request: web.Request) -> None:
        trusted = request.headers.get("Authorization") == f"Bot {self.server.gateway.token}"
        if not trusted and not self.trusts_everybody:
            raise ApiError(401, 0, "401: Unauthorized")

    async def _read(self, request: web.Request) -> Call:
        call = Call(request)
        if request.content_type == "multipart/form-data":
            async for part in await request.multipart():
                if part.name == "payload_json":
                    call.body = json.loads(await part.text())
                else:
                    call.uploads.append(Upload(part.filename or "", bytes(await part.read())))
        elif request.can_read_body:
            if request.headers.get("Content-Type") != "application/json":
                raise ApiError(400, 50035, "Expected Content-Type application/json")
            call.body = await request.json()
        return call

    async def _file(self, request: web.Request) -> web.Response:
        found = self.world.files.get(request.path)
        if found is None:
            return web.Response(status=404)
        data, mime = found
        return web.Response(body=data, headers={"Content-Type": mime})

    async def _unknown(self, request: web.Request) -> web.Response:
        self.unknown.append(f"{request.method} {request.path}")
        return _answer(404, {"code": 0, "message": "404: Not Found"})

    # who and where

    async def me(self, call: Call) -> Json:
        return self.world.bot.payload()

    async def my_guilds(self, call: Call) -> list[Json]:
        bot_id = self.world.bot.id
        guilds = [guild for guild in self.world.guilds.values() if bot_id in guild.members]
        return [{"id": str(guild.id), "name": guild.name, "features": [], "icon": None} for guild in guilds]

    async def application(self, call: Call) -> Json:
        return {
            "id": str(self.world.application_id),
            "name": "Twin",
            "description": "",
            "icon": None,
            "bot_public": True,
            "bot_require_code_grant": False,
            "verify_key": "0",
            "owner": self.world.user("Olga the landlady").payload(),
            "flags": self.server.application_flags,
        }

    async def gateway(self, call: Call) -> Json:
        limit = {"total": 1000, "remaining": 999, "reset_after": 0, "max_concurrency": 1}
        return {"url": self.server.gateway.url, "shards": 1, "session_start_limit": limit}

    async def open_dm(self, call: Call) -> Json:
        user = self.world.users.get(int(call.body["recipient_id"]))
        if user is None:
            raise ApiError(400, 50033, "Invalid Recipient(s)")
        return self.world.dm(user).payload()

    async def channel_info(self, call: Call) -> Json:
        return self._channel(call).payload()

    def _channel(self, call: Call, *, write: bool = False) -> Channel:
        channel = self.world.channels.get(int(call["channel"]))
        if channel is None:
            raise ApiError(404, 10003, "Unknown Channel")
        if channel.hidden or (channel.parent and channel.parent.hidden):
            raise ApiError(403, 50001, "Missing Access")
        if write and channel.read_only:
            if channel.recipient:
                raise ApiError(403, 50007, "Cannot send messages to this user")
            raise ApiError(403, 50013, "Missing Permissions")
        return channel

    def _message(self, call: Call, channel: Channel) -> Json:
        message = channel.messages.get(int(call["message"]))
        if message is None:
            raise ApiError(404, 10008, "Unknown Message")
        return message

    # messages

    async def history(self, call: Call) -> list[Json]:
        channel, query = self._channel(call), call.request.query
        limit = int(query.get("limit", 50))
        if not 1 <= limit <= 100:
            raise ApiError(400, 50035, "Invalid Form Body")
        ids = sorted(channel.messages)
        if "after" in query:
            ids = [found for found in ids if found > int(query["after"])][:limit]
        elif "before" in query:
            ids = [found for found in ids if found < int(query["before"])][-limit:]
        elif "around" in query:
            middle = int(query["around"])
            ids = sorted(sorted(ids, key=lambda found: abs(found - middle))[:limit])
        else:
            ids = ids[-limit:]
        return [channel.messages[found] for found in reversed(ids)]

    async def get(self, call: Call) -> Json:
        return self._message(call, self._channel(call))

    async def create(self, call: Call) -> Json:
        channel, body = self._channel(call, write=True), call.body
        check_message(body, len(call.uploads), self.server.violations)
        nonce = body.get("nonce")
        if nonce and body.get("enforce_nonce"):
            sent = self.nonces.get((channel.id, nonce))
            if sent in channel.messages:
                return channel.messages[sent]
        more: Json = {"components": body.get("components") or [], "flags": body.get("flags", 0)}
        if reference := body.get("message_reference"):
            if str(reference["message_id"]) in self.server.refuses_replies_to:
                raise ApiError(400, 50035, "Invalid Form Body", errors={"message_reference": {}})
            if int(reference["message_id"]) in channel.messages:
                more["message_reference"] = {key: str(value) for key, value in reference.items()}
            elif reference.get("fail_if_not_exists", True):
                raise ApiError(400, 50035, "Invalid Form Body", errors={"message_reference": {}})
        more["attachments"] = self.world.attach(channel, tuple(call.uploads))
        message = self.world.message(channel, self.world.bot, (body.get("content") or "").strip(), **more)
        if nonce:
            message["nonce"] = nonce
            self.nonces[channel.id, nonce] = int(message["id"])
        self.server.gateway.emit("MESSAGE_CREATE", self.world.event_of(channel, message), channel)
        return message

    async def edit(self, call: Call) -> Json:
        channel = self._channel(call)
        message = self._message(call, channel)
        if int(message["author"]["id"]) != self.world.bot.id:
            raise ApiError(403, 50005, "Cannot edit a message authored by another user")
        check_message(call.body, len(call.uploads), self.server.violations, edit=True)
        message |= {key: call.body[key] for key in ("content", "components") if key in call.body}
        message["edited_timestamp"] = now_text()
        self.server.gateway.emit("MESSAGE_UPDATE", self.world.event_of(channel, message), channel)
        return message

    async def delete(self, call: Call) -> None:
        channel = self._channel(call)
        self.server.delete(channel, self._message(call, channel))

    async def react(self, call: Call) -> None:
        channel = self._channel(call)
        message = self._message(call, channel)
        self.server.react(channel, message, self.world.bot, unquote(call["emoji"]))

    async def who_reacted(self, call: Call) -> list[Json]:
        """Ordered by id, as on Discord."""
        message = self._message(call, self._channel(call))
        names = message.get("reactions_by", {}).get(unquote(call["emoji"]).partition(":")[0], [])
        people = sorted((self.world.user(name) for name in names), key=lambda user: user.id)
        query = call.request.query
        after = int(query.get("after", 0))
        return [user.payload() for user in people if user.id > after][: int(query.get("limit", 25))]

    async def typing(self, call: Call) -> None:
        channel = self._channel(call, write=True)
        self.server.typed.append(channel.id)
        self.server.type(channel, self.world.bot)

    # commands and what comes of them

    async def commands(self, call: Call) -> list[Json]:
        return self.server.interactions.commands

    async def sync(self, call: Call) -> list[Json]:
        check_commands(call.body)
        self.server.interactions.commands = [
            command | {"id": str(number), "application_id": call["app"], "version": "1"}
            for number, command in enumerate(call.body, start=10**17)
        ]
        return self.server.interactions.commands

    async def callback(self, call: Call) -> Json | None:
        interaction = self.server.interactions.of(call["token"])
        files = self.world.attach(interaction.channel, tuple(call.uploads))
        answer, public = self.server.interactions.answer(interaction, call.body, files)
        self._tell(interaction, "MESSAGE_CREATE", public)
        return answer if call.request.query.get("with_response") in ("1", "true") else None

    async def follow_up(self, call: Call) -> Json:
        interaction = self.server.interactions.of(call["token"])
        files = self.world.attach(interaction.channel, tuple(call.uploads))
        message, public = self.server.interactions.follow_up(interaction, call.body, files)
        self._tell(interaction, "MESSAGE_CREATE", public)
        return message

    async def get_answer(self, call: Call) -> Json:
        interaction = self.server.interactions.of(call["token"])
        return interaction.shown[self._answer_id(call, interaction)]

    async def edit_answer(self, call: Call) -> Json:
        interaction = self.server.interactions.of(call["token"])
        files = self.world.attach(interaction.channel, tuple(call.uploads))
        message_id = self._answer_id(call, interaction)
        message, public = self.server.interactions.edit(interaction, message_id, call.body, files)
        self._tell(interaction, "MESSAGE_UPDATE", public)
        return message

    async def delete_answer(self, call: Call) -> None:
        interaction = self.server.interactions.of(call["token"])
        self.server.interactions.remove(interaction, self._answer_id(call, interaction))

    def _answer_id(self, call: Call, interaction: Interaction) -> int:
        if call["message"] != "@original":
            return int(call["message"])
        if interaction.original is None:
            raise ApiError(404, 10008, "Unknown Message")
        return interaction.original

    def _tell(self, interaction: Interaction, event: str, public: Json | None) -> None:
        if public:
            data = self.world.event_of(interaction.channel, public)
            self.server.gateway.emit(event, data, interaction.channel)


def _answer(status: int, body: Any) -> web.Response:
    """Exactly application/json: discord.py takes anything else for text. `Via` as from Cloudflare."""
    if body is None:
        return web.Response(status=204)
    headers = {"Content-Type": "application/json", "Via": "1.1 google"}
    return web.Response(status=status, body=json.dumps(body).encode(), headers=headers)
