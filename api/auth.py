"""Coming in: the first password, sign in, sign out, accounts, tokens, and who did what."""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections.abc import Iterable
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Request, Response
from pwdlib import PasswordHash

from api.handling import Handled
from api.paging import Cursor, Limit, number_at, paged
from api.problems import Refused, missing
from api.rules import Asking, allow, anybody
from api.shapes import auth as shapes
from api.shapes.auth import Grade, Scope
from api.shapes.page import Done, Page
from api.who import Who, cookie_of, csrf_of, identify
from api.world import TheWorld, World
from storage.access import Account, Token, hashed
from storage.records import now

router = APIRouter(route_class=Handled, prefix="/api", tags=["auth"])

PASSWORDS = PasswordHash.recommended()  # Argon2id
NOBODYS = PASSWORDS.hash(secrets.token_hex(8))  # so that a wrong name takes as long as a wrong password
WRONG = "that name and that password do not belong together"
Id = Annotated[str, Path(max_length=100)]
PREFIX = "twin_"


@router.get("/auth/state", dependencies=[anybody()])
async def state(request: Request, world: TheWorld) -> shapes.State:
    """Is somebody signed in here, and how can one be?"""
    who = await identify(request, world)
    return await _state(world, who)


@router.post("/auth/setup", dependencies=[anybody()], status_code=201)
async def setup(new: shapes.Setup, request: Request, response: Response, world: TheWorld) -> shapes.State:
    """The first owner chooses a name and a password, and is signed in."""
    await world.rates.count("10/minute", "setup", _address(request))
    if not world.setup_code or not hmac.compare_digest(new.code.encode(), world.setup_code.encode()):
        raise HTTPException(403, "that is not the code; 'twin up' has printed it, or use 'twin password'")
    password = await asyncio.to_thread(PASSWORDS.hash, new.password)
    account = await world.access.add_account(new.name, Grade.OWNER, password_hash=password, first=True)
    if account is None:
        raise Refused("there is an owner already", "sign in, or set a new password with 'twin password'")
    request.state.tried = new.name
    return await _sign_in(world, account, request, response)


@router.post("/auth/login", dependencies=[anybody()])
async def login(given: shapes.Login, request: Request, response: Response, world: TheWorld) -> shapes.State:
    """With a name and a password. Five wrong ones a minute are enough."""
    await world.rates.count("20/minute", "login", _address(request))
    await world.rates.count("5/minute", "login of", given.name.casefold())
    account = await world.access.account(name=given.name)
    known = account.password_hash if account else None
    right = await asyncio.to_thread(_verify, given.password, known or NOBODYS)
    request.state.tried = account.name if account else "somebody unknown"
    if not (account and known and right):
        raise HTTPException(401, WRONG)
    return await _sign_in(world, account, request, response)


@router.post("/auth/logout", dependencies=[allow(Grade.VIEWER, Scope.MANAGE)])
async def logout(asking: Asking, response: Response, world: TheWorld) -> Done:
    """Sign out here."""
    if asking.session:
        await world.access.close_session(asking.id, asking.session.id)
    response.delete_cookie(cookie_of(world.settings), path="/")
    return Done(told="signed out")


@router.post("/auth/password", dependencies=[allow(Grade.VIEWER, Scope.MANAGE)])
async def new_password(given: shapes.NewPassword, asking: Asking, world: TheWorld) -> Done:
    """A new password; every other browser is signed out."""
    await world.rates.count("5/minute", "login of", asking.name.casefold())
    old = asking.account.password_hash
    if old and not await asyncio.to_thread(_verify, given.old, old):
        raise HTTPException(403, "the old password is wrong")
    password = await asyncio.to_thread(PASSWORDS.hash, given.new)
    await world.access.set_password(asking.id, password, keep=asking.session.id if asking.session else None)
    return Done(told="the password is changed; you are signed out everywhere else")


@router.get("/auth/sessions", dependencies=[allow(Grade.VIEWER, Scope.MANAGE)])
async def sessions(asking: Asking, world: TheWorld) -> Page[shapes.Session]:
    """Where you are signed in. Their ids tell nothing that signs in."""
    found = await world.access.sessions(asking.id)
    current = asking.session.id if asking.session else None
    shown = [shapes.Session.model_validate(one) for one in found]
    return Page(items=[one.model_copy(update={"current": one.id == current}) for one in shown])


@router.delete("/auth/sessions/{session_id}", dependencies=[allow(Grade.VIEWER, Scope.MANAGE)])
async def end_session(session_id: Id, asking: Asking, world: TheWorld) -> Done:
    """Sign out in another browser."""
    if not await world.access.close_session(asking.id, session_id):
        raise missing("session", session_id)
    return Done(told="signed out there")


@router.get("/accounts", dependencies=[allow(Grade.OWNER, Scope.MANAGE)])
async def accounts(world: TheWorld) -> Page[shapes.Account]:
    """Who may come in."""
    return Page(items=[_account(one) for one in await world.access.accounts()])


@router.post("/accounts", dependencies=[allow(Grade.OWNER, Scope.MANAGE)], status_code=201)
async def add_account(new: shapes.NewAccount, world: TheWorld) -> shapes.Account:
    """Let somebody in, with a password or with their Discord account."""
    if new.password is None and new.discord_id is None:
        raise Refused("nobody could come in with that", "give a password or a Discord id", status=422)
    password = await asyncio.to_thread(PASSWORDS.hash, new.password) if new.password else None
    account = await world.access.add_account(
        new.name, new.role, password_hash=password, discord_id=new.discord_id
    )
    assert account is not None
    return _account(account)


@router.delete("/accounts/{account_id}", dependencies=[allow(Grade.OWNER, Scope.MANAGE)])
async def remove_account(account_id: Id, world: TheWorld) -> Done:
    """With everything they are signed in with. The last owner stays."""
    if await world.access.account(id=account_id) is None:
        raise missing("account", account_id)
    if not await world.access.remove_account(account_id):
        raise Refused("that is the last owner", "make another one first")
    return Done(told="that account is gone")


@router.get("/tokens", dependencies=[allow(Grade.VIEWER, Scope.MANAGE)])
async def tokens(asking: Asking, world: TheWorld) -> Page[shapes.Token]:
    """Your own tokens, revoked ones too. Their secrets are shown nowhere."""
    found = await world.access.tokens(asking.id)
    return Page(items=[shapes.Token.model_validate(one) for one in found])


@router.post("/tokens", dependencies=[allow(Grade.VIEWER, Scope.MANAGE)], status_code=201)
async def add_token(
    new: shapes.NewToken, asking: Asking, response: Response, world: TheWorld
) -> shapes.TokenShown:
    """A token for a program. Its secret is in this answer and never again."""
    if asking.scopes is not None and not set(new.scopes) <= asking.scopes:
        raise HTTPException(403, "a token cannot make one that may more than itself")
    token, secret = new_token(asking.account, new.name, new.scopes, new.days)
    await world.access.add_token(token)
    response.headers["cache-control"] = "no-store"
    return shapes.TokenShown.model_validate(
        shapes.Token.model_validate(token).model_dump() | {"secret": secret}
    )


@router.delete("/tokens/{token_id}", dependencies=[allow(Grade.VIEWER, Scope.MANAGE)])
async def revoke_token(token_id: Id, asking: Asking, world: TheWorld) -> Done:
    """From now on it opens nothing. The owner may revoke anybody's."""
    if not await world.access.revoke(token_id, None if asking.is_owner else asking.id):
        raise missing("token that still holds", token_id)
    return Done(told="revoked")


@router.get("/audit", dependencies=[allow(Grade.OWNER, Scope.MANAGE)])
async def audit(world: TheWorld, limit: Limit = 50, cursor: Cursor = None) -> Page[shapes.Audit]:
    """Who changed what, newest first."""
    found = await world.access.audit(limit + 1, number_at(cursor))
    return paged(found, limit, lambda one: one.number, shapes.Audit.model_validate)


def new_token(
    account: Account, name: str, scopes: Iterable[str], days: int | None = None
) -> tuple[Token, str]:
    """The token as it is kept, and its secret."""
    secret = f"{PREFIX}{secrets.token_urlsafe(32)}"
    ends = now() + timedelta(days=days) if days else None
    ordered = tuple(str(scope) for scope in Scope if scope in set(scopes))
    id = secrets.token_hex(6)
    return Token(id, account.id, name, hashed(secret), ordered, now(), expires_at=ends), secret


async def open_session(world: World, account: Account, request: Request, response: Response) -> Who:
    """Signed in from now on; the cookie's secret is kept nowhere."""
    secret, lasts = secrets.token_urlsafe(32), timedelta(hours=world.settings.session_hours)
    agent = request.headers.get("user-agent", "")[:200]
    session = await world.access.open_session(account.id, secret, lasts, agent)
    response.set_cookie(
        cookie_of(world.settings),
        secret,
        max_age=int(lasts.total_seconds()),
        httponly=True,
        samesite="lax",  # strict would lose it on the way back from Discord
        secure=world.settings.origin.startswith("https:"),
        path="/",
    )
    return Who(account, session=session, secret=secret)


async def _sign_in(world: World, account: Account, request: Request, response: Response) -> shapes.State:
    return await _state(world, await open_session(world, account, request, response))


async def _state(world: World, who: Who | None) -> shapes.State:
    needs_setup = who is None and not await world.access.accounts()
    return shapes.State(
        needs_setup=needs_setup,
        methods=["password", "discord"] if world.settings.discord_client_id else ["password"],
        account=_account(who.account) if who else None,
        csrf=csrf_of(who.secret) if who and who.secret else None,
        version=world.version,
        owner_name=world.owner_name,
    )


def _verify(password: str, kept: str) -> bool:
    return PASSWORDS.verify(password, kept)


def _account(account: Account) -> shapes.Account:
    return shapes.Account(
        id=account.id,
        name=account.name,
        role=Grade(account.role),
        created_at=account.created_at,
        has_password=account.password_hash is not None,
        discord_id=account.discord_id,
    )


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
