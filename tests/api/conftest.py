from __future__ import annotations

import pytest
from api_world import OFTEN, placed

from api.settings import ApiSettings


@pytest.fixture
def api_settings() -> ApiSettings:
    return ApiSettings(**OFTEN)


@pytest.fixture
async def place(sqlite_database, tmp_path, api_settings):
    async with placed(tmp_path / "home", sqlite_database, api_settings) as place:
        yield place


@pytest.fixture
async def owner(place):
    return await place.as_("owner")


@pytest.fixture
async def trainer(place):
    return await place.as_("trainer")


@pytest.fixture
async def viewer(place):
    return await place.as_("viewer")
