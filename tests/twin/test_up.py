"""Told to stop, does the service end by itself before it is ended?"""

from __future__ import annotations

import asyncio

from fakes import FakePlatform

from bot.authority import Authority
from bot.owner_news import OwnerNews
from storage.leases import LeaseStore
from storage.unavailable import DatabaseUnavailable
from twin import up
from twin.up import _stop


class Never:
    """Whatever is asked of it, it takes for ever."""

    turns = property(lambda self: self)

    def __init__(self) -> None:
        self.given_up: list[str] = []

    async def close(self, patience: float) -> None:
        await asyncio.sleep(patience)

    async def stop(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.given_up.append("stop")


async def test_when_nothing_listens_there_is_time_left_to_close_the_database() -> None:
    never, ended = Never(), []
    asyncio.get_running_loop().call_later(4.0, ended.append, "the process")
    working = asyncio.create_task(asyncio.Event().wait())
    await _stop(never, [never, never], [working], 4.0)
    assert never.given_up == ["stop", "stop"]
    assert ended == []
    await asyncio.wait([working])
    assert working.cancelled()


async def test_of_several_processes_on_one_home_one_tells_of_a_wrong_file(sqlite_database, monkeypatch):
    app, leases = FakePlatform(), LeaseStore(sqlite_database)
    owner = Authority({app.name: ("sam",)})
    deaf = up._telling_the_owner(OwnerNews(owner, {app.name: app}, {app.name}), leases)
    tells = up._telling_the_owner(OwnerNews(owner, {app.name: app}), leases)
    for name, telling, wrong in (
        ("deaf", deaf, "broken"),  # it reaches nobody, and so keeps nobody from telling
        ("first", tells, "broken"),
        ("second", tells, "broken"),
        ("first", tells, "broken anew"),
    ):
        monkeypatch.setattr(up, "this_process", lambda name=name: name)
        await telling(wrong)
    assert [text.splitlines()[-1] for text in app.told] == ["broken", "broken anew"]


class Away(LeaseStore):
    async def take(self, *about: object) -> bool:
        raise DatabaseUnavailable("busy")


async def test_a_wrong_file_is_told_also_while_the_database_is_away(sqlite_database):
    app = FakePlatform()
    news = OwnerNews(Authority({app.name: ("sam",)}), {app.name: app})
    await up._telling_the_owner(news, Away(sqlite_database))("broken")
    assert [text.splitlines()[-1] for text in app.told] == ["broken"]
