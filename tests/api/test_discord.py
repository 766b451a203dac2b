from urllib.parse import parse_qsl, urlsplit

import pytest
from api_world import OFTEN
from oauth_server import OAuthServer

from api.settings import ApiSettings

OWNER = {"id": "4242", "username": "mira"}


@pytest.fixture
async def oauth():
    async with OAuthServer("app", "app secret").served() as server:
        yield server


@pytest.fixture
def api_settings(oauth):
    return ApiSettings(
        **OFTEN, discord_client_id="app", discord_client_secret="app secret", discord_url=oauth.url
    )


@pytest.fixture
def signing_in(place, oauth):
    place.world.owner_discord_ids = frozenset({OWNER["id"]})

    async def sign_in(person, client=None):
        """There and back, as a browser goes."""
        oauth.person = person
        client = client or place.client()
        away = await client.get("/api/auth/discord")
        assert away.status_code == 302
        back = oauth.let_through(dict(parse_qsl(urlsplit(away.headers["location"]).query)))
        return client, back

    return sign_in


async def test_the_owner_comes_in_with_their_discord_account(signing_in):
    client, back = await signing_in(OWNER)
    home = await client.get(back)
    assert (home.status_code, home.headers["location"]) == (302, "/")
    account = (await client.get("/api/auth/state")).json()["account"]
    assert (account["name"], account["role"], account["discord_id"]) == ("mira", "owner", "4242")
    again, back = await signing_in(OWNER)
    await again.get(back)
    assert (await again.get("/api/auth/state")).json()["account"]["id"] == account["id"]


async def test_nobody_else_comes_in_unless_the_owner_let_them(place, signing_in, owner):
    stranger = {"id": "66666", "username": "eve"}
    client, back = await signing_in(stranger)
    assert (await client.get(back)).status_code == 403
    assert (await client.get("/api/auth/state")).json()["account"] is None
    await owner.post("/api/accounts", json={"name": "eve", "role": "viewer", "discord_id": "66666"})
    client, back = await signing_in(stranger)
    await client.get(back)
    assert (await client.get("/api/auth/state")).json()["account"]["role"] == "viewer"


async def test_a_sign_in_that_another_browser_began_is_refused(place, signing_in):
    _, back = await signing_in(OWNER)
    assert (await place.client().get(back)).status_code == 403


async def test_a_code_is_good_for_one_time(signing_in):
    client, back = await signing_in(OWNER)
    cookie = client.cookies["twin_oauth"]
    await client.get(back)
    client.cookies.clear()
    client.cookies.set("twin_oauth", cookie)
    assert (await client.get(back)).status_code == 403


async def test_when_discord_is_away_it_is_told(place, oauth, signing_in):
    client, back = await signing_in(OWNER)
    wrong = await client.get(back.replace("code=", "code=x"))
    assert (wrong.status_code, wrong.headers["content-type"]) == (403, "application/problem+json")


async def test_a_way_back_with_another_state_is_refused(oauth, signing_in):
    client, back = await signing_in(OWNER)
    _, forged = await signing_in({"id": "66666", "username": "eve"})
    state = dict(parse_qsl(urlsplit(back).query))["state"]
    for wrong in ("", "guessed", state[:-1], dict(parse_qsl(urlsplit(forged).query))["state"]):
        answer = await client.get(back.replace(f"state={state}", f"state={wrong}"))
        assert (answer.status_code, "not begun in this browser" in answer.json()["detail"]) == (403, True)
    # Eve's own way back in Mira's browser: Mira would be signed in as Eve.
    assert (await client.get(forged)).status_code == 403
    assert (await client.get("/api/auth/state")).json()["account"] is None
    oauth.person = OWNER
    assert (await client.get(back)).status_code == 302


@pytest.mark.parametrize(
    ("port", "session", "away"),
    [(8700, "twin_session", "twin_oauth"), (8701, "twin_session_8701", "twin_oauth_8701")],
)
async def test_twins_on_two_ports_of_one_host_have_a_cookie_each(place, signing_in, port, session, away):
    place.world.settings = place.world.settings.model_copy(update={"port": port})
    client, back = await signing_in(OWNER)
    assert list(client.cookies) == [away]
    assert (await client.get(back)).status_code == 302
    assert list(client.cookies) == [session]
    described = (await client.get("/api/openapi.json")).json()
    assert described["components"]["securitySchemes"]["session"]["name"] == session
    account = (await client.get("/api/auth/state")).json()["account"]
    assert account["name"] == "mira"
    place.world.settings = place.world.settings.model_copy(update={"port": 8702})
    assert (await client.get("/api/auth/state")).json()["account"] is None  # another twin's browser session
