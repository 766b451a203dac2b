from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from fakes import ScriptedModel, said

from brain.live_adapter import AdapterUnusable, LiveAdapter, in_canary
from brain.model_client import Sampling
from brain.prompt import Persona
from brain.reply import Brain
from storage.adapters import AdapterStore, Answering
from storage.messages import MessageStore
from storage.records import Adapter, now


@pytest.fixture
async def adapters(sqlite_database):
    store = AdapterStore(sqlite_database)
    for version in ("sft-1", "dpo-2"):
        await store.add(Adapter(version, "base", "sft", f"adapters/{version}", "0" * 64, now()))
    return store


@pytest.fixture
def model():
    return ScriptedModel(answer="{model} here")


@pytest.fixture
def live(adapters, model):
    return LiveAdapter(adapters, model, "base", grace=timedelta(0))


@pytest.fixture
def brain(model, live, sqlite_database):
    return Brain(
        model, live, MessageStore(sqlite_database), Persona("Sam"), base_model="base", sampling=Sampling()
    )


async def ask(brain, sqlite_database, **more):
    message = said("who?", **more)
    await MessageStore(sqlite_database).add(message)
    return await brain.reply_to([message])


async def test_the_next_message_is_answered_by_whoever_is_live(adapters, brain, sqlite_database):
    speakers = []
    for step in (None, "sft-1", "dpo-2", "back"):
        if step == "back":
            await adapters.roll_back("worse")
        elif step:
            await adapters.go_live(step, "test")
        reply = await ask(brain, sqlite_database)
        speakers.append((reply.text, reply.stamp.adapter))
    assert speakers == [
        ("base here", None),
        ("sft-1 here", "sft-1"),
        ("dpo-2 here", "dpo-2"),
        ("sft-1 here", "sft-1"),
    ]


async def test_an_answer_in_flight_finishes_on_the_adapter_it_began_with(
    adapters, model, live, brain, sqlite_database
):
    await adapters.go_live("sft-1", "test")
    model.hold = asyncio.Event()
    slow = asyncio.create_task(ask(brain, sqlite_database))
    while not model.prompts:
        await asyncio.sleep(0.001)
    await adapters.go_live("dpo-2", "better")
    assert await live.unload_idle() == []  # somebody is still listening to it
    model.hold.set()
    assert (await slow).text == "sft-1 here"
    assert (await ask(brain, sqlite_database)).text == "dpo-2 here"
    assert await live.unload_idle() == ["sft-1"]
    assert list(model.loaded) == ["dpo-2"]


async def test_a_retired_adapter_stays_on_the_server_for_the_grace_period(adapters, model, sqlite_database):
    live = LiveAdapter(adapters, model, "base", grace=timedelta(hours=1))
    for version in ("sft-1", "dpo-2"):
        await adapters.go_live(version, "test")
        with await live.answering():
            pass
    assert await live.unload_idle() == []


async def test_a_restarted_server_is_told_about_the_adapter_again(adapters, model, brain, sqlite_database):
    await adapters.go_live("sft-1", "test")
    await ask(brain, sqlite_database)
    model.loaded.clear()
    assert (await ask(brain, sqlite_database)).text == "sft-1 here"


async def test_an_adapter_that_the_server_refuses_is_named_with_the_way_out(
    adapters, model, brain, sqlite_database
):
    await adapters.go_live("sft-1", "test")
    model.refuses.add("sft-1")
    with pytest.raises(AdapterUnusable, match=r"sft-1 .*twin adapters rollback"):
        await ask(brain, sqlite_database)


async def test_a_canary_answers_its_share_of_the_chats_and_always_the_same_ones(
    adapters, brain, sqlite_database
):
    await adapters.go_live("sft-1", "test")
    await adapters.start_canary("dpo-2", 0.25)

    async def those_with_the_canary():
        replies = {chat: await ask(brain, sqlite_database, chat=chat) for chat in map(str, range(120))}
        return {chat for chat, reply in replies.items() if reply.stamp.adapter == "dpo-2"}

    first = await those_with_the_canary()
    assert 20 <= len(first) <= 40
    assert await those_with_the_canary() == first
    await adapters.start_canary("dpo-2", 0.5)
    assert await those_with_the_canary() > first  # nobody who had it loses it
    await adapters.roll_back("worse")
    assert await those_with_the_canary() == set()


def test_another_canary_has_other_chats():
    chats = [f"discord:{number}" for number in range(400)]
    one, other = (
        {chat for chat in chats if in_canary(Answering(version, "", 0.25), chat)} for version in ("a", "b")
    )
    assert 70 <= len(one) <= 130
    assert len(one & other) < 50  # by chance it is a quarter of a quarter


@pytest.mark.parametrize("first", [True, False])
async def test_the_owners_own_chats_have_the_canary_first_unless_set_otherwise(
    adapters, model, sqlite_database, first
):
    live = LiveAdapter(adapters, model, "base", owner_first=first)
    brain = Brain(
        model, live, MessageStore(sqlite_database), Persona("Sam"), base_model="base", sampling=Sampling()
    )
    await adapters.start_canary("dpo-2", 0.001)
    mine = await ask(brain, sqlite_database, by_owner=True)
    assert mine.stamp.adapter == ("dpo-2" if first else None)
    in_a_group = await ask(brain, sqlite_database, by_owner=True, private=False, chat="group")
    assert in_a_group.stamp.adapter is None


async def test_a_canary_that_no_server_takes_leaves_the_chats_to_the_live_one(
    adapters, model, brain, sqlite_database
):
    await adapters.go_live("sft-1", "test")
    await adapters.start_canary("dpo-2", 0.999)
    model.refuses.add("dpo-2")
    assert (await ask(brain, sqlite_database)).text == "sft-1 here"


async def test_a_canary_that_has_ended_leaves_the_server_and_one_that_runs_does_not(
    adapters, model, live, brain, sqlite_database
):
    await adapters.go_live("sft-1", "test")
    await adapters.start_canary("dpo-2", 0.999)
    await ask(brain, sqlite_database)
    await live.wanted()
    model.loaded["of somebody else"] = "elsewhere"
    assert await live.unload_idle() == []
    await adapters.roll_back("worse")
    assert await live.unload_idle() == ["dpo-2"]
    assert "of somebody else" in model.loaded


async def test_a_server_must_hold_the_live_one_and_the_canary(adapters, live):
    assert await live.wanted() == {}
    await adapters.go_live("sft-1", "test")
    await adapters.start_canary("dpo-2", 0.5)
    assert await live.wanted() == {"sft-1": "adapters/sft-1", "dpo-2": "adapters/dpo-2"}


async def test_whoever_caches_hears_of_every_change_before_the_next_answer(
    adapters, live, brain, sqlite_database
):
    heard = []

    async def changed():
        heard.append(await adapters.answering())

    live.changed = changed
    await ask(brain, sqlite_database)
    await ask(brain, sqlite_database)
    assert heard == []
    await adapters.go_live("sft-1", "test")
    await ask(brain, sqlite_database)
    await adapters.roll_back("worse")
    await ask(brain, sqlite_database)
    assert len(heard) == 2
