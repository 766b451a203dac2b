import json
import sqlite3
from contextlib import closing
from pathlib import Path

from typer.testing import CliRunner

from twin.cli import app

FOLDER = Path(__file__).parents[1] / "storage/revisions"


def test_upgrade_says_from_where_to_where_and_what_it_kept(tmp_path):
    with closing(sqlite3.connect(tmp_path / "twin.db")) as raw:
        raw.executescript((FOLDER / "0002.sqlite.sql").read_text())
    command = ["--home", str(tmp_path), "upgrade", "--json"]
    told = json.loads(CliRunner().invoke(app, command).stdout)
    assert told["before"] == "0002"
    assert told["copy"] == str(tmp_path / "twin.db.before-upgrade-from-0002")
    assert Path(told["copy"]).exists()
    again = json.loads(CliRunner().invoke(app, command).stdout)
    assert (again["before"], again["copy"]) == (told["after"], None)
