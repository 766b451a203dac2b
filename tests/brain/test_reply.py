from __future__ import annotations

import asyncio
import logging
import sys
import types
from dataclasses import replace

import pytest
from fakes import ScriptedModel, said
from prometheus_client import REGISTRY

from brain import answer
from brain.cached import ANSWERS, Cached
from brain.live_adapter import BASE, LiveAdapter
from brain.model_client import ModelUnavailable, Sampling
from brain.policy import BadPolicy, load_policy
from brain.prompt import Persona, prompt_hash
from brain.reply import Brain, Enough
from storage.adapters import AdapterStore
from storage.cache import open_cache
from storage.messages import MessageStore
from storage.records import Adapter, Spent, now
from storage.usage import UsageStore

PLANTED = "xylophone-kumquat"


def metric(name, **labels):
    return REGISTRY.get_sample_value(name, {"twin": "", **labels}) or 0.0


class World:
    def __init__(self, database, temperature=0.0, **more):
        self.model = ScriptedModel()
        self.messages = MessageStore(database)
        self.usage = UsageStore(database)
        self.cached = Cached(open_cache(None))
        self.adapters = AdapterStore(database)
        self.live = LiveAdapter(self.adapters, self.model, "base")
        self.brain = Brain(
            self.model,
            self.live,
            self.messages,
            Persona("Mira"),
            base_model="base",
            sampling=Sampling(temperature=temperature, stop=("\nAna:",)),
            cached=self.cached,
            usage=self.usage,
            **more,
        )

    async def ask(self, text, chat="kitchen", number="1", **more):
        question = said(text, chat=chat, number=number, **more)
        await self.messages.add(question)
        return await self.brain.reply_to([question])


@pytest.fixture
def world(sqlite_database):
    return World(sqlite_database)


async def test_at_temperature_zero_the_same_question_there_is_answered_once(world):
    first, second = await world.ask("hi"), await world.ask("hi")
    assert second.text == first.text
    assert second.stamp.prompt == first.stamp.prompt
    assert len(world.model.prompts) == 1


async def test_what_made_an_answer_is_put_down_while_the_server_is_at_the_next_word(world, monkeypatch):
    world.model.hold, put_down = asyncio.Event(), asyncio.Event()

    def hashed(prompt):
        put_down.set()
        return prompt_hash(prompt)

    monkeypatch.setattr(answer, "prompt_hash", hashed)
    asking = asyncio.create_task(world.ask("hi"))
    async with asyncio.timeout(10):
        await put_down.wait()
    assert not asking.done()
    world.model.hold.set()
    stamp = (await asking).stamp
    assert (stamp.prompt_hash, stamp.completion_tokens) == (prompt_hash(stamp.prompt), 3)


async def test_no_chat_hears_what_was_said_to_another(world):
    await world.ask("hi")
    world.model.answer = "something else"
    assert (await world.ask("hi", chat="hall")).text == "something else"


async def test_no_adapter_says_what_another_one_said(world):
    world.model.answer = "{model} here"
    await world.adapters.add(Adapter("v1", "base", "sft", "/somewhere/v1", "0" * 64, now()))
    question = said("who?", number="1")
    await world.messages.add(question)
    told = [(await world.brain.reply_to([question], by=by)).text for by in (BASE, "v1", BASE, "v1")]
    assert told == ["base here", "v1 here"] * 2
    assert len(world.model.prompts) == 2


async def test_an_answer_that_was_cut_short_is_nobody_elses(world):
    async def enough(_text):
        raise Enough

    question = said("hi", number="1")
    await world.messages.add(question)
    assert (await world.brain.reply_to([question], enough)).text == "hello"
    assert (await world.ask("hi")).text == "hello there friend"


async def test_with_chance_in_it_every_answer_is_asked_for(sqlite_database):
    world = World(sqlite_database, temperature=0.7)
    await world.ask("hi")
    await world.ask("hi")
    assert len(world.model.prompts) == 2


async def test_what_is_forgotten_is_asked_anew(world):
    await world.ask("hi")
    await world.cached.forget(ANSWERS)
    await world.ask("hi")
    assert len(world.model.prompts) == 2


async def test_tokens_and_time_are_summed_by_person_chat_and_day(world):
    await world.ask("hi")
    await world.ask("and?", chat="hall", by="ben", number="2")
    since = now()
    assert list(await world.usage.sums("person", since)) == ["kitchen-app:ana", "kitchen-app:ben"]
    chats = await world.usage.sums("chat", since)
    assert {name: one.prompt_tokens for name, one in chats.items()} == {
        "kitchen-app:hall": 7,
        "kitchen-app:kitchen": 7,
    }
    (day,) = (await world.usage.sums("day", since)).values()
    assert (day.replies, day.prompt_tokens, day.completion_tokens) == (2, 14, 6)


async def test_metrics_are_told_for_the_adapter_that_answered(world):
    before = [
        metric(name, adapter="base", **more)
        for name, more in (
            ("twin_replies_total", {}),
            ("twin_reply_tokens_total", {"kind": "completion"}),
            ("twin_reply_seconds_count", {}),
            ("twin_reply_first_token_seconds_count", {}),
            ("twin_reply_failures_total", {"reason": "ModelUnavailable"}),
        )
    ]
    await world.ask("hi")
    world.model.down = True
    with pytest.raises(ModelUnavailable):
        await world.ask("hi there")
    after = [
        metric("twin_replies_total", adapter="base"),
        metric("twin_reply_tokens_total", adapter="base", kind="completion"),
        metric("twin_reply_seconds_count", adapter="base"),
        metric("twin_reply_first_token_seconds_count", adapter="base"),
        metric("twin_reply_failures_total", adapter="base", reason="ModelUnavailable"),
    ]
    assert [new - old for new, old in zip(after, before, strict=True)] == [1, 3, 1, 1, 1]


async def test_the_stop_texts_reach_the_stamp(world):
    assert (await world.ask("hi")).stamp.sampling["stop"] == ["\nAna:"]


class Careful:
    """A policy: some questions are not asked, some words are not said."""

    async def before(self, asking):
        return "no comment" if "bomb" in asking.prompt[-1]["content"] else None

    async def after(self, asking, text):
        return text.replace("friend", f"{asking.person}")


async def test_a_policy_speaks_before_the_model_and_after_it(sqlite_database):
    world, heard = World(sqlite_database, policy=Careful()), []
    reply = await world.ask("how do i build a bomb")
    assert (reply.text, reply.stamp.prompt, world.model.prompts) == ("no comment", (), [])
    question = said("hi", number="2", chat="hall")
    await world.messages.add(question)

    async def on_text(text):
        heard.append(text)

    reply = await world.brain.reply_to([question], on_text)
    assert heard == [reply.text] == ["hello there kitchen-app:ana"]  # nothing of what was taken back


@pytest.mark.parametrize(
    "name", ["nowhere_at_all:make", "brain.policy:nothing", "brain.policy:BadPolicy", "x:"]
)
def test_a_policy_that_cannot_be_used_says_so(name):
    with pytest.raises(BadPolicy, match=r"cannot be used|without the methods"):
        load_policy(name)


def make_careful():
    return Careful()


def test_a_policy_is_found_by_its_name(monkeypatch):
    module = types.ModuleType("our_policy")
    module.make = make_careful
    monkeypatch.setitem(sys.modules, "our_policy", module)
    assert isinstance(load_policy("our_policy:make"), Careful)


async def test_nothing_that_was_said_is_in_the_logs(sqlite_database, caplog):
    caplog.set_level(logging.DEBUG)
    for name in ("aiosqlite", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)
    world = World(sqlite_database, policy=Careful())
    world.model.answer = f"{PLANTED} too"
    await world.ask(f"do you know {PLANTED}?")
    world.model.down = True
    with pytest.raises(ModelUnavailable):
        await world.ask(f"again {PLANTED}")
    assert PLANTED not in caplog.text


async def test_many_processes_worth_of_usage_add_up(sqlite_database):
    usage, question = UsageStore(sqlite_database), said("hi", number="1")
    await asyncio.gather(*(usage.add(question, Spent(1, 10, 5, 100)) for _ in range(20)))
    assert await usage.sums("day", now()) == {f"{now():%Y-%m-%d}": Spent(20, 200, 100, 2000)}
    assert await usage.tokens(question) == await usage.tokens(question, of_chat=True) == 300
    assert await usage.tokens(replace(question, author_id="ben")) == 0
    await usage.forget("kitchen-app", "ana")
    assert await usage.sums("day", now()) == {}
