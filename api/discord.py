"""Sign in with Discord: there and back, with a state that only this browser knows."""

from __future__ import annotations

import json
import secrets
from typing import Annotated, Any

from authlib.integrations.httpx_client import AsyncOAuth2Client, OAuthError
from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import RedirectResponse
from httpx import HTTPError

from api.auth import open_session
from api.handling import Handled
from api.problems import Refused
from api.rules import anybody
from api.shapes.auth import Grade
from api.who import cookie_of
from api.world import TheWorld, World
from storage.access import Account

router = APIRouter(route_class=Handled, prefix="/api", tags=["auth"])

COOKIE = "twin_oauth"
LASTS_SECONDS = 600
PATIENCE_SECONDS = 10.0


@router.get("/auth/discord", dependencies=[anybody()], response_class=RedirectResponse, status_code=302)
async def begin(world: TheWorld) -> RedirectResponse:
    """On to Discord."""
    client = _client(world)
    verifier = secrets.token_urlsafe(48)
    url, state = client.create_authorization_url(
        f"{world.settings.discord_url}/oauth2/authorize", code_verifier=verifier, prompt="none"
    )
    away = RedirectResponse(url, 302)
    away.set_cookie(
        cookie_of(world.settings, COOKIE),
        json.dumps([state, verifier]).encode().hex(),
        max_age=LASTS_SECONDS,
        httponly=True,
        samesite="lax",
        secure=world.settings.origin.startswith("https:"),
        path="/api/auth/discord",
    )
    return away


@router.get(
    "/auth/discord/callback", dependencies=[anybody()], response_class=RedirectResponse, status_code=302
)
async def back(
    request: Request,
    world: TheWorld,
    state: Annotated[str, Query(max_length=200)] = "",
    code: Annotated[str, Query(max_length=500)] = "",
    error: Annotated[str, Query(max_length=200)] = "",
) -> RedirectResponse:
    """Back from Discord: whoever it says that you are."""
    await world.rates.count("20/minute", "login", request.client.host if request.client else "")
    client = _client(world)
    try:
        known, verifier = json.loads(
            bytes.fromhex(request.cookies.get(cookie_of(world.settings, COOKIE), ""))
        )
    except (ValueError, TypeError):
        known, verifier = "", ""
    if not known or not secrets.compare_digest(str(known).encode(), state.encode()):
        raise HTTPException(403, "that sign-in was not begun in this browser; begin again")
    if error or not code:
        raise HTTPException(403, "Discord did not let you through; begin again")
    person = await _person(client, world, code, str(verifier))
    account = await _account(world, str(person["id"]), str(person.get("username") or "owner"))
    request.state.tried = account.name
    home = RedirectResponse("/", 302)
    await open_session(world, account, request, home)
    home.delete_cookie(cookie_of(world.settings, COOKIE), path="/api/auth/discord")
    return home


def _client(world: World) -> Any:
    settings = world.settings
    if not settings.discord_client_id or not settings.discord_client_secret:
        raise Refused("sign-in with Discord is not set up", "set [api] discord_client_id", status=404)
    return AsyncOAuth2Client(
        settings.discord_client_id,
        settings.discord_client_secret.get_secret_value(),
        scope="identify",
        redirect_uri=f"{settings.origin}/api/auth/discord/callback",
        code_challenge_method="S256",
        timeout=PATIENCE_SECONDS,
    )


async def _person(client: Any, world: World, code: str, verifier: str) -> dict[str, Any]:
    url = world.settings.discord_url
    try:
        async with client:
            await client.fetch_token(
                f"{url}/api/v10/oauth2/token",
                code=code,
                code_verifier=verifier,
                grant_type="authorization_code",
            )
            answer = await client.get(f"{url}/api/v10/users/@me")
            answer.raise_for_status()
            person: dict[str, Any] = answer.json()
            return person
    except (OAuthError, HTTPError, ValueError) as problem:
        raise HTTPException(403, "Discord did not let you through; begin again") from problem


async def _account(world: World, discord_id: str, name: str) -> Account:
    """The one that has this id; the owner's own Discord account makes itself an owner at its first visit."""
    if account := await world.access.account(discord_id=discord_id):
        return account
    if discord_id not in world.owner_discord_ids:
        raise HTTPException(403, "nobody here knows that Discord account; the owner can let it in")
    taken = {one.name for one in await world.access.accounts()}
    free = next(one for one in (name, f"{name}-discord", f"discord-{discord_id}") if one not in taken)
    made = await world.access.add_account(free, Grade.OWNER, discord_id=discord_id)
    assert made is not None
    return made
