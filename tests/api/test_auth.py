import pytest
from api_world import CODE
from sqlalchemy import text

from api.settings import ApiSettings

PASSWORD = "correct horse battery"
NEW = {"code": CODE, "name": "mira", "password": PASSWORD}


@pytest.fixture
async def browser(place):
    """Signed in as the first owner, with the CSRF token where a page would send it."""
    client = place.client()
    state = (await client.post("/api/auth/setup", json=NEW)).json()
    client.headers["x-csrf-token"] = state["csrf"]
    return client


async def test_the_first_owner_chooses_a_password_with_the_code_that_was_printed(place):
    client = place.client()
    assert (await client.get("/api/auth/state")).json()["needs_setup"] is True
    assert (await client.post("/api/auth/setup", json=NEW | {"code": "guess"})).status_code == 403
    made = await client.post("/api/auth/setup", json=NEW)
    assert made.status_code == 201
    assert made.json()["account"]["role"] == "owner"
    assert (await client.get("/api/auth/state")).json()["needs_setup"] is False
    again = await place.client().post("/api/auth/setup", json=NEW | {"name": "eve"})
    assert again.status_code == 409


async def test_the_cookie_is_for_browsers_alone_and_says_nothing(place):
    made = await place.client().post("/api/auth/setup", json=NEW)
    cookie = made.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "path=/" in cookie
    assert "mira" not in cookie


@pytest.mark.parametrize("api_settings", [ApiSettings(public_url="https://twin.example")])
async def test_behind_https_the_cookie_never_travels_in_the_open(place):
    made = await place.client().post("/api/auth/setup", json=NEW)
    assert "secure" in made.headers["set-cookie"].lower()
    assert made.headers["strict-transport-security"]


async def test_passwords_are_kept_as_argon2_and_checked(place, browser):
    async with place.world.database.reading() as session:
        kept = await session.scalar(text("SELECT password_hash FROM accounts"))
    assert kept.startswith("$argon2id$")
    wrong = await place.client().post("/api/auth/login", json={"name": "mira", "password": "wrong"})
    nobody = await place.client().post("/api/auth/login", json={"name": "nobody", "password": PASSWORD})
    assert wrong.status_code == nobody.status_code == 401
    assert wrong.json()["detail"] == nobody.json()["detail"]
    right = await place.client().post("/api/auth/login", json={"name": "mira", "password": PASSWORD})
    assert right.status_code == 200


async def test_five_wrong_passwords_a_minute_are_enough(place, browser):
    client, given = place.client(), {"name": "mira", "password": "wrong"}
    statuses = [(await client.post("/api/auth/login", json=given)).status_code for _ in range(6)]
    assert statuses == [401] * 5 + [429]
    late = await client.post("/api/auth/login", json=given)
    assert int(late.headers["retry-after"]) > 0


async def test_a_write_with_a_cookie_needs_the_csrf_token_and_our_own_page(place, browser):
    fact = {"text": "I like tea"}
    csrf = browser.headers.pop("x-csrf-token")
    assert (await browser.post("/api/facts", json=fact)).status_code == 403
    assert (await browser.post("/api/facts", json=fact, headers={"x-csrf-token": "x"})).status_code == 403
    elsewhere = {"x-csrf-token": csrf, "origin": "https://evil.example"}
    assert (await browser.post("/api/facts", json=fact, headers=elsewhere)).status_code == 403
    here = {"x-csrf-token": csrf, "origin": "http://127.0.0.1:8700"}
    assert (await browser.post("/api/facts", json=fact, headers=here)).status_code == 201


async def test_signing_out_ends_the_session(browser):
    assert (await browser.get("/api/facts")).status_code == 200
    cookie = browser.cookies["twin_session"]
    assert (await browser.post("/api/auth/logout")).status_code == 200
    browser.cookies.set("twin_session", cookie)
    assert (await browser.get("/api/facts")).status_code == 401


async def test_a_new_password_signs_out_every_other_browser(place, browser):
    other = place.client()
    await other.post("/api/auth/login", json={"name": "mira", "password": PASSWORD})
    assert len((await browser.get("/api/auth/sessions")).json()["items"]) == 2
    wrong = await browser.post("/api/auth/password", json={"old": "nope", "new": "another one"})
    assert wrong.status_code == 403
    done = await browser.post("/api/auth/password", json={"old": PASSWORD, "new": "another one"})
    assert done.status_code == 200
    assert (await other.get("/api/facts")).status_code == 401
    assert (await browser.get("/api/facts")).status_code == 200


async def test_a_tokens_secret_is_shown_once_and_kept_nowhere(place, browser):
    new = {"name": "Open WebUI", "scopes": ["chat"]}
    made = await browser.post("/api/tokens", json=new, headers={"idempotency-key": "k"})
    secret = made.json()["secret"]
    assert secret.startswith("twin_")
    assert secret not in (await browser.get("/api/tokens")).text
    async with place.world.database.reading() as session:
        tables = await session.scalars(text("SELECT name FROM sqlite_master WHERE type = 'table'"))
        for table in list(tables):
            rows = [str(row) for row in await session.execute(text(f"SELECT * FROM {table}"))]
            assert not any(secret in row for row in rows), table
    program = place.client(secret)
    assert (await program.get("/v1/models")).status_code == 200
    assert (await program.get("/api/runs")).status_code == 403
    await browser.delete(f"/api/tokens/{made.json()['id']}")
    assert (await program.get("/v1/models")).status_code == 401


async def test_a_token_cannot_make_one_that_may_more(place):
    program = await place.as_("owner", ("manage",))
    more = await program.post("/api/tokens", json={"name": "x", "scopes": ["manage", "chat"]})
    assert more.status_code == 403


async def test_a_programs_write_needs_no_csrf_token(owner):
    assert (await owner.post("/api/facts", json={"text": "I like tea"})).status_code == 201


async def test_accounts_are_the_owners_business_and_the_last_owner_stays(place, browser):
    made = await browser.post(
        "/api/accounts", json={"name": "ann", "role": "trainer", "password": "a password"}
    )
    assert made.status_code == 201
    ann = place.client()
    signed_in = await ann.post("/api/auth/login", json={"name": "ann", "password": "a password"})
    assert signed_in.json()["account"]["role"] == "trainer"
    assert (await ann.get("/api/records")).status_code == 403
    nothing = await browser.post("/api/accounts", json={"name": "bob", "role": "viewer"})
    assert nothing.status_code == 422
    mira = (await browser.get("/api/auth/state")).json()["account"]["id"]
    assert (await browser.delete(f"/api/accounts/{mira}")).status_code == 409
    assert (await browser.delete(f"/api/accounts/{made.json()['id']}")).status_code == 200
    assert (await ann.get("/api/runs")).status_code == 401


async def test_who_did_what_is_written_down_without_what_they_sent(browser):
    await browser.post("/api/facts", json={"text": "a secret wish"})
    await browser.delete("/api/facts/nope")
    log = (await browser.get("/api/audit")).json()["items"]
    told = [(one["who"], one["action"], one["about"], one["outcome"]) for one in log[:2]]
    assert told == [
        ("mira", "DELETE /api/facts/{fact_id}", "fact_id=nope", "404"),
        ("mira", "POST /api/facts", "", "201"),
    ]
    assert "wish" not in str(log)


async def test_other_sites_pages_may_not_read_us_unless_the_settings_say_so(place, owner):
    answer = await owner.get("/api/runs", headers={"origin": "https://other.example"})
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("api_settings", [ApiSettings(allow_origins=["https://mine.example"])])
async def test_a_site_that_the_settings_name_may_read_us(place, owner):
    answer = await owner.get("/api/runs", headers={"origin": "https://mine.example"})
    assert answer.headers["access-control-allow-origin"] == "https://mine.example"


@pytest.mark.parametrize("api_settings", [ApiSettings(requests_per_minute=3)])
async def test_who_asks_too_often_is_told_when_to_come_back(owner):
    statuses = [(await owner.get("/api/runs")).status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
