"""Is the whole twin in one file, does it come back the same, and is a file with a fault never believed?"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import io
import json
import os
import shutil
import signal
import sys
import tarfile
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from fakes import said, until
from records_said import years_of_chat
from sqlalchemy import create_engine
from tiny_gemma import make_adapter, make_tiny_gemma
from typer.testing import CliRunner

from brain.live_adapter import LiveAdapter
from brain.model_client import ModelClient, Sampling
from learning.corpus import build
from storage import schema, snapshot
from storage.records import Adapter, AdapterState, Feedback, Role, RunState, Signal
from twin.backup import Kept, backups, make_backup, outdated, without_secrets
from twin.build import open_stores, persona, running_servers
from twin.cli import app
from twin.home import Home
from twin.restore import STAGING, restore
from twin.settings import read_settings
from twin.snapshots import newest_corpus

ROOT = Path(__file__).parents[2]
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
SECRETS = {
    "TWIN_DISCORD__TOKEN": "canary-discord-token-91",
    "TWIN_TELEGRAM__TOKEN": "77:canary-telegram-token-92",
    "TWIN_BACKUP__PASSPHRASE": "canary-passphrase-93",
    "TWIN_SYNC__GITHUB_TOKEN": "canary-github-token-94",
}
SETTINGS = """\
[owner]
name = "Mira"
# token = "canary-in-a-comment-95"

[storage]
# url = "postgresql+asyncpg://mira:canary-in-a-url-96@db/twin"

[telegram]
base_url = "http://me:canary-in-a-url-97@127.0.0.1:8081/bot"

[model]
max_tokens = 99
"""


def weights(folder, seed=0):
    """An adapter's folder as far as a backup looks at it."""
    folder.mkdir(parents=True)
    for name in ("adapter_config.json", "adapter_model.safetensors", "manifest.json"):
        (folder / name).write_bytes(f"{name} {seed}".encode() * 1000)
    return folder


async def fill(home):
    """A twin with a past: records, chats, feedback, three adapters, one of them live, and who is who."""
    home.make()
    home.settings_file.write_text(SETTINGS)
    settings = read_settings(home)
    home.pseudonym_key()
    for name in ("roster.json", "review.json", "corrections.json", "vault.bin"):
        (home.root / name).write_text(json.dumps({"of": name}))
    (home.root / ".env").write_text("TWIN_TELEGRAM__WEBHOOK_SECRET=canary-in-env-98\n")
    (home.logs / "twin.log").write_text("canary-in-a-log-99")
    async with open_stores(home, settings) as stores:
        records = years_of_chat(10)
        await stores.records.add_all(records)
        old = build(years_of_chat(6, seed=1), persona(settings), home.corpora, settings.learning.corpus)
        new = build(records, persona(settings), home.corpora, settings.learning.corpus)
        unused = build(years_of_chat(6, seed=2), persona(settings), home.corpora, settings.learning.corpus)
        for age, one in enumerate((new, unused, old)):
            os.utime(one.path / "card.json", (NOON.timestamp() - age, NOON.timestamp() - age))
        for version, corpus in (("sft-1", old), ("dpo-2", None), ("kto-3", unused)):
            folder = weights(home.adapters / version)
            corpus = corpus.id if corpus else None
            await stores.adapters.add(
                Adapter(version, "pocket", version[:3], str(folder), version, NOON, corpus=corpus)
            )
        await stores.adapters.set_state("kto-3", AdapterState.REFUSED, ["Worse."])
        await stores.adapters.go_live("sft-1", "a test")
        await stores.adapters.go_live("dpo-2", "a test")
        await stores.messages.add(said("is there bread?", number="1"))
        await stores.feedback.record(Feedback("telegram:~1", "sam", Role.OWNER, Signal.UP, NOON))
        await stores.runs.start("learn", "elsewhere:1")
        (home.preferences / "cafe").mkdir()
        (home.preferences / "cafe" / "card.json").write_text("{}")
    return old.id, new.id, unused.id


@pytest.fixture
def home(tmp_path, monkeypatch):
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    return Home(tmp_path / "home")


def twin(home, *arguments):
    root = home.root if isinstance(home, Home) else home
    return CliRunner().invoke(app, ["--home", str(root), *map(str, arguments)])


def told(result, *words):
    assert result.exit_code in (1, 2), result.output
    assert not result.exception or isinstance(result.exception, SystemExit), result.exception
    text = "".join(result.stderr.split())  # a long path is cut wherever the line ends
    assert all("".join(word.split()) in text for word in words), text


def shown(home, *arguments):
    result = twin(home, *arguments)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def lists(home):
    """What a person may ask of a twin."""
    return {
        command: shown(home, *command.split(), "--json")
        for command in ("records list --limit 99", "feedback list", "adapters list")
    }


def everything_in(archive: Path) -> dict[str, bytes]:
    with tarfile.open(archive) as tar:
        return {entry.name: tar.extractfile(entry).read() for entry in tar}


async def test_the_same_twin_comes_back_in_an_empty_home(home, tmp_path, monkeypatch):
    old, new, _ = await fill(home)
    before = await asyncio.to_thread(lists, home)
    made = await asyncio.to_thread(shown, home, "backup", "--json")
    assert made["secrets"] == sorted([*SECRETS, "TWIN_TELEGRAM__WEBHOOK_SECRET"])
    assert made["adapters"] == ["dpo-2", "sft-1"]  # the refused one answers nobody any more
    inside = everything_in(Path(made["path"]))
    assert {name.split("/")[1] for name in inside if name.startswith("corpora/")} == {old, new}
    for name in SECRETS:
        monkeypatch.delenv(name)

    other = Home(tmp_path / "other machine" / "home")
    result = await asyncio.to_thread(twin, other, "restore", made["path"], "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["secrets"] == made["secrets"]  # to be set here, too
    after = await asyncio.to_thread(lists, other)
    paths = {one["version"]: one.pop("path") for one in after["adapters list"]}
    assert paths["dpo-2"] == str(other.adapters / "dpo-2")
    for one in before["adapters list"]:
        del one["path"]
    assert after == before
    assert newest_corpus(other).id == new
    cards = [one.corpora / new / "card.json" for one in (home, other)]
    assert cards[0].stat().st_mtime == cards[1].stat().st_mtime  # by which the newest is told
    for name in ("pseudonym.key", "vault.bin", "roster.json", "adapters/dpo-2/adapter_model.safetensors"):
        assert (other.root / name).read_bytes() == (home.root / name).read_bytes()
    assert (other.root / "pseudonym.key").stat().st_mode & 0o777 == 0o600
    assert read_settings(other).model.max_tokens == 99
    async with open_stores(other, read_settings(other)) as stores:
        assert (await stores.adapters.live()).version == "dpo-2"
        assert (await stores.adapters.roll_back("a test")).version == "sft-1"
        assert [run.state for run in await stores.runs.all()] == [RunState.FAILED]
    assert not (other.root / STAGING).exists()
    assert not [one for one in home.root.iterdir() if one.name.startswith(".backup")]


async def test_no_secret_is_in_a_backup_wherever_it_was_written(home):
    await fill(home)
    made = await asyncio.to_thread(shown, home, "backup", "--json")
    for name, content in everything_in(Path(made["path"])).items():
        assert b"canary-" not in content, name
    text = '[storage]\nurl = "sqlite+aiosqlite:////srv/twin.db"\n[learning]\nmax_tokens = 5\n'
    assert without_secrets(text, ["sqlite+aiosqlite:////srv/twin.db"]) == text
    url = '[storage]\nurl = "postgresql://me:canary@db/twin?password=canary&ssl=on"\n'
    left = '[storage]\nurl = "postgresql://me@db/twin?password=&ssl=on"\n'
    assert without_secrets(url, ["postgresql://me:canary@db/twin?password=canary&ssl=on"]) == left


async def test_a_backup_while_the_twin_is_written_to_is_one_moment_and_rotation_keeps_days_and_weeks(home):
    await fill(home)
    settings = read_settings(home)
    folder = home.root / "backups"
    folder.mkdir()
    now = datetime.now(UTC)
    for age in (1, 2, 3, 40, 50):
        (folder / f"twin-{now - timedelta(days=age):%Y%m%d-%H%M%S}.tar.gz").write_bytes(b"")
    (folder / "twin of my own.tar.gz").write_bytes(b"")
    stop = asyncio.Event()
    async with open_stores(home, settings) as stores:

        async def talk():
            number = 100
            while not stop.is_set():
                question = said("?", number=str(number))
                await stores.messages.add(question, waiting=True)
                reply = said("!", number=f"{number}a", by_twin=True, reply_to=question.key)
                await stores.messages.plan(reply, ["!"], [question.key])
                number += 1

        talking = asyncio.create_task(talk())
        made = await make_backup(home, settings, stores)
        stop.set()
        await talking
    assert [path.name for path in made.removed] == [
        f"twin-{now - timedelta(days=age):%Y%m%d-%H%M%S}.tar.gz" for age in (50, 40)
    ]
    assert (folder / "twin of my own.tar.gz").exists()
    assert backups(home, settings)[-1].path == made.path
    database = folder / "copy.db"
    database.write_bytes(everything_in(made.path)["twin.db"])
    assert snapshot.rows_of(database)["deliveries"] in (
        snapshot.rows_of(database)["messages"] // 2,
        (snapshot.rows_of(database)["messages"] - 1) // 2,
    )


def test_the_newest_of_each_day_and_week_stays_and_of_all_the_newest():
    def made(*ages):
        return [Kept(Path(f"{age}"), NOON - timedelta(days=age)) for age in sorted(ages, reverse=True)]

    def gone(ages, days, weeks, at=NOON):
        return [float(one.path.name) for one in outdated(made(*ages), at, days, weeks)]

    assert gone([0.1, 0.2, 1.1, 1.2, 8, 9], 2, 0) == [9, 8, 1.2, 0.2]
    assert gone([0.1, 1, 2, 7, 8, 9, 13.9, 40], 1, 2) == [40, 13.9, 9, 8, 7, 2]  # NOON is a Monday
    assert gone([30, 31], 1, 1) == [31]
    assert gone([], 7, 4) == []
    kept = Kept(Path("x"), NOON)
    assert kept.gone_by(read_settings(Home(Path("/nowhere")))) == NOON + timedelta(days=28)


@pytest.fixture
async def sealed(home):
    await fill(home)
    made = await asyncio.to_thread(
        shown, home, "backup", home.root.parent / "b.sealed", "--encrypt", "--json"
    )
    return Path(made["path"])


async def test_an_encrypted_one_opens_with_its_passphrase_only_and_changes_are_told(
    home, sealed, tmp_path, monkeypatch
):
    data = sealed.read_bytes()
    assert b"twin.db" not in data
    other = Home(tmp_path / "other")

    def restore(name, content):
        (tmp_path / name).write_bytes(content)
        return twin(other, "restore", tmp_path / name)

    def work():
        told(restore("cut", data[:-100]), "cut short")
        told(restore("head", data[:20]), "cut short")
        told(restore("changed", data[:5000] + b"?" + data[5001:]), "changed")
        monkeypatch.setenv("TWIN_BACKUP__PASSPHRASE", "wrong")
        told(restore("whole", data), "the passphrase does not fit")
        monkeypatch.delenv("TWIN_BACKUP__PASSPHRASE")
        told(twin(other, "restore", sealed), "needs a passphrase", "TWIN_BACKUP__PASSPHRASE")
        assert not [one for one in other.root.iterdir() if one.suffix != ".lock"]  # nothing half restored
        (other.root / ".env").write_text(f"TWIN_BACKUP__PASSPHRASE={SECRETS['TWIN_BACKUP__PASSPHRASE']}\n")
        assert twin(other, "restore", sealed).exit_code == 0

    await asyncio.to_thread(work)
    assert (other.root / ".env").exists()


class Stop:
    """Stops what it is shown the progress of, as soon as it does that."""

    def __init__(self, at: str, share: float = 0.0) -> None:
        self.at, self.share, self.happened, self.afterwards = at, share, False, 0

    async def within(self, work):
        self.loop, threads = asyncio.get_running_loop(), ThreadPoolExecutor()
        self.loop.set_default_executor(threads)
        self.task = asyncio.ensure_future(work)
        with pytest.raises(asyncio.CancelledError):
            await self.task
        threads.shutdown()  # whoever still wrote is done now
        self.loop.set_default_executor(ThreadPoolExecutor())
        assert (self.happened, self.afterwards) == (True, 0)

    def __call__(self, share, doing):
        self.afterwards += self.happened
        if doing == self.at and share >= self.share and not self.happened:
            self.happened = True
            told = threading.Event()
            self.loop.call_soon_threadsafe(lambda: (self.task.cancel(), self.loop.call_soon(told.set)))
            told.wait()


@pytest.mark.parametrize("at", ["writing", "reading it again"])
async def test_a_backup_that_is_stopped_leaves_nothing_behind_that_could_be_taken_for_one(home, at):
    await fill(home)
    settings, stop = read_settings(home), Stop(at)
    async with open_stores(home, settings) as stores:
        before = {path.name for path in home.root.iterdir()}
        await stop.within(make_backup(home, settings, stores, on_progress=stop))
        assert list((home.root / "backups").iterdir()) == []
        assert {path.name for path in home.root.iterdir()} - before == {"backups", "backup.lock"}


async def test_a_restore_that_is_stopped_leaves_an_empty_home_and_works_the_second_time(home, tmp_path):
    await fill(home)
    (home.adapters / "sft-1" / "large.bin").write_bytes(bytes(9 << 20))  # so that it is within this one
    settings = read_settings(home)
    async with open_stores(home, settings) as stores:
        made = await make_backup(home, settings, stores, target=tmp_path / "kept.tar.gz")
    there, stop = Home(tmp_path / "there"), Stop("unpacking", share=0.45)
    await stop.within(restore(there, made.path, str, on_progress=stop))
    assert sorted(path.name for path in there.root.iterdir()) == ["restore.lock", "up.lock"]
    result = await asyncio.to_thread(twin, there, "restore", made.path)
    assert result.exit_code == 0, result.stderr


def rewritten(archive: Path, target: Path, change) -> Path:
    """The archive with something changed in it: `change` gets and gives {name: content or TarInfo}."""
    members = change(everything_in(archive))
    with gzip.open(target, "wb") as packed, tarfile.open(fileobj=packed, mode="w|") as tar:
        for name, content in members.items():
            entry = content if isinstance(content, tarfile.TarInfo) else tarfile.TarInfo(name)
            if not isinstance(content, tarfile.TarInfo):
                entry.size = len(content)
            tar.addfile(entry, None if entry is content else io.BytesIO(content))
    return target


def with_manifest(**changes):
    def change(members):
        manifest = json.loads(members["manifest.json"]) | changes
        return members | {"manifest.json": json.dumps(manifest).encode()}

    return change


def with_member(name, entry=None, content=b"x"):
    def change(members):
        manifest = json.loads(members["manifest.json"])
        digest = hashlib.sha256(content).hexdigest()
        manifest["members"][name] = {"sha256": digest, "size": len(content), "mode": 0o644, "mtime": 0}
        return members | {"manifest.json": json.dumps(manifest).encode(), name: entry or content}

    return change


def link(name, target):
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = tarfile.SYMTYPE, target
    return entry


async def test_whatever_is_wrong_with_a_backup_is_told_and_nothing_is_restored(home, tmp_path):
    await fill(home)
    good = Path((await asyncio.to_thread(shown, home, "backup", tmp_path / "good.tar.gz", "--json"))["path"])
    other = Home(tmp_path / "other")
    damaged = bytearray(everything_in(good)["twin.db"])
    damaged[8192:9000] = b"\xff" * 808

    def database(members):
        return with_member("twin.db", content=bytes(damaged))(members)

    wrong = [
        (lambda found: found | {"roster.json": b"{}"}, "does not belong there"),
        (lambda found: found | {"roster.json": found["roster.json"].replace(b"of", b"if")}, "was changed"),
        (lambda found: {name: found[name] for name in list(found)[:-1]}, "is missing"),
        (lambda found: {"twin.db": found["twin.db"]}, "does not begin with a manifest"),
        (lambda found: found | {"manifest.json": b"nonsense"}, "manifest cannot be read"),
        (lambda found: found | {"manifest.json": b"[]"}, "manifest cannot be read"),
        (with_manifest(format=2), "a newer twin"),
        (with_manifest(schema="9999"), "made by a newer twin"),
        (with_member("../escaped"), "does not belong there"),
        (with_member("/escaped"), "does not belong there"),
        (with_member("adapters/x", link("adapters/x", "/etc")), "does not belong there"),
        (database, "database in it is damaged"),
    ]

    def work():
        for number, (change, words) in enumerate(wrong):
            told(twin(other, "restore", rewritten(good, tmp_path / f"{number}", change)), words)
        for cut in (5, 200, len(good.read_bytes()) - 9):
            (tmp_path / "cut").write_bytes(good.read_bytes()[:cut])
            told(twin(other, "restore", tmp_path / "cut"), "cannot be used")
        (tmp_path / "text").write_text("hello")
        told(twin(other, "restore", tmp_path / "text"), "no backup of a twin")
        told(twin(other, "restore", tmp_path / "nothing"), "nothing")
        told(twin(home, "restore", good), "is not empty", "--force")

    await asyncio.to_thread(work)
    assert not [one for one in other.root.iterdir() if one.suffix != ".lock"]
    assert not (tmp_path / "escaped").exists()


async def test_force_sets_aside_what_was_there(home, tmp_path):
    await fill(home)

    def work():
        made = shown(home, "backup", "--json")
        home.settings_file.write_text('[owner]\nname = "Somebody else"\n')
        done = shown(home, "restore", made["path"], "--force", "--json")
        told(twin(home, "backup", made["path"]), "is there already")
        return made, done

    made, done = await asyncio.to_thread(work)
    assert read_settings(home).owner.name == "Mira"
    assert "Somebody else" in (Path(done["set_aside"]) / "twin.toml").read_text()
    assert Path(made["path"]).exists()  # the folder of backups stays where it is


async def test_a_backup_of_an_older_schema_is_led_on_to_this_one(home, tmp_path):
    await fill(home)
    made = await asyncio.to_thread(shown, home, "backup", tmp_path / "b.tar.gz", "--json")
    _first_schemas(tmp_path / "old.db")
    old = rewritten(Path(made["path"]), tmp_path / "old.tar.gz", with_manifest(schema="0002"))
    content = (tmp_path / "old.db").read_bytes()
    old = rewritten(old, tmp_path / "older.tar.gz", with_member("twin.db", content=content))
    other = Home(tmp_path / "other")
    assert (await asyncio.to_thread(twin, other, "restore", old)).exit_code == 0
    async with open_stores(other, read_settings(other)) as stores:
        assert (await stores.adapters.live()).path == str(other.adapters / "dpo-2")
        assert [fact.text for fact in await stores.facts.all()] == ["bakes"]


def _first_schemas(file):
    """A database as it was two steps after the first one."""
    engine = create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        config = schema._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        connection.exec_driver_sql(
            "INSERT INTO adapters (version, base_model, method, path, sha256, created_at, recipe, lineage,"
            " report, state, reasons) VALUES ('dpo-2', 'pocket', 'dpo', '/old', '', '2026-01-01 00:00:00',"
            " '{}', '[]', '{}', 'live', '[]')"
        )
        connection.exec_driver_sql("INSERT INTO facts VALUES ('1', 'bakes', '2026-01-01 00:00:00')")
    engine.dispose()


async def test_a_twin_moves_from_a_file_to_a_server_and_back(home, tmp_path, postgres_url, monkeypatch):
    await fill(home)
    before = await asyncio.to_thread(lists, home)
    made = await asyncio.to_thread(shown, home, "backup", tmp_path / "b.tar.gz", "--json")
    monkeypatch.setenv("TWIN_STORAGE__URL", postgres_url)
    there = Home(tmp_path / "there")
    assert (await asyncio.to_thread(twin, there, "restore", made["path"])).exit_code == 0
    assert not (there.root / "twin.db").exists()
    again = await asyncio.to_thread(shown, there, "backup", tmp_path / "c.tar.gz", "--json")
    assert again["rows"] == made["rows"]
    full = await asyncio.to_thread(twin, Home(tmp_path / "third"), "restore", made["path"])
    told(full, "is not empty", "--force")
    monkeypatch.delenv("TWIN_STORAGE__URL")
    back = Home(tmp_path / "back")
    assert (await asyncio.to_thread(twin, back, "restore", again["path"])).exit_code == 0
    after = await asyncio.to_thread(lists, back)
    for one in [*before["adapters list"], *after["adapters list"]]:
        del one["path"]
    assert after == before


async def test_what_is_restored_goes_by_the_id_that_it_has_here(home, tmp_path, postgres_url, monkeypatch):
    await fill(home)
    made = await asyncio.to_thread(shown, home, "backup", tmp_path / "b.tar.gz", "--json")
    monkeypatch.setenv("TWIN_STORAGE__TWIN", "ada")
    told(
        await asyncio.to_thread(twin, home, "records", "list"), "belongs to the twin 'twin'", "[storage] twin"
    )
    for number, url in enumerate(["", postgres_url, ""]):  # a file, a server, and a file again
        monkeypatch.setenv("TWIN_STORAGE__URL", url)
        there = Home(tmp_path / f"there{number}")
        assert (await asyncio.to_thread(twin, there, "restore", made["path"])).exit_code == 0
        again = await asyncio.to_thread(shown, there, "backup", tmp_path / f"{number}.tar.gz", "--json")
        assert again["rows"] == made["rows"]
        made = again


@pytest.mark.timeout(120)
async def test_the_service_starts_on_what_was_restored_and_answers_with_the_same_adapter(
    tmp_path, monkeypatch
):
    base = make_tiny_gemma(tmp_path / "tiny", steps=1)
    monkeypatch.setenv("TWIN_MODEL__BASE", str(base))
    monkeypatch.setenv("TWIN_API__ON", "false")  # whoever else has its port here
    home, other = Home(tmp_path / "home"), Home(tmp_path / "other")
    home.make()
    home.settings_file.write_text('[owner]\nname = "Sam"\n')
    folder = make_adapter(home.adapters / "sft-1", base, seed=1)
    async with open_stores(home, read_settings(home)) as stores:
        await stores.adapters.add(Adapter("sft-1", "tiny", "sft", str(folder), "0" * 64, NOON))
        await stores.adapters.go_live("sft-1", "test")
    made = await asyncio.to_thread(shown, home, "backup", "--json")
    assert (await asyncio.to_thread(twin, other, "restore", made["path"])).exit_code == 0
    shutil.copytree(home.adapters / "sft-1", other.adapters / "as-it-was")
    shutil.rmtree(home.root)
    command = [sys.executable, "-m", "twin", "--home", str(other.root), "up"]
    with (tmp_path / "output").open("wb") as output:
        process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=output, stderr=output)
    try:
        await until(lambda: (other.root / "server.json").exists(), 120)
        urls, _ = running_servers(other)
        exactly, prompt = Sampling(temperature=0, max_tokens=12), [{"role": "user", "content": "the cat"}]
        async with open_stores(other, read_settings(other)) as stores:
            client = ModelClient(urls[0], timeout=20)
            live = LiveAdapter(stores.adapters, client, "tiny")
            with await live.answering("a chat") as speaking:
                answer = (await client.chat(speaking.model, prompt, exactly)).text
            await client.load_adapter("as-it-was", str(other.adapters / "as-it-was"))
            assert speaking.model == "sft-1"
            assert answer == (await client.chat("as-it-was", prompt, exactly)).text
            assert answer != (await client.chat("tiny", prompt, exactly)).text
            await client.aclose()
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 30) == 0, (tmp_path / "output").read_text()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
