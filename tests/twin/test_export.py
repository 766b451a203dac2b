"""Does `twin adapters export` write a smaller model, and leave nothing when it is stopped?"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from fakes import until
from learning_samples import owner_rows, write_rows
from tiny_gemma import make_tiny_gemma
from typer.testing import CliRunner

from brain.model_facts import facts_of
from learning import train_sft
from learning.adapter_folder import described
from learning.quantizer import find_quantizer
from learning.recipes import SftRecipe
from storage.adapters import AdapterStore
from storage.database import Database
from storage.records import now
from twin.cli import app
from twin.home import Home

QUICK = SftRecipe(
    learning_rate=3e-3,
    epochs=1,
    batch_size=4,
    effective_batch=8,
    lora_rank=8,
    max_length=256,
    gradient_checkpointing=False,
    warmup=0.0,
    min_rows=4,
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """One adapter, sft-1, of a tiny base model."""
    room = tmp_path_factory.mktemp("export")
    base, home = make_tiny_gemma(room / "tiny", steps=2), Home(room / "home")
    home.make()
    home.settings_file.write_text(f'[owner]\nname = "Sam"\n[model]\nbase = "{base}"\n')
    for part in ("train", "validation"):
        write_rows(room / "corpus" / f"{part}.jsonl", owner_rows(8, seed=1))
    train_sft.train(room / "corpus", QUICK, base, home.adapters / "sft-1", room / "work")

    async def known() -> None:
        database = await Database.open(home.database_url)
        await AdapterStore(database).add(described(home.adapters / "sft-1", now()))
        await database.close()

    asyncio.run(known())
    return home


def export(home: Home, folder: Path, kind: str) -> list[str]:
    return ["--home", str(home.root), "adapters", "export", "sft-1", str(folder), "--format", kind, "--json"]


def test_a_smaller_model_is_written_and_known_for_what_it_is(home, tmp_path):
    if find_quantizer() is None:
        how = "llm-compressor is not installed: run deploy/quantize/install.sh .venv-quantize"
        if os.environ.get("CI"):
            pytest.fail(how)
        pytest.skip(f"NO MODEL IS WRITTEN IN FEWER BITS. {how}")
    done = CliRunner().invoke(app, export(home, tmp_path / "small", "fp8"))
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    assert told == {"version": "sft-1", "format": "fp8", "folder": str(tmp_path / "small")}
    assert "fp8: writing" in done.stderr
    facts = facts_of(told["folder"])
    assert (facts.quantised, facts.bits) == ("compressed-tensors", 8)
    assert [path.name for path in tmp_path.iterdir()] == ["small"]
    assert (home.logs / "export.log").stat().st_size


def test_without_its_environment_it_says_what_to_run_before_anything_is_done(home, tmp_path, monkeypatch):
    monkeypatch.setenv("TWIN_QUANTIZE", "/nowhere/python")
    done = CliRunner().invoke(app, export(home, tmp_path / "small", "gptq"))
    assert done.exit_code == 1
    assert "run 'make quantize'" in " ".join(done.stderr.split())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("number", "ctrl_c"),
    [
        (signal.SIGINT, signal.default_int_handler),
        (signal.SIGTERM, signal.SIG_IGN),  # as in the background of a shell
    ],
)
def test_stopped_in_the_middle_it_leaves_no_folder_and_no_child(home, tmp_path, number, ctrl_c):
    python, place = tmp_path / "python", tmp_path / "place"
    place.mkdir()
    # It writes half a file, then waits for ever.
    python.write_text(f"#!/bin/sh\necho half >model.safetensors\necho $$ >{tmp_path}/pid\nexec sleep 300\n")
    python.chmod(0o755)
    with subprocess.Popen(
        [sys.executable, "-m", "twin", *export(home, place / "small", "fp8")],
        env=os.environ | {"TWIN_QUANTIZE": str(python)},
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, ctrl_c),
    ) as command:
        pid = tmp_path / "pid"
        asyncio.run(until(lambda: command.poll() is not None or (pid.exists() and pid.read_text().strip())))
        assert {path.name for path in place.iterdir()} == {".small.merged", ".small.unfinished"}
        command.send_signal(number)
        try:
            _, told = command.communicate(timeout=60)
        finally:
            command.kill()
    assert (command.returncode, "stopped" in told) == (130, True), told
    assert not list(place.iterdir())
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)
