"""Does an adapter go live only when the server has shown that it uses it?"""

from __future__ import annotations

from pathlib import Path

import pytest

from learning.adapter_folder import described
from learning.base_model import load_base, with_adapter
from learning.logprobs import answer_logprobs
from learning.promote import ServerRefused, promote
from storage.adapters import AdapterStore
from storage.records import AdapterState, now


class LocalServer:
    """Scores with transformers and peft, as a real server does over HTTP; may be told to misbehave."""

    def __init__(self, base, deaf=False, off_by=0.0, refuses=False):
        self.base, self.deaf, self.off_by, self.refuses = base, deaf, off_by, refuses
        self.loaded = {}

    async def load_adapter(self, name, path):
        if self.refuses:
            raise ServerRefused("its rank is higher than --max-lora-rank")
        model = load_base(self.base)
        self.loaded[name] = model if self.deaf else with_adapter(model, Path(path))

    async def unload_adapter(self, name):
        del self.loaded[name]

    async def score(self, model, token_ids):
        (scores,) = answer_logprobs(self.loaded[model], [(list(token_ids), 1)], 0)
        return {"here": [None, *(score + self.off_by for score in scores)]}


@pytest.fixture
async def store(database, sft_adapter):
    store = AdapterStore(database)
    await store.add(described(sft_adapter, now()))
    return store


async def tried(store, base, server):
    adapter = await store.get("sft-1")
    return await promote(adapter, base=base, adapters=store, server=server, why="a test")


async def test_a_sound_adapter_on_an_honest_server_goes_live_and_stays_loaded(store, base):
    server = LocalServer(base)
    assert await tried(store, base, server) == []
    live = await store.live()
    assert live is not None
    assert live.version == "sft-1"
    assert list(server.loaded) == ["sft-1"]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"deaf": True}, "as if the adapter were not there"),
        ({"off_by": 0.05}, "off by 0.05"),
        ({"off_by": float("nan")}, "not numbers"),
        ({"refuses": True}, "max-lora-rank"),
    ],
)
async def test_a_server_that_does_not_use_it_rightly_gets_it_refused_and_unloaded(store, base, fault, words):
    server = LocalServer(base, **fault)
    (problem,) = await tried(store, base, server)
    assert words in problem
    adapter = await store.get("sft-1")
    assert (adapter.state, adapter.reasons) == (AdapterState.REFUSED, (problem,))
    assert await store.live() is None
    assert server.loaded == {}


async def test_one_server_of_two_that_does_not_use_it_gets_it_refused_and_is_named(store, base):
    class Two(LocalServer):
        async def score(self, model, token_ids):
            (good,) = (await super().score(model, token_ids)).values()
            self.deaf = load_base(self.base)
            (bare,) = answer_logprobs(self.deaf, [(list(token_ids), 1)], 0)
            return {"first": good, "second": [None, *bare]}

    (problem,) = await tried(store, base, Two(base))
    assert problem.startswith("second: ")
    assert "as if the adapter were not there" in problem


async def test_with_a_share_it_becomes_the_canary_and_the_live_one_stays(store, base):
    adapter = await store.get("sft-1")
    server = LocalServer(base)
    told = await promote(adapter, base=base, adapters=store, server=server, why="a test", share=0.2)
    assert told == []
    assert [one and (one.version, one.share) for one in await store.answering()] == [None, ("sft-1", 0.2)]


async def test_a_bad_folder_never_reaches_the_server(store, base, tmp_path):
    server = LocalServer(base)
    problems = await promote(
        await store.get("sft-1"), base="google/gemma-3-12b-it", adapters=store, server=server, why="a test"
    )
    assert "other base model" in problems[0]
    assert server.loaded == {}


async def test_a_server_that_is_down_says_nothing_about_the_adapter(store, base):
    class Down(LocalServer):
        async def score(self, model, token_ids):
            raise ConnectionError("nobody answers")

    server = Down(base)
    with pytest.raises(ConnectionError):
        await tried(store, base, server)
    assert (await store.get("sft-1")).state is AdapterState.CANDIDATE
    assert server.loaded == {}
