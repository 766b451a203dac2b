"""How does our Discord tell a bot what happens? Gateway v10: identify, heartbeats, resume with replay."""

from __future__ import annotations

import asyncio
import json
import secrets
from contextlib import suppress
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web
from discord_world import DM, Channel, Json, World

GUILDS, GUILD_MESSAGES, GUILD_REACTIONS, GUILD_TYPING = 1 << 0, 1 << 9, 1 << 10, 1 << 11
DM_MESSAGES, DM_REACTIONS, DM_TYPING, MESSAGE_CONTENT = 1 << 12, 1 << 13, 1 << 14, 1 << 15
MEMBERS, PRESENCES = 1 << 1, 1 << 8
WANTED = {  # event -> the intent it takes in a server, and in a private chat
    "MESSAGE": (GUILD_MESSAGES, DM_MESSAGES),
    "MESSAGE_REACTION": (GUILD_REACTIONS, DM_REACTIONS),
    "TYPING": (GUILD_TYPING, DM_TYPING),
    "GUILD": (GUILDS, GUILDS),
    "CHANNEL": (GUILDS, GUILDS),
    "THREAD": (GUILDS, GUILDS),
}
CONTENT = {"content": "", "embeds": [], "attachments": [], "components": [], "poll": None}


class Session:
    """One bot's place in the stream of events; it outlives its connection, so that it can be resumed."""

    def __init__(self, intents: int) -> None:
        self.id = secrets.token_hex(8)
        self.intents = intents
        self.sent: list[str] = []
        self.connection: Connection | None = None

    def dispatch(self, event: str, data: Json) -> None:
        self.sent.append(json.dumps({"op": 0, "t": event, "s": len(self.sent) + 1, "d": data}))
        if self.connection:
            self.connection.put(self.sent[-1])


class Connection:
    """One socket. What is put goes out in order, by a task of its own."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        self.socket = socket
        self.request = request
        self.outbox: asyncio.Queue[str | int] = asyncio.Queue()
        self.beats = 0

    def put(self, payload: str | int) -> None:
        """A payload, or the code to close with."""
        self.outbox.put_nowait(payload)

    async def write(self) -> None:
        with suppress(ConnectionError):
            while not isinstance(payload := await self.outbox.get(), int):
                await self.socket.send_str(payload)
            await self.socket.close(code=payload)

    def cut(self) -> None:
        if self.request.transport:
            self.request.transport.abort()


class Gateway:
    def __init__(self, world: World, token: str) -> None:
        self.world = world
        self.token = token
        self.refused_intents = MEMBERS | PRESENCES  # privileged, and not enabled in the portal
        self.heartbeat_seconds = 41.25
        self.answers_heartbeats = True
        self.url = ""
        self.sessions: dict[str, Session] = {}
        self.connections: set[Connection] = set()
        self.identified = 0
        self.resumed = 0

    # what a bot says

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(autoping=True, timeout=0.2)
        await socket.prepare(request)
        connection = Connection(socket, request)
        self.connections.add(connection)
        writer = asyncio.create_task(connection.write())
        connection.put(json.dumps({"op": 10, "d": {"heartbeat_interval": self.heartbeat_seconds * 1000}}))
        try:
            async for frame in socket:
                if frame.type is WSMsgType.TEXT:
                    self._hear(connection, json.loads(frame.data))
        finally:
            self.connections.discard(connection)
            for session in list(self.sessions.values()):
                if session.connection is connection:
                    session.connection = None
                    if socket.close_code in (1000, 1001):  # it said goodbye
                        del self.sessions[session.id]
            writer.cancel()
            with suppress(asyncio.CancelledError):
                await writer
        return socket

    def _hear(self, connection: Connection, frame: Json) -> None:
        op, data = frame["op"], frame.get("d")
        if op == 1:
            connection.beats += 1
            if self.answers_heartbeats:
                connection.put('{"op": 11}')
        elif op == 2:
            self._identify(connection, data)
        elif op == 6:
            self._resume(connection, data)
        elif op not in (3, 4, 8):
            connection.put(4001)

    def _identify(self, connection: Connection, data: Json) -> None:
        if data["token"] != self.token:
            return connection.put(4004)
        if data["intents"] & self.refused_intents:
            return connection.put(4014)
        self.identified += 1
        session = Session(data["intents"])
        self.sessions[session.id] = session
        session.connection = connection
        world = self.world
        session.dispatch(
            "READY",
            {
                "v": 10,
                "user": world.bot.payload(),
                "guilds": [{"id": str(guild_id), "unavailable": True} for guild_id in world.guilds],
                "session_id": session.id,
                "resume_gateway_url": self.url,
                "application": {"id": str(world.application_id), "flags": 0},
            },
        )
        for guild in world.guilds.values():
            if world.bot.id in guild.members:
                session.dispatch("GUILD_CREATE", guild.payload(world.bot.id))
        return None

    def _resume(self, connection: Connection, data: Json) -> None:
        session = self.sessions.get(data["session_id"])
        if data["token"] != self.token:
            connection.put(4004)
        elif session is None or data["seq"] > len(session.sent):
            connection.put('{"op": 9, "d": false}')
        else:
            self.resumed += 1
            session.connection = connection
            for payload in session.sent[data["seq"] :]:
                connection.put(payload)
            session.dispatch("RESUMED", {})

    # what happens

    def emit(self, event: str, data: Json, channel: Channel | None = None) -> None:
        """Tell every session that asked for such events; resumable ones hear it later."""
        if channel and (channel.hidden or (channel.parent and channel.parent.hidden)):
            return
        for session in list(self.sessions.values()):
            private = channel is not None and channel.type == DM
            kind = next((kind for kind in sorted(WANTED, reverse=True) if event.startswith(kind)), None)
            if kind is None or session.intents & WANTED[kind][private]:
                session.dispatch(event, self._seen_by(session, event, data, private))

    def _seen_by(self, session: Session, event: str, data: Json, private: bool) -> Json:
        if event not in ("MESSAGE_CREATE", "MESSAGE_UPDATE") or session.intents & MESSAGE_CONTENT or private:
            return data
        bot_id = str(self.world.bot.id)
        ours = data.get("author", {}).get("id") == bot_id
        mentioned = any(user["id"] == bot_id for user in data.get("mentions", ()))
        return data if ours or mentioned else strip(data)

    # what a test can do to it

    def drop(self) -> None:
        """Cut every connection; the sessions can be resumed."""
        for connection in list(self.connections):
            connection.cut()
        for session in self.sessions.values():
            session.connection = None

    def ask_to_reconnect(self) -> None:
        for connection in list(self.connections):
            connection.put('{"op": 7, "d": null}')
        for session in self.sessions.values():
            session.connection = None

    def invalidate(self, *, resumable: bool = False) -> None:
        for connection in list(self.connections):
            connection.put(json.dumps({"op": 9, "d": resumable}))
        for session in self.sessions.values():
            session.connection = None
        if not resumable:
            self.sessions.clear()

    async def close(self) -> None:
        for connection in list(self.connections):
            with suppress(Exception):
                await connection.socket.close(code=WSCloseCode.GOING_AWAY)


def strip(message: Json) -> Json:
    """A message as seen without the message content intent."""
    hidden: dict[str, Any] = {key: value for key, value in CONTENT.items() if key in message}
    stripped = message | hidden
    stripped.pop("poll", None)
    return stripped
