"""Does whoever asked for a run hear once how it ended, and the owner of what fails by itself?"""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from fakes import FakePlatform, until

from bot.authority import Authority
from bot.owner_news import OwnerNews
from storage.records import RunState
from storage.runs import RunStore
from twin.outcomes import run_in_words, tell_outcomes


@pytest.fixture
async def world(sqlite_database):
    world = SimpleNamespace(runs=RunStore(sqlite_database), platform=FakePlatform())
    name = world.platform.name
    world.news = OwnerNews(Authority(accounts={name: "sam"}), {name: world.platform})
    world.telling = asyncio.create_task(
        tell_outcomes(SimpleNamespace(runs=world.runs), SimpleNamespace(news=world.news), every=0.01)
    )

    async def ended(state, tell, error=None, kind="learn", **metrics):
        run = await world.runs.enqueue(kind, tell=tell)
        await world.runs.take("w", [kind])
        return await world.runs.finish(run.id, state, error, metrics)

    async def all_told():
        async def none_left():
            return not await world.runs.to_tell()

        await until(none_left)

    world.ended, world.all_told = ended, all_told
    yield world
    world.telling.cancel()
    await asyncio.gather(world.telling, return_exceptions=True)


async def test_whoever_asked_hears_it_in_that_chat_once(world):
    tell = f"{world.platform.name}:kitchen"
    await world.ended(RunState.PASSED, tell, outcome="live", version="mix-3", reasons=["Better."])
    await world.all_told()
    await asyncio.sleep(0.05)
    assert world.platform.told == ["mix-3 passed the gate and answers from now on. Better."]


async def test_a_chat_that_is_closed_to_us_is_told_through_the_owner(world):
    world.platform.closed_to.add("kitchen")
    await world.ended(RunState.FAILED, f"{world.platform.name}:kitchen", "The disk is full.")
    await world.all_told()
    assert world.platform.told == ["Learning stopped: The disk is full."]


async def test_what_another_copy_of_the_service_has_to_tell_is_left_to_it(world):
    await world.ended(RunState.PASSED, "discord:1")
    await asyncio.sleep(0.1)
    assert len(await world.runs.to_tell()) == 1


async def test_a_copy_that_runs_no_chat_app_leaves_the_owner_to_the_one_that_does(world):
    world.news.elsewhere.add(world.platform.name)
    await world.ended(RunState.FAILED, "owner", "no key", kind="sync")
    await asyncio.sleep(0.1)
    assert len(await world.runs.to_tell()) == 1
    world.news.elsewhere.clear()
    await world.all_told()
    assert world.platform.told == ["My sync run failed: no key"]


async def test_the_owner_hears_once_that_something_fails_by_itself_and_that_it_works_again(world):
    for _ in range(3):
        await world.ended(RunState.FAILED, "owner", "no key", kind="sync")
    await world.all_told()
    await world.ended(RunState.PASSED, "owner", kind="sync")
    await world.all_told()
    assert world.platform.told == ["My sync run failed: no key", "My sync run works again."]


async def test_the_owner_hears_of_a_new_adapter_that_answers_without_a_trial(world):
    await world.ended(RunState.PASSED, "owner", outcome="live", version="mix-3", reasons=["Better."])
    await world.ended(RunState.PASSED, "owner", outcome="refused", version="mix-4", reasons=["Worse."])
    await world.all_told()
    assert world.platform.told == ["mix-3 passed the gate and answers from now on. Better."]


async def test_every_way_to_end_has_words(world):
    for state in (RunState.PASSED, RunState.FAILED, RunState.CANCELLED):
        for kind in ("learn", "sync"):
            run = await world.ended(state, None, "because", kind=kind)
            assert run_in_words(run)
