"""Who is asking? A browser with a session's cookie, or a program with a token."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from fastapi import Request

from api.settings import ApiSettings
from api.shapes.auth import Grade, Scope
from storage.access import Account, Session, Token, hashed
from storage.records import Role

if TYPE_CHECKING:
    from api.world import World

COOKIE = "twin_session"
USUAL_PORT = ApiSettings().port
UNSET: Any = object()


@dataclass(frozen=True, slots=True)
class Who:
    account: Account
    scopes: frozenset[Scope] | None = None  # of a token; None: a session, which may whatever the account may
    session: Session | None = None
    secret: str | None = None  # of the session
    token: Token | None = None

    @property
    def id(self) -> str:
        return self.account.id

    @property
    def name(self) -> str:
        return self.account.name

    @property
    def grade(self) -> Grade:
        return Grade(self.account.role)

    @property
    def is_owner(self) -> bool:
        return self.grade is Grade.OWNER

    @property
    def role(self) -> Role:
        """Whose feedback it is."""
        return {Grade.OWNER: Role.OWNER, Grade.TRAINER: Role.TRAINER}.get(self.grade, Role.OTHER)


async def identify(request: Request, world: World) -> Who | None:
    """Asked of the database once per request."""
    found = getattr(request.state, "who", UNSET)
    if found is UNSET:
        found = request.state.who = await _identify(request, world)
    who: Who | None = found
    return who


async def _identify(request: Request, world: World) -> Who | None:
    kind, _, secret = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        of_token = await world.access.of_token(secret.strip())
        if of_token is None:
            return None
        account, token = of_token
        return Who(account, scopes=frozenset(map(Scope, token.scopes)), token=token)
    if cookie := request.cookies.get(cookie_of(world.settings)):
        of_session = await world.access.of_session(cookie)
        if of_session:
            account, session = of_session
            return Who(account, session=session, secret=cookie)
    return None


def cookie_of(settings: ApiSettings, name: str = COOKIE) -> str:
    """Browsers keep one jar for all ports of a host: the sessions of two twins there have two names."""
    return name if settings.port == USUAL_PORT else f"{name}_{settings.port}"


def csrf_of(secret: str) -> str:
    """Only a page that may read our answers knows it; nothing has to be kept for it."""
    return hashed(f"csrf {secret}")


def same_site(request: Request, world: World) -> bool:
    """Whether a browser says that the page is ours, or one that the settings let in."""
    origin = request.headers.get("origin")
    if not origin:
        return True
    ours = {world.settings.origin, *world.settings.allow_origins}
    return origin in ours or hmac.compare_digest(urlsplit(origin).netloc, request.headers.get("host", ""))
