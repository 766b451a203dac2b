"""May the parts of the service be processes of their own, on one database?"""

from __future__ import annotations

import asyncio

import pytest
from chat_service import ChatService
from chat_world import AT_ONCE, a_world

from storage.database import Database
from storage.records import RunState
from storage.runs import RunStore

pytestmark = pytest.mark.timeout(200)
OFF = dict.fromkeys(("sync", "learn", "evaluate"), "off")


@pytest.fixture
async def world(tmp_path):
    async with a_world(tmp_path) as world:
        world.started = []

        def part(only):
            settings = {
                "model": {"base": "quick", "servers": [world.model.url]},
                "schedule": OFF | {"forget": "every 1 second"},
                "chat": AT_ONCE,
            }
            options = {"discord": world.discord, "settings": settings, "only": only}
            service = ChatService(tmp_path / "home", world.owner, **options)
            world.started.append(service)
            return service

        world.part = part
        yield world
        for service in world.started:
            service.kill()


async def done(home, count):
    database = await Database.open(f"sqlite+aiosqlite:///{home / 'twin.db'}")
    runs = RunStore(database)
    async with asyncio.timeout(60):
        while len([run for run in await runs.all() if run.state is RunState.PASSED]) < count:
            await asyncio.sleep(0.05)
    found = await runs.all()
    await database.close()
    return found


async def test_who_talks_who_has_the_clock_and_who_does_the_work_may_be_three_processes(world):
    talks, clock, does = world.part("discord"), world.part("schedule"), world.part("runner")
    await talks.up()
    clock.start()
    does.start()
    sam = world.discord.user("Sam")
    private = world.discord.dm(sam)
    world.discord.say(private, sam, "are you there #1")
    await world.discord.wait_for(lambda: [text for text in world.discord.sent(private) if "#1" in text], 60)
    runs = await done(talks.home, 2)
    assert {run.kind for run in runs} == {"forget"}
    assert {run.worker.split(":")[1] for run in runs if run.worker} == {str(does.process.pid)}

    second = world.part("schedule")
    second.start()
    assert await asyncio.to_thread(second.process.wait, 60) == 1
    assert "'twin up --only schedule' is already running" in second.output.read_text()

    clock.kill()  # what it did is somebody else's at once
    third = world.part("schedule")
    third.start()
    async with asyncio.timeout(90):
        while third.output.read_text().count("twin is up") < 4:  # one output for all of them
            await asyncio.sleep(0.05)
    await done(talks.home, len(runs) + 3)
    assert [await service.stop() for service in (talks, does, third)] == [0, 0, 0]
