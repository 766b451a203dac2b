"""Is the service one program or several, and does what dies in it come back?"""

from __future__ import annotations

import asyncio
import itertools

import pytest

from twin.components import COMPONENTS, chosen, hold, keep_alive
from twin.errors import Told
from twin.home import Home


def test_parts_are_named_and_a_wrong_name_is_told_which_there_are():
    assert chosen(None) == COMPONENTS
    assert chosen("discord, schedule,discord") == ("discord", "schedule")
    for wrong in ("disco", "", ","):
        with pytest.raises(Told, match=r"part|named"):
            chosen(wrong)


def test_on_one_machine_each_part_runs_once_in_whatever_process(tmp_path):
    home = Home(tmp_path)
    with hold(home, ["discord"], several=False), hold(home, ["schedule", "runner"], several=False):
        with pytest.raises(Told, match=r"'twin up --only discord' is already running"):
            hold(home, ["telegram", "discord"], several=False).__enter__()
        with pytest.raises(Told, match="already running"):
            hold(home, COMPONENTS, several=False).__enter__()
    with hold(home, COMPONENTS, several=False), pytest.raises(Told, match="'twin up' is already running"):
        hold(home, COMPONENTS, several=False).__enter__()


def test_on_a_shared_database_another_copy_joins(tmp_path):
    with hold(Home(tmp_path), COMPONENTS, several=True), hold(Home(tmp_path), COMPONENTS, several=True):
        pass


async def test_a_part_that_dies_is_started_again_with_longer_and_longer_pauses():
    begun, done = [], asyncio.Event()
    loop = asyncio.get_running_loop()

    async def work():
        begun.append(loop.time())
        if len(begun) < 4:
            raise ValueError("a bug")
        done.set()

    await asyncio.wait_for(keep_alive("a part", work, first_pause=0.05, longest_pause=0.1), 10)
    assert done.is_set()
    pauses = [after - before for before, after in itertools.pairwise(begun)]
    assert pauses[1] >= 0.09
