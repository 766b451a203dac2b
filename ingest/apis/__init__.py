"""Which sources have an API, and what does each need before it can be read? One line registers one."""

from __future__ import annotations

from collections.abc import Callable

from ingest.api_source import ApiSource
from ingest.apis.discord import discord as discord_api
from ingest.apis.github import github
from ingest.source import Owner
from ingest.sync_settings import SyncSettings

DiscordAccess = tuple[str | None, str | None]  # the bot's token, and another server's address
EXPORT_ONLY = {
    "youtube": "YouTube gives the watch history and your comments as an export only, by Google Takeout",
}


class ApiNotConfigured(Exception):
    """What is missing, for people."""


def _github(settings: SyncSettings, owner: Owner, discord: DiscordAccess) -> ApiSource:
    _need(settings.github_token, "TWIN_SYNC__GITHUB_TOKEN is not set")
    _need(owner.accounts.get("github"), "your login is not in [owner.accounts] github")
    return github(settings)


def _discord(settings: SyncSettings, owner: Owner, discord: DiscordAccess) -> ApiSource:
    token, url = discord
    _need(settings.discord_channels, "sync.discord_channels names no channels")
    _need(owner.accounts.get("discord"), "your own id is not in [owner.accounts] discord")
    if token is None:
        raise ApiNotConfigured("TWIN_DISCORD__TOKEN is not set")
    return discord_api(settings, token, url)


def _need(what: object, otherwise: str) -> None:
    if not what:
        raise ApiNotConfigured(otherwise)


API_SOURCES: dict[str, Callable[[SyncSettings, Owner, DiscordAccess], ApiSource]] = {
    "github": _github,
    "discord": _discord,
}
