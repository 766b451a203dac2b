"""Who may call this route? Every route says so by one dependency, `allow(...)` or `anybody()`.

A route without one makes tests/api/test_authorisation.py fail. What a rule asks for: a session or a token
of an account of that grade, a token of that scope, and with a session that writes, its CSRF token.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, HTTPException, Request

from api.shapes.auth import Grade, Scope
from api.who import Who, csrf_of, identify, same_site
from api.world import TheWorld, World

ORDER = list(Grade)
NOBODY = "sign in first, or send a token"
SAFE = {"GET", "HEAD", "OPTIONS"}


@dataclass(frozen=True, slots=True)
class Rule:
    """`grade` None: anybody, signed in or not."""

    grade: Grade | None
    scope: Scope | None = None
    answers: bool = False  # it makes the model think, which is counted apart


RULES: dict[Callable[..., Awaitable[None]], Rule] = {}


def allow(grade: Grade, scope: Scope, *, answers: bool = False) -> Any:
    return _dependency(Rule(grade, scope, answers))


def anybody() -> Any:
    return _dependency(Rule(None))


def _dependency(rule: Rule) -> Any:
    async def check(request: Request, world: TheWorld) -> None:
        await _check(rule, request, world)

    RULES[check] = rule
    return Depends(check)


async def _check(rule: Rule, request: Request, world: World) -> None:
    who = await identify(request, world)
    if rule.grade is None:
        await world.rates.count(f"{world.settings.requests_per_minute}/minute", "anybody", _address(request))
        return
    if who is None:
        raise HTTPException(401, NOBODY, {"WWW-Authenticate": "Bearer"})
    await world.rates.count(f"{world.settings.requests_per_minute}/minute", "asks", who.id)
    if who.secret is not None and request.method not in SAFE:
        if not same_site(request, world):
            raise HTTPException(403, "that came from another site's page")
        if request.headers.get("x-csrf-token") != csrf_of(who.secret):
            raise HTTPException(403, "the X-CSRF-Token header is missing or old; read /api/auth/state again")
    if ORDER.index(who.grade) < ORDER.index(rule.grade):
        raise HTTPException(403, f"that is for the {rule.grade}; you are signed in as a {who.grade}")
    if who.scopes is not None and rule.scope not in who.scopes:
        raise HTTPException(403, f"this token may not: it lacks the scope '{rule.scope}'")
    if rule.answers:
        await world.rates.count(f"{world.settings.answers_per_minute}/minute", "answers", who.id)


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


async def _asking(request: Request, world: TheWorld) -> Who:
    who = await identify(request, world)
    if who is None:
        raise HTTPException(401, NOBODY)
    return who


Asking = Annotated[Who, Depends(_asking)]
"""Whoever calls a route that is not for anybody."""
