import asyncio
import json

import pytest
from typer.testing import CliRunner

from api.serve import bound
from storage.access import AccessStore
from storage.database import Database
from twin import serve_api
from twin.build import open_stores
from twin.cli import app
from twin.errors import Told
from twin.home import Home
from twin.settings import Settings


@pytest.fixture
def twin(tmp_path):
    """Runs a command in a home of its own; gives the exit code and the JSON it printed."""

    def run(*words):
        done = CliRunner().invoke(app, ["--home", str(tmp_path), *words])
        return done.exit_code, json.loads(done.stdout) if done.stdout.startswith(("{", "[")) else None

    return run


def access_of(tmp_path, ask):
    async def work():
        database = await Database.open(Home(tmp_path).database_url)
        try:
            return await ask(AccessStore(database))
        finally:
            await database.close()

    return asyncio.run(work())


def test_a_token_is_made_listed_and_revoked(twin, tmp_path):
    assert twin("password", "--json")[0] == 0
    code, made = twin("token", "create", "a program", "--scopes", "chat,read", "--json")
    assert code == 0
    account, token = access_of(tmp_path, lambda access: access.of_token(made["secret"]))
    assert (account.role, token.scopes) == ("owner", ("read", "chat"))
    [listed] = twin("token", "list", "--json")[1]
    assert (listed["name"], listed["revoked_at"]) == ("a program", None)
    assert made["secret"] not in str(listed)
    assert twin("token", "revoke", made["id"], "--json") == (0, {"revoked": made["id"]})
    assert access_of(tmp_path, lambda access: access.of_token(made["secret"])) is None
    assert twin("token", "revoke", made["id"])[0] == 2


def test_a_wrong_scope_and_a_missing_account_are_told(twin):
    assert twin("token", "create", "x")[0] == 1
    twin("password", "--json")
    assert twin("token", "create", "x", "--scopes", "everything")[0] == 2
    assert twin("token", "create", "x", "--account", "nobody")[0] == 2


def test_a_password_is_set_the_first_time_and_when_it_was_forgotten(twin, tmp_path):
    from api.auth import PASSWORDS

    _, first = twin("password", "--json")
    _, second = twin("password", "--json")
    assert first["name"] == second["name"] == "owner"
    [account] = access_of(tmp_path, lambda access: access.accounts())
    assert PASSWORDS.verify(second["password"], account.password_hash)
    assert not PASSWORDS.verify(first["password"], account.password_hash)


async def test_a_port_that_somebody_has_silences_no_chat(tmp_path):
    home, taken = Home(tmp_path), bound("127.0.0.1", 0)
    settings = Settings(api={"port": taken.getsockname()[1]}, owner={"name": "Mira"})
    async with open_stores(home, settings) as stores:
        assert await serve_api.serve_api(home, settings, stores) is None
        with pytest.raises(Told, match="somebody else has that port"):
            await serve_api.serve_api(home, settings, stores, alone=True)
    taken.close()
