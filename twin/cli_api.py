"""The commands about the API: serve it alone, give out tokens, set a password."""

from __future__ import annotations

import asyncio
import secrets
from typing import Annotated, Any

import typer

from twin import console, show
from twin.build import open_stores
from twin.errors import Told

token_app = typer.Typer(help="What programs sign in to the API with.", no_args_is_help=True)
SHORTEST = 8  # as the API has it
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of words.")]


def api(
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="Default: the setting.")] = None,
    json: AsJson = False,
) -> None:
    """Serve the API and the dashboard alone, without chat apps."""
    from twin.logs import write_logs
    from twin.serve import stop_signal
    from twin.serve_api import serve_alone

    settings = console.settings()
    if port is not None:
        settings = settings.model_copy(update={"api": settings.api.model_copy(update={"port": port})})
    write_logs(console.home())

    async def until_stopped() -> None:
        stop = stop_signal()
        serving = asyncio.create_task(serve_alone(console.home(), settings))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if serving.done():
            return serving.result()
        serving.cancel()
        await asyncio.wait([serving])
        return None

    console.run(until_stopped())
    if json:
        show.as_json({"stopped": True})


@token_app.command("create")
def token_create(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    scopes: Annotated[
        str, typer.Option(help="read, chat, feedback, train, manage; with commas.")
    ] = "read,chat",
    days: Annotated[
        int | None, typer.Option(min=1, max=36_500, help="Until it ends; default: never.")
    ] = None,
    account: Annotated[str | None, typer.Option(help="Whose; default: the owner's.")] = None,
    json: AsJson = False,
) -> None:
    """A new token. Its secret is shown this once and kept nowhere."""
    from api.auth import new_token
    from api.shapes.auth import Scope
    from storage.access import AccessStore

    wanted = [one.strip() for one in scopes.split(",") if one.strip()]

    async def work() -> tuple[str, str]:
        if not wanted or not set(wanted) <= set(Scope):
            raise Told(f"'{scopes}' are no scopes", f"these there are: {', '.join(Scope)}", exit_code=2)
        async with open_stores(console.home(), console.settings()) as stores:
            access = AccessStore(stores.database)
            whose = await _account(access, account)
            token, secret = new_token(whose, name, wanted, days)
            await access.add_token(token)
            await access.note(whose.name, "twin token create", f"token={token.id}", "done")
            return token.id, secret

    id, secret = console.run(work())
    if json:
        show.as_json({"id": id, "secret": secret, "scopes": wanted})
    else:
        show.result.print(secret)
        show.sentence(
            "that is shown only now: 'Authorization: Bearer ...', or as the key of an OpenAI client"
        )


@token_app.command("list")
def token_list(json: AsJson = False) -> None:
    """All tokens, without their secrets."""
    from storage.access import AccessStore

    async def work() -> list[dict[str, Any]]:
        async with open_stores(console.home(), console.settings()) as stores:
            access = AccessStore(stores.database)
            names = {one.id: one.name for one in await access.accounts()}
            return [
                {
                    "id": one.id,
                    "name": one.name,
                    "account": names.get(one.account_id, ""),
                    "scopes": list(one.scopes),
                    "created_at": one.created_at,
                    "used_at": one.used_at,
                    "expires_at": one.expires_at,
                    "revoked_at": one.revoked_at,
                }
                for one in await access.tokens()
            ]

    found = console.run(work())
    if json:
        show.as_json(found)
        return
    rows = [
        (one["id"], one["name"], one["account"], ", ".join(one["scopes"]), _when(one["used_at"]), _state(one))
        for one in found
    ]
    show.table("tokens", ("id", "name", "whose", "scopes", "used (UTC)", "state"), rows)


@token_app.command("revoke")
def token_revoke(id: str, json: AsJson = False) -> None:
    """From now on it opens nothing."""
    from storage.access import AccessStore

    async def work() -> None:
        async with open_stores(console.home(), console.settings()) as stores:
            access = AccessStore(stores.database)
            if not await access.revoke(id):
                advice = "'twin token list' shows them"
                raise Told(f"there is no token {id} that still holds", advice, exit_code=2)
            await access.note("the command line", "twin token revoke", f"token={id}", "done")

    console.run(work())
    if json:
        show.as_json({"revoked": id})
    else:
        show.sentence(f"{id} opens nothing any more")


def password(
    name: Annotated[str | None, typer.Argument(help="Whose; default: the owner's.")] = None,
    generate: Annotated[bool, typer.Option("--generate", help="Make one and print it.")] = False,
    json: AsJson = False,
) -> None:
    """Set the password of the dashboard, the first time or when it was forgotten."""
    from api.auth import PASSWORDS
    from api.shapes.auth import Grade
    from storage.access import AccessStore

    new = (
        secrets.token_urlsafe(12)
        if generate or json
        else typer.prompt("New password", hide_input=True, confirmation_prompt=True)
    )

    async def work() -> str:
        if len(new) < SHORTEST:
            raise Told(f"a password has {SHORTEST} characters at the least", "take a longer one")
        async with open_stores(console.home(), console.settings()) as stores:
            access = AccessStore(stores.database)
            hash = PASSWORDS.hash(new)
            known = await access.accounts()
            if not known:
                made = await access.add_account(name or "owner", Grade.OWNER, password_hash=hash)
                assert made is not None
                return made.name
            account = await _account(access, name)
            await access.set_password(account.id, hash)
            await access.note("the command line", "twin password", f"account={account.id}", "done")
            return str(account.name)

    whose = console.run(work())
    if json:
        show.as_json({"name": whose, "password": new})
    else:
        if generate:
            show.result.print(new)
        show.sentence(f"that is {whose}'s password now; they are signed out everywhere")


async def _account(access: Any, name: str | None) -> Any:
    accounts = await access.accounts()
    if name is None:
        account = next((one for one in accounts if one.role == "owner"), None)
        if account is None:
            raise Told("there is no account yet", "'twin password' makes the owner's")
        return account
    account = next((one for one in accounts if one.name == name), None)
    if account is None:
        known = ", ".join(one.name for one in accounts)
        raise Told(f"there is no account '{name}'", f"these there are: {known}", exit_code=2)
    return account


def _when(moment: Any) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else "never"


def _state(token: dict[str, Any]) -> str:
    if token["revoked_at"]:
        return "revoked"
    return f"until {token['expires_at']:%Y-%m-%d}" if token["expires_at"] else "holds"
