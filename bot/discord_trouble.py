"""What does a failure of Discord mean to us: try again later, or never?"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import discord
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot.platform import ChatRefused, ChatUnavailable

BAD_TOKEN = (
    "Discord does not accept this bot token. Copy a fresh one from the developer portal "
    "(your application, Bot page, Reset Token) and set TWIN_DISCORD__TOKEN to it."
)
NO_MESSAGE_CONTENT = (
    'The bot may not read messages. Enable "Message Content Intent" in the Discord developer portal '
    "(your application, Bot page) and start again."
)


@asynccontextmanager
async def reaching_discord(seconds: float, *, changes: bool = False) -> AsyncIterator[None]:
    """Turn what goes wrong inside into ChatUnavailable or ChatRefused, after so many seconds at the latest.

    `changes`: when the answer is lost, it may have been done all the same.
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise ChatUnavailable(f"Discord took longer than {seconds:g} s", maybe_done=changes) from error
    except discord.RateLimited as error:
        raise ChatUnavailable(_busy(error.retry_after), retry_after=error.retry_after) from error
    except discord.HTTPException as error:
        raise _meaning(error, changes) from error
    except (aiohttp.ClientError, OSError) as error:
        raise ChatUnavailable(broken(error), maybe_done=changes) from error
    except RuntimeError as error:
        if str(error) != "Session is closed":
            raise
        raise ChatUnavailable("The connection to Discord was just closed") from error


def broken(error: Exception) -> str:
    """A connection that did not come to be, or ended, for a person."""
    if isinstance(error, aiohttp.ClientConnectorError):
        return "Discord cannot be reached. Is there a network, and is discord.com open?"
    return f"The connection to Discord broke ({type(error).__name__})"


def _meaning(error: discord.HTTPException, changes: bool) -> ChatUnavailable | ChatRefused:
    if error.status == 429:
        seconds = float(error.response.headers.get("Retry-After") or 0)
        return ChatUnavailable(_busy(seconds), retry_after=seconds)
    if error.status >= 500:
        return ChatUnavailable(f"Discord is broken: status {error.status}", maybe_done=changes)
    if error.status == 401:
        return ChatRefused(BAD_TOKEN)
    return ChatRefused(f"Discord said no: status {error.status}, code {error.code}")


def _busy(seconds: float) -> str:
    return f"Discord asks us to be quiet for {seconds:g} s"


def another_discord(api_url: str | None, gateway_url: str | None) -> None:
    """Where Discord is, if not at its own address; the library knows one for the whole process."""
    if api_url:
        Route.BASE = api_url
    if gateway_url:
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway_url)
