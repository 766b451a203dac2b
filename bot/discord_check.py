"""What stands between a token and a working bot on Discord? For `twin doctor`."""

from __future__ import annotations

import discord

from bot.discord_trouble import BAD_TOKEN, NO_MESSAGE_CONTENT, another_discord, reaching_discord
from bot.platform import ChatRefused, ChatUnavailable

PERMISSIONS = discord.Permissions(
    view_channel=True,
    send_messages=True,
    send_messages_in_threads=True,
    read_message_history=True,
    add_reactions=True,
    attach_files=True,
)


async def missing_on_discord(token: str, *, api_url: str | None = None, seconds: float = 10.0) -> list[str]:
    """One sentence for each; empty when all is well. Asks without connecting."""
    another_discord(api_url, None)
    client = discord.Client(intents=discord.Intents.none())
    try:
        async with reaching_discord(seconds):
            await client.login(token)
            servers = [guild async for guild in client.fetch_guilds(limit=1)]
    except discord.LoginFailure:
        return [BAD_TOKEN]
    except (ChatRefused, ChatUnavailable) as reason:
        return [str(reason)]
    finally:
        await client.close()
    assert client.application
    found = []
    flags = client.application.flags
    if not (flags.gateway_message_content or flags.gateway_message_content_limited):
        found.append(NO_MESSAGE_CONTENT)
    if client.application.interactions_endpoint_url:
        found.append("Commands go to an Interactions Endpoint URL; empty it in the developer portal.")
    if not servers:
        scopes = ("bot", "applications.commands")
        link = discord.utils.oauth_url(client.application.id, permissions=PERMISSIONS, scopes=scopes)
        found.append(f"The bot is in no server yet. Invite it: {link}")
    return found
