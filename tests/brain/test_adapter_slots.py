"""Do twins that share a server keep their adapters apart, and does the one that was used last stay?"""

from __future__ import annotations

import asyncio
import random
import shutil
from contextlib import ExitStack
from datetime import timedelta

import pytest
from fakes import ScriptedModel, until
from tiny_gemma import make_adapter

from brain.adapter_slots import AdapterSlots
from brain.live_adapter import LiveAdapter, served_name
from brain.model_client import Sampling
from storage.adapters import AdapterStore
from storage.database import Database
from storage.records import Adapter, now


@pytest.fixture
def model():
    return ScriptedModel()


@pytest.fixture
def slots(model):
    return AdapterSlots(model, most=2)


async def use(slots, name):
    await slots.load(name, f"adapters/{name}")
    with slots.using(name):
        pass


async def test_the_one_that_was_used_longest_ago_makes_room_and_comes_back_on_demand(slots, model):
    for name in ("ann", "bo", "ann", "cat"):
        await use(slots, name)
    assert list(model.loaded) == ["ann", "cat"]
    await use(slots, "bo")
    assert list(model.loaded) == ["cat", "bo"]
    assert (slots.loads, slots.evictions) == (4, 2)


async def test_one_that_somebody_is_answered_by_is_never_taken_off(slots, model):
    with ExitStack() as speaking:
        await slots.load("ann", "adapters/ann")
        speaking.enter_context(slots.using("ann"))
        await use(slots, "bo")
        await use(slots, "cat")
        assert list(model.loaded) == ["ann", "cat"]
        with slots.using("cat"):
            waiting = asyncio.create_task(use(slots, "dee"))
            await asyncio.sleep(0)
            await use(slots, "ann")  # who is there need not wait for who is not
            assert not waiting.done()
            assert list(model.loaded) == ["ann", "cat"]
        await waiting
        assert list(model.loaded) == ["ann", "dee"]


async def test_one_that_does_not_load_takes_no_place(slots, model):
    model.refuses = {"bad"}
    await use(slots, "ann")
    with pytest.raises(Exception, match="bad is no good"):
        await slots.load("bad", "adapters/bad")
    await use(slots, "bo")
    assert list(model.loaded) == ["ann", "bo"]


def test_a_name_on_the_servers_tells_twins_of_one_number_apart_and_stays_the_same(tmp_path):
    homes = [tmp_path / place / "mira" / "adapters" / "sft-1" for place in ("here", "there")]
    names = [served_name("sft-1", str(home)) for home in homes]
    assert len(set(names)) == 2
    assert all(name.startswith("mira.sft-1.") for name in names)
    assert served_name("sft-1", str(homes[0])) == names[0]
    assert served_name("sft-2", str(homes[0])) != names[0]


@pytest.fixture
async def twins(tmp_path, model, slots, empty_tables):
    """Mira and Bo on one server; each has an adapter that goes by the same number."""
    made, opened = {}, []
    for name in ("mira", "bo"):
        shutil.copy(empty_tables, tmp_path / f"{name}.db")
        opened.append(await Database.open(f"sqlite+aiosqlite:///{tmp_path / name}.db"))
        store = AdapterStore(opened[-1])
        path = str(tmp_path / name / "adapters" / "sft-1")
        await store.add(Adapter("sft-1", "base", "sft", path, "0" * 64, now()))
        await store.go_live("sft-1", "test")
        made[name] = LiveAdapter(store, model, "base", timedelta(0), called=served_name, slots=slots)
    yield made
    for database in opened:
        await database.close()


async def test_each_twin_is_answered_by_its_own_adapter_of_one_number(twins, model):
    spoke = {}
    for name, live in twins.items():
        with await live.answering("kitchen") as speaking:
            spoke[name] = model.loaded[speaking.model].split("/")[-3]
            assert speaking.version == "sft-1"
    assert spoke == {"mira": "mira", "bo": "bo"}
    assert len(model.loaded) == 2
    assert [await live.unload_idle() for live in twins.values()] == [[], []]  # nor does one clear the other's


async def test_a_restarted_server_gets_back_what_is_asked_for(twins, model, slots):
    live = twins["mira"]
    with await live.answering("kitchen") as before:
        pass
    model.loaded.clear()
    await live.forget_loaded()
    with await live.answering("kitchen") as after:
        assert (after, list(model.loaded)) == (before, [after.model])
    await until(lambda: before.model in slots)


PROMPT = [{"role": "user", "content": "our teacher bakes seven loaves on monday."}]
SHORT = Sampling(temperature=0, max_tokens=12)


@pytest.fixture(scope="session")
def three(tiny):
    """Folders of adapters that say three different things."""
    return {"ann": tiny.one, "bo": tiny.two, "dee": make_adapter(tiny.adapters / "dee", tiny.base, 6)}


async def test_more_twins_than_places_take_turns_on_a_real_server_and_each_speaks_as_itself(client, three):
    """On the embedded server and on real vLLM."""
    alone = {}
    for name, folder in three.items():
        await client.load_adapter(name, str(folder))
        alone[name] = (await client.chat(name, PROMPT, SHORT)).text
        await client.unload_adapter(name)
    assert len(set(alone.values())) == len(three)
    slots, most = AdapterSlots(client, most=2), []

    async def answer(name):
        await slots.load(name, str(three[name]))
        with slots.using(name):
            said = (await client.chat(name, PROMPT, SHORT)).text
            most.append(len(await client.models()) - 1)
        return name, said

    order = random.Random(4).choices([*three], k=24)
    for told in await asyncio.gather(*(answer(name) for name in order)):
        assert told == (told[0], alone[told[0]])
    assert max(most) <= 2
    assert slots.evictions == slots.loads - 2 >= 2
