"""Hands the API what it needs, and serves it: inside `twin up`, or alone (`twin api`)."""

from __future__ import annotations

import errno
import importlib.metadata
import logging
import secrets
from contextlib import AsyncExitStack

from api.app import create_app
from api.events import Events
from api.rates import Rates
from api.serve import bound, serve
from api.talk import Talk
from api.world import World
from bot.on_message import Conversation
from brain.reply import Brain
from storage.access import AccessStore
from storage.changes import Changes
from storage.pulse import PulseStore
from storage.records import Limits
from twin import show
from twin.build import Model, Stores, build_brain, open_model, open_stores, running_servers
from twin.errors import Told
from twin.home import Home
from twin.settings import Settings
from twin.workshop import Workshop

log = logging.getLogger(__name__)


def build_world(
    home: Home,
    settings: Settings,
    stores: Stores,
    model: Model | None = None,
    brain: Brain | None = None,
    talk: Conversation | None = None,
    setup_code: str = "",
) -> World:
    """Everything behind the API of this process."""
    pulse = PulseStore(stores.database)

    async def figures() -> dict[str, object]:
        waiting, drafts = await pulse.waiting()
        return {"waiting": waiting, "drafts": drafts}

    owners = settings.owner.accounts.get("discord") or ()
    return World(
        settings=settings.api,
        database=stores.database,
        workshop=Workshop(home, settings, stores, model, talk),
        talk=Talk(brain, stores.messages),
        owner_name=settings.owner.name,
        base_model=model.base.name if model else settings.model.base,
        version=importlib.metadata.version("twin"),
        runs_dir=home.runs,
        uploads=home.root / "uploads",
        events=Events(Changes(stores.database), figures),
        rates=Rates(),
        trial_share=settings.learning.canary.asked_for_share,
        setup_code=setup_code,
        owner_discord_ids=frozenset([owners] if isinstance(owners, str) else owners),
        usual_limits=Limits(settings.limits.person_per_minute, settings.limits.person_tokens_per_day),
    )


async def serve_api(
    home: Home,
    settings: Settings,
    stores: Stores,
    model: Model | None = None,
    brain: Brain | None = None,
    talk: Conversation | None = None,
    *,
    alone: bool = False,
) -> None:
    """Until it is cancelled; nothing where the settings switch it off.

    A port that somebody else has is told, and silences no chat: only `alone` it is the end.
    """
    if not settings.api.on:
        return
    try:
        listening = bound(settings.api.host, settings.api.port)
    except OSError as problem:
        taken = problem.errno == errno.EADDRINUSE
        why = "somebody else has that port" if taken else (problem.strerror or str(problem))
        where = f"{settings.api.host}:{settings.api.port}"
        told = Told(f"the API cannot be served on {where}: {why}", "set [api] port in twin.toml")
        if alone:
            raise told from problem
        log.error("%s", told.what)
        show.sentence(f"{told.what}; {told.advice}")
        return
    with listening:  # whoever is stopped before it serves gives the port back, too
        code = "" if await AccessStore(stores.database).accounts() else secrets.token_hex(8)
        world = build_world(home, settings, stores, model, brain, talk, code)
        where = f"http://{settings.api.host}:{listening.getsockname()[1]}"
        if code:  # behind a '#': browsers do not send it to anybody
            show.sentence(f"choose your password for the dashboard: {where}/#setup={code}")
        log.info("the API listens on %s", where)
        try:
            await serve(create_app(settings.api, world), world, listening)
        finally:
            await world.workshop.runs.close()  # type: ignore[attr-defined]


async def serve_alone(home: Home, settings: Settings) -> None:
    """The API without chat apps. It answers where a model server is set or runs; the rest works without."""
    async with AsyncExitStack() as closing:
        stores = await closing.enter_async_context(open_stores(home, settings))
        model, brain = None, None
        if settings.model.servers or running_servers(home):
            model = await closing.enter_async_context(open_model(home, settings))
            brain, _ = build_brain(stores, model, settings)
        else:
            show.sentence("no model server runs here, so nobody answers: 'twin serve' starts one")
        settings = settings.model_copy(update={"api": settings.api.model_copy(update={"on": True})})
        show.sentence(f"the API is at {settings.api.origin} (Ctrl-C stops it)")
        await serve_api(home, settings, stores, model, brain, alone=True)
