"""Does one cycle take feedback to a live adapter, or say in words why not?"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from learning_samples import pair_rows, thumb_rows
from processes import another, gone

from learning.adapter_folder import described
from learning.base_model import load_base, with_adapter
from learning.cycle import learn
from learning.durable import Held, Progress, end_dead_runs
from learning.failures import RunLost, TrainingFailed
from learning.gate import Verdict
from learning.logprobs import answer_logprobs
from learning.plan import nearer
from learning.rows import read_rows
from learning.settings import GateSettings, LearningSettings
from learning.targets.local import LocalTarget
from learning.targets.shared import Shared
from storage import tracing
from storage.adapters import AdapterStore
from storage.feedback import FeedbackStore
from storage.messages import MessageStore
from storage.processes import this_process
from storage.records import AdapterState, Feedback, Message, Role, RunState, Signal, Stamp, message_key, now
from storage.runs import AlreadyRunning, RunStore

START = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
QUICK = {"epochs": 2, "learning_rate": 2e-3, "min_rows": 4, "max_length": 256}
BRIEF = {**QUICK, "min_updates": 0}
LENIENT = LearningSettings(
    min_feedback=8,
    min_thumbs=6,
    gate=GateSettings(
        max_nll_rise=9.0,
        min_heldout_pairs=500,
        min_rows=500,
        advisory=("variety", "length", "recited", "divergence"),
    ),
    recipes={"sft": QUICK, "dpo": BRIEF, "kto": BRIEF, "hindsight": BRIEF},
)


class LocalServer:
    def __init__(self, base):
        self.base, self.loaded = base, {}

    async def load_adapter(self, name, path):
        self.loaded[name] = with_adapter(load_base(self.base), Path(path))

    async def unload_adapter(self, name):
        del self.loaded[name]

    async def score(self, model, token_ids):
        (scores,) = answer_logprobs(self.loaded[model], [(list(token_ids), 1)], 0)
        return {"here": [None, *scores]}


class Twin:
    """Everything a cycle is handed, on a real database and a real home."""

    def __init__(self, database, home, base, corpus):
        self.home, self.base, self.corpus = home, base, corpus
        self.adapters, self.runs = AdapterStore(database), RunStore(database)
        self.feedback, self.messages = FeedbackStore(database), MessageStore(database)
        self.server = LocalServer(base)

    async def hears(self, corrections=0, thumbs=0, seed=1, speakers=(), complaint=None, endings=()):
        rows = [*pair_rows(corrections, seed), *thumb_rows(thumbs, seed + 1)]
        if endings:
            rows = [ended(row, *endings[number % len(endings)]) for number, row in enumerate(rows)]
        for number, row in enumerate(rows):
            key = message_key("terminal", f"chat{seed}-{number}", 1)
            text = row.get("rejected", row.get("completion"))[0]["content"]
            stamp = Stamp(None, "tiny", "hash", tuple(row["prompt"]), {}, speakers=speakers)
            at = START + timedelta(hours=number)
            chat = f"chat{seed}-{number}"
            await self.messages.add(
                Message(key, "terminal", chat, "twin", "Mira", text, at, by_twin=True, stamp=stamp)
            )
            kind = Signal.CORRECTION if "chosen" in row else Signal.UP if row["label"] else Signal.DOWN
            if complaint and kind is Signal.DOWN:
                kind = Signal.COMPLAINT
            better = row["chosen"][0]["content"] if "chosen" in row else complaint
            await self.feedback.record(Feedback(key, "mira", Role.OWNER, kind, at, better))

    async def learns(self, settings=LENIENT, **more):
        return await learn(
            home=self.home,
            base=str(self.base),
            corpus=self.corpus,
            settings=settings,
            feedback=self.feedback,
            messages=self.messages,
            adapters=self.adapters,
            runs=self.runs,
            server=self.server,
            **more,
        )


@pytest.fixture
def twin(sqlite_database, tmp_path, base, corpus):
    return Twin(sqlite_database, tmp_path, base, corpus)


async def test_too_little_feedback_is_an_outcome_and_starts_no_training(twin):
    await twin.hears(corrections=5)
    outcome = await twin.learns()
    assert (outcome.state, outcome.reasons) == ("not enough", ("Not enough feedback yet: 5 of 8.",))
    (run,) = await twin.runs.all()
    assert run.state is RunState.PASSED
    assert run.metrics["outcome"] == "not enough"
    assert not (twin.home / "adapters").exists()


async def test_a_cycle_learns_from_the_words_of_those_who_agreed_only(twin):
    await twin.hears(corrections=5, speakers=("terminal:ana",))
    why = "Left out, somebody in that conversation has not agreed: 5."
    assert (await twin.learns()).reasons == ("Not enough feedback yet: 0 of 8.", why)
    assert (await twin.learns(agreed={"terminal:ana"})).reasons == ("Not enough feedback yet: 5 of 8.",)


async def test_corrections_and_thumbs_become_a_live_adapter_that_was_judged_and_probed(
    twin, spans, collector, monkeypatch
):
    await twin.hears(corrections=14, thumbs=12)
    heard = []
    monkeypatch.setattr(tracing, "_collector", collector.url)
    outcome = await twin.learns(on_progress=lambda share, doing: heard.append((share, doing)))
    assert outcome.state == "live", outcome.reasons
    live = await twin.adapters.live()
    assert live is not None
    assert live.version == outcome.version == "mix-4"
    assert live.report["models"]["candidate"]["adapter"] == "mix-4"
    assert {"owner's words", "safety"} < {axis["name"] for axis in live.report["verdict"]["axes"]}
    assert [one.version for one in await twin.adapters.all()] == ["sft-1", "dpo-2", "kto-3", "mix-4"]
    assert live.parent == "kto-3"
    assert list(twin.server.loaded) == ["mix-4"]
    assert outcome.picture is not None
    shares = [share for share, _ in heard]
    assert shares == sorted(shares)
    (run,) = await twin.runs.all()
    assert (run.state, run.metrics["version"]) == (RunState.PASSED, "mix-4")
    assert_one_trace(run, spans(), collector.spans())

    again = await twin.learns()
    assert again.reasons == ("Nothing new: all feedback has been learned from.",)


def assert_one_trace(run, here, trained):
    """Every step of the run is in the trace of whoever asked for it, below what it is a step of."""
    trace = run.traceparent.split("-")[1]
    mine = [span for span in here if f"{span.context.trace_id:032x}" == trace]
    names = {f"{span.context.span_id:016x}": span.name for span in mine}
    parents = {(span.name, names[f"{span.parent.span_id:016x}"]) for span in mine if span.parent}
    assert parents - {(name, under) for name, under in parents if "storage" in name} == {
        (tracing.RUN, tracing.ASKED),
        (tracing.COLLECT, tracing.RUN),
        (tracing.EXPORT, tracing.RUN),
        (tracing.JOB, tracing.RUN),
        (tracing.GATE, tracing.RUN),
        (tracing.PUBLISH, tracing.RUN),
        (tracing.LOAD, tracing.PUBLISH),
        (tracing.PROBE, tracing.PUBLISH),
    }
    assert [span.about["twin.step"] for span in trained] == ["sft", "dpo", "kto", "interpolate", "evaluate"]
    assert {(span.trace, names[span.parent]) for span in trained} == {(trace, tracing.JOB)}


async def test_complaints_in_words_get_a_step_of_their_own(twin, sft_adapter):
    folder = shutil.copytree(sft_adapter, twin.home / "adapters" / "sft-1")
    await twin.adapters.add(described(folder, now()))
    await twin.hears(corrections=12)
    await twin.hears(thumbs=12, seed=7, complaint="too cold")
    outcome = await twin.learns()
    methods = [one.method for one in await twin.adapters.all()]
    assert methods == ["sft", "dpo", "hindsight", "interpolation"]
    assert outcome.version == "mix-4"


async def test_each_cycle_starts_from_the_anchor_and_learns_from_everything(twin, sft_adapter):
    await twin.hears(corrections=12)
    first = await twin.learns()
    await twin.hears(corrections=6, seed=50)
    second = await twin.learns()
    assert (first.version, second.version) == ("mix-3", "mix-5")
    one, two = await twin.adapters.get("dpo-2"), await twin.adapters.get("dpo-4")
    assert one.parent == two.parent == "sft-1"
    assert len(two.lineage) > len(one.lineage)
    assert second.report["models"]["live"]["adapter"] == "mix-3"


async def test_a_candidate_that_fails_the_gate_is_refused_with_reasons_and_the_live_one_stays(twin):
    await twin.hears(corrections=12)
    first = await twin.learns()
    impossible = LENIENT.gate.model_copy(update={"min_change": 1e9})
    outcome = await twin.learns(LENIENT.model_copy(update={"gate": impossible}), again=True)
    assert outcome.state == "refused"
    assert outcome.reasons[0].startswith("It moves the chance of a token by")
    assert isinstance(outcome.verdict, Verdict)
    refused = (await twin.adapters.all())[-1]
    assert (refused.version, refused.parent) == (outcome.version, "dpo-4")  # and it had no second look
    assert (refused.state, refused.reasons) == (AdapterState.REFUSED, outcome.reasons)
    assert (await twin.adapters.live()).version == first.version
    assert list(twin.server.loaded) == [first.version]


async def test_one_that_went_too_far_goes_less_far_and_is_judged_once_more(twin, sft_adapter):
    folder = shutil.copytree(sft_adapter, twin.home / "adapters" / "sft-1")
    await twin.adapters.add(described(folder, now()))
    await twin.adapters.go_live("sft-1", "by hand")
    await twin.hears(corrections=30, endings=ENDINGS)
    heard = []
    outcome = await twin.learns(
        within(1e-9),
        on_progress=lambda share, doing: heard.append((share, doing)),
        target=Elsewhere(twin.home / "shared"),
    )
    assert (outcome.state, outcome.version) == ("refused", "mix-4"), outcome.reasons
    written = json.loads((twin.home / "runs" / outcome.run_id / "report.json").read_text())
    assert written["models"]["candidate"]["adapter"] == "mix-4"
    far, near = (await twin.adapters.all())[-2:]
    assert (far.state, near.state) == (AdapterState.REFUSED, AdapterState.REFUSED)
    assert "nats a token from the live one" in far.reasons[0] != near.reasons[0]
    assert share_of(twin, near) == nearer(mixture(twin, far))
    assert share_of(twin, near) < share_of(twin, far)
    assert "going less far" in {doing for _, doing in heard}
    assert [share for share, _ in heard] == sorted(share for share, _ in heard)

    between = (distance(far) + distance(near)) / 2
    outcome = await twin.learns(within(between), again=True)
    assert (outcome.state, outcome.version) == ("live", "mix-7"), outcome.reasons
    assert (await twin.adapters.get("mix-6")).state is AdapterState.REFUSED
    why = (await twin.adapters.promotions())[0].why
    assert why == "Learned from 30 signals. It goes less far than mix-6, which went too far."
    assert outcome.picture is not None


ENDINGS = (("dude", "my dear"), ("bro", "old friend"), ("mate", "good sir"))  # of which she likes the second


def ended(row, worse, better):
    plain = row["rejected"][0]["content"]
    words = {"rejected": f"{plain} {worse}", "chosen": f"{plain} {better}"}
    return row | {side: [{"role": "assistant", "content": text}] for side, text in words.items()}


class Elsewhere(LocalTarget):
    """Another machine, as far as files go."""

    def __init__(self, folder):
        super().__init__()
        self._shared = Shared(folder, folder)

    def pack(self, job, run_dir):
        return self._shared.pack(job, run_dir)


def within(nats):
    advisory = tuple(set(LENIENT.gate.advisory) - {"divergence"})
    feedback = {"min_heldout_pairs": 1, "max_preference_drop": 1.0}
    gate = LENIENT.gate.model_copy(update={"max_divergence": nats, "advisory": advisory, **feedback})
    recipes = {**LENIENT.recipes, "dpo": {**BRIEF, "epochs": 8}}  # until held-out pairs are preferred
    return LENIENT.model_copy(update={"gate": gate, "recipes": recipes})


def mixture(twin, adapter):
    return json.loads((twin.home / "adapters" / adapter.version / "report.json").read_text())


def share_of(twin, adapter):
    return mixture(twin, adapter)["share"]


def distance(adapter):
    return adapter.report["models"]["candidate"]["divergence"]["high"]


async def test_a_training_that_fails_fails_the_run_in_one_sentence_and_changes_nothing(twin):
    await twin.hears(corrections=12)
    settings = LENIENT.model_copy(update={"recipes": {"sft": {"min_rows": 999}, "dpo": BRIEF}})
    with pytest.raises(TrainingFailed, match="999 are needed"):
        await twin.learns(settings)
    (run,) = await twin.runs.all()
    assert run.state is RunState.FAILED
    assert "999 are needed" in run.error
    assert await twin.adapters.all() == []


async def test_two_cycles_never_run_at_once_and_a_stopped_one_makes_room(twin):
    await twin.hears(corrections=12)
    begun = asyncio.Event()
    first = asyncio.create_task(twin.learns(on_progress=lambda *_: begun.set()))
    await begun.wait()
    with pytest.raises(AlreadyRunning):
        await twin.learns()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert [run.state for run in await twin.runs.all()] == [RunState.CANCELLED]


async def test_a_run_whose_process_is_gone_does_not_stand_in_the_way(twin):
    dead = await twin.runs.start("learn", another(gone()))
    assert [run.id for run in await end_dead_runs(twin.runs)] == [dead.id]
    assert (await twin.runs.get(dead.id)).state is RunState.FAILED
    alive = await twin.runs.start("learn", another(os.getppid()))
    assert await end_dead_runs(twin.runs) == []
    assert (await twin.runs.get(alive.id)).state is RunState.RUNNING


async def test_an_sft_adapter_that_is_live_already_is_the_anchor(twin, sft_adapter):
    folder = shutil.copytree(sft_adapter, twin.home / "adapters" / "sft-1")
    await twin.adapters.add(described(folder, now()))
    await twin.adapters.go_live("sft-1", "by hand")
    await twin.hears(corrections=12)
    outcome = await twin.learns()
    assert outcome.version == "mix-3"
    assert (await twin.adapters.get("dpo-2")).parent == "sft-1"
    preferences = read_rows(twin.home / "preferences" / outcome.report["preferences"] / "pairs.jsonl")
    assert {row["id"] for row in preferences} <= set((await twin.adapters.get("dpo-2")).lineage)


async def from_the_queue(twin, kind="learn"):
    await twin.runs.enqueue(kind, exclusive=True)
    run = await twin.runs.take(this_process(), [kind])
    assert run
    return run


async def test_a_cycle_whose_process_died_after_its_decision_is_not_done_twice(twin, sft_adapter):
    folder = shutil.copytree(sft_adapter, twin.home / "adapters" / "sft-1")
    await twin.adapters.add(described(folder, now()))
    run = await from_the_queue(twin)
    await twin.runs.beat(run.id, 0.98, {"signals": "abc", "candidate": "sft-1"})
    await twin.adapters.go_live("sft-1", "it was good")
    await twin.runs.put_back(run.id, "its process died")
    again = await twin.runs.take(this_process(), ["learn"])
    outcome = await twin.learns(held=Held(again, Progress()))
    assert (outcome.state, outcome.version) == ("live", "sft-1")
    assert len(await twin.adapters.all()) == 1


async def test_who_lost_the_run_while_it_trained_puts_no_adapter_before_people(twin, sft_adapter):
    folder = shutil.copytree(sft_adapter, twin.home / "adapters" / "sft-1")
    await twin.adapters.add(described(folder, now()))
    await twin.hears(corrections=14)
    run = await from_the_queue(twin)
    await twin.runs.put_back(run.id, "it was silent for too long")
    await twin.runs.take("elsewhere:1", ["learn"])
    with pytest.raises(RunLost):
        await twin.learns(held=Held(run, Progress()))
    assert [one.version for one in await twin.adapters.all()] == ["sft-1"]
    assert await twin.adapters.live() is None


async def test_anew_means_from_the_corpus_on_even_where_nobody_ever_judged(twin, sft_adapter):
    folder = shutil.copytree(sft_adapter, twin.home / "adapters" / "sft-1")
    await twin.adapters.add(described(folder, now()))
    run = await from_the_queue(twin, "retrain")
    progress = Progress()
    outcome = await twin.learns(held=Held(run, progress), anew=True)
    assert (outcome.state, outcome.version) == ("live", "sft-2"), outcome.reasons
    assert progress.metrics["candidate"] == "sft-2"
    assert (await twin.adapters.get("sft-2")).parent is None


async def test_an_adapter_of_the_owners_words_alone_is_not_halved(twin, sft_adapter):
    folder = shutil.copytree(sft_adapter, twin.home / "adapters" / "sft-1")
    await twin.adapters.add(described(folder, now()))
    await twin.adapters.go_live("sft-1", "by hand")
    outcome = await twin.learns(within(-1.0), anew=True)
    assert (outcome.state, outcome.version) == ("refused", "sft-2")
    assert "nats a token from the live one" in outcome.reasons[0]
    assert [one.version for one in await twin.adapters.all()] == ["sft-1", "sft-2"]
