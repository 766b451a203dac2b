"""Does `twin train distil` go the whole way, from an export to an adapter that names its teacher?"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tiny_gemma import make_tiny_gemma
from tiny_mistral import make_tiny_mistral
from typer.testing import CliRunner

from learning.adapter_folder import check
from twin.cli import app

MIRA = Path(__file__).parents[2] / "examples" / "mira"
QUICK = "epochs = 0.2\nmax_length = 200\nanswers = 0.05\nanswer_tokens = 20\nevaluations_per_epoch = 1\n"


def test_from_an_export_to_an_adapter_that_names_its_teacher(tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(MIRA / "twin.toml", home)
    (tmp_path / "quick.toml").write_text(QUICK)
    base = make_tiny_gemma(tmp_path / "tiny", steps=1)
    monkeypatch.setenv("TWIN_MODEL__BASE", str(base))
    monkeypatch.setenv("TWIN_LEARNING__TEACHER", str(make_tiny_mistral(tmp_path / "mistral", steps=1)))

    def twin(*arguments):
        done = CliRunner().invoke(app, ["--home", str(home), *map(str, arguments), "--json"])
        assert done.exit_code == 0, done.stderr
        return json.loads(done.stdout)

    twin("ingest", "telegram", MIRA / "telegram")
    snapshot = twin("corpus", "build")
    adapter = twin("train", "distil", "--recipe", tmp_path / "quick.toml")
    assert (adapter["version"], adapter["method"], adapter["corpus"]) == (
        "distil-1",
        "distil",
        snapshot["id"],
    )
    assert check(Path(adapter["path"]), base) == []
    (scores,) = (home / "teacher").iterdir()
    manifest = json.loads((Path(adapter["path"]) / "manifest.json").read_text())
    assert manifest["teacher"]["id"] == scores.name
    assert scores.name.startswith(snapshot["id"])
    assert manifest["teacher"]["teacher"]["name"] == "mistral"
