"""Does `twin train distil` go the whole way, from a snapshot to an adapter that names its teacher?"""

from __future__ import annotations

import json
from pathlib import Path

from learning_samples import owner_rows, write_rows
from tiny_gemma import make_tiny_gemma
from tiny_mistral import make_tiny_mistral
from typer.testing import CliRunner

from learning.adapter_folder import check
from twin.cli import app


def test_from_a_snapshot_to_an_adapter_that_names_its_teacher(tmp_path, monkeypatch):
    snapshot = tmp_path / "home" / "corpora" / "c0ffee"
    for seed, name in enumerate(("train", "validation", "test")):
        write_rows(snapshot / f"{name}.jsonl", owner_rows(8, seed))
    (snapshot / "card.json").write_text('{"id": "c0ffee", "counts": {}}')
    (tmp_path / "quick.toml").write_text("epochs = 1\nmax_length = 200\nanswer_tokens = 20\n")
    base = make_tiny_gemma(tmp_path / "tiny", steps=1)
    monkeypatch.setenv("TWIN_MODEL__BASE", str(base))
    monkeypatch.setenv("TWIN_LEARNING__TEACHER", str(make_tiny_mistral(tmp_path / "mistral", steps=1)))
    command = ["train", "distil", "--recipe", str(tmp_path / "quick.toml"), "--json"]
    done = CliRunner().invoke(app, ["--home", str(tmp_path / "home"), *command])
    assert done.exit_code == 0, done.stderr
    adapter = json.loads(done.stdout)
    assert (adapter["version"], adapter["method"], adapter["corpus"]) == ("distil-1", "distil", "c0ffee")
    assert check(Path(adapter["path"]), base) == []
    (scores,) = (tmp_path / "home" / "teacher").iterdir()
    manifest = json.loads((Path(adapter["path"]) / "manifest.json").read_text())
    assert manifest["teacher"]["id"] == scores.name
    assert scores.name.startswith("c0ffee-")
    assert manifest["teacher"]["teacher"]["name"] == "mistral"
    kept = json.loads(run_at(tmp_path, "adapters", "show", "distil-1", "--json").stdout)
    axes = {axis["name"]: axis for axis in kept["report"]["verdict"]["axes"]}
    assert axes["discretion"]["judged"]
    failed = [axis["words"] for axis in axes.values() if not axis["passed"]]
    assert (kept["state"], kept["reasons"], adapter["reasons"]) == ("candidate", failed, failed)
    asked = run_at(tmp_path, "adapters", "promote", "distil-1")
    assert ("does not pass the gate" in asked.stderr) is bool(failed), asked.stderr
    assert failed, "of three words that it can say, none differ: a gate that lets this through sees nothing"


def run_at(folder, *command):
    return CliRunner().invoke(app, ["--home", str(folder / "home"), *command])
