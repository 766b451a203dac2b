"""Which sources have an API, and what does each need before it can be read? One line registers one."""

from __future__ import annotations

from collections.abc import Callable

from ingest.api_client import Sleep
from ingest.api_source import ApiSource
from ingest.apis.discord import discord as discord_api
from ingest.apis.github import github
from ingest.apis.google_docs import google_docs
from ingest.apis.myanimelist import myanimelist
from ingest.apis.notion import notion
from ingest.source import Owner
from ingest.sync_settings import SyncSettings

DiscordAccess = tuple[str | None, str | None]  # the bot's token, and another server's address
EXPORT_ONLY = {
    "youtube": "YouTube gives the watch history and your comments as an export only, by Google Takeout",
}


class ApiNotConfigured(Exception):
    """What is missing, for people."""


def _github(settings: SyncSettings, owner: Owner, discord: DiscordAccess, sleep: Sleep) -> ApiSource:
    _need(settings.github_token, "TWIN_SYNC__GITHUB_TOKEN is not set")
    _need(owner.accounts.get("github"), "your login is not in [owner.accounts] github")
    return github(settings, sleep)


def _discord(settings: SyncSettings, owner: Owner, discord: DiscordAccess, sleep: Sleep) -> ApiSource:
    token, url = discord
    _need(settings.discord_channels, "sync.discord_channels names no channels")
    _need(owner.accounts.get("discord"), "your own id is not in [owner.accounts] discord")
    if token is None:
        raise ApiNotConfigured("TWIN_DISCORD__TOKEN is not set")
    return discord_api(settings, token, url, sleep)


def _notion(settings: SyncSettings, owner: Owner, discord: DiscordAccess, sleep: Sleep) -> ApiSource:
    _need(settings.notion_token, "TWIN_SYNC__NOTION_TOKEN is not set")
    return notion(settings, sleep)


def _google_docs(settings: SyncSettings, owner: Owner, discord: DiscordAccess, sleep: Sleep) -> ApiSource:
    _need(settings.google_client_id, "sync.google_client_id is not set")
    _need(settings.google_client_secret, "TWIN_SYNC__GOOGLE_CLIENT_SECRET is not set")
    _need(settings.google_refresh_token, "TWIN_SYNC__GOOGLE_REFRESH_TOKEN is not set")
    return google_docs(settings, sleep)


def _myanimelist(settings: SyncSettings, owner: Owner, discord: DiscordAccess, sleep: Sleep) -> ApiSource:
    if settings.myanimelist_token is None:
        _need(settings.myanimelist_client_id, "TWIN_SYNC__MYANIMELIST_CLIENT_ID is not set")
        _need(owner.accounts.get("myanimelist"), "your name is not in [owner.accounts] myanimelist")
    return myanimelist(settings, sleep)


def _need(what: object, otherwise: str) -> None:
    if not what:
        raise ApiNotConfigured(otherwise)


API_SOURCES: dict[str, Callable[[SyncSettings, Owner, DiscordAccess, Sleep], ApiSource]] = {
    "github": _github,
    "discord": _discord,
    "notion": _notion,
    "google_docs": _google_docs,
    "myanimelist": _myanimelist,
}
