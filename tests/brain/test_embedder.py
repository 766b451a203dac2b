"""Where a model says what texts mean, what means the same is found without a common word; else by words."""

from __future__ import annotations

import pytest
from aiohttp import web
from memories import typed, wrote

from brain.cached import RECALL
from brain.embedder import ServedEmbedder
from brain.memory import EmbedderAway, Recall, Recaller
from storage.cache import open_cache
from storage.memories import MemoryStore
from storage.records_store import RecordStore
from twin.build import Base, build_embedder, build_memory, stores_of
from twin.memory import embed_by_the_clock
from twin.settings import Settings

TOPICS = (("trombone", "brass", "instrument"), ("soup", "dinner", "eat"), ("rain", "weather", "wet"))


def meaning(text):
    """How much it is about each of three things."""
    return [0.05 + sum(word in text for word in topic) for topic in TOPICS] * 8


@pytest.fixture
async def server():
    """Speaks /v1/embeddings; `state` says what is wrong with it."""
    state = {"asked": [], "wrong": ""}

    async def embeddings(request):
        body = await request.json()
        state["asked"].append(body["input"])
        if state["wrong"] == "fails":
            return web.json_response({"error": {"message": "no"}}, status=500)
        if state["wrong"] == "nonsense":
            return web.json_response({"data": [{"index": 0}]})
        rows = [{"index": n, "embedding": meaning(text)} for n, text in enumerate(body["input"])]
        return web.json_response({"data": rows[::-1]})  # in any order

    app = web.Application()
    app.router.add_post("/v1/embeddings", embeddings)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    state["url"] = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    yield state
    await runner.cleanup()


async def embedded(memories, embedder):
    while waiting := await memories.without_vector(embedder.model, 2):
        vectors = await embedder.embed([text for _, text in waiting])
        await memories.put_vectors(embedder.model, dict(zip([n for n, _ in waiting], vectors, strict=True)))


async def test_what_means_the_same_comes_back_to_those_who_may_hear_it(database, server):
    records, memories = RecordStore(database), MemoryStore(database)
    await records.add_all(
        [
            wrote("here", "I sold my old trombone", "discord:1"),
            wrote("soup", "there is soup for everybody", "discord:1"),
            wrote("elsewhere", "the trombone was too loud", "discord:2"),
        ]
    )
    embedder = ServedEmbedder(server["url"], "small")
    await embedded(memories, embedder)
    recaller = Recaller(memories, Recall(), embedder)
    asked = typed(1, "which brass do they have?", "discord:1")
    assert [one.key for one in await recaller.for_answer([asked])] == ["here"]
    await records.forget(["here"], asked.sent_at)  # this process still has it in memory
    assert await recaller.for_answer([asked]) == []
    again = MemoryStore(database)  # another process reads what is there
    await again.load_vectors()
    assert await Recaller(again, Recall(), embedder).for_answer([asked]) == []
    await embedder.aclose()


@pytest.mark.parametrize("wrong", ["fails", "nonsense"])
async def test_an_embedder_that_is_away_is_left_alone_for_a_while(sqlite_database, server, wrong):
    await RecordStore(sqlite_database).add_all([wrote("r", "I sold my old trombone", "public")])
    embedder = ServedEmbedder(server["url"], "small")
    server["wrong"] = wrong
    with pytest.raises(EmbedderAway):
        await embedder.embed(["x"])
    server["asked"].clear()
    recaller = Recaller(MemoryStore(sqlite_database), Recall(), embedder)
    asked = typed(1, "where is the trombone?", "discord:1")
    for _ in range(3):
        assert [one.key for one in await recaller.for_answer([asked])] == ["r"]
    assert server["asked"] == [["where is the trombone?"]]
    await embedder.aclose()


async def test_a_question_is_embedded_once_and_again_after_something_was_forgotten(sqlite_database, server):
    """As the service is built: the embedder that its recaller gets."""
    stores = stores_of(sqlite_database, open_cache(None))
    settings = Settings(memory={"embedder": "small", "embedder_url": server["url"], "recall": "all"})
    recaller = build_memory(stores, Base("somebody/large", "large", stand_in=False), settings)
    asked = typed(1, "where is the trombone?", "discord:1")
    for _ in range(3):
        await recaller.for_answer([asked])
    assert server["asked"] == [["where is the trombone?"]]
    await stores.cached.forget(RECALL)
    await recaller.for_answer([asked])
    assert len(server["asked"]) == 2
    await recaller._embedder._embedder.aclose()


async def test_another_models_vectors_are_dropped_before_they_are_compared(sqlite_database, server):
    memories = MemoryStore(sqlite_database)
    await RecordStore(sqlite_database).add_all([wrote("r", "I sold my old trombone", "public")])
    await memories.put_vectors("old", {(1 << 32) + 1: [1.0, 2.0]})
    await memories.only_vectors_of("new")
    assert [text for _, text in await memories.without_vector("new", 9)] == ["I sold my old trombone"]


async def test_without_an_embedder_nothing_is_embedded(sqlite_database):
    assert build_embedder(Settings()) is None
    await embed_by_the_clock(MemoryStore(sqlite_database), Settings())  # ends by itself


def test_the_library_is_loaded_only_when_somebody_asks():
    embedder = build_embedder(Settings(memory={"embedder": "some/model"}))
    assert embedder.model == "some/model"
