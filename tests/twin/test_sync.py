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

from twin.build import open_stores
from twin.errors import Told
from twin.home import Home
from twin.settings import read_settings
from twin.sync import sync_all, sync_one, to_sync

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
        sys.executable,
        *arguments,
        env=environment,
        cwd=ROOT,
        stderr=asyncio.subprocess.PIPE,
        preexec_fn=lambda: signal.signal(
            signal.SIGINT, signal.default_int_handler
        ),  # in the background: ignored
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


async def test_the_service_reads_each_source_by_itself_and_says_why_one_cannot_be_read(
    home: Path, hub: GithubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWIN_SYNC__GITHUB_TOKEN", "the-key")
    settings = read_settings(Home(home))
    assert to_sync(settings) == ["github", "journal"]
    async with open_stores(Home(home), settings) as stores:
        both = asyncio.gather(
            *(sync_one(Home(home), settings, stores, source) for source in to_sync(settings))
        )
        assert [done.well for done in await both] == [True, True]
        assert set(await stores.records.counts()) == {"github", "journal"}
        with pytest.raises(Told, match="not set up"):
            await sync_one(Home(home), settings, stores, "notion")
