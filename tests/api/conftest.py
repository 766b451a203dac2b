from __future__ import annotations

from datetime import timedelta

import pytest
from api_world import CODE, OFTEN, Place
from fakes import ScriptedModel

from api.app import create_app
from api.settings import ApiSettings
from brain.live_adapter import LiveAdapter
from brain.model_client import Sampling
from brain.prompt import Persona
from brain.reply import Brain
from storage.adapters import AdapterStore
from storage.cache import open_cache
from storage.messages import MessageStore
from twin.build import stores_of
from twin.home import Home
from twin.serve_api import build_world
from twin.settings import Settings


@pytest.fixture
def api_settings() -> ApiSettings:
    return ApiSettings(**OFTEN)


@pytest.fixture
async def place(sqlite_database, tmp_path, api_settings):
    home = Home(tmp_path / "home")
    home.make()
    settings = Settings(api=api_settings, owner={"name": "Mira"})
    stores, model = stores_of(sqlite_database, open_cache(None)), ScriptedModel()
    adapters = AdapterStore(sqlite_database)
    live = LiveAdapter(adapters, model, "base", timedelta(seconds=0))
    brain = Brain(
        model,
        live,
        MessageStore(sqlite_database),
        Persona("Mira"),
        base_model="base",
        sampling=Sampling(),
    )
    world = build_world(home, settings, stores, None, brain, None, CODE)
    place = Place(home, settings, stores, model, world, create_app(api_settings, world))
    yield place
    for client in place.clients:
        await client.aclose()
    world.events.close()
    await world.talk.close()
    await world.workshop.runs.close()


@pytest.fixture
async def owner(place):
    return await place.as_("owner")


@pytest.fixture
async def trainer(place):
    return await place.as_("trainer")


@pytest.fixture
async def viewer(place):
    return await place.as_("viewer")
