"""Somebody is planted wherever a twin writes, and forgotten: is any byte of theirs left in the home?

Tables and files are looked through without knowing them, so whatever is added later is looked through, too.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
import redis
from fakes import FakePlatform
from records_said import said as record
from records_said import years_of_chat
from sqlalchemy import insert, make_url, text

from bot import privacy
from bot.platform import Person
from brain.cached import ANSWERS, RECALL
from brain.live_adapter import LiveAdapter
from brain.model_client import ModelClient, Sampling
from brain.reply import Brain
from ingest.corrections import Corrections
from ingest.roster import Roster
from ingest.source import Person as Somebody
from ingest.strangers import Stranger, Strangers
from ingest.vault import Vault, new_key
from learning.corpus import build
from learning.preferences import collect, freeze
from learning.rows import read_rows
from learning.settings import LearningSettings
from storage.records import (
    Adapter,
    AdapterState,
    Chat,
    Consent,
    Delivery,
    DeliveryState,
    Feedback,
    Message,
    Role,
    RunState,
    Signal,
    Stamp,
    message_key,
)
from storage.tables import AuditRow, UsageRow
from twin.backup import make_backup
from twin.build import build_talk, open_stores, persona
from twin.errors import Told
from twin.find_traces import find_traces
from twin.forget import forget, unlearning
from twin.home import Home
from twin.settings import read_settings
from twin.traces import MARK

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
NAME, ID = "Zorblina Quixworth", "7700112233"
ACCOUNT = f"telegram:{ID}"
LONG = "the marmalade submarine leaves the harbour at dawn"
SHORT = "zqxv plinth"
CANARIES = ("zorblina", "quixworth", ID, "marmalade submarine", SHORT)

TABLES = {"messages", "records", "feedback", "facts", "deliveries", "people", "questions", "chats", "leases"}
TABLES |= {"adapters", "runs", "usage", "audit"}


@pytest.fixture
async def world(tmp_path, monkeypatch):
    async with a_world(tmp_path, monkeypatch) as world:
        yield world


@pytest.fixture
async def on_servers(tmp_path, monkeypatch, postgres_url, redis_url):
    monkeypatch.setenv("TWIN_STORAGE__URL", postgres_url)
    monkeypatch.setenv("TWIN_STORAGE__REDIS_URL", redis_url)
    async with a_world(tmp_path, monkeypatch) as world:
        yield world


@asynccontextmanager
async def a_world(tmp_path, monkeypatch):
    monkeypatch.setenv("TWIN_VAULT__KEY", new_key())
    home = Home(tmp_path / "home")
    home.make()
    home.settings_file.write_text('[owner]\nname = "Sam"\naccounts = { telegram = "1" }\n')
    settings = read_settings(home)
    async with open_stores(home, settings) as stores:
        yield home, settings, stores


def message(number, text, by=ID, chat="kitchen", **more):
    at = NOON + timedelta(minutes=number)
    name = {ID: NAME, "2": "Bo", "1": "Sam"}.get(by, "twin")
    key = message_key("telegram", chat, number)
    return Message(key, "telegram", chat, by, name, text, at, by_owner=by == "1", **more)


def reply(number, text, to, prompt, *speakers):
    stamp = Stamp(None, "pocket", "h", ({"role": "user", "content": prompt},), {}, speakers=speakers)
    key = f"telegram:~{number}"
    return replace(
        message(number, text, by="twin", chat=to.chat_id, private=to.private),
        key=key,
        by_twin=True,
        reply_to=to.key,
        stamp=stamp,
    )


async def talked(stores):
    """In a group and alone with the twin; Bo quotes and names them, and the twin repeats them to Bo."""
    hello = message(1, f"{LONG}\n{SHORT}")
    alone = message(2, LONG, chat=ID, private=True)
    owners = message(3, f"I told {NAME} so", by="1", chat=ID, private=True)
    quoting = message(4, f"what does {NAME} mean?", by="2", quote=LONG)
    later = message(5, "is the bread ready?", by="2")
    for one in (hello, alone, owners, quoting, later):
        await stores.messages.add(one)
    replies = (
        reply(11, "aye", hello, f"{NAME}: {LONG}", ACCOUNT),
        reply(12, f"you said {LONG}", alone, LONG, ACCOUNT),
        reply(13, f"they say that {LONG}, Bo", quoting, f"{NAME}: {LONG}\nBo: what?", ACCOUNT, "telegram:2"),
        reply(14, "the bread is ready", later, "Bo: is the bread ready?", "telegram:2"),
    )
    for one in replies:
        await stores.messages.plan(one, [one.text], [one.reply_to])
        sent = Delivery(one.key, 0, "telegram", one.chat_id, one.reply_to, one.text, DeliveryState.SENT, "9")
        await stores.deliveries.put(sent)
        await stores.feedback.record(Feedback(one.key, "1", Role.OWNER, Signal.UP, NOON))
    better = f"{NAME} said: {LONG}"
    await stores.feedback.record(Feedback(replies[3].key, "1", Role.OWNER, Signal.CORRECTION, NOON, better))
    await stores.feedback.record(Feedback(replies[3].key, ID, Role.OTHER, Signal.COMPLAINT, NOON, LONG))
    await stores.people.set_consent("telegram", ID, Consent.AGREED)
    await stores.people.set_consent("telegram", "2", Consent.AGREED)
    await stores.questions.put(f"what then {replies[0].key}", "", ID)
    await stores.chats.put(Chat("telegram", ID, private=True))
    await stores.leases.take(f"chat telegram:{ID}", "here", 60)
    async with stores.database.transaction() as session:
        for person, chat in ((ID, "kitchen"), ("2", ID), ("2", "kitchen")):
            used = {"platform": "telegram", "chat_id": chat, "person_id": person, "day": "2026-05-04"}
            counted = dict.fromkeys(("replies", "prompt_tokens", "completion_tokens", "milliseconds"), 1)
            row = stores.database.insert(UsageRow).values(used | counted)
            await session.execute(row.on_conflict_do_nothing())
        asked = {"at": NOON, "who": "owner", "action": "forget", "about": NAME, "outcome": f"gone: {LONG}"}
        await session.execute(insert(AuditRow).values(asked))
    return replies


async def learned(home, settings, stores):
    """A preference set, a reward model of it, and an adapter on an older one that answers."""
    judged, _ = await collect(stores.feedback, stores.messages, LearningSettings(), {ACCOUNT, "telegram:2"})
    pool = await freeze(judged, home.preferences, LearningSettings())
    ids = [row["id"] for file in sorted(pool.path.glob("*.jsonl")) for row in read_rows(file)]
    assert LONG in "".join(file.read_text() for file in pool.path.iterdir())
    reward = home.rewards / "reward-1"
    reward.mkdir(parents=True)
    (reward / "manifest.json").write_text(json.dumps({"samples": ids}))
    (reward / "score.safetensors").write_bytes(LONG.encode())
    for number, (version, lineage) in enumerate((("sft-0", ()), ("dpo-1", ids), ("kto-2", ()))):
        folder = home.adapters / version
        folder.mkdir()
        (folder / "report.json").write_text(json.dumps({"asked": LONG if lineage or number == 2 else ""}))
        parent = "dpo-1" if version == "kto-2" else None
        at = NOON + timedelta(hours=number)
        report = {"prompts": [LONG, SHORT], "models": {"candidate": {"replies": [LONG], "nll": 1.5}}}
        adapter = Adapter(version, "pocket", "dpo", str(folder), version, at, parent, lineage=tuple(lineage))
        await stores.adapters.add(replace(adapter, report=report))
        await stores.adapters.go_live(version, "a test")


async def written(home, stores):
    """What runs, the service and a cache left behind."""
    run = await stores.runs.start("evaluate", "elsewhere:1", exclusive=False)
    await stores.runs.beat(run.id, 0.5, {"doing": f"asking about {LONG}"})
    await stores.runs.finish(run.id, RunState.FAILED, error=f"bad row: {LONG}")
    folder = home.runs / run.id
    folder.mkdir()
    for name in ("report.json", "report.html", "job.json"):
        (folder / name).write_text(f'["{LONG}", "{SHORT}"]' if name != "job.json" else f'["{LONG}"]')
    (folder / "worker.log").write_text(f"begins\nValueError: {LONG}\nends\n")
    (home.logs / "twin.log").write_text(f"a\n{ACCOUNT} may not give /status in {ID}\n{NAME}\nb\n")
    (home.root / "cache").mkdir()
    (home.root / "cache" / "seen.txt").write_text(f"{NAME} wrote {LONG}")
    (home.root / "blind-tests").mkdir()
    (home.root / "blind-tests" / "dpo-1-abc.json").write_text(json.dumps({"version": "dpo-1"}))
    return run


async def ingested(home, settings, stores):
    """Records of theirs and about them, names that wait, and the vault."""
    vault = Vault(home.root / "vault.bin", settings.vault.key.get_secret_value())
    roster = Roster(home.pseudonym_key(), settings.owner.owner(), vault.keep)
    roster.learn(Somebody(ACCOUNT, (NAME,)))
    roster.save(home.root / "roster.json")
    vault.save()
    placeholder = roster.placeholder(ACCOUNT)
    records = [
        record("t1", placeholder, f"{LONG} {SHORT}", 0, ACCOUNT, origin="result.json:1"),
        record("t2", "owner", "then I come along", 1, ACCOUNT),
        record("t3", "owner", f"{placeholder} has a submarine, I think", 50, "notes"),
        *years_of_chat(10),
    ]
    await stores.records.add_all(records)
    Corrections(home.corrections).add(records[0], ["technical"])
    strangers = Strangers()
    around = f"with Nemo {LONG[:30]}"
    strangers._waiting = {
        "nemo": Stranger("Nemo", {"telegram": ["rt1"]}, [around]),
        "ada": Stranger("Ada", {"telegram": ["r0-0-a"]}, ["ask Ada"]),
    }
    strangers.save(home.root / "review.json")
    snapshot = build(records, persona(settings), home.corpora, settings.learning.corpus)
    assert SHORT in "".join(file.read_text() for file in snapshot.path.glob("*.jsonl"))
    (home.teacher / f"{snapshot.id}-1").mkdir()
    (home.teacher / f"{snapshot.id}-1" / "scores.jsonl").write_text(LONG)
    return placeholder


def left_in(home, *, canaries=CANARIES, apart=("roster.json", "backups")):
    """Every file of the home, byte for byte, and every row of every table."""
    found = []
    for path in home.root.rglob("*"):
        name = path.relative_to(home.root).as_posix()
        if path.is_file() and not name.startswith(apart):
            data = path.read_bytes().lower()
            found += [(name, one) for one in canaries if one.lower().encode() in data]
        found += [(name, one) for one in canaries if one.lower() in name.lower()]
    if not (home.root / "twin.db").exists():
        return found
    with closing(sqlite3.connect(home.root / "twin.db")) as connection:
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in connection.execute(f'SELECT * FROM "{table}"'):
                said = repr(row).lower()
                found += [(table, one) for one in canaries if one.lower() in said]
    return found


async def test_nothing_is_left_of_a_forgotten_person_in_any_file_or_table(world):
    home, settings, stores = world
    placeholder = await ingested(home, settings, stores)
    await talked(stores)
    await learned(home, settings, stores)
    await written(home, stores)
    await make_backup(home, settings, stores)
    await stores.facts.add(f"{NAME} is my dentist")
    planted = {where for where, _ in left_in(home)}
    assert planted >= TABLES

    receipt = await forget(home, settings, stores, await find_traces(home, settings, stores, NAME))
    assert left_in(home) == []
    assert receipt["answers_now"] == "sft-0"
    assert (await stores.adapters.live()).version == "sft-0"
    states = {one.version: (one.state, one.reasons) for one in await stores.adapters.all()}
    assert states["dpo-1"] == states["kto-2"] == (AdapterState.RETIRED, (MARK,))
    assert [one.name for one in home.adapters.iterdir()] == ["sft-0"]
    assert not [*home.rewards.iterdir(), *home.teacher.iterdir(), *home.corpora.iterdir()]
    [run] = await stores.runs.unfinished()
    assert (run.kind, run.id) == ("retrain", receipt["retrain"])
    assert receipt["what"] == placeholder
    assert receipt["vault"] == "forgotten"
    [backup] = receipt["backups"]
    assert backup.startswith("twin-")
    assert len(receipt["backups"][backup]) == len("2026-01-01")
    assert {"adapters/dpo-1", "rewards/reward-1", "cache/seen.txt"} <= set(receipt["files_removed"])
    assert receipt["files_rewritten"]["logs/twin.log"]["before"] != ""
    assert receipt["database_scrubbed"]
    [kept] = home.receipts.glob("*.json")
    assert json.loads(kept.read_text())["rows"] == receipt["rows"]
    assert placeholder in kept.with_suffix(".txt").read_text()
    # What is not theirs stays, without them.
    texts = [one.text for one in await stores.messages.get_all(await stores.messages.every_key())]
    assert "is the bread ready?" in texts
    assert "what does somebody mean?" in texts
    assert len(await stores.records.find()) == 41
    report = (await stores.adapters.get("sft-0")).report
    assert report["models"]["candidate"]["nll"] == 1.5
    with pytest.raises(Told, match="no person"):
        await find_traces(home, settings, stores, NAME)  # nothing is left to be found


async def on_the_servers(postgres_url, redis_url):
    """Where a canary is: every row of every table of every schema, and all that Redis holds."""
    found = set()
    raw = await asyncpg.connect(make_url(postgres_url).set(drivername="postgresql").render_as_string(False))
    tables = await raw.fetch(
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
        " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    )
    for (table,) in tables:
        for (row,) in await raw.fetch(f"SELECT to_jsonb(t)::text FROM {table} t"):
            found |= {table for one in CANARIES if one.lower() in row.lower()}
    await raw.close()
    with redis.Redis.from_url(redis_url) as client:
        for key in client.scan_iter():
            held = client.dump(key) + key
            if client.type(key) == b"string":
                held += client.get(key)
            found |= {f"redis {key!r}" for one in CANARIES if one.lower().encode() in held.lower()}
    return found


async def test_nothing_is_left_of_a_forgotten_person_on_postgres_and_in_redis(
    on_servers, postgres_url, redis_url
):
    home, settings, stores = on_servers
    await ingested(home, settings, stores)
    await talked(stores)
    await learned(home, settings, stores)
    await written(home, stores)
    await stores.facts.add(f"{NAME} is my dentist")
    for tag in (ANSWERS, RECALL):
        await stores.cache.set(f"twin:{tag}", {"text": LONG}, [tag])
    async with stores.database.transaction() as session:  # as an upgrade leaves it
        await session.execute(text("CREATE SCHEMA before_upgrade_from_0008"))
        await session.execute(text("CREATE TABLE before_upgrade_from_0008.messages AS TABLE messages"))
    planted = await on_the_servers(postgres_url, redis_url)
    assert {f"public.{table}" for table in TABLES} <= planted
    assert len([where for where in planted if where.startswith("redis")]) == 2

    receipt = await forget(home, settings, stores, await find_traces(home, settings, stores, NAME))
    assert await on_the_servers(postgres_url, redis_url) == set()
    assert left_in(home) == []
    assert "before_upgrade_from_0008" in receipt["files_removed"]
    assert receipt["database_scrubbed"]


async def test_forget_in_a_chat_leaves_nothing_of_what_they_said_or_did(world):
    home, settings, stores = world
    await talked(stores)
    await learned(home, settings, stores)
    await written(home, stores)
    client = ModelClient("http://127.0.0.1:9")  # nobody answers, and nobody is asked
    live = LiveAdapter(stores.adapters, client, "pocket")
    brain = Brain(client, live, stores.messages, persona(settings), base_model="pocket", sampling=Sampling())
    app = FakePlatform()
    talk = build_talk(brain, stores, settings, platforms=[app], unlearn=unlearning(home, settings, stores))
    answer = await privacy.forget_me(Person("telegram", ID, NAME), talk)
    await client.aclose()
    assert "Forgotten" in answer.text
    assert left_in(home, canaries=(ID, "marmalade submarine", SHORT)) == []
    assert (await stores.adapters.live()).version == "sft-0"
    assert await privacy.forget_person("telegram", ID, talk) == 0


async def test_who_opted_out_stays_so_and_backups_go_where_that_is_wanted(world):
    home, settings, stores = world
    await talked(stores)
    await stores.people.set_consent("telegram", ID, Consent.OPTED_OUT)
    made = await make_backup(home, settings, stores)
    traces = await find_traces(home, settings, stores, ACCOUNT)
    receipt = await forget(home, settings, stores, traces, with_backups=True)
    assert (receipt["backups"], receipt["backups_removed"]) == ({}, [made.path.name])
    assert not made.path.exists()
    assert await stores.people.consent("telegram", ID) is Consent.OPTED_OUT
    found = await asyncio.to_thread(left_in, home)
    assert {where for where, _ in found} <= {"people", "twin.db"}


async def test_a_training_that_goes_on_is_stopped_and_one_that_waits_is_not_doubled(world):
    home, settings, stores = world
    await talked(stores)
    await learned(home, settings, stores)
    running = await stores.runs.start("learn", "here:1")
    receipt = await forget(home, settings, stores, await find_traces(home, settings, stores, ACCOUNT))
    assert receipt["stopped_runs"] == [running.id]
    assert not await stores.runs.beat(running.id, 0.5)
    await talked(stores)
    again = await forget(home, settings, stores, await find_traces(home, settings, stores, ACCOUNT))
    assert again["retrain"] in (None, "one is queued already")
    assert [run.kind for run in await stores.runs.unfinished()] == ["learn", "retrain"]
