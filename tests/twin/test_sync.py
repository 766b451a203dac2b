"""Does `twin sync` read what is configured, say what happened, and go on where it was?"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
from pathlib import Path

import pytest
from api_server import answers, running
from github_server import GithubServer

from twin import sync as twin_sync
from twin.build import open_stores
from twin.errors import Told
from twin.home import Home
from twin.settings import read_settings
from twin.sync import sync_all, sync_by_the_clock

ROOT = Path(__file__).parents[2]
MIRA = ROOT / "examples" / "mira"


def write(home: Path, more: str) -> None:
    home.mkdir(exist_ok=True)
    (home / "twin.toml").write_text('[owner]\nname = "Mira Vale"\naccounts = { github = "mira" }\n' + more)


async def twin(home: Path, *arguments: str, **environment: str) -> tuple[int, str, str]:
    """One command in a process of its own."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "twin", "--home", str(home), *arguments),
        env={**os.environ, **environment},
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    printed, told = await asyncio.wait_for(child.communicate(), 120)
    assert child.returncode is not None
    return child.returncode, printed.decode(), told.decode()


@pytest.fixture
async def hub():
    async with running(GithubServer()) as server:
        server.comment(server.issue("mira/garden", 1, "The beds are dry"), "Watered them", minute=3)
        server.commit("mira/garden", "Water the beds")
        yield server


@pytest.fixture
def home(tmp_path: Path, hub: GithubServer) -> Path:
    shutil.copytree(MIRA / "journal", tmp_path / "home" / "diary")
    files = '[[sync.files]]\nsource = "journal"\npath = "diary"\n'
    write(tmp_path / "home", f'[sync]\ngithub_url = "{hub.url}"\n{files}')
    return tmp_path / "home"


async def test_every_configured_source_is_read_and_the_second_time_nothing_is_new(home: Path) -> None:
    code, printed, told = await twin(home, "sync", "--json", TWIN_SYNC__GITHUB_TOKEN="the-key")
    done = json.loads(printed)
    assert (code, done["well"]) == (0, True)
    github, diary = done["sources"]
    assert (github["source"], github["kept"], github["closes"]) == ("github", 3, True)
    assert (diary["source"], diary["closes"]) == ("journal", True)
    assert diary["kept"] > 20
    code, printed, told = await twin(home, "sync", "--json", TWIN_SYNC__GITHUB_TOKEN="the-key")
    again = json.loads(printed)
    assert [one["kept"] for one in again["sources"]] == [0]
    assert [Path(path).name for path in again["unchanged"]] == ["diary"]
    assert "the-key" not in printed + told


async def test_a_table_for_people_says_what_happened_to_each_source(home: Path, hub: GithubServer) -> None:
    hub.fault("/search/commits", *[answers(404, {"message": "Not Found"})] * 2)
    code, printed, told = await twin(home, "sync", TWIN_SYNC__GITHUB_TOKEN="the-key")
    assert code == 1
    assert "github" in printed
    assert "journal" in printed
    assert "github commits: GitHub answered 404" in told.replace("\n", " ")
    code, _, told = await twin(home, "sync", "github", TWIN_SYNC__GITHUB_TOKEN="the-key")
    assert (code, "commits" in told) == (0, True)  # known by now, told again


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["github"], "TWIN_SYNC__GITHUB_TOKEN is not set"),
        (["youtube"], "as an export only"),
        (["nonsense"], "nothing is set up to sync 'nonsense'"),
        (["telegram"], "nothing is set up to sync 'telegram'"),
    ],
)
async def test_a_source_that_cannot_be_synced_is_told_with_exit_code_2(
    home: Path, names: list[str], words: str
) -> None:
    with pytest.raises(Told) as told:
        await sync_all(Home(home), read_settings(Home(home)), names)
    assert words in told.value.what
    assert told.value.exit_code == 2


async def test_with_nothing_set_up_it_says_where_to_read_how(tmp_path: Path) -> None:
    write(tmp_path / "home", "")
    code, _, told = await twin(tmp_path / "home", "sync")
    assert (code, "docs/sync.md" in told) == (2, True)


async def test_a_token_in_twin_toml_is_refused_and_not_repeated(tmp_path: Path) -> None:
    write(tmp_path / "home", '[sync]\ngithub_token = "very-secret"\n')
    code, _, told = await twin(tmp_path / "home", "sync")
    assert code == 1
    assert "TWIN_SYNC__GITHUB_TOKEN" in told.replace("\n", " ")
    assert "very-secret" not in told


async def test_a_missing_watched_path_fails_and_the_other_sources_are_read(home: Path) -> None:
    shutil.rmtree(home / "diary")
    code, printed, _ = await twin(home, "sync", "--json", TWIN_SYNC__GITHUB_TOKEN="the-key")
    github, diary = json.loads(printed)["sources"]
    assert (code, github["kept"], diary["well"]) == (1, 3, False)
    assert "there is nothing at" in diary["troubles"][0]["why"]


async def test_a_changed_folder_is_read_again(home: Path) -> None:
    settings = read_settings(Home(home))
    await sync_all(Home(home), settings, ["journal"])
    (home / "diary" / "2026-10-01.md").write_text("A page that was not there before.")
    done = await sync_all(Home(home), settings, ["files"])
    assert [report.ledger.kept for report in done.reports] == [1]


async def test_ctrl_c_leaves_what_was_read_and_the_next_run_goes_on(home: Path, hub: GithubServer) -> None:
    for number in range(2, 9):
        hub.issue("mira/garden", number, "words", day=20 * number)
    stuck = asyncio.Event()

    async def never(request):
        stuck.set()
        await asyncio.sleep(60)
        return await answers(500)(request)

    hub.fault("/issues/8/comments", never)
    arguments = ("-m", "twin", "--home", str(home), "sync", "github")
    environment = {**os.environ, "TWIN_SYNC__GITHUB_TOKEN": "the-key"}
    child = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, env=environment, cwd=ROOT, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(60):
        await stuck.wait()
    child.send_signal(signal.SIGINT)
    _, told = await asyncio.wait_for(child.communicate(), 60)
    assert (child.returncode, b"Traceback" in told, b"kept" in told) == (130, False, True)
    hub.asked.clear()
    code, printed, _ = await twin(home, "sync", "github", "--json", TWIN_SYNC__GITHUB_TOKEN="the-key")
    assert (code, json.loads(printed)["sources"][0]["kept"]) == (0, 2)
    assert hub.asked_for("/issues/1/comments") == []


async def test_two_syncs_of_one_home_do_not_run_at_once(home: Path) -> None:
    with Home(home).only_one("sync"), pytest.raises(Told, match="already running"):
        await sync_all(Home(home), read_settings(Home(home)), ["journal"])


async def test_the_service_syncs_by_the_clock_and_goes_on_after_a_failure(
    home: Path, hub: GithubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWIN_SYNC__GITHUB_TOKEN", "the-key")
    monkeypatch.setenv("TWIN_SYNC__EVERY_MINUTES", "1")
    settings = read_settings(Home(home))
    rounds: list[int] = []
    begun = asyncio.Event()

    async def nap(seconds: float, real=asyncio.sleep) -> None:
        if seconds == 60:
            rounds.append(len(hub.asked))
            begun.set()
            if len(rounds) == 1:
                hub.commit("mira/garden", "Weed the beds", day=1)
            if len(rounds) > 2:
                await real(3600)
        await real(0.01)

    real_sync_in, failures = twin_sync.sync_in, iter([Told("the disk is full"), TypeError("odd data")])

    async def sometimes(*arguments):
        if problem := next(failures, None):
            raise problem
        return await real_sync_in(*arguments)

    monkeypatch.setattr(twin_sync, "sync_in", sometimes)
    async with open_stores(Home(home), settings) as stores:
        monkeypatch.setattr("twin.sync.asyncio.sleep", nap)
        clock = asyncio.create_task(sync_by_the_clock(Home(home), settings, stores))
        async with asyncio.timeout(60):
            while len(rounds) < 3:
                await begun.wait()
                begun.clear()
        clock.cancel()
        monkeypatch.undo()
        texts = [record.text for record in await stores.records.find(source="github")]
        assert "Weed the beds" in texts
        assert rounds[0] == 0
        assert rounds[1] < rounds[2]


async def test_only_the_copy_with_the_lease_syncs(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWIN_SYNC__EVERY_MINUTES", "1")
    settings = read_settings(Home(home))
    async with open_stores(Home(home), settings) as stores:
        assert await stores.leases.take("sync", "another copy", 60)
        clock = asyncio.create_task(sync_by_the_clock(Home(home), settings, stores))
        await asyncio.sleep(0.3)
        clock.cancel()
        assert await stores.records.counts() == {}
