"""What do the kinds of runs do, those that need no trainer?"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from storage.records import Adapter, Message, RunState, now
from twin.build import open_stores
from twin.current import Current
from twin.drift import figures_of
from twin.errors import Told
from twin.home import Home
from twin.kinds import KINDS, Bench, Kind, archiving
from twin.runner import Runner
from twin.settings import read_settings

MIRA = Path(__file__).parents[2] / "examples" / "mira"
JOURNAL = f'[[sync.files]]\nsource = "journal"\npath = "{MIRA / "journal"}"\n'


@pytest.fixture
async def bench(tmp_path):
    home = Home(tmp_path / "home")
    home.make()
    home.settings_file.write_text(f'[owner]\nname = "Mira Vale"\n{JOURNAL}')
    settings = read_settings(home)
    model = SimpleNamespace(client=None, base=SimpleNamespace(weights="pocket", name="pocket"))
    async with open_stores(home, settings) as stores:
        yield Bench(home, Current(home, settings), stores, model)


async def do(bench, kind, kinds=KINDS, **parameters):
    """The run of that kind, as the runner leaves it."""
    runs = bench.stores.runs
    await runs.enqueue(kind, exclusive=kinds[kind].exclusive, parameters=parameters)
    run = await runs.take("here", [kind])
    await Runner(bench, kinds)._do(run, kinds[kind])
    return await runs.get(run.id)


async def test_a_source_is_read_and_the_run_says_how_much_was_new(bench):
    run = await do(bench, "sync", source="journal")
    assert (run.state, run.metrics["kept"] > 0) == (RunState.PASSED, True)
    assert (await do(bench, "sync", source="journal")).metrics["unchanged"] == 1
    failed = await do(bench, "sync", source="notion")
    assert (failed.state, "notion is not set up" in failed.error) == (RunState.FAILED, True)


async def test_what_is_kept_for_too_long_goes(bench):
    long_ago = now() - timedelta(days=bench.settings.chat.keep_days + 1)
    old = Message("x:1:1", "x", "1", "ana", "Ana", "hello", long_ago)
    await bench.stores.messages.add(old)
    run = await do(bench, "forget")
    assert (run.state, run.metrics["forgotten"]) == (RunState.PASSED, 1)


@pytest.mark.parametrize("kind", ["learn", "retrain"])
async def test_nothing_is_learned_while_an_adapter_is_on_trial_even_if_it_was_asked_for_before(bench, kind):
    for version in ("old", "new"):
        await bench.stores.adapters.add(Adapter(version, "pocket", "sft", f"/a/{version}", "0" * 64, now()))
    await bench.stores.adapters.go_live("old", "it was first")
    await bench.stores.adapters.start_canary("new", 0.5)
    run = await do(bench, kind)
    assert run.state is RunState.PASSED
    assert run.metrics["outcome"] == "not enough"
    assert run.metrics["reasons"] == ["new is on trial; learning waits for it."]


async def test_without_a_live_adapter_there_is_no_drift(bench):
    run = await do(bench, "evaluate")
    assert (run.state, run.metrics["outcome"]) == (RunState.PASSED, "not enough")


def test_drift_is_told_in_the_figures_that_were_measured():
    assert figures_of({"nll": {"mean": 2.5, "low": 2.0}, "thumbs": None}) == {"nll": 2.5}


async def test_a_backup_is_one_line_in_the_table_and_its_archive_is_kept_with_the_run(bench, tmp_path):
    async def back_up(home, settings, stores):
        return tmp_path / "twin-backup.tar"

    async def no_room(home, settings, stores):
        raise Told("the disk is full", "make room")

    kinds = {"backup": Kind(archiving(back_up))}
    assert (await do(bench, "backup", kinds)).artefacts == {"archive": str(tmp_path / "twin-backup.tar")}
    failed = await do(bench, "backup", {"backup": Kind(archiving(no_room))})
    assert (failed.state, failed.error) == (RunState.FAILED, "the disk is full")
