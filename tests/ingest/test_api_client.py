"""Is an API asked politely and patiently, and is the key shown to it alone?"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from aiohttp import web
from api_server import ApiServer, Naps, answers, cut, running, text

from ingest import api_client
from ingest.api_client import (
    Api,
    ApiBroken,
    ApiBusy,
    ApiForbidden,
    ApiRefused,
    ApiRejected,
    ApiUnavailable,
    open_client,
)


class Things(ApiServer):
    def routes(self) -> list[web.RouteDef]:
        return [web.get("/things", answers(200, {"things": [1]}, {"ETag": '"1"'}))]  # type: ignore[list-item]


@pytest.fixture
async def server() -> AsyncIterator[Things]:
    async with running(Things()) as things:
        yield things


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with open_client() as client:
        yield client


def api(client: httpx.AsyncClient, server: Things, naps: Naps, **more: Any) -> Api:
    keys = more.pop("keys", {"Authorization": "Bearer the-key"})
    return Api(client, "Things", server.url, keys=keys, sleep=naps, **more)


async def test_retry_after_may_be_a_date(server: Things, client: httpx.AsyncClient) -> None:
    naps = Naps()
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    server.fault(
        "/things", answers(503, {}, {"Retry-After": later}), answers(429, {}, {"Retry-After": later})
    )
    answer = await api(client, server, naps).get("/things")
    assert answer.body == {"things": [1]}
    assert naps.seconds == pytest.approx([20, 20], abs=2)


@pytest.mark.parametrize("told", ["0", "-5", "soon", "1e999", "nan"])
async def test_a_limit_that_never_ends_is_not_waited_for_for_ever(
    server: Things, client: httpx.AsyncClient, told: str
) -> None:
    naps = Naps()
    server.fault("/things", *[answers(429, {}, {"Retry-After": told})] * 200)
    with pytest.raises(ApiBusy, match="the next run goes on"):
        await api(client, server, naps).get("/things")
    assert len(server.asked) < 30
    assert sum(naps.seconds) <= 300


async def test_it_gives_up_after_five_times_and_at_once_the_next_time(
    server: Things, client: httpx.AsyncClient
) -> None:
    naps = Naps()
    server.fault("/things", *[answers(500)] * 6)
    things = api(client, server, naps)
    for _ in range(2):
        with pytest.raises(ApiUnavailable, match="it answered 500"):
            await things.get("/things")
    assert len(server.asked) == 6
    assert (await things.get("/things")).status == 200
    server.fault("/things", cut)
    assert (await things.get("/things")).status == 200  # it was up again, so we are patient again


async def test_nobody_there_is_told_without_an_address(client: httpx.AsyncClient) -> None:
    nowhere = Api(client, "Things", "http://127.0.0.1:9", sleep=Naps())
    with pytest.raises(ApiUnavailable) as told:
        await nowhere.get("/things?secret=1")
    assert str(told.value) == "Things does not answer properly: the connection cannot be made"


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (401, {}, ApiRefused, "does not accept the key. Make a new one"),
        (403, {"code": "restricted"}, ApiForbidden, r"403 \(restricted\): we may not read this"),
        (404, {"message": "no <b>"}, ApiForbidden, "404: it is not there"),
        (422, {"error": {"errors": [{"reason": "invalid"}]}}, ApiRejected, r"422 \(invalid\)"),
        (400, {"error": "a sentence, with words of theirs"}, ApiRejected, "400$"),
        (300, {}, ApiRejected, "300"),
    ],
)
async def test_what_is_refused_is_told_in_our_words(
    server: Things, client: httpx.AsyncClient, status: int, body: Any, kind: type[Exception], words: str
) -> None:
    server.fault("/things", answers(status, body))
    with pytest.raises(kind, match=words):
        await api(client, server, Naps(), advice="Make a new one.").get("/things")
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:1/things", "https://evil.test/", "http://[", "ftp://x/"]
)
async def test_an_address_of_another_server_is_not_followed(
    server: Things, client: httpx.AsyncClient, address: str
) -> None:
    with pytest.raises(ApiBroken):
        await api(client, server, Naps()).get(address)
    server.fault("/things", answers(302, {}, {"Location": address}))
    with pytest.raises((ApiBroken, ApiRejected)):
        await api(client, server, Naps()).get("/things")
    assert len(server.asked) == 1


async def test_a_redirect_on_the_same_server_is_followed_but_not_in_circles(
    server: Things, client: httpx.AsyncClient
) -> None:
    server.fault("/old", answers(301, {}, {"Location": "/things"}))
    assert (await api(client, server, Naps()).get("/old")).status == 200
    server.fault("/round", *[answers(302, {}, {"Location": "/round"})] * 9)
    with pytest.raises(ApiRejected):
        await api(client, server, Naps()).get("/round")


async def test_an_endless_answer_is_cut_off(
    server: Things, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_client, "MAX_BODY", 1000)
    server.fault("/things", text(200, "x" * 5000))
    with pytest.raises(ApiBroken, match="more than"):
        await api(client, server, Naps()).get("/things")


@pytest.mark.parametrize("key", ["Bearer schlüssel", "Bearer the\nkey", "Bearer \x00"])
async def test_a_key_that_cannot_be_one_is_refused_without_showing_it(
    server: Things, client: httpx.AsyncClient, key: str
) -> None:
    with pytest.raises(ApiRefused) as told:
        await api(client, server, Naps(), keys={"Authorization": key}).get("/things")
    assert key not in str(told.value)
    assert server.asked == []


async def test_nothing_is_asked_faster_than_the_pace(server: Things, client: httpx.AsyncClient) -> None:
    naps = Naps()
    things = api(client, server, naps, pace=0.5)
    for _ in range(3):
        await things.get("/things")
    assert len(naps.seconds) == 2
    assert all(0 < nap <= 0.5 for nap in naps.seconds)


async def test_a_silent_server_is_not_waited_for_for_ever(
    server: Things, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(request: web.Request) -> web.Response:
        await asyncio.sleep(5)
        return web.Response()

    monkeypatch.setattr(api_client, "TIMEOUT", 0.2)
    server.fault("/things", *[silent] * 5)
    async with open_client() as client:
        with pytest.raises(ApiUnavailable, match="takes too long"):
            await api(client, server, Naps()).get("/things")
