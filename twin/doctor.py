"""Is everything reachable and configured? What is missing, and what to do about it."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from bot.discord_check import missing_on_discord
from bot.telegram_check import missing_on_telegram
from learning.pocket import PocketRecipe, default_cache_dir, fingerprint
from storage.cache import open_cache
from storage.records import Cursor, now
from twin.build import open_replicas, open_stores, running_servers
from twin.errors import in_words
from twin.home import Home
from twin.learning_state import MINE
from twin.schedule import DEAD_SECONDS, HEARTBEAT
from twin.settings import Settings
from twin.sync import OUTCOMES, usable, watched_name

ROOM_GB = 5  # an adapter of the 12B model is half a gigabyte, and checkpoints come on top
PAST_ROW_SECURITY = "this role sees past row security, so only the twin itself keeps to its own rows"
AN_ORDINARY_ROLE = """where several twins share the server, give the twin a role that row security holds:
CREATE ROLE twin_service LOGIN PASSWORD '...';
GRANT USAGE ON SCHEMA public TO twin_service;
GRANT ALL ON ALL TABLES IN SCHEMA public TO twin_service;
GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO twin_service;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO twin_service;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON SEQUENCES TO twin_service;
then name it in TWIN_STORAGE__URL, and run 'twin upgrade' as the role that owns the tables"""


@dataclass(frozen=True, slots=True)
class Finding:
    what: str
    well: bool
    found: str
    advice: str = ""


Look = Callable[[Home, Settings], Coroutine[Any, Any, Finding]]


async def examine(home: Home, settings: Settings, *, quick: bool = False) -> list[Finding]:
    looks: tuple[Look, ...] = (_database, _server)
    if not quick:
        looks += (_owner, _discord, _telegram, _base, _training, _redis, _disk, _schedule)
    found = [await look(home, settings) for look in looks]
    return found if quick else found + await _synced(home, settings)


async def _database(home: Home, settings: Settings) -> Finding:
    try:
        async with open_stores(home, settings) as stores:
            counts = await stores.records.counts()
            found = f"{sum(counts.values())} records, schema up to date"
            if stores.database.sees_past_row_security:
                return Finding("database", True, f"{found}; {PAST_ROW_SECURITY}", AN_ORDINARY_ROLE)
            return Finding("database", True, found)
    except Exception as problem:
        if (told := in_words(problem)) is None:
            raise
        return Finding("database", False, told.what, told.advice)


async def _server(home: Home, settings: Settings) -> Finding:
    running = running_servers(home)
    urls = settings.model.servers or (running[0] if running else ())
    if not urls:
        return Finding("model server", True, "none runs; commands start one of their own when they need it")
    async with open_replicas(settings, urls) as replicas:
        states = {one.name: one.health.why or "answers" for one in replicas.replicas.values()}
        well = len(replicas.in_use()) == len(states)
    found = "\n".join(f"{name}: {state}" for name, state in states.items())
    return Finding("model server", well, found, "" if well else "twin serve, or correct [model] servers")


async def _owner(home: Home, settings: Settings) -> Finding:
    accounts = {name: account for name, account in settings.owner.accounts.items() if account}
    if not home.settings_file.exists():
        return Finding("owner", False, f"{home.settings_file} is missing", "twin init NAME")
    if not accounts:
        return Finding(
            "owner", False, f"{settings.owner.name}, no accounts", "fill in [owner.accounts] in twin.toml"
        )
    return Finding("owner", True, f"{settings.owner.name}: {', '.join(accounts)}")


async def _discord(home: Home, settings: Settings) -> Finding:
    token = settings.discord.token
    if token is None:
        return Finding("discord", True, "not used: TWIN_DISCORD__TOKEN is not set")
    missing = await missing_on_discord(token.get_secret_value(), api_url=settings.discord.api_url)
    return _chat_app("discord", settings, missing)


async def _telegram(home: Home, settings: Settings) -> Finding:
    token = settings.telegram.token
    if token is None:
        return Finding("telegram", True, "not used: TWIN_TELEGRAM__TOKEN is not set")
    async with open_stores(home, settings) as stores:
        missing = await missing_on_telegram(
            token.get_secret_value(),
            stores.cursors,
            webhook_url=settings.telegram.webhook_url,
            base_url=settings.telegram.base_url,
        )
    return _chat_app("telegram", settings, missing)


async def _synced(home: Home, settings: Settings) -> list[Finding]:
    """A row for each source that something is set for, and each watched path."""
    try:
        async with open_stores(home, settings) as stores:
            last = {cursor.container: cursor for cursor in await stores.cursors.all(OUTCOMES)}
    except Exception as problem:
        if in_words(problem) is None:
            raise
        return []  # the row of the database says so
    apis, why_not = usable(settings)
    missing = [
        Finding(f"sync {name}", False, f"cannot be read: {why}", "docs/sync.md shows how to set it up")
        for name, why in why_not.items()
        if _begun(name, settings)
    ]
    names = [api.name for api in apis] + [watched_name(home, one) for one in settings.sync.files]
    return missing + [_last_time(name, last.get(name)) for name in names]


def _begun(source: str, settings: Settings) -> bool:
    """Whether anything of it is set: nobody needs to hear of a source they do not use."""
    prefix = f"{source.partition('_')[0]}_"
    return any(name.startswith(prefix) for name in settings.sync.model_fields_set)


def _last_time(name: str, cursor: Cursor | None) -> Finding:
    command = f"twin sync {name.partition(' ')[0]}"
    if cursor is None:
        return Finding(f"sync {name}", True, "ready, not read yet", command)
    about, when = cursor.value, f"{cursor.updated_at:%Y-%m-%d %H:%M} UTC"
    if not about["well"]:
        return Finding(f"sync {name}", False, f"{when}: {about['trouble']}", command)
    also = f"; known trouble: {about['trouble']}" if about["trouble"] else ""
    return Finding(f"sync {name}", True, f"{when}: {about['kept']} new or changed{also}")


def _chat_app(name: str, settings: Settings, missing: list[str]) -> Finding:
    if not settings.owner.accounts.get(name):
        missing = [*missing, f"your own id is not in [owner.accounts]: {name} does not know whose twin it is"]
    return Finding(name, not missing, "ready" if not missing else "something is missing", "\n".join(missing))


async def _base(home: Home, settings: Settings) -> Finding:
    if settings.model.base != "pocket":
        return Finding("base model", True, settings.model.base)
    there = any((default_cache_dir() / "pocket").glob(f"*{fingerprint(PocketRecipe())}"))
    when = "is trained" if there else "will be trained on first use (about two minutes)"
    return Finding("base model", True, f"the pocket stand-in, not a real model; it {when}")


async def _training(home: Home, settings: Settings) -> Finding:
    missing = [name for name in ("torch", "trl", "peft") if importlib.util.find_spec(name) is None]
    if missing:
        return Finding(
            "training",
            False,
            f"{', '.join(missing)} not installed",
            "pip install 'twin[train]', or train elsewhere",
        )
    gpu = shutil.which("nvidia-smi") is not None
    return Finding(
        "training", True, "here, on the GPU" if gpu else "here, on the CPU: fit for the pocket model only"
    )


async def _redis(home: Home, settings: Settings) -> Finding:
    if settings.storage.redis_url is None:
        return Finding("redis", True, "not used; the cache is in memory")
    cache = open_cache(settings.storage.redis_url.get_secret_value(), patience=2)
    try:
        well = await cache.set("doctor", "was here")
    finally:
        await cache.close()
    return Finding(
        "redis", well, "answers" if well else "does not answer", "" if well else "check storage.redis_url"
    )


async def _schedule(home: Home, settings: Settings) -> Finding:
    try:
        async with open_stores(home, settings) as stores:
            beat = await stores.cursors.get(MINE, HEARTBEAT)
    except Exception as problem:
        if (told := in_words(problem)) is None:
            raise
        return Finding("schedule", False, told.what, told.advice)
    if beat is None:
        return Finding("schedule", True, "never ran; 'twin up' keeps it")
    silent = (now() - beat.updated_at).total_seconds()
    serving = silent < DEAD_SECONDS
    found = "alive" if serving else f"silent since {beat.updated_at:%Y-%m-%d %H:%M} UTC"
    return Finding("schedule", True, found, "" if serving else "twin up, if it should run")


async def _disk(home: Home, settings: Settings) -> Finding:
    free = shutil.disk_usage(home.root).free / 1e9
    advice = "" if free >= ROOM_GB else f"training wants {ROOM_GB} GB or more"
    return Finding("disk", free >= ROOM_GB, f"{free:.0f} GB free", advice)
