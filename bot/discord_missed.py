"""In which new private chats was something said while nobody listened? Only the session before can tell.

Discord lists no private chats to a bot, so one that began while no copy of the service was connected would
never be heard of. Its gateway keeps what a session missed for a while: that session is taken up for a moment,
read for private chats, and left; the messages themselves are then read as in any chat.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from typing import Any

import aiohttp

from storage.cursors import CursorStore
from storage.records import Cursor, now
from storage.unavailable import DatabaseUnavailable

log = logging.getLogger(__name__)

SOURCE, CONTAINER = "discord", "gateway session"
PATIENCE = 10.0  # seconds for all that the session has to tell
LEFT_OPEN = 4000  # a socket closed with this code can be resumed; with 1000 the session is over

Place = Mapping[str, Any]
"""Of a session: its "session" id, the "gateway" that has it, the "sequence" up to which all is kept."""


class Missed:
    """Without `cursors` nothing is remembered."""

    def __init__(self, cursors: CursorStore | None) -> None:
        self._cursors = cursors
        self._known: Place | None = None

    async def remember(self, place: Place | None) -> None:
        """This is how far we have heard."""
        if self._cursors is None or place is None or place == self._known:
            return
        try:
            await self._cursors.put(Cursor(SOURCE, CONTAINER, place, now()))
            self._known = place
        except DatabaseUnavailable as reason:
            log.warning("the place in Discord's stream is not written down: %s", reason)

    async def before(self) -> Place | None:
        """How far the session before has heard; None: nobody knows."""
        try:
            cursor = await self._cursors.get(SOURCE, CONTAINER) if self._cursors else None
        except DatabaseUnavailable as reason:
            log.warning("what the Discord session before has missed is not known: %s", reason)
            return None
        return cursor.value if cursor else None

    async def private_chats(self, token: str, before: Place | None) -> set[int]:
        """Where something was said that the session before has not heard; whatever goes wrong, none.

        Once the new session hears, so that nothing is said between the two.
        """
        found: set[int] = set()
        if before is None:
            return found
        try:
            async with asyncio.timeout(PATIENCE):
                await _take_up(token, before, found)
        except (
            aiohttp.ClientError,
            TimeoutError,
            OSError,
            ValueError,
            KeyError,
        ) as reason:
            log.warning("what the Discord session before has missed is not known: %s", reason)
        return found


async def _take_up(token: str, place: Place, found: set[int]) -> None:
    """Resume that session, and read until it has nothing more to tell."""
    resume = {"token": token, "session_id": place["session"], "seq": place["sequence"]}
    address = f"{place['gateway']}?v=10&encoding=json"
    async with aiohttp.ClientSession() as http, http.ws_connect(address, max_msg_size=0) as socket:
        async for frame in socket:
            if frame.type is not aiohttp.WSMsgType.TEXT:
                return
            told = json.loads(frame.data)
            data = told.get("d")
            match told["op"], told.get("t"):
                case 10, _:
                    await socket.send_json({"op": 6, "d": resume})
                case 1, _:
                    await socket.send_json({"op": 1, "d": place["sequence"]})
                case 0, "MESSAGE_CREATE" if "guild_id" not in data:
                    found.add(int(data["channel_id"]))
                case (0, "RESUMED") | (9, _) | (7, _):  # all is told, or it is forgotten
                    return
