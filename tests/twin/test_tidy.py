from __future__ import annotations

import os
import time

import pytest

from learning.jobs import MEASURED
from twin.home import Home
from twin.tidy import DAY, tidy


@pytest.fixture
def home(tmp_path):
    home = Home(tmp_path)
    home.make()
    return home


def file(path, days_old):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")
    for one in (path, *path.parents):
        if "runs" not in one.parts and "adapters" not in one.parts:
            break
        os.utime(one, (time.time() - days_old * DAY,) * 2)
    return path


async def test_checkpoints_and_logs_that_nobody_needs_any_more_go_and_the_rest_stays(home):
    old_checkpoint = file(home.runs / "work" / "sft-aa" / "checkpoint-3" / "state", 3)
    fresh_checkpoint = file(home.runs / "work" / "sft-bb" / "checkpoint-3" / "state", 1)
    old_log = file(home.runs / "20260101-learn-aa" / "worker.log", 40)
    fresh_log = file(home.runs / "20260401-learn-aa" / "worker.log", 20)
    adapter = file(home.adapters / "sft-1" / "weights", 400)
    half = file(home.adapters / ".sft-2.unfinished" / "weights", 0)
    assert await tidy(home, 30, busy=False) == 3
    there = [path.exists() for path in (old_checkpoint, fresh_checkpoint, old_log, fresh_log, adapter, half)]
    assert there == [False, True, False, True, True, False]


async def test_while_something_trains_its_half_of_a_folder_stays(home):
    half = file(home.adapters / ".sft-2.unfinished" / "weights", 0)
    assert await tidy(home, 30, busy=True) == 0
    assert half.exists()


async def test_a_checkpoint_folder_in_which_something_is_new_is_not_old(home):
    old = file(home.runs / "work" / "sft-aa" / "checkpoint-3" / "state", 3)
    new = home.runs / "work" / "sft-aa" / "checkpoint-6"
    new.mkdir()
    os.utime(home.runs / "work" / "sft-aa", (time.time() - 3 * DAY,) * 2)
    await tidy(home, 30, busy=False)
    assert old.exists()


async def test_what_was_measured_stays_longer_than_a_checkpoint(home):
    known = file(home.runs / "work" / MEASURED / "aa.json", 10)
    assert await tidy(home, 30, busy=False) == 0
    assert known.exists()
    await tidy(home, 5, busy=False)
    assert not known.exists()
