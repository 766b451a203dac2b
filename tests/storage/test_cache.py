import logging
import os
import signal
import socket
from collections.abc import AsyncIterator, Sequence

import pytest
import redis
import services
from prometheus_client import REGISTRY

from storage.cache import KEEP_SECONDS, REST_SECONDS, Cache, open_cache
from storage.whose import whose


class Clock:
    def __init__(self, behind: float = 0.0) -> None:
        self.now = 1_000_000_000.0 - behind

    def __call__(self) -> float:
        return self.now


@pytest.fixture(params=["memory", "redis"])
async def cache(request: pytest.FixtureRequest) -> AsyncIterator[Cache]:
    url = request.getfixturevalue("redis_url") if request.param == "redis" else None
    cache = open_cache(url, patience=5)  # not 50 ms: this machine may be busy with other tests
    yield cache
    await cache.close()


async def test_what_was_kept_comes_back_as_json_gives_it(cache: Cache) -> None:
    value = {"text": "Grüße", "numbers": [1, 2.5], "flag": True, "nothing": None}
    assert await cache.get("a") is None
    assert await cache.set("a", value) is True
    assert await cache.get("a") == value
    for odd in ("123", 7, [], "", [[1]]):
        await cache.set("odd", odd)
        assert await cache.get("odd") == odd
    await cache.set("pair", (1, 2))
    assert await cache.get("pair") == [1, 2]


async def test_a_value_can_be_changed_without_changing_what_is_kept(cache: Cache) -> None:
    value = {"list": [1]}
    await cache.set("a", value)
    value["list"].append(2)
    (await cache.get("a"))["list"].append(3)
    assert await cache.get("a") == {"list": [1]}


async def test_forgetting_a_tag_forgets_all_that_carries_it_and_nothing_else(cache: Cache) -> None:
    await cache.set("a", 1, tags=["person:ada"])
    await cache.set("b", 2, tags=["person:ada", "adapter:v1"])
    await cache.set("c", 3, tags=["adapter:v1"])
    await cache.set("d", 4)
    assert await cache.forget("person:ada", "person:nobody") is True
    assert [await cache.get(key) for key in "abcd"] == [None, None, 3, 4]


async def test_a_full_memory_still_knows_its_tags() -> None:
    cache = open_cache(None)
    await cache.set("mine", 1, tags=["person:ada"])
    for number in range(11_000):
        await cache.set(str(number), number)
        if number % 1000 == 0:
            assert await cache.get("mine") == 1
    await cache.forget("person:ada")
    assert await cache.get("mine") is None
    await cache.close()


@pytest.mark.parametrize(
    ("behind", "later"), [(0, KEEP_SECONDS - 1), (KEEP_SECONDS, KEEP_SECONDS - 1), (-KEEP_SECONDS, 0)]
)
async def test_what_is_not_over_yet_is_forgotten_by_copies_whose_clocks_differ(
    redis_url: str, behind: float, later: float
) -> None:
    clock, theirs = Clock(), Clock(behind)
    mine = open_cache(redis_url, patience=5, wall=clock)
    copy = open_cache(redis_url, patience=5, wall=theirs)
    await copy.set("a", 1, tags=["answers"])
    clock.now += later
    assert await mine.get("a") == 1
    await mine.forget("answers")
    assert await mine.get("a") is None
    for cache in (mine, copy):
        await cache.close()


async def test_however_long_somebody_talks_redis_lists_under_a_tag_what_is_not_over_yet(
    redis_url: str,
) -> None:
    clock = Clock()
    cache = open_cache(redis_url, patience=5, wall=clock)
    for number in range(40):
        await cache.set(f"text {number}", number, tags=["recall"])
        clock.now += KEEP_SECONDS / 4
    await cache.close()
    with redis.Redis.from_url(redis_url) as client:
        lists = [name for name in client.keys("*recall*") if client.type(name) == b"set"]
        assert max(client.scard(name) for name in lists) <= 5
        assert all(0 < client.ttl(name) <= KEEP_SECONDS for name in lists)


async def test_what_somebody_else_wrote_into_redis_is_a_miss_and_never_run(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.set("a", b"\x80\x04cos\nsystem\n(S'false'\ntR.")
    cache = open_cache(redis_url, patience=5)
    assert await cache.get("a") is None
    await cache.close()


def failures() -> float:
    """How often Redis was asked in vain; whoever is not asked does not fail."""
    return REGISTRY.get_sample_value("twin_cache_failures_total", {"twin": whose()}) or 0.0


async def test_a_dead_redis_is_a_miss_and_is_asked_once_in_a_while(caplog: pytest.LogCaptureFixture) -> None:
    clock, before = Clock(), failures()
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"redis://:sesame@127.0.0.1:{closed.getsockname()[1]}/0"
        cache = open_cache(url, rest=5, clock=clock)
        with caplog.at_level(logging.WARNING):
            for clock.now in (100.0, 100.0, 104.9):
                assert await cache.set("a", 1) is False
                assert await cache.get("a") is None
                assert await cache.forget("a tag") is False
            assert failures() - before == 1
            clock.now = 105.0
            assert [await cache.get("a"), await cache.get("a")] == [None, None]
            assert failures() - before == 2
        await cache.close()
    assert len(caplog.records) == 2
    assert "sesame" not in caplog.text


async def test_a_redis_that_hangs_costs_its_patience_once_and_serves_again_later(
    redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    server, clock = services.REDIS.process_id, Clock()
    if server is None:
        return  # somebody else's server: not ours to stop
    cache = open_cache(redis_url, patience=0.05, clock=clock)
    await _until_kept(cache, clock, "a", tags=["person:ada"])  # a busy machine may need longer than 50 ms
    os.kill(server, signal.SIGSTOP)
    try:
        before = failures()
        caplog.clear()
        # It says nothing while it is stopped, so whatever comes back comes from our own patience.
        assert await cache.get("a") is None
        assert await cache.forget("person:ada") is False
        assert await cache.get("a") is None
        assert failures() - before == 1
        assert [record.args for record in caplog.records] == [(5.0, "TimeoutError")]
    finally:
        os.kill(server, signal.SIGCONT)
    await _until_kept(cache, clock, "b")
    assert await cache.get("a") is None  # what was to be forgotten meanwhile is
    with redis.Redis.from_url(redis_url) as client:
        assert client.keys("a") == []
    await cache.close()


async def _until_kept(cache: Cache, clock: Clock, key: str, tags: Sequence[str] = ()) -> None:
    for _ in range(100):
        clock.now += REST_SECONDS
        if await cache.set(key, 1, tags=tags):
            return
    pytest.fail("Redis does not answer")


async def test_who_shares_a_redis_finds_and_drops_nothing_of_another(redis_url: str) -> None:
    mira, bo = (open_cache(redis_url, patience=5, namespace=name) for name in ("mira", "bo"))
    await mira.set("a", 1, tags=["answers"])
    assert await bo.get("a") is None
    await bo.set("a", 2, tags=["answers"])
    await bo.forget("answers")
    assert [await mira.get("a"), await bo.get("a")] == [1, None]
    copy = open_cache(redis_url, patience=5, namespace="mira")
    assert await copy.get("a") == 1
    for cache in (mira, bo, copy):
        await cache.close()
