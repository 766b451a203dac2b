"""How do updates get here? By asking Telegram again and again, or by being called by it; never both.

The library reads a batch of updates whole, so that one it cannot read would hold up all the others, and logs
what people wrote when it fails; so the batch is read raw here. An update is acknowledged once all that came
before it are written down.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlencode

from telegram import Bot
from telegram.error import Conflict, InvalidToken, RetryAfter, TelegramError
from telegram.request import BaseRequest

from bot.platform import ChatRefused
from bot.telegram_door import Door
from bot.telegram_errors import BAD_TOKEN, explain, in_words, seconds_of
from bot.telegram_tuning import Tuning, Webhook
from bot.unless import Meanwhile, unless

log = logging.getLogger(__name__)

Json = Mapping[str, Any]
Hear = Callable[[Json], Awaitable[bool]]
"""Whether it is written down, or never can be; False: we stop, and it must come again."""

ALLOWED = [
    "message",
    "edited_message",
    "message_reaction",
    "callback_query",
    "my_chat_member",
    "business_connection",
    "business_message",
    "edited_business_message",
    "deleted_business_messages",
]
BATCH = 100
LONGEST_PAUSE = 30.0
CONFLICT_MEMORY = 120.0
HEALTH_SECONDS = 60.0


@dataclass(slots=True)
class Post:
    """What both ways of getting updates share."""

    bot: Bot
    tuning: Tuning
    hear: Hear
    alive: Callable[[], None]  # Telegram spoke to us
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    caught_up: asyncio.Event = field(default_factory=asyncio.Event)  # what waited for us has been heard

    async def poll(self, request: BaseRequest) -> None:
        """`request`: a connection of its own, as it is held for long."""
        with in_words():
            await self.bot.delete_webhook()
        offset, trouble = 0, _Trouble(self.tuning)
        while not self.stopping.is_set():
            wait = self.tuning.poll_seconds if self.caught_up.is_set() else 0
            try:
                updates = await self._unless_stopping(_get_updates(self.bot, request, offset, wait))
            except TelegramError as error:
                await self._pause(trouble.seconds_after(error))
                continue
            trouble.over()
            self.alive()
            offset = await self._hear_all(updates, offset)
            if len(updates) < BATCH:
                self.caught_up.set()
        if offset:
            with suppress(TelegramError):  # else the last ones come again, and are known
                await _get_updates(self.bot, request, offset, 0, limit=1)

    async def receive(self, webhook: Webhook, door: Door) -> None:
        self.caught_up.set()
        one_at_a_time = asyncio.Lock()

        async def called(update: Json) -> bool:
            self.alive()
            async with one_at_a_time:
                return await self.hear(update)

        async with door.open(webhook, called, self.tuning.stop_seconds):
            with in_words():
                # One connection: with more of them, messages of a chat would overtake each other.
                await self.bot.set_webhook(
                    webhook.url, secret_token=webhook.secret, allowed_updates=ALLOWED, max_connections=1
                )
            self.alive()
            await self._watch()

    async def _watch(self) -> None:
        """Quiet does not mean that Telegram is gone."""
        trouble = _Trouble(self.tuning)
        pause = HEALTH_SECONDS
        while not self.stopping.is_set():
            await self._pause(pause)
            try:
                await self._unless_stopping(_nothing_of(self.bot.get_me()))
            except TelegramError as error:
                pause = trouble.seconds_after(error)
                continue
            trouble.over()
            pause = HEALTH_SECONDS
            self.alive()

    async def _hear_all(self, updates: list[Json], offset: int) -> int:
        """Chats side by side, each in order. Returns the first id that is not written down yet."""
        lanes: dict[int, list[Json]] = {}
        for update in updates:
            lanes.setdefault(_chat_of(update), []).append(update)
        done: set[int] = set()

        async def hear_one_by_one(lane: list[Json]) -> None:
            for update in lane:
                if not await self.hear(update):
                    return
                done.add(update["update_id"])

        async with asyncio.TaskGroup() as lanes_at_once:
            for lane in lanes.values():
                lanes_at_once.create_task(hear_one_by_one(lane))
        for update in updates:
            if update["update_id"] not in done:
                break
            offset = update["update_id"] + 1
        return offset

    async def _unless_stopping(self, asking: Awaitable[list[Json]]) -> list[Json]:
        """Nothing, as soon as we stop."""
        try:
            return await unless(self.stopping, asking)
        except Meanwhile:
            return []

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), seconds)


class _Trouble:
    """How long it has been going on, and whether there is still hope."""

    def __init__(self, tuning: Tuning) -> None:
        self._tuning = tuning
        self._pause = tuning.first_pause
        self._since: float | None = None
        self._conflicts: deque[float] = deque(maxlen=tuning.conflicts)

    def over(self) -> None:
        self._since, self._pause = None, self._tuning.first_pause

    def seconds_after(self, error: TelegramError) -> float:
        """To wait. Raises in words when waiting has no point."""
        if isinstance(error, InvalidToken):
            raise ChatRefused(BAD_TOKEN)
        if isinstance(error, RetryAfter):
            return seconds_of(error)
        at = time.monotonic()
        self._since = self._since or at
        if isinstance(error, Conflict):  # one or two are a former run of ours that still ends
            self._conflicts.append(at)
            if len(self._conflicts) == self._tuning.conflicts and self._conflicts[0] > at - CONFLICT_MEMORY:
                raise explain(error) from error
        elif at - self._since > self._tuning.give_up_seconds:
            raise explain(error) from error
        log.warning("no updates from Telegram: %s", explain(error))
        pause, self._pause = self._pause, min(self._pause * 2, LONGEST_PAUSE)
        return pause


async def _get_updates(
    bot: Bot, request: BaseRequest, offset: int, seconds: int, *, limit: int = BATCH
) -> list[Json]:
    wanted = {"offset": offset, "limit": limit, "timeout": seconds, "allowed_updates": json.dumps(ALLOWED)}
    url = f"{bot.base_url}/getUpdates?{urlencode(wanted)}"
    updates = await request.post(url, read_timeout=(request.read_timeout or 0) + seconds)
    return cast(list[Json], updates)


async def _nothing_of(asking: Awaitable[object]) -> list[Json]:
    await asking
    return []


def _chat_of(update: Json) -> int:
    for part in update.values():
        if isinstance(part, Mapping):
            inner = part.get("message") or part  # a press tells the message
            if chat := inner.get("chat"):
                return int(chat["id"])
    return 0
