"""What does a person see who mistypes, points at nothing, or breaks something?"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import typer
from fakes import until
from typer.testing import CliRunner

from storage.adapters import AdapterStore
from storage.database import Database
from storage.records import Adapter, now
from twin import console
from twin.cli import app

ROOT = Path(__file__).parents[2]
MIRA = ROOT / "examples" / "mira"


@pytest.fixture
def twin(tmp_path):
    """Run one command in a home; returns the exit code, what was printed, and what was told."""

    def run(*arguments):
        done = CliRunner().invoke(app, ["--home", str(tmp_path / "home"), *map(str, arguments)])
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.exit_code, done.stdout, done.stderr

    run.home = tmp_path / "home"
    return run


@pytest.fixture
def mira(twin):
    twin.home.mkdir()
    shutil.copy(MIRA / "twin.toml", twin.home)
    return twin


def test_init_writes_settings_that_can_be_read_and_never_overwrites_them(twin):
    assert twin("init", 'Sam "the" Owner')[0] == 0
    assert twin("records", "list")[0] == 0
    code, _, told = twin("init", "Other")
    assert (code, "is there already" in told) == (1, True)


def test_init_leaves_no_empty_settings_where_they_cannot_be_written(twin):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        code, _, told = twin("init", "Sam")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (code, "File too large" in told) == (1, True)
    assert twin("init", "Sam")[0] == 0


def test_a_name_that_is_no_text_is_told(twin):
    code, _, told = twin("init", "Sam\udcff")
    assert (code, "no text in UTF-8" in told) == (2, True)
    assert twin("init", "Sam")[0] == 0


def test_usage_is_told_by_day_person_or_chat_and_by_nothing_else(mira):
    code, printed, _ = mira("usage", "--by", "person", "--json")
    assert (code, json.loads(printed)) == (0, {"by": "person", "days": 30, "usage": {}})
    assert mira("usage")[0] == 0
    code, _, told = mira("usage", "--by", "moon")
    assert (code, "day, person, chat" in told) == (2, True)


def test_a_form_of_logs_that_is_not_there_is_told(mira):
    with (mira.home / "twin.toml").open("a") as file:
        file.write('\n[logs]\nformat = "xml"\n')
    code, _, told = mira("usage")
    assert (code, "logs.format" in told) == (1, True)


def test_an_export_is_read_once_and_the_ledger_closes(mira):
    code, printed, _ = mira("ingest", "telegram", MIRA / "telegram", "--json")
    ledger = json.loads(printed)
    assert code == 0
    assert ledger["seen"] == ledger["kept"] + ledger["merged"] + sum(ledger["dropped"].values()) + sum(
        ledger["failed"].values()
    )
    again = json.loads(mira("ingest", "auto", MIRA / "telegram", "--json")[1])
    assert (again["kept"], again["merged"] + sum(again["dropped"].values())) == (0, again["seen"])
    once_more = json.loads(mira("ingest", "telegram", MIRA / "telegram", "--again", "--json")[1])
    assert (again["unchanged"], once_more["unchanged"]) == (True, False)


def test_records_can_be_listed_shown_and_exported(mira, tmp_path):
    mira("ingest", "journal", MIRA / "journal")
    listed = json.loads(mira("records", "list", "--limit", "3", "--json")[1])
    assert len(listed) == 3
    shown = json.loads(mira("records", "show", listed[-1]["id"][:12], "--json")[1])
    assert shown == listed[-1]
    target = tmp_path / "out.jsonl"
    code, printed, _ = mira("records", "export", target, "--since", "2025-01-01", "--json")
    rows = [json.loads(line) for line in target.read_text().splitlines()]
    assert (code, json.loads(printed)) == (0, {"written": len(rows), "path": str(target)})
    assert rows
    assert min(row["said_at"] for row in rows) >= "2025-01-01"


def test_the_owner_says_what_a_record_is_about_and_a_new_import_does_not_undo_it(mira):
    mira("ingest", "journal", MIRA / "journal")
    (record,) = json.loads(mira("records", "list", "--limit", "1", "--json")[1])
    code, printed, _ = mira("records", "tag", record["id"][:12], "technical, garden", "--json")
    told = json.loads(printed)
    assert (code, told["id"], told["others"]) == (0, record["id"], 0)
    assert {"technical", "garden"} <= set(told["tags"])
    assert not {"personal", "creative"} & set(told["tags"])
    again = json.loads(mira("ingest", "journal", MIRA / "journal", "--json")[1])
    assert again["kept"] == 0
    assert json.loads(mira("records", "show", record["id"], "--json")[1])["tags"] == told["tags"]
    assert record["lang"] == "en"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["ingest", "nonsense", "x"], 2, "no source 'nonsense'"),
        (["ingest", "telegram", "/nowhere/at/all"], 2, "nothing at /nowhere/at/all"),
        (["ingest", "auto", "pyproject.toml"], 1, "no export I know"),
        (["corpus", "build"], 1, "nothing was ingested yet"),
        (["corpus", "show"], 1, "no snapshot"),
        (["train", "sft"], 1, "no snapshot to learn from"),
        (["train", "sft", "--recipe", "/nowhere.toml"], 1, "/nowhere.toml"),
        (["train", "distil"], 1, "[learning] teacher"),
        (["adapters", "rollback"], 1, "nothing to go back to"),
        (["adapters", "show", "sft-9"], 2, "no adapter sft-9"),
        (["records", "show", "zzz"], 2, "no record"),
        (["records", "tag", "zzz", "technical"], 2, "no record"),
        (["records", "tag", "zzz", "a b,!"], 2, "no list of tags"),
        (["serve", "--engine", "steam"], 2, "no engine 'steam'"),
        (["frobnicate"], 2, "No such command"),
    ],
)
def test_what_goes_wrong_is_told_in_words_with_the_right_exit_code(mira, monkeypatch, arguments, code, words):
    monkeypatch.chdir(ROOT)
    got, _, told = mira(*arguments)
    assert got == code
    assert words in told.replace("\n", " ")
    assert "Traceback" not in told


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["adapters", "promote", "sft-9"], "no adapter sft-9"),
        (["adapters", "canary", "sft-9"], "no adapter sft-9"),
        (["adapters", "export", "sft-9", "there", "--format", "steam"], "no format steam"),
        (["evaluate", "sft-9", "--ab", "there"], "no adapter sft-9"),
        (["evaluate", "sft-1"], "no snapshot to learn from"),
        (["train", "sft"], "no snapshot to learn from"),
        (["learn"], "no snapshot to learn from"),
    ],
)
def test_what_is_missing_is_told_before_a_model_is_made_ready(mira, monkeypatch, arguments, words):
    asyncio.run(one_adapter(mira.home))
    monkeypatch.setenv("TWIN_CACHE", "/dev/null/no room for a pocket model")
    _, _, told = mira(*arguments)
    assert words in told.replace("\n", " ")


async def one_adapter(home):
    database = await Database.open(f"sqlite+aiosqlite:///{home / 'twin.db'}")
    try:
        adapter = Adapter("sft-1", "pocket", "sft", str(home / "adapters" / "sft-1"), "0" * 64, now())
        await AdapterStore(database).add(adapter)
    finally:
        await database.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_whoever_is_asked_to_stop_tidies_up_and_ends_with_130(number, capsys):
    tidied = []

    async def work():
        os.kill(os.getpid(), number)
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            tidied.append(number)

    before = {
        signal.SIGTERM: signal.signal(signal.SIGTERM, lambda *_: pytest.fail("nobody listens")),
        signal.SIGINT: signal.signal(signal.SIGINT, signal.default_int_handler),  # ignored in the background
    }
    try:
        with pytest.raises(typer.Exit) as ended:
            console.run(work())
    finally:
        for one, how in before.items():
            signal.signal(one, how)
    assert (ended.value.exit_code, tidied) == (130, [number])
    assert "stopped" in capsys.readouterr().err


@pytest.mark.timeout(300)
def test_stopped_while_the_pocket_model_is_trained_it_leaves_nothing_of_it(mira, tmp_path):
    shelf = tmp_path / "cache" / "pocket"
    with subprocess.Popen(
        [sys.executable, "-m", "twin", "--home", mira.home, "chat"],
        env=os.environ | {"TWIN_CACHE": str(shelf.parent), "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as command:
        asyncio.run(until(lambda: command.poll() is not None or psutil.Process(command.pid).children()))
        trainers = psutil.Process(command.pid).children(recursive=True)
        assert [path.is_dir() for path in shelf.glob("partial-*")] == [True]
        command.send_signal(signal.SIGTERM)
        try:
            _, told = command.communicate(timeout=120)
        finally:
            command.kill()
    assert (command.returncode, "stopped" in told, bool(trainers)) == (130, True, True), told
    assert not [path for path in shelf.iterdir() if path.is_dir()]
    assert not psutil.wait_procs(trainers, timeout=30)[1]


@pytest.mark.parametrize("command", ["chat", "up"])
def test_a_twin_of_nobody_is_told_before_a_model_is_made_ready(twin, monkeypatch, command):
    monkeypatch.setenv("TWIN_CACHE", "/dev/null/no room for a pocket model")
    code, _, told = twin(command)
    assert (code, "owner.name is not set" in told.replace("\n", " ")) == (1, True)


def test_a_wrong_setting_stops_every_command(mira):
    (mira.home / "twin.toml").write_text('[model]\nbsae = "pocket"\n')
    code, _, told = mira("records", "list")
    assert (code, "Did you mean 'base'?" in told.replace("\n", " ")) == (1, True)


def test_a_damaged_database_is_told_and_left_alone(mira):
    (mira.home / "twin.db").write_bytes(b"this is no database" * 1000)
    code, _, told = mira("records", "list")
    assert code == 1
    assert "Traceback" not in told
    assert (mira.home / "twin.db").read_bytes().startswith(b"this is no database")


def test_a_dead_model_server_is_told_with_what_to_do(mira, monkeypatch):
    monkeypatch.setenv("TWIN_MODEL__SERVERS", '["http://127.0.0.1:9/v1"]')
    monkeypatch.setenv("TWIN_MODEL__BASE", str(MIRA))
    code, _, told = mira("chat")
    assert (code, "twin serve" in told) == (1, True)


def test_doctor_says_what_is_missing(twin):
    code, printed, _ = twin("doctor", "--json")
    found = {finding["what"]: finding for finding in json.loads(printed)}
    assert code == 1
    assert found["database"]["well"]
    assert found["owner"]["advice"] == "twin init NAME"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_told_and_leaves_no_half_a_file(mira):
    mira("ingest", "journal", MIRA / "journal")
    command = [sys.executable, "-m", "twin", "--home", mira.home, "records", "list", "--json"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, env={**os.environ}
        )
    assert done.returncode == 1
    assert "the disk is full" in done.stderr


def test_a_recipe_with_a_wrong_key_names_it(mira, tmp_path):
    recipe = tmp_path / "recipe.toml"
    recipe.write_text("lerning_rate = 1\n")
    code, _, told = mira("train", "sft", "--recipe", recipe)
    assert (code, "lerning_rate" in told) == (1, True)


def test_a_recipe_in_another_encoding_is_told_by_name(mira, tmp_path):
    recipe = tmp_path / "recipe.toml"
    recipe.write_bytes("epochs = 1".encode("utf-16"))
    code, _, told = mira("train", "sft", "--recipe", recipe)
    assert (code, "recipe.tomlisnotextinUTF-8" in "".join(told.split())) == (1, True)  # a long path is cut


def test_whoever_said_nothing_in_their_exports_is_told_where_it_is_said_who_they_are(twin, tmp_path):
    twin("init", "Nobody Else")
    lines = [f"12/05/2024, 10:{at} - {who}: hello {at}" for at in range(10, 20) for who in ("Ana", "Ben")]
    (tmp_path / "chat.txt").write_text("\n".join(lines))
    twin("ingest", "whatsapp", tmp_path / "chat.txt")
    code, _, told = twin("corpus", "build")
    assert (code, "nothing of it is by you: [owner] in twin.toml" in told.replace("\n", " ")) == (0, True)


def test_memory_search_shows_what_would_come_back_in_a_chat(mira):
    mira("ingest", "journal", MIRA / "journal")
    (record,) = json.loads(mira("records", "list", "--limit", "1", "--json")[1])
    words = record["text"].split()[:8]
    found = json.loads(mira("memory", "search", *words, "--json")[1])
    assert record["id"] in [one["key"] for one in found]
    assert {one["audience"] for one in found} == {"owner"}
    assert json.loads(mira("memory", "search", *words, "--for", "telegram:42", "--json")[1]) == []
    assert json.loads(mira("memory", "stats", "--json")[1])["said"] > 0
    assert (mira("memory", "search", " ")[0], mira("memory", "search", "x", "--for", "nowhere")[0]) == (2, 2)
    forgotten = json.loads(mira("forget", record["id"], "--yes", "--json")[1])
    assert forgotten["memories"] == 1
    found = json.loads(mira("memory", "search", *words, "--json")[1])
    assert record["id"] not in [one["key"] for one in found]


def test_sections_of_the_settings_are_named_in_the_help(twin):
    assert "[backup]" in twin("backup", "--help")[1]


def test_evaluate_without_an_adapter_asks_for_one(twin):
    code, _, told = twin("evaluate")
    assert code == 2
    assert "which adapter?" in told


@pytest.mark.parametrize(
    "wrong",
    [
        ("usage", "--days", 10**11),
        ("usage", "--days", 10**6),
        ("records", "list", "--limit", 10**20),
        ("records", "list", "--limit", -1),
        ("runs", "list", "--limit", 10**20),
        ("token", "create", "x", "--days", 10**11),
        ("serve", "--port", 99999),
        ("serve", "--replicas", 0),
        ("serve", "--replicas", 65),
        ("serve", "--engine", "embedded", "--port", 65_535, "--replicas", 2),
        ("api", "--port", -1),
    ],
)
def test_a_number_beyond_all_sense_is_wrong_usage(twin, wrong):
    code, _, told = twin(*wrong)
    assert code == 2
    assert wrong[-2] in told


INTERRUPTED = """
import sys
class CtrlC:
    def find_spec(self, name, *_):
        if name == "twin.build":
            raise KeyboardInterrupt
sys.meta_path.insert(0, CtrlC())
from twin.__main__ import main
main()
"""


def test_ctrl_c_while_the_program_is_still_loading_ends_it_in_words():
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (130, "stopped before anything was begun\n")


def test_a_terminal_without_our_signs_is_told_all_the_same(tmp_path):
    command = [sys.executable, "-m", "twin", "--home", str(tmp_path), "doctor", "--quick"]
    ascii_only = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, cwd=ROOT, env=ascii_only, capture_output=True, text=True)
    assert "Traceback" not in done.stderr
    assert "? " in done.stdout
