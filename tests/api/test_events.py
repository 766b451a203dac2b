import asyncio
import json

import httpx
import pytest
from api_world import events_of

from api import events as module
from storage.records import Feedback, Role, RunState, Signal, now


@pytest.fixture(autouse=True)
def often(monkeypatch):
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.02)


class Reader:
    """One stream of events, read until enough of them came."""

    def __init__(self, client, **headers):
        self.client, self.headers, self.text, self.last = client, headers, "", None

    async def until(self, count, do=None):
        """So many events after the hello, or of all these names; `do` is done once we listen."""
        async with self.client.stream("GET", "/api/events", headers=self.headers) as answer:
            assert answer.status_code == 200
            async for text in answer.aiter_text():
                self.text += text
                if do and "event: hello" in self.text:
                    doing, do = do, None
                    await doing()
                names = {name for name, _ in self.named()}
                enough = len(self.named()) >= count if isinstance(count, int) else names >= count
                if enough and self.text.endswith("\n\n"):
                    break
        self.last = [line[4:] for line in self.text.splitlines() if line.startswith("id: ")][-1]
        return self.named()

    def named(self):
        return [
            (name, json.loads(data))
            for name, data in events_of(self.text)
            if name not in ("hello", "metrics")
        ]


@pytest.fixture
async def served(place):
    async with place.served() as url:
        clients = []

        async def client(grade):
            token = await place.token(grade)
            clients.append(
                httpx.AsyncClient(base_url=url, headers={"authorization": f"Bearer {token}"}, timeout=20)
            )
            return clients[-1]

        yield client
        for one in clients:
            await one.aclose()


async def test_what_happens_is_told_as_it_happens(place, served):
    async def happen():
        await place.said("hello")
        reply = await place.replied("hi")
        await place.stores.feedback.record(Feedback(reply.key, "sam", Role.OWNER, Signal.UP, now()))
        run = await place.stores.runs.start("learn", "host:1")
        await place.stores.runs.finish(run.id, RunState.PASSED)
        await place.adapter("dpo-1")
        await place.stores.adapters.go_live("dpo-1", "because")

    found = await Reader(await served("owner")).until({"adapter", "feedback", "message", "run"}, happen)
    assert [data["text"] for name, data in found if name == "message"] == ["hello", "hi"]


async def test_who_comes_back_with_the_last_id_misses_nothing(place, served):
    client = await served("owner")
    first = Reader(client)
    await first.until(1, lambda: place.said("one"))
    await place.said("two")
    await place.said("three")
    again = Reader(client, **{"last-event-id": first.last})
    assert [data["text"] for _, data in await again.until(2)] == ["two", "three"]
    nothing = Reader(client, **{"last-event-id": again.last})
    assert [data["text"] for _, data in await nothing.until(1, lambda: place.said("four"))] == ["four"]


async def test_a_browser_that_cannot_set_headers_says_it_in_the_address(place, owner):
    answer = await owner.get("/api/events?last_event_id=nonsense")
    assert answer.status_code == 422


async def test_viewers_hear_that_something_was_said_and_not_what(place, served):
    async def happen():
        await place.said("my secret")

    reader = Reader(await served("viewer"))
    found = await reader.until(1, happen)
    assert found == [("message", {"platform": "discord", "by_twin": False})]
    assert "secret" not in reader.text


async def test_a_reader_that_was_too_slow_reads_on_from_the_database(place, monkeypatch):
    from collections import deque

    events = place.world.events
    events._events = deque(maxlen=2)
    stream = events.read(None, words=True)
    await anext(stream)
    for number in range(6):
        await place.said(f"words {number}")
    while events._count < 6:
        await asyncio.sleep(0.01)
    got = [json.loads(events_of(await anext(stream))[0][1])["text"] for _ in range(6)]
    assert got == [f"words {number}" for number in range(6)]
    await stream.aclose()
    assert events.readers == 0


async def test_five_hundred_readers_hear_of_everything_and_the_database_is_asked_once(place):
    """Each on a connection of its own."""
    events, asked, ready = place.world.events, 0, asyncio.Semaphore(0)
    since = events._changes.since

    async def counted(place):
        nonlocal asked
        asked += 1
        return await since(place)

    async def read(port, token):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET /api/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
        await reader.readuntil(b"event: hello")
        ready.release()
        heard = await reader.readuntil(b"words 2")
        writer.close()
        return heard.count(b"event: message")

    token = await place.token("owner")
    async with place.served() as url, asyncio.timeout(60):
        port = int(url.rpartition(":")[2])
        readers = [asyncio.create_task(read(port, token)) for _ in range(500)]
        for _ in readers:
            await ready.acquire()
        assert events.readers == 500
        events._changes.since = counted
        for number in range(3):
            await place.said(f"words {number}")
        assert await asyncio.gather(*readers) == [3] * 500
    assert asked < 100


async def test_what_happens_while_a_reader_takes_its_time_is_not_lost(place):
    events = place.world.events
    events._figures = None
    stream = events.read(None, words=True)
    await anext(stream)

    async def next_words():
        return json.loads(events_of(await anext(stream))[0][1])["text"]

    async def happen(*texts):
        wanted = events._count + len(texts)
        for text in texts:
            await place.said(text)
        while events._count < wanted:
            await asyncio.sleep(0.01)

    await happen("one", "two")
    assert await next_words() == "one"
    await happen("three")
    async with asyncio.timeout(10):
        assert [await next_words(), await next_words()] == ["two", "three"]
    await stream.aclose()
