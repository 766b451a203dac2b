"""The whole description, tried out: whatever is sent, no route fails as a server."""

from __future__ import annotations

import asyncio

import httpx
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from jsonschema import Draft202012Validator

from api.app import create_app, describe
from api.settings import ApiSettings

EXAMPLES = 3  # of each route
NEVER_ENDS = {"/api/events"}
SIGNS_OUT = {"/api/auth/logout", "/api/tokens/{token_id}", "/api/accounts/{account_id}"}


@schemathesis.serializer("application/x-ndjson")
def lines(context, value):
    return value if isinstance(value, bytes) else str(value).encode(errors="replace")


async def test_no_route_fails_whatever_is_sent_to_it(place):
    token = await place.token("owner")
    schema = schemathesis.openapi.from_dict(describe(place.app))
    failed, done = [], set()
    async with (
        place.served() as url,
        httpx.AsyncClient(base_url=url, headers={"authorization": f"Bearer {token}"}, timeout=30) as client,
    ):
        for found in schema.get_all_operations():
            operation = found.ok()
            if operation.path in NEVER_ENDS | SIGNS_OUT:
                continue
            for case in await asyncio.to_thread(cases_of, operation):
                answer = await send(client, case)
                if answer.is_success:
                    done.add(operation.label)
                if answer.status_code >= 500 and answer.status_code not in (501, 503):
                    failed.append((operation.label, answer.status_code, case.body, case.query, answer.text))
    assert failed == []
    assert len(done) > 30  # what was sent was not all nonsense


def cases_of(operation) -> list:
    """What schemathesis makes of a route, always the same."""
    cases = []

    @settings(
        max_examples=EXAMPLES,
        database=None,
        derandomize=True,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def collect(case):
        cases.append(case)

    collect()
    return cases


async def send(client: httpx.AsyncClient, case) -> httpx.Response:
    asked = case.as_transport_kwargs(base_url=str(client.base_url))
    known = {"method", "url", "params", "json", "headers", "content", "data", "cookies"}
    data = asked.pop("data", None)
    if data is not None:
        asked["content"] = data if isinstance(data, bytes | str) else str(data)
    headers = dict(asked.pop("headers", None) or {})
    headers.pop("Authorization", None)
    headers.pop("Cookie", None)
    asked.pop("cookies", None)
    return await client.request(**{k: v for k, v in asked.items() if k in known}, headers=headers)


def test_every_request_and_answer_has_an_example_that_its_shape_allows():
    described = describe(create_app(ApiSettings()))
    wrong, seen = [], 0
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
            for kind, content in (item for body in bodies for item in body.get("content", {}).items()):
                if kind in ("application/json", "application/problem+json") and content["schema"]:
                    rule = Draft202012Validator(content["schema"] | {"components": described["components"]})
                    wrong += [(method, path, one.message) for one in rule.iter_errors(content["example"])]
                    seen += 1
    assert wrong == []
    assert seen > 300


def test_no_route_takes_or_gives_anything_without_an_example():
    """Files, streams and texts, too."""
    bare, seen = [], 0
    for path, methods in describe(create_app(ApiSettings()))["paths"].items():
        for method, operation in methods.items():
            asked = [("asked", operation.get("requestBody", {})), *operation["responses"].items()]
            for what, kind, content in (
                (w, *item) for w, body in asked for item in body.get("content", {}).items()
            ):
                seen += 1
                # A write that answers nothing has an empty shape.
                if not content.get("example") and content.get("schema") != {}:
                    bare.append((method, path, what, kind))
    assert bare == []
    assert seen > 300
