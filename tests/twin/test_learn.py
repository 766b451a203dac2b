"""What does `twin learn` say when there is nothing to learn from yet, and what has it started by then?"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from brain.model_server import ServerFailed
from learning import cycle
from learning.durable import recorded
from learning.pocket import PocketUnavailable
from storage.records import Feedback, Role, Signal, now
from twin.build import open_stores
from twin.feedback import trusted
from twin.home import Home
from twin.learn import learn_once
from twin.remember import ingest_export
from twin.settings import read_settings
from twin.snapshots import build_corpus

MIRA = Path(__file__).parents[2] / "examples" / "mira"


@pytest.fixture
async def home(tmp_path):
    home = Home(tmp_path / "home")
    home.make()
    shutil.copy(MIRA / "twin.toml", home.root)
    await ingest_export(home, read_settings(home), "journal", MIRA / "journal")
    await build_corpus(home, read_settings(home))
    return home


async def test_too_little_feedback_is_told_and_recorded_as_by_a_cycle_before_a_model_is_made_ready(
    home, monkeypatch
):
    monkeypatch.setenv("TWIN_CACHE", "/dev/null/no room for a pocket model")
    settings = read_settings(home)
    async with open_stores(home, settings) as stores:
        for number, role in enumerate([Role.OWNER, Role.OTHER]):
            await stores.feedback.record(Feedback(f"discord:1:{number}", "me", role, Signal.UP, now()))
    outcome = await learn_once(home, settings, None, again=False)
    assert outcome.state == "not enough"
    async with open_stores(home, settings) as stores:
        by_a_cycle = await cycle.learn(
            home=home.root,
            base="pocket",
            corpus=home.corpora,
            settings=settings.learning,
            feedback=trusted(stores, settings),
            messages=stores.messages,
            adapters=stores.adapters,
            runs=stores.runs,
            server=None,
        )
        assert outcome.reasons == by_a_cycle.reasons
        assert len(outcome.reasons) == 3
        as_the_cycle, ours = await stores.runs.all()
        told = [(run.kind, run.state, run.progress, run.metrics) for run in (ours, as_the_cycle)]
        assert told[0] == told[1]
        assert ours.id == outcome.run_id

    enough = settings.model_copy(
        update={"learning": settings.learning.model_copy(update={"min_feedback": 0})}
    )
    with pytest.raises(PocketUnavailable):  # with enough of it, a model is what comes next
        await learn_once(home, enough, None, again=False)


async def test_that_all_has_been_learned_is_told_before_a_model_server_is_started(home, tmp_path):
    (tmp_path / "a-model").mkdir()
    settings = read_settings(home)
    settings = settings.model_copy(
        update={
            "model": settings.model.model_copy(update={"base": str(tmp_path / "a-model")}),
            "learning": settings.learning.model_copy(update={"min_feedback": 0}),
        }
    )

    async def earlier(run, progress):
        progress.metrics["signals"] = cycle.signals_of(settings.model.base, [])
        return cycle.Outcome("refused", (), run.id)

    async with open_stores(home, settings) as stores:
        await recorded(stores.runs, cycle.KIND, earlier, summary=cycle.Outcome.as_json)
    outcome = await learn_once(home, settings, None, again=False)
    assert (outcome.state, outcome.reasons) == ("not enough", cycle.NOTHING_NEW)
    with pytest.raises(ServerFailed):  # asked again, it would learn, and nothing can be served from there
        await learn_once(home, settings, None, again=True)
