"""Which chat apps does the service talk through, and who looks after them?

Each runs in a loop of its own: one that falls silent, loses its connection or dies is started again, with
longer and longer pauses, and the owner hears of it on another one. One that is refused (a wrong token, say)
is tried again rarely: somebody has to mend it.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from urllib.parse import quote

from pydantic import SecretStr

from bot.discord_app import DiscordApp
from bot.on_message import Conversation
from bot.owner_news import OwnerNews
from bot.platform import ChatRefused, ChatUnavailable, Ears, Platform
from bot.settings import TelegramSettings
from bot.telegram_app import TelegramApp
from bot.telegram_door import Door
from bot.telegram_tuning import Tuning, Webhook
from storage.leases import LeaseStore
from storage.unavailable import DatabaseUnavailable
from twin import show
from twin.build import Stores
from twin.components import RUNS, Noted, nobody_asks
from twin.settings import Settings

log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE, REFUSED_PAUSE = 1.0, 60.0, 600.0
SILENT_SECONDS = 120.0  # without any sign of life an app is started again
LOOK_SECONDS = 5.0
LEASE_SECONDS = 30.0


class ChatApp(Platform, Protocol):
    """A platform with a connection to keep."""

    async def run(self) -> None: ...

    async def stop(self) -> None: ...

    def alive(self) -> float: ...


def chat_apps(
    settings: Settings,
    stores: Stores,
    talk: Conversation,
    ears: Ears,
    tuning: Tuning | None = None,
    door: Door | None = None,
) -> list[ChatApp]:
    """Those that have a token, registered with the flow."""
    apps: list[ChatApp] = []
    authority, names = talk.authority, [*settings.chat.names, settings.owner.name.split()[0]]
    if token := settings.discord.token:
        apps.append(
            DiscordApp(
                token.get_secret_value(),
                ears,
                owner_ids=authority.owner_ids("discord"),
                names=names,
                fresh_for=timedelta(minutes=settings.chat.max_age_minutes),
                cursors=stores.cursors,
                api_url=settings.discord.api_url,
                gateway_url=settings.discord.gateway_url,
            )
        )
    if token := settings.telegram.token:
        apps.append(
            TelegramApp(
                token.get_secret_value(),
                ears,
                owner_ids=authority.owner_ids("telegram"),
                names=names,
                cursors=stores.cursors,
                base_url=settings.telegram.base_url,
                base_file_url=settings.telegram.base_file_url,
                webhook=_webhook(settings),
                door=door,
                tuning=tuning,
            )
        )
    talk.news.platforms.update({app.name: app for app in apps})
    return apps


def _webhook(settings: Settings) -> Webhook | None:
    telegram = settings.telegram
    if telegram.webhook_url is None:
        return None
    secret = telegram.webhook_secret.get_secret_value() if telegram.webhook_secret else ""
    return Webhook(telegram.webhook_url, secret, telegram.webhook_port)


def called_by_name(settings: Settings, host: TelegramSettings, name: str) -> Settings:
    """One of several twins in a process, with an address of its own below the host's, unless it has one.

    Its secret is made from the host's, so that whoever learns one twin's cannot speak to another's.
    """
    if host.webhook_url is None or host.webhook_secret is None or settings.telegram.webhook_url:
        return settings
    key, about = host.webhook_secret.get_secret_value().encode(), name.encode()
    own = {
        "webhook_url": f"{host.webhook_url.rstrip('/')}/{quote(name)}",
        "webhook_secret": SecretStr(hmac.new(key, about, hashlib.sha256).hexdigest()),
        "webhook_port": host.webhook_port,
    }
    return settings.model_copy(update={"telegram": settings.telegram.model_copy(update=own)})


@dataclass(frozen=True, slots=True)
class Standing:
    """The right of this copy of the service to run one app, where only one copy may."""

    leases: LeaseStore
    holder: str

    async def has(self, app: str) -> bool:
        return await self.leases.take(f"app {app}", self.holder, LEASE_SECONDS)

    async def give_back(self, app: str) -> None:
        await self.leases.give_back(f"app {app}", self.holder)


async def keep_running(
    app: ChatApp, news: OwnerNews, standing: Standing | None = None, noted: Noted = nobody_asks
) -> None:
    """Until it is stopped or we are cancelled. With a `standing`, only while this copy has it."""
    pause = FIRST_PAUSE
    while True:
        try:
            if standing and not await standing.has(app.name):
                news.elsewhere.add(app.name)
                noted(app.name, "elsewhere")
                pause = FIRST_PAUSE  # the copy that runs it may be gone in a moment
            else:
                news.elsewhere.discard(app.name)
                log.info("%s is started", app.name)
                noted(app.name, RUNS)
                await _until_silent(app, news, standing)
                return  # somebody stopped it
        except ChatRefused as reason:
            noted(app.name, f"refused: {reason}")
            show.sentence(f"{app.name}: {reason}")
            log.error("%s is refused: %s", app.name, reason)
            await news.trouble(app.name, f"{app.name} does not let me in: {reason}")
            pause = REFUSED_PAUSE
        except (ChatUnavailable, DatabaseUnavailable) as reason:
            noted(app.name, f"away: {reason}")
            level = logging.ERROR if pause == FIRST_PAUSE else logging.WARNING  # the screen hears it once
            log.log(level, "%s is away: %s", app.name, reason)
            await news.trouble(app.name, f"I lost {app.name}: {reason}. I keep trying.")
        except Exception:
            noted(app.name, "died; it is started again")
            log.exception("%s died and is started again", app.name)
            await news.trouble(app.name, f"My {app.name} part crashed; I started it again.")
        await asyncio.sleep(pause)
        pause = min(max(2 * pause, FIRST_PAUSE), LONGEST_PAUSE)


async def _until_silent(app: ChatApp, news: OwnerNews, standing: Standing | None) -> None:
    """Run it; raises ChatUnavailable when nothing was heard from it for too long."""
    running = asyncio.create_task(app.run())
    began = asyncio.get_running_loop().time()
    try:
        while not (await asyncio.wait((running,), timeout=LOOK_SECONDS))[0]:
            silent = min(app.alive(), asyncio.get_running_loop().time() - began)
            if silent > SILENT_SECONDS:
                raise ChatUnavailable(f"nothing was heard from it for {silent:.0f} seconds")
            if standing and not await standing.has(app.name):
                raise ChatUnavailable("another copy of the service runs it now")
            if app.alive() < LOOK_SECONDS:
                await news.over(app.name, f"I am back on {app.name}.")
        running.result()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        if standing:
            with contextlib.suppress(DatabaseUnavailable):  # then it ends by itself
                await standing.give_back(app.name)
