"""Can a person see what happens by itself, and stop it?"""

from __future__ import annotations

import asyncio
import json

import pytest
from typer.testing import CliRunner

from storage.database import Database
from storage.records import RunState
from storage.runs import RunStore
from twin.cli import app
from twin.home import Home


@pytest.fixture
def twin(tmp_path):
    home = Home(tmp_path / "home")
    home.make()
    home.settings_file.write_text('[owner]\nname = "Sam"\n')

    def run(*arguments):
        done = CliRunner().invoke(app, ["--home", str(home.root), *arguments])
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.exit_code, done.stdout, done.stderr

    run.home = home
    return run


def in_queue(home, *kinds):
    async def work():
        database = await Database.open(home.database_url)
        runs = RunStore(database)
        found = [await runs.enqueue(kind, key=kind) for kind in kinds]
        await runs.take("elsewhere:1", [kinds[0]])
        if len(kinds) > 2:
            await runs.take("elsewhere:1", [kinds[2]])
            await runs.finish(found[2].id, RunState.FAILED, "The disk is full.")
        await database.close()
        return [run.id for run in found]

    return asyncio.run(work())


def test_runs_are_listed_shown_and_cancelled(twin):
    running, waiting, failed = in_queue(twin.home, "learn", "sync", "backup")
    code, printed, _ = twin("runs", "list", "--json")
    assert (code, {run["id"] for run in json.loads(printed)}) == (0, {running, waiting, failed})
    assert "The disk is full." in twin("runs", "list")[1]
    assert json.loads(twin("runs", "show", failed, "--json")[1])["error"] == "The disk is full."
    code, _, told = twin("runs", "cancel", running)
    assert (code, "stops in a moment" in told) == (0, True)
    assert json.loads(twin("runs", "cancel", waiting, "--json")[1])["state"] == "cancelled"
    assert "is failed" in twin("runs", "cancel", failed)[2]


@pytest.mark.parametrize("command", ["show", "cancel"])
def test_a_run_that_is_not_there_is_said_so(twin, command):
    code, _, told = twin("runs", command, "nobody")
    assert (code, "there is no run 'nobody'" in told) == (2, True)


def test_the_schedule_says_why_nothing_is_learned_now(twin):
    code, printed, _ = twin("schedule", "--json")
    found = json.loads(printed)
    assert (code, found["alive"], found["learns_now"]) == (0, False, None)
    assert found["why"].startswith("0 of 8 effective judgements")
    code, _, told = twin("schedule")
    assert (code, "Nothing is learned now: 0 of 8" in told, "no 'twin up'" in told) == (0, True, True)


def test_a_part_that_there_is_not_is_said_so_before_anything_starts(twin):
    code, _, told = twin("up", "--only", "disco")
    assert (code, "no part 'disco'" in told) == (2, True)
