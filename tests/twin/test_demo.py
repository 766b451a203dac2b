"""Does the main job run, for real, as its user runs it? One whole demo in a process of its own."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from twin.demo import _new_home

ROOT = Path(__file__).parents[2]


def twin(*arguments, home=None, cwd=ROOT, stdin=None):
    command = [sys.executable, "-m", "twin", *(["--home", home] if home else []), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, cwd=cwd, env=environment, input=stdin, capture_output=True, text=True, timeout=900
    )


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo") / "demo"
    done = twin("demo", "--yes", "--json", "--folder", folder)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1]), folder, done.stderr


@pytest.mark.timeout(1200)
def test_the_demo_measures_what_it_tells(told):
    figures, folder, story = told
    assert "stand-in" in figures["model"]
    assert figures["records"] > 2000
    assert figures["samples"] > 500
    assert figures["sft"]["heldout_nll_after"] < 0.8 * figures["sft"]["heldout_nll_before"]
    assert figures["preferences"] == {"pairs": 100, "thumbs": 60}
    assert figures["learn"]["pref_accuracy_after"] > 0.5 > figures["learn"]["pref_accuracy_before"]
    assert isinstance(figures["gate"]["passed"], bool)
    assert figures["gate"]["reasons"]
    assert figures["swap"]["requests"] > 20
    assert figures["swap"]["failed"] == 0
    assert (folder / "before-after.png").read_bytes().startswith(b"\x89PNG")
    assert "before and after" in story


def test_what_the_demo_made_can_be_looked_at_and_rolled_back(told):
    figures, folder, _ = told
    adapters = json.loads(twin("adapters", "list", "--json", home=folder).stdout)
    methods = ["sft", "dpo", "kto", "interpolation"]  # and where that went too far, half of it
    assert [adapter["method"] for adapter in adapters] in (methods, [*methods, "interpolation"])
    trained = {axis["name"]: axis["passed"] for axis in adapters[0]["report"]["verdict"]["axes"]}
    assert (trained["owner's words"], "discretion" in trained, adapters[0]["reasons"]) == (True, True, [])
    live = [adapter["version"] for adapter in adapters if adapter["state"] == "live"]
    assert live == [figures["adapter"] if figures["gate"]["passed"] else "sft-1"]
    exported = folder / "feedback.jsonl"
    assert twin("feedback", "export", exported, home=folder).returncode == 0
    rows = [json.loads(line) for line in exported.read_text().splitlines()]
    assert sum("chosen" in row for row in rows) == 100
    assert sum("label" in row for row in rows) == 60
    back = twin("adapters", "rollback", home=folder)
    assert (back.returncode, "answers from the next message on" in back.stderr) == (0, True)


def test_the_terminal_chats_thumbs_corrects_and_shows_status_without_a_terminal(told):
    _, folder, _ = told
    lines = "are you busy?\n+\n-\n/correct never for you buddy\n/status\n/adapters\n/nonsense\n/quit\n"
    done = twin("chat", home=folder, stdin=lines)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Mira" in done.stdout
    assert "Noted: next time more like that" in done.stdout
    assert "feedback that counts: 162" in done.stdout  # the 160 replayed ones, one down, one correction
    assert "I don't know /nonsense" in done.stdout


def test_a_learned_adapter_becomes_a_model_of_its_own_that_is_served_without_it(told, tmp_path):
    _, folder, _ = told
    done = twin("adapters", "merge", "sft-1", tmp_path / "whole", "--json", home=folder)
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout)["folder"] == str(tmp_path / "whole")
    weights = sum(file.stat().st_size for file in (tmp_path / "whole").glob("*.safetensors"))
    assert weights > 1_000_000
    assert not (tmp_path / "whole" / "adapter_config.json").exists()
    talked = {**os.environ, "TWIN_MODEL__BASE": str(tmp_path / "whole"), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "twin", "--home", tmp_path / "home", "chat"]
    twin("init", "Mira", home=tmp_path / "home")
    said = subprocess.run(command, env=talked, input="are you busy?\n/quit\n", capture_output=True, text=True)
    assert said.returncode == 0, said.stderr[-2000:]
    assert "Mira's twin: " in said.stdout


def test_an_adapter_or_a_format_that_is_not_there_is_a_sentence_and_leaves_no_folder(told, tmp_path):
    _, folder, _ = told
    for arguments in (
        ("merge", "sft-99", tmp_path / "a"),
        ("export", "sft-1", tmp_path / "a", "--format", "gguf"),
    ):
        done = twin("adapters", *arguments, home=folder)
        assert (done.returncode, "Traceback" in done.stderr) == (2, False), done.stderr
        assert "there is no" in done.stderr
    assert not (tmp_path / "a").exists()


def test_a_seed_draws_the_same_placeholders_and_answers_again(tmp_path):
    drawn = []
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        home, _ = _new_home(tmp_path / folder, seed)
        drawn.append((home.pseudonym_key(), random.getrandbits(31)))
    assert drawn[0] == drawn[1]
    assert not set(drawn[0]) & set(drawn[2])


def test_a_second_demo_removes_the_first_but_never_anybody_elses_folder(tmp_path):
    (tmp_path / "precious.txt").write_text("mine")
    done = twin("demo", "--yes", "--folder", tmp_path)
    assert done.returncode == 2
    assert "not an earlier demo" in done.stderr
    assert (tmp_path / "precious.txt").read_text() == "mine"


def test_an_adapter_is_evaluated_on_a_page_and_friends_picks_count(told, tmp_path):
    _, folder, _ = told
    picks = blind_picks(folder, tmp_path)
    counted = twin("evaluate", "--ab-results", picks, "--json", home=folder)
    assert json.loads(counted.stdout)["dpo-2"]["share"] == 1.0, counted.stderr
    assert twin("adapters", "promote", "sft-1", home=folder).returncode == 0  # whatever the gate let through
    before = twin("adapters", "promote", "dpo-2", home=folder)
    assert (before.returncode, "was not measured beside sft-1" in before.stderr) == (1, True), before.stderr
    done = twin("evaluate", "dpo-2", "--json", home=folder)
    assert done.returncode == 0, done.stderr[-2000:]
    report = json.loads(done.stdout)
    assert report["models"]["live"]["adapter"] == "sft-1"
    kept = json.loads(twin("adapters", "show", "dpo-2", "--json", home=folder).stdout)["report"]
    assert kept["verdict"] == report["verdict"]
    after = twin("adapters", "promote", "dpo-2", home=folder)
    assert (after.returncode == 0, "not pass the gate" in after.stderr) in (
        [(True, False)] if report["verdict"]["passed"] else [(False, True)]
    ), after.stderr
    axes = {axis["name"]: axis for axis in report["verdict"]["axes"]}
    assert axes["canaries"]["judged"]
    assert axes["discretion"]["judged"]
    assert report["models"]["candidate"]["friends"]["people"] == 1
    html = Path(report["html"]).read_text()
    assert "Evaluation of dpo-2" in html
    assert "data:image/png;base64," in html


def blind_picks(folder, tmp_path):
    """A page is made, and a friend always picks the candidate, as only the home's key can tell."""
    made = twin("evaluate", "dpo-2", "--against", "sft-1", "--ab", tmp_path, "--json", home=folder)
    assert made.returncode == 0, made.stderr[-2000:]
    page = Path(json.loads(made.stdout)["page"])
    key = json.loads((folder / "blind-tests" / f"{page.stem}.json").read_text())
    picks = {str(number): "left" if left else "right" for number, left in enumerate(key["left"])}
    file = tmp_path / "picks.json"
    file.write_text(json.dumps({"test": page.stem, "person": "Ana", "picks": picks}))
    return file
