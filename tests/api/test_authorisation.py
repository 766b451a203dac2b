"""Every route there is, with every grade: made from the routes themselves, so that none is forgotten."""

import re

import pytest

from api.app import create_app, rules_of
from api.rules import ORDER
from api.settings import ApiSettings
from api.shapes.auth import Grade, Scope

ROUTES = sorted(
    (
        (path, method, rule)
        for path, methods, rule in rules_of(create_app(ApiSettings()))
        for method in methods
        if method != "HEAD"
    ),
    key=lambda one: one[:2],
)
PUBLIC = {
    "/healthz",
    "/readyz",
    "/api/auth/state",
    "/api/auth/setup",
    "/api/auth/login",
    "/api/auth/discord",
    "/api/auth/discord/callback",
    "/{path}",
}
STREAMS = {"/api/events"}


def test_every_route_has_a_rule():
    assert [(path, method) for path, method, rule in ROUTES if rule is None] == []
    assert len(ROUTES) > 70


def test_nothing_but_health_sign_in_and_the_dashboards_files_is_for_anybody():
    assert {path for path, _, rule in ROUTES if rule.grade is None} == PUBLIC


async def call(client, path, method):
    url = re.sub(r"\{[^}]+\}", "x", path)
    return (await client.request(method, url)).status_code


async def test_a_route_lets_in_whom_its_rule_says_and_nobody_else(matrix):
    wrong = []
    for path, method, rule in ROUTES:
        if rule.grade is None:
            wrong += [(path, method)] if await call(matrix[None], path, method) in (500, 502) else []
            continue
        needs, seen = ORDER.index(rule.grade), {None: await call(matrix[None], path, method)}
        for who in (*Grade, *Scope):
            enough = ORDER.index(who) >= needs if who in Grade else who is rule.scope
            if path in STREAMS and enough:
                continue  # it would never end
            seen[who] = await call(matrix[who], path, method)
            if (seen[who] == 403) == enough:
                wrong.append((path, method, who, seen[who]))
        if seen[None] != 401 or any(status == 500 for status in seen.values()):
            wrong.append((path, method, seen))
    assert wrong == []


@pytest.fixture
async def matrix(place):
    """A client for nobody, one for each grade, and an owner's for each single scope."""
    clients = {None: place.client()}
    for grade in Grade:
        clients[grade] = await place.as_(grade)
    for scope in Scope:
        clients[scope] = await place.as_("owner", (scope,))
    return clients
