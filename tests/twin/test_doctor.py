"""Does the doctor say of each source when it was last read, how that went, or what it lacks?"""

from __future__ import annotations

import shutil
from pathlib import Path

import asyncpg
import pytest
from api_server import answers, running
from github_server import GithubServer
from sqlalchemy import make_url

from twin.doctor import Finding, examine
from twin.home import Home
from twin.settings import read_settings
from twin.sync import sync_all

DIARY = Path(__file__).parents[2] / "examples" / "mira" / "journal"


@pytest.fixture
async def hub():
    async with running(GithubServer()) as server:
        server.comment(server.issue("mira/garden", 1, "The beds are dry"), "Watered them", minute=3)
        yield server


def home_with(root: Path, sync: str) -> Home:
    home = Home(root / "home")
    home.make()
    home.settings_file.write_text(
        f'[owner]\nname = "Mira Vale"\naccounts = {{ github = "mira" }}\n[sync]\n{sync}'
    )
    return home


async def sources(home: Home) -> dict[str, Finding]:
    found = await examine(home, read_settings(home))
    return {one.what.removeprefix("sync "): one for one in found if one.what.startswith("sync ")}


async def test_each_source_has_a_row_with_its_last_outcome(
    tmp_path: Path, hub: GithubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(DIARY, tmp_path / "home" / "diary")
    files = '[[sync.files]]\nsource = "journal"\npath = "diary"\n'
    home = home_with(tmp_path, f'github_url = "{hub.url}"\n{files}')
    monkeypatch.setenv("TWIN_SYNC__GITHUB_TOKEN", "the-key")
    diary = f"journal {home.root / 'diary'}"
    found = await sources(home)
    assert sorted(found) == ["github", diary]
    assert found["github"] == Finding("sync github", True, "ready, not read yet", "twin sync github")

    hub.fault("/search/commits", *[answers(404, {"message": "Not Found"})] * 3)
    await sync_all(home, read_settings(home), [])
    found = await sources(home)
    assert (found["github"].well, found["github"].advice) == (False, "twin sync github")
    assert "UTC: GitHub answered 404" in found["github"].found
    assert found[diary].well
    assert "new or changed" in found[diary].found
    assert "UTC: 0 new" not in found[diary].found

    await sync_all(home, read_settings(home), [])
    found = await sources(home)
    assert found["github"].well  # the trouble is known by now, and told
    assert "known trouble: GitHub answered 404" in found["github"].found
    assert "UTC: 0 new or changed" in found[diary].found

    shutil.rmtree(home.root / "diary")
    await sync_all(home, read_settings(home), ["files"])
    found = await sources(home)
    assert (found[diary].well, "there is nothing at" in found[diary].found) == (False, True)


async def test_what_is_begun_and_lacks_something_says_what_and_what_nobody_uses_has_no_row(
    tmp_path: Path, hub: GithubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = home_with(
        tmp_path, f'github_url = "{hub.url}"\ngoogle_client_id = "id"\ndiscord_channels = ["all"]\n'
    )
    for name in ("GITHUB_TOKEN", "GOOGLE_CLIENT_SECRET", "GOOGLE_REFRESH_TOKEN"):
        monkeypatch.delenv(f"TWIN_SYNC__{name}", raising=False)
    found = await sources(home)
    assert sorted(found) == ["discord", "github", "google_docs"]
    assert not any(one.well for one in found.values())
    assert "TWIN_SYNC__GITHUB_TOKEN is not set" in found["github"].found
    assert "TWIN_SYNC__GOOGLE_CLIENT_SECRET is not set" in found["google_docs"].found
    assert "your own id is not in [owner.accounts] discord" in found["discord"].found
    assert "docs/sync.md" in found["github"].advice


async def test_a_role_that_row_security_does_not_hold_is_told_of_and_what_to_give_the_twin_instead(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = home_with(tmp_path, "")
    assert "row security" not in (await examine(home, read_settings(home), quick=True))[0].found
    monkeypatch.setenv("TWIN_STORAGE__URL", postgres_url)
    (database, *_) = await examine(home, read_settings(home), quick=True)
    assert database.well  # one twin alone needs no more
    assert "sees past row security" in database.found
    raw = await asyncpg.connect(make_url(postgres_url).set(drivername="postgresql").render_as_string(False))
    trying = raw.transaction()
    await trying.start()
    made = [line for line in database.advice.splitlines() if line.endswith(";")]
    await raw.execute("\n".join(made))
    await raw.execute("SET ROLE twin_service; SET twin.id = 'ada'; INSERT INTO facts VALUES ('1', '', now())")
    await raw.execute("SET twin.id = 'bob'")
    assert await raw.fetchval("SELECT count(*) FROM facts") == 0
    await trying.rollback()
    await raw.close()
