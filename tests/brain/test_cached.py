from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.cached import ANSWERS, PUBLIC, RECALL, Cached, by_adapter, key_of
from storage.cache import open_cache

TEXT = st.text(max_size=20)


def counting(value):
    async def make():
        make.times += 1
        await asyncio.sleep(0)
        return value

    make.times = 0
    return make


@given(st.lists(st.tuples(TEXT.filter(bool), TEXT, TEXT, TEXT), min_size=2, max_size=6))
async def test_nothing_is_ever_found_by_another_audience(asked):
    cached = Cached(open_cache(None))
    for audience, said, adapter, stop in asked:
        key = key_of("answer", audience=audience, said=said, adapter=adapter, sampling={"stop": stop})
        mine = [audience, said, adapter, stop]
        found = await cached.once(key, counting(mine))
        assert found[0] == audience
        assert found[1] == said
        assert (found[2] or "base") == (adapter or "base")
        assert found[3] == stop


def test_a_key_names_its_audience_and_says_nothing_of_what_was_said():
    key = key_of("answer", audience="telegram:secret", said="the words", adapter="v3")
    assert key.startswith("twin:v3:")
    assert "secret" not in key
    assert "words" not in key
    with pytest.raises(ValueError):
        key_of("answer", audience="", said="x")


async def test_many_at_once_are_one_question():
    cached, make = Cached(open_cache(None)), counting("hello")
    assert await asyncio.gather(*(cached.once("k", make) for _ in range(20))) == ["hello"] * 20
    assert await cached.once("k", make) == "hello"
    assert make.times == 1


async def test_when_the_first_is_given_up_the_next_one_asks_itself():
    cached, begun = Cached(open_cache(None)), asyncio.Event()

    async def forever():
        begun.set()
        await asyncio.Event().wait()

    first = asyncio.create_task(cached.once("k", forever))
    await begun.wait()
    second = asyncio.create_task(cached.once("k", counting("hello")))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == "hello"


async def test_a_failure_is_nobody_elses_and_is_not_kept():
    cached = Cached(open_cache(None))

    async def fails():
        raise OSError("away")

    with pytest.raises(OSError):
        await cached.once("k", fails)
    assert await cached.once("k", counting(1)) == 1


@pytest.mark.parametrize("tag", [ANSWERS, by_adapter("v3")])
async def test_what_is_forgotten_is_asked_anew_even_when_it_was_under_way(tag):
    cached = Cached(open_cache(None))
    await cached.once("k", counting("old"), (ANSWERS, by_adapter("v3")))
    begun, go = asyncio.Event(), asyncio.Event()

    async def slow():
        begun.set()
        await go.wait()
        return "old"

    under_way = asyncio.create_task(cached.once("j", slow, (ANSWERS, by_adapter("v3"))))
    await begun.wait()
    await cached.forget(tag)
    go.set()
    await under_way
    assert await cached.once("k", counting("new")) == "new"
    assert await cached.once("j", counting("new")) == "new"


async def test_who_asks_after_something_was_forgotten_is_not_given_what_was_begun_before():
    cached, begun = Cached(open_cache(None)), asyncio.Event()

    async def slow():
        begun.set()
        await asyncio.Event().wait()

    under_way = asyncio.create_task(cached.once("k", slow, (ANSWERS,)))
    await begun.wait()
    await cached.forget(ANSWERS)
    async with asyncio.timeout(5):
        assert await cached.once("k", counting("new")) == "new"
    under_way.cancel()
    await asyncio.gather(under_way, return_exceptions=True)


async def test_a_vector_is_made_once_for_everybody_and_goes_with_what_is_recalled():
    cached, make = Cached(open_cache(None)), counting([0.5, 1.0])
    assert await cached.vector("hi", "small", make) == [0.5, 1.0]
    assert await cached.vector("hi", "small", make) == [0.5, 1.0]
    await cached.vector("hi", "other", make)
    assert make.times == 2
    await cached.forget(RECALL)
    await cached.vector("hi", "small", make)
    assert make.times == 3
    assert PUBLIC


async def test_a_redis_that_does_not_answer_is_asked_once_and_then_left_alone():
    asked = []

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(1)
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    cache = open_cache(f"redis://127.0.0.1:{port}", patience=0.05, rest=600)
    cached, make = Cached(cache), counting("hello")
    for _ in range(4):
        assert await cached.once("k", make) == "hello"
    assert (make.times, len(asked)) == (4, 1)
    await cache.close()
    server.close()
    await server.wait_closed()
