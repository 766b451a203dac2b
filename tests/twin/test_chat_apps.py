from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from fakes import FakePlatform, until

from bot.authority import Authority
from bot.owner_news import OwnerNews
from bot.platform import ChatRefused, ChatUnavailable
from storage.leases import LeaseStore
from twin import chat_apps
from twin.chat_apps import Standing, keep_running


class App(FakePlatform):
    """A chat app that does on each start what it is told; after that, it just runs."""

    name = "kitchen-app"

    def __init__(self, *starts) -> None:
        super().__init__()
        self.starts = list(starts)
        self.started = 0
        self.silent = 0.0
        self.stopping = asyncio.Event()

    async def run(self) -> None:
        self.started += 1
        if self.starts:
            raise self.starts.pop(0)
        await self.stopping.wait()

    async def stop(self) -> None:
        self.stopping.set()

    def alive(self) -> float:
        return self.silent


@pytest.fixture
def quick(monkeypatch):
    for name in ("FIRST_PAUSE", "LONGEST_PAUSE", "REFUSED_PAUSE", "LOOK_SECONDS"):
        monkeypatch.setattr(chat_apps, name, 0.01)
    monkeypatch.setattr(chat_apps, "SILENT_SECONDS", 0.05)


@pytest.fixture
async def look_after(quick):
    """Run it; the owner's news come on another chat app."""
    running = []

    def start(app, standing=None):
        other = FakePlatform()
        other.name = "other-app"
        news = OwnerNews(Authority({"other-app": "sam"}), {"other-app": other})
        task = asyncio.create_task(keep_running(app, news, standing))
        running.append(task)
        return SimpleNamespace(told=other.told, task=task, news=news)

    yield start
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


@pytest.mark.parametrize(
    "problem", [ChatUnavailable("no network"), RuntimeError("a bug"), ChatRefused("no token")]
)
async def test_an_app_that_dies_is_started_again_and_the_owner_is_told_once(look_after, problem):
    app = App(problem, problem, problem)
    look = look_after(app)
    await until(lambda: app.started == 4)
    await until(lambda: len(look.told) == 2)
    assert look.told[1] == "I am back on kitchen-app."


async def test_an_app_that_falls_silent_is_started_again(look_after):
    app = App()
    app.silent = 1000.0
    look = look_after(app)
    await until(lambda: app.started >= 2)
    assert "nothing was heard" in look.told[0]


async def test_an_app_that_is_stopped_stays_so(look_after):
    app = App()
    look = look_after(app)
    await until(lambda: app.started)
    await app.stop()
    await asyncio.wait_for(look.task, 5)
    assert app.started == 1
    assert look.told == []


async def test_of_two_copies_one_runs_it_until_it_is_gone(look_after, database):
    leases = LeaseStore(database)
    first, second = App(), App()
    one = look_after(first, Standing(leases, "one"))
    await until(lambda: first.started)
    two = look_after(second, Standing(leases, "two"))
    await asyncio.sleep(0.1)
    assert second.started == 0
    assert (one.news.elsewhere, two.news.elsewhere) == (set(), {"kitchen-app"})
    one.task.cancel()
    await until(lambda: second.started)
    assert two.news.elsewhere == set()
    two.task.cancel()
    await asyncio.gather(one.task, two.task, return_exceptions=True)
