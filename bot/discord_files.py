"""How is fetched what hangs on a message on Discord? From Discord's own servers and nowhere else."""

from __future__ import annotations

import asyncio

import aiohttp
import yarl

from bot.platform import ChatRefused, ChatUnavailable
from storage.records import Media

HOSTS = frozenset({"cdn.discordapp.com", "media.discordapp.net"})
KINDS = frozenset({"image", "video", "sticker", "emoji"})
SECONDS = 10.0


async def fetch(media: Media, most: int, api_url: str | None) -> bytes:
    """At most so many bytes; `api_url`: of another Discord, whose files lie on the same host."""
    url = yarl.URL(media.ref)
    other = yarl.URL(api_url).origin() if api_url else None
    ours = url.scheme == "https" and url.host in HOSTS and url.explicit_port in (None, 443)
    if media.kind not in KINDS or not (ours or (url.absolute and other == url.origin())):
        raise ChatRefused("that is not kept by Discord")
    try:
        async with (
            asyncio.timeout(SECONDS),
            aiohttp.ClientSession() as session,
            session.get(url, allow_redirects=False) as answer,
        ):
            if answer.status != 200:
                raise ChatRefused(f"Discord does not hand it out ({answer.status})")
            data = bytearray()
            async for chunk in answer.content.iter_chunked(65536):
                data += chunk
                if len(data) > most:
                    raise ChatRefused("it is too large")
            return bytes(data)
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise ChatUnavailable(f"Discord's files cannot be reached: {type(error).__name__}") from error
