"""Does saying who is a person take the name out of everything that was kept?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from twin.cli import app

LINES = [
    "We had dinner with Oskarina and the Zweibel was great.",
    "Then i told Oskarina about it, oskarina laughed.",
]


@pytest.fixture
def twin(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (home / "twin.toml").write_text('[owner]\nname = "Mira Vale"\n')
    journal = tmp_path / "journal"
    journal.mkdir()
    for day, line in enumerate(LINES, start=1):
        (journal / f"2024-03-0{day}.md").write_text(line)

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        done = CliRunner().invoke(app, ["--home", str(home), *map(str, arguments)])
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.exit_code, done.stdout, done.stderr

    run.home, run.journal = home, journal  # type: ignore[attr-defined]
    assert run("ingest", "journal", journal)[0] == 0
    return run


def waiting(twin) -> list[str]:
    return [one["name"] for one in json.loads(twin("review", "--json")[1])["waiting"]]


def kept(twin) -> str:
    return twin("records", "list", "--json")[1]


def test_a_person_goes_to_the_roster_and_out_of_every_record(twin) -> None:
    (twin.journal / "2024-03-02.md").unlink()
    assert "Zweibel" in waiting(twin)
    code, printed, _ = twin("review", "Oskarina", "person", "--json")
    decided = json.loads(printed)
    assert (code, decided["records_changed"]) == (0, 2)
    assert "oskarina" not in kept(twin).lower()
    assert kept(twin).count(decided["placeholder"]) == 3
    assert "Oskarina" not in waiting(twin)
    before = kept(twin)
    assert twin("ingest", "journal", twin.journal)[0] == 0  # the same export again: nothing comes back
    assert kept(twin) == before


def test_nobody_is_never_asked_about_again_and_later_changes_nothing(twin) -> None:
    assert twin("review", "Zweibel", "later")[0] == 0
    assert "Zweibel" in waiting(twin)
    assert twin("review", "Zweibel", "no")[0] == 0
    assert twin("ingest", "journal", twin.journal)[0] == 0
    assert "Zweibel" not in waiting(twin)
    assert "Zweibel" in kept(twin)


def test_wrong_answers_are_told(twin) -> None:
    assert twin("review", "Zweibel", "maybe")[0] == 2
    assert twin("review", "Nobodysname", "no")[0] == 2
    code, _, told = twin("review", "--originals")
    assert (code, "not kept" in told) == (1, True)


def test_the_vault_tells_who_is_who_to_whoever_has_the_key(twin, monkeypatch) -> None:
    pytest.importorskip("cryptography")
    key = twin("review", "--new-key")[1].strip()
    monkeypatch.setenv("TWIN_VAULT__KEY", key)
    twin("review", "Oskarina", "person")
    originals = json.loads(twin("review", "--json", "--originals")[1])["originals"]
    assert ["Oskarina"] in originals.values()
    assert b"skarina" not in (twin.home / "vault.bin").read_bytes()
