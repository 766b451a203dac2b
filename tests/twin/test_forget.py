"""Is what shall be forgotten found everywhere, gone afterwards, and are the weights that know it named?"""

from __future__ import annotations

import asyncio
import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from records_said import said, years_of_chat
from typer.testing import CliRunner

from bot import privacy
from bot.platform import Person
from brain.cached import ANSWERS
from brain.live_adapter import LiveAdapter
from brain.model_client import ModelClient, Sampling
from brain.reply import Brain
from ingest.corrections import Corrections
from ingest.roster import Roster
from ingest.source import Person as Somebody
from learning.corpus import SILENCES, build
from learning.jobs import MEASURED
from learning.preferences import FILES, collect, freeze
from learning.preferences import load as load_preferences
from learning.rows import read_rows
from learning.settings import LearningSettings
from storage.records import Adapter, AdapterState, Feedback, Message, Role, Signal, Stamp, message_key
from twin.build import build_talk, open_stores, persona
from twin.cli import app
from twin.errors import Told
from twin.find_traces import find_traces
from twin.forget import forget, unlearning
from twin.home import Home
from twin.settings import read_settings
from twin.traces import MARK, in_words

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
MIRA = Path(__file__).parents[2] / "examples" / "mira" / "twin.toml"


@pytest.fixture
async def told(tmp_path, database_url, monkeypatch):
    """Tamsin and the owner talk; a corpus, a preference set and three adapters learned from it."""
    monkeypatch.setenv("TWIN_STORAGE__URL", database_url)
    home = Home(tmp_path / "home")
    home.make()
    shutil.copy(MIRA, home.settings_file)
    settings = read_settings(home)
    roster = Roster(home.pseudonym_key(), settings.owner.owner())
    roster.learn(Somebody("telegram:77", ("Tamsin Okonjo",)))
    roster.save(home.root / "roster.json")
    tamsin = roster.placeholder("telegram:77")
    records = [
        said("t1", tamsin, "are you in?", 0, "hall"),
        said("t2", "owner", "yes, come by", 1, "hall"),
        said("t3", "owner", f"{tamsin} has the key, ask her for it", 50, "notes"),
        *years_of_chat(10),
    ]
    async with open_stores(home, settings) as stores:
        await stores.records.add_all(records)
        snapshot = build(records, persona(settings), home.corpora, settings.learning.corpus)
        other = build(years_of_chat(10), persona(settings), home.corpora, settings.learning.corpus)
        for version, corpus in (("sft-1", snapshot), ("sft-2", other)):
            rows = tuple(row["id"] for row in read_rows(corpus.path / "train.jsonl"))
            await stores.adapters.add(
                Adapter(version, "pocket", "sft", "/x", version, NOON, corpus=corpus.id, lineage=rows)
            )
        await stores.adapters.go_live("sft-1", "a test")
        question = Message(message_key("telegram", "c", 1), "telegram", "c", "77", "Tamsin", "well?", NOON)
        stamp = Stamp(
            None, "pocket", "h", ({"role": "user", "content": "well?"},), {}, speakers=("telegram:77",)
        )
        reply = replace(question, key="telegram:~1", text="well", by_twin=True, author_id="twin", stamp=stamp)
        await stores.messages.add(question)
        await stores.messages.add(replace(reply, reply_to=question.key))
        await stores.messages.add(replace(reply, key="telegram:~2", chat_id="d"))
        signal = Feedback("telegram:~1", "owner", Role.OWNER, Signal.UP, NOON)
        await stores.feedback.record(signal)
        learning = LearningSettings()
        judged, _ = await collect(stores.feedback, stores.messages, learning, {"telegram:77"})
        pool = await freeze(judged, home.preferences, learning)
        later = NOON + timedelta(hours=1)
        thumbs = [
            row["id"]
            for name in ("thumbs", "heldout_thumbs")
            for row in read_rows(pool.path / f"{name}.jsonl")
        ]
        await stores.adapters.add(
            Adapter("kto-3", "pocket", "kto", "/y", "3", later, parent="sft-2", lineage=tuple(thumbs))
        )
        yield home, settings, stores, tamsin, snapshot, other, pool


async def test_a_person_is_found_by_name_placeholder_or_account_and_taken_out(told):
    home, settings, stores, tamsin, snapshot, other, pool = told
    receipts = [
        (await find_traces(home, settings, stores, what)).receipt(False)
        for what in ("tamsin okonjo", tamsin, tamsin.strip("<>"), "telegram:77")
    ]
    assert receipts[0] == receipts[1] == receipts[2] == receipts[3]
    assert (receipts[0]["records"], receipts[0]["messages"]) == (2, 1)
    assert set(receipts[0]["snapshots"]) == {snapshot.id}
    assert set(receipts[0]["preferences"]) == {pool.id}
    assert [one["version"] for one in receipts[0]["adapters"]] == ["sft-1", "kto-3"]
    assert snapshot.path.exists()  # looking changes nothing
    scores = [
        home.teacher / name for name in (f"{snapshot.id}-1", f".{snapshot.id}-2.unfinished", f"{other.id}-1")
    ]
    for folder in scores:
        folder.mkdir(parents=True)

    await forget(home, settings, stores, await find_traces(home, settings, stores, "Tamsin"))
    kept = await stores.records.find(deleted=True)
    gone = {record.id for record in kept if record.deleted_at}
    assert gone == {"rt1", "rt3"}
    assert not [record for record in kept if tamsin in record.text]
    assert not snapshot.path.exists()
    assert not pool.path.exists()
    assert other.path.exists()
    assert [folder.exists() for folder in scores] == [False, False, True]
    assert await stores.messages.get(message_key("telegram", "c", 1)) is None
    assert await stores.messages.get("telegram:~1") is None
    assert (await stores.messages.get("telegram:~2")).stamp is None
    assert await stores.feedback.effective() == []
    assert await stores.adapters.live() is None  # nothing that did not learn from it was live before
    for version in ("sft-1", "kto-3"):
        adapter = await stores.adapters.get(version)
        assert (adapter.state, adapter.reasons) == (AdapterState.RETIRED, (MARK,))
    assert [run.kind for run in await stores.runs.unfinished()] == ["retrain"]
    assert (await stores.adapters.get("sft-2")).reasons == ()
    with pytest.raises(Told):
        await find_traces(home, settings, stores, "nobody I know")


async def test_a_forgotten_record_is_in_no_later_build_and_no_import_brings_it_back(told):
    home, settings, stores, _, _, _, _ = told
    Corrections(home.corrections).add(await stores.records.get("rt2"), ["technical"])
    traces = await find_traces(home, settings, stores, "rt2")
    assert [record.id for record in traces.records] == ["rt2"]
    await forget(home, settings, stores, traces)
    await forget(home, settings, stores, traces)  # once more does no harm
    assert (await stores.adapters.get("sft-1")).reasons == (MARK,)
    assert [run.kind for run in await stores.runs.unfinished()] == ["retrain"]  # one is enough
    again = said("t2", "owner", "yes, come by", 1, "hall")
    await stores.records.add_all([again])
    records = await stores.records.find(deleted=True)
    snapshot = build(records, persona(settings), home.corpora, settings.learning.corpus)
    for name in ("train.jsonl", "validation.jsonl", "test.jsonl", SILENCES):
        assert not [
            row for row in read_rows(snapshot.path / name) if "rt2" in row["record_ids"] + row["context_ids"]
        ]
    assert "rt2" not in home.corrections.read_text()


async def test_everything_is_everything(told):
    home, settings, stores, _, _, _, _ = told
    await stores.facts.add("likes cake")
    await forget(home, settings, stores, await find_traces(home, settings, stores, "ALL"))
    assert await stores.records.find() == []
    assert await stores.messages.every_key() == []
    assert await stores.facts.all() == []
    assert await stores.feedback.effective() == []
    assert [*home.corpora.iterdir(), *home.preferences.iterdir()] == []
    await forget(home, settings, stores, await find_traces(home, settings, stores, "ALL"))
    assert [adapter.reasons.count(MARK) for adapter in await stores.adapters.all()] == [1, 1, 1]


async def test_an_adapter_whose_snapshot_is_gone_is_named_as_unknown(told):
    home, settings, stores, _, _, other, _ = told
    shutil.rmtree(other.path)
    receipt = (await find_traces(home, settings, stores, "rt2")).receipt(False)
    assert receipt["untraceable_adapters"] == ["sft-2"]


async def test_adapters_keep_their_state_and_say_why_they_are_to_be_trained_anew(told):
    home, settings, stores, _, _, _, _ = told
    await stores.adapters.set_state("sft-2", AdapterState.REFUSED, ["Worse."])
    await forget(home, settings, stores, await find_traces(home, settings, stores, "ALL"))
    refused = await stores.adapters.get("sft-2")
    assert (refused.state, refused.reasons) == (AdapterState.REFUSED, ("Worse.", MARK))


def test_the_command_shows_first_and_forgets_when_told_to(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(MIRA, home)

    def twin(*arguments):
        return CliRunner().invoke(app, ["--home", str(home), *arguments])

    twin("ingest", "journal", str(MIRA.parent / "journal"))
    built = json.loads(twin("corpus", "build", "--json").stdout)
    assert Path(built["card"]).exists()
    assert Path(built["picture"]).exists()
    told = twin("corpus", "build")
    assert "card.html" in told.stderr.replace("\n", "")
    assert "before balancing" in twin("corpus", "stats").stdout
    (record,) = json.loads(twin("records", "list", "--limit", "1", "--json").stdout)
    shown = twin("forget", record["id"])
    assert "nothing is deleted yet" in shown.stderr
    assert json.loads(twin("records", "show", record["id"], "--json").stdout) == record
    receipt = json.loads(twin("forget", record["id"], "--yes", "--json").stdout)
    assert (receipt["done"], receipt["records"], list(receipt["snapshots"])) == (True, 1, [built["id"]])
    assert json.loads(twin("corpus", "stats", "--json").stdout or "[]") == []
    missing = twin("forget", record["id"])
    assert (missing.exit_code, "no record and no person" in missing.stderr) == (2, True)


CANARY = "the heron sleeps in the boathouse at four"


async def judged_replies(stores, home, prompts):
    """A thumb on one reply for each (chat, who is heard, what the model saw, what it recalled)."""
    for number, (chat, speaker, prompt, recalled) in enumerate(prompts, start=100):
        turns = ({"role": "user", "content": prompt},)
        stamp = Stamp(None, "pocket", "h", turns, {}, recalled=recalled, speakers=speaker)
        reply = Message(
            f"telegram:~{number}", "telegram", chat, "twin", "twin", "well", NOON, by_twin=True, stamp=stamp
        )
        await stores.messages.add(reply)
        await stores.feedback.record(Feedback(reply.key, "owner", Role.OWNER, Signal.UP, NOON))
    judged, _ = await collect(
        stores.feedback, stores.messages, LearningSettings(), {"telegram:77", "telegram:88"}
    )
    return await freeze(judged, home.preferences, LearningSettings())


def everything_written(home):
    files = (file for file in home.root.rglob("*") if file.is_file() and not file.name.startswith("twin.db"))
    return "".join(file.read_text(encoding="utf-8", errors="replace") for file in files)


async def plant(home, stores):
    """Tamsin's words in what the model saw, in a run's log and in the service's own; and somebody else's."""
    said_by = Message(message_key("telegram", "c", 9), "telegram", "c", "77", "Tamsin", CANARY, NOON)
    await stores.messages.add(said_by)
    pool = await judged_replies(
        stores,
        home,
        [
            ("c", ("telegram:77",), f"Tamsin: {CANARY}", ()),
            ("e", (), f"you remember: {CANARY}.", ()),  # nobody knows any more whose words these are
            ("f", ("telegram:88",), "is the bread ready?", ()),
        ],
    )
    for log in (home.runs / "r1" / "worker.log", home.logs / "twin.log", home.logs / "twin.log.1"):
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(f"begins\nValueError: bad row {CANARY!r}\nfor telegram:77\nends\n")
    (home.runs / "work" / MEASURED).mkdir(parents=True)
    assert CANARY in everything_written(home)
    return pool


def only_the_rest_is_left(home, pool):
    [rest] = map(load_preferences, home.preferences.iterdir())
    assert rest.id == rest.path.name != pool.id
    rows = [row for name in FILES for row in read_rows(rest.path / name)]
    assert [row["prompt"][0]["content"] for row in rows] == ["is the bread ready?"]
    assert (rest.signals, sum(rest.counts.values())) == (1, 1)
    assert len(json.loads((rest.path / "card.json").read_text())["signal_ids"]) == 1
    left = everything_written(home)
    assert CANARY not in left
    assert not (home.runs / "work").exists()
    assert "telegram:77" not in "".join(file.read_text() for file in home.logs.iterdir())
    assert (home.runs / "r1" / "worker.log").read_text() == "begins\nends\n"
    return rest


async def test_a_preference_set_is_frozen_anew_without_the_words_of_who_is_forgotten(told):
    home, settings, stores, _, _, _, old = told
    pool = await plant(home, stores)
    traces = await find_traces(home, settings, stores, "telegram:77")
    assert len(traces.preferences[pool.id]) == 3  # one of them is of the old set, too
    rewritten = (await forget(home, settings, stores, traces))["rewritten"]
    rest = only_the_rest_is_left(home, pool)
    assert rewritten == {old.id: None, pool.id: rest.id}  # there was nothing else in the old one
    rows = dict(in_words(traces.receipt(False, rewritten)))
    assert rows[f"preference set {pool.id}"] == f"is now {rewritten[pool.id]}"
    everything = await forget(home, settings, stores, await find_traces(home, settings, stores, "ALL"))
    assert everything["rewritten"] == {rewritten[pool.id]: None}
    assert [*home.preferences.iterdir()] == []


async def test_forget_in_a_chat_takes_the_very_same_way(told):
    home, settings, stores, _, snapshot, _, _ = told
    pool = await plant(home, stores)
    client = ModelClient("http://127.0.0.1:9")  # nobody answers, and nobody is asked
    live = LiveAdapter(stores.adapters, client, "pocket")
    brain = Brain(client, live, stores.messages, persona(settings), base_model="pocket", sampling=Sampling())
    talk = build_talk(brain, stores, settings, unlearn=unlearning(home, settings, stores))
    begun, go = asyncio.Event(), asyncio.Event()

    async def with_her_words() -> str:
        begun.set()
        await go.wait()
        return "an answer made with her words in view"

    under_way = asyncio.create_task(stores.cached.once("k", with_her_words, (ANSWERS,)))
    await begun.wait()
    answer = await privacy.forget_me(Person("telegram", "77", "Tamsin"), talk)
    go.set()
    await under_way
    assert await stores.cache.get("k") is None  # nor is what was on its way kept for anybody
    await client.aclose()
    assert "Forgotten" in answer.text
    only_the_rest_is_left(home, pool)
    assert (await stores.adapters.get("kto-3")).reasons == (MARK,)
    assert snapshot.path.exists()  # the owner's own records are not theirs to take out
    assert len(await stores.records.find()) > 3


async def test_a_record_that_was_recalled_goes_from_what_was_learned_with_it_in_view(told):
    home, settings, stores, _, _, _, _ = told
    await stores.records.add_all(
        [said("t9", "owner", CANARY, 60, "notes"), said("t8", "owner", "ok", 61, "notes")]
    )
    pool = await judged_replies(
        stores,
        home,
        [
            ("c", (), f"facts: {CANARY}", ()),
            ("d", (), "facts: ok", ("rt8",)),
            ("e", (), "ok, is it late?", ()),
        ],
    )
    traces = await find_traces(home, settings, stores, "rt9")
    rewritten = (await forget(home, settings, stores, traces))["rewritten"]
    assert CANARY not in everything_written(home)
    traces = await find_traces(home, settings, stores, "rt8")
    assert [reply.key for reply in traces.heard] == ["telegram:~101"]
    new = (await forget(home, settings, stores, traces))["rewritten"][rewritten[pool.id]]
    rows = [row for name in FILES for row in read_rows(home.preferences / new / name)]
    assert "ok, is it late?" in [row["prompt"][0]["content"] for row in rows]
    assert "facts: ok" not in [row["prompt"][0]["content"] for row in rows]
    assert (await stores.messages.get("telegram:~101")).stamp is None


async def test_what_was_deleted_where_it_came_from_can_be_forgotten_so_that_it_never_returns(told):
    home, settings, stores, _, _, _, _ = told
    await stores.records.mark_deleted(["rt2"], NOON)
    await forget(home, settings, stores, await find_traces(home, settings, stores, "rt2"))
    await stores.records.add_all([said("t2", "owner", "yes, come by", 1, "hall")], live=True)
    assert (await stores.records.get("rt2")).text == ""
    with pytest.raises(Told):
        await find_traces(home, settings, stores, "rt2")  # there is nothing left to forget
