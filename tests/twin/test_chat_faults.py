"""Whatever breaks, is every message answered, and answered once?

The real `twin up` is a child of the test; the chat apps are real ones on servers of ours; what people see in
the chats in the end is all that is looked at. Redis is not among the faults: the flow does not use it.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time

import pytest
from chat_killer import Killer, talk_and_kill
from chat_world import PLATFORMS, a_world, assert_perfect

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
async def world(tmp_path):
    async with a_world(tmp_path) as world:
        yield world
        assert world.complaints == []


@pytest.fixture
async def service(world):
    service = world.service()
    yield service
    service.kill()


@pytest.fixture
async def talking(world, service):
    """It runs, and has answered once in every chat."""
    script = world.script()
    await service.up()
    script.greet()
    await script.until_done(30)
    assert_perfect(script)
    return script


def counting(home):
    """Thumbs that count, and all that were ever given: by platform."""
    with sqlite3.connect(home / "home" / "twin.db") as database:
        query = """
            SELECT platform, SUM(withdrawn_at IS NULL), COUNT(DISTINCT reply_key || given_by)
            FROM feedback JOIN messages ON messages.key = reply_key GROUP BY platform
        """
        return {platform: (counts, given) for platform, counts, given in database.execute(query)}


async def test_killed_at_any_moment_it_answers_everything_once(world, service):
    script, killer = world.script(4, 2, seed=1), Killer(world.discord, world.telegram, seed=1)
    moments = []
    await talk_and_kill(
        service, script, killer, messages=60, kills=6, on_kill=lambda _, moment: moments.append(moment)
    )
    print("killed when", moments)
    assert await service.stop() == 0
    assert_perfect(script)
    given = {name: (script.thumbs[name], script.thumbs[name]) for name in PLATFORMS if script.thumbs[name]}
    assert counting(world.home) == given


async def asked_and_answered(script, messages=8, seconds=60.0):
    await script.go_on(messages, 0.1)
    await script.until_done(seconds)
    await asyncio.sleep(0.5)  # what is there twice may come late
    assert_perfect(script)


@pytest.mark.parametrize("everywhere", [False, True])
async def test_a_storm_of_rate_limits_is_sat_out(world, talking, everywhere):
    for method in ("POST", "PATCH"):
        world.discord.fault("limit", 4, method=method, seconds=0.7, everywhere=everywhere)
    group = None if everywhere else talking.places[-1].chat.id
    world.telegram.flood(1, chat=group, times=4)
    await asked_and_answered(talking)


@pytest.mark.parametrize("how", ["502", "drop"])
async def test_what_was_done_but_not_confirmed_is_not_done_again(world, talking, how):
    for method in ("POST", "PATCH"):
        world.discord.fault({"502": "bad", "drop": "lose"}[how], 2, method=method)
    world.telegram.lose_answers(3, how)
    await asked_and_answered(talking)


@pytest.mark.parametrize("loss", ["drop", "ask_to_reconnect", "invalidate"])
async def test_what_was_said_while_the_gateway_was_gone_is_answered(world, talking, loss):
    asking = asyncio.create_task(talking.go_on(10, 0.1))
    await asyncio.sleep(0.3)
    sessions = world.discord.gateway.identified
    getattr(world.discord.gateway, loss)()
    await asking
    await talking.until_done(60)
    assert_perfect(talking)
    assert world.discord.gateway.identified == sessions + (loss == "invalidate")


async def test_another_reader_of_the_bots_updates_costs_nothing_but_time(world, talking):
    await world.telegram._get_updates({"offset": 0, "timeout": 0})  # ours gets a 409
    world.telegram.broken_polls = 2
    await asked_and_answered(talking)


async def test_updates_that_come_twice_are_heard_once(world, talking):
    seen = []
    update = world.telegram.update

    def remember(kind, content):
        update(kind, content)
        seen.append(world.telegram.updates[-1])

    world.telegram.update = remember
    await talking.go_on(8, 0.1)
    await talking.until_done(30)
    world.telegram.updates += seen  # as after an acknowledgement that was lost
    world.telegram.changed.set()
    await world.telegram.wait_for(lambda: not world.telegram.updates)
    await asyncio.sleep(1)
    assert_perfect(talking)


@pytest.mark.parametrize("seconds", [5, 14])  # longer than a writer's patience, too
async def test_a_locked_database_delays_answers_and_loses_none(world, talking, seconds):
    await asyncio.sleep(3)  # until nothing is caught up with any more
    with sqlite3.connect(world.home / "home" / "twin.db", isolation_level=None) as database:
        database.execute("BEGIN IMMEDIATE")
        talking.greet()
        await asyncio.sleep(seconds)
        database.execute("ROLLBACK")
    await talking.until_done(60)
    await asyncio.sleep(0.5)
    assert_perfect(talking)


@pytest.mark.parametrize("pieces", [0, 3])
async def test_a_model_server_that_dies_is_waited_for_and_the_owner_hears_of_it_once(world, talking, pieces):
    world.model.dies_after = pieces
    await talking.go_on(6, 0.2)
    await world.model_was_asked(7)
    told = [text for name in PLATFORMS for text in world.told(name)]
    assert [text for text in told if "cannot answer" in text] == told
    assert len(told) == 1
    world.model.dies_after = None
    await talking.until_done(30)
    assert_perfect(talking)
    told = [text for name in PLATFORMS for text in world.told(name)]
    assert [("again" in text) for text in told] == [False, True]


@pytest.mark.parametrize("patient", [True, False])
async def test_told_to_stop_in_the_middle_of_an_answer_it_ends_it_or_does_after_the_next_start(
    world, service, talking, patient
):
    world.model.piece_seconds = 0.2 if patient else 3.0
    asked = len(world.model.asked)
    talking.greet()
    await world.model_was_asked(asked + 4)
    await asyncio.sleep(0.5)
    assert await service.stop() == 0
    if patient:
        assert_perfect(talking)
    world.model.piece_seconds = 0.02
    await service.up()
    await talking.until_done(30)
    assert_perfect(talking)


async def test_of_two_copies_on_one_database_the_other_goes_on_when_one_is_killed(world, postgres_url):
    one = world.service("one", settings={"storage": {"url": postgres_url}})
    two = world.service("two", settings={"storage": {"url": postgres_url}})
    script = world.script(3, 1, seed=3)
    try:
        await one.up()
        two.start()
        await asyncio.sleep(5)  # so that it might run them too
        script.greet()
        await script.until_done(30)
        assert_perfect(script)
        asking = asyncio.create_task(script.go_on(20, 0.2))
        await asyncio.sleep(2)
        assert world.discord.gateway.identified == 1  # the other one waits
        one.kill()
        began = time.monotonic()
        await asking
        await script.until_done(90)
        print(f"the other copy had caught up {time.monotonic() - began:.0f} s after the kill")
        await asyncio.sleep(1)
        assert_perfect(script)
        assert "not connected" not in (world.home / "two" / "logs" / "twin.log").read_text()
        assert await two.stop() == 0
    finally:
        one.kill()
        two.kill()


@pytest.mark.timeout(600)
async def test_copies_are_replaced_one_after_the_other_while_people_talk(world, postgres_url):
    """A rolling restart: each copy has the chat apps until the next one takes them over."""
    settings = {
        "storage": {"url": postgres_url},
        "runs": {"stop_seconds": 120},
        "chat": {"burst_seconds": 0, "delivery": "whole"},  # Telegram takes few edits in a minute
    }
    old, new = (world.service(name, settings=settings, only="discord,telegram") for name in ("old", "new"))
    script, over = world.script(4, 0, seed=5), asyncio.Event()

    async def talk():
        while not over.is_set():
            await script.go_on(1, 0.3)

    async def up(service):
        while not service.is_up():
            assert service.running, service.last_words()
            await asyncio.sleep(0.05)

    try:
        await old.up()
        new.start()
        await up(new)
        script.greet()
        await script.until_done(120)
        talking = asyncio.create_task(talk())
        for first, second in ((old, new), (new, old)):
            await up(second)
            sessions, asked = world.discord.gateway.identified, len(script.asked)
            assert await first.stop(180) == 0, first.last_words()
            while world.discord.gateway.identified == sessions:
                await asyncio.sleep(0.05)
            while len(script.asked) < asked + 5:  # people go on with the one that took over
                await asyncio.sleep(0.05)
            first.start()
        over.set()
        await talking
        await script.until_done(180)
        await asyncio.sleep(0.5)  # what is there twice may come late
        assert_perfect(script)
        await up(new)
        assert [await one.stop(180) for one in (old, new)] == [0, 0]
    finally:
        old.kill()
        new.kill()
