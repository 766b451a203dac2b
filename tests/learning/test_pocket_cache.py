"""Is the pocket model trained once, whole or not there at all, whatever happens on the way?"""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer, Gemma3ForCausalLM, GemmaTokenizer

from learning.pocket import (
    PocketRecipe,
    PocketUnavailable,
    default_cache_dir,
    ensure,
    fingerprint,
    is_pocket,
)

TINY = PocketRecipe(
    dialogues=300, vocabulary=640, hidden_size=32, heads=1, head_dim=32, mlp_size=64, layers=2, steps=20
)
ENDLESS = TINY.model_copy(update={"steps": 10**6})
PROJECT = Path(__file__).parents[2]
ENSURE = """
import signal, sys
from pathlib import Path
from learning.pocket import PocketRecipe, ensure

signal.signal(signal.SIGINT, signal.default_int_handler)  # a test run in the background hands down none

def report(done, words):
    sys.stdout.write(words + chr(10))
    sys.stdout.flush()

ensure(Path(sys.argv[1]), report, recipe=PocketRecipe.model_validate_json(sys.argv[2]))
"""


def in_another_process(cache_dir: Path, recipe: PocketRecipe, before: str = "") -> subprocess.Popen[str]:
    command = [sys.executable, "-c", before + ENSURE, str(cache_dir), recipe.model_dump_json()]
    return subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def folders(cache_dir: Path) -> list[str]:
    return sorted(entry.name for entry in (cache_dir / "pocket").iterdir() if entry.is_dir())


def test_two_who_ask_at_once_train_it_once(tmp_path: Path) -> None:
    abandoned = tmp_path / "pocket" / f"partial-{fingerprint(TINY)}-old"
    abandoned.mkdir(parents=True)
    heard: list[str] = []
    with ThreadPoolExecutor(2) as pool:
        asked = [
            pool.submit(ensure, tmp_path, lambda done, words: heard.append(words), recipe=TINY)
            for _ in range(2)
        ]
        first, second = (future.result() for future in asked)
    assert first == second == tmp_path / "pocket" / fingerprint(TINY)
    assert heard.count("inventing dialogues") == 1
    assert "waiting for another process that is training it" in heard
    assert any(words.startswith("loss ") and words.endswith("s left") for words in heard)
    assert folders(tmp_path) == [fingerprint(TINY)]

    heard.clear()
    assert ensure(tmp_path, lambda done, words: heard.append(words), recipe=TINY) == first
    assert heard == []

    assert is_pocket(first)
    model, tokenizer = AutoModelForCausalLM.from_pretrained(first), AutoTokenizer.from_pretrained(first)
    assert type(model) is Gemma3ForCausalLM
    assert isinstance(tokenizer, GemmaTokenizer)
    assert str(model.dtype) == "torch.float32"
    assert model.generation_config.eos_token_id == tokenizer.convert_tokens_to_ids(["<eos>", "<end_of_turn>"])
    card = (first / "README.md").read_text(encoding="utf-8")
    assert "stand-in" in card
    assert "invented" in card


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_being_stopped_in_the_middle_leaves_no_model_and_no_process(
    tmp_path: Path, how: signal.Signals
) -> None:
    running = in_another_process(tmp_path, ENDLESS)
    assert running.stdout is not None
    for line in running.stdout:
        if line.startswith("loss "):
            break
    (trainer,) = children(running.pid)
    workers = [trainer, *children(trainer)]
    running.send_signal(how)
    running.communicate(timeout=30)
    deadline = time.monotonic() + 30
    while any(alive(worker) for worker in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(alive(worker) for worker in workers)
    assert running.returncode != 0
    assert fingerprint(ENDLESS) not in folders(tmp_path)
    if how is signal.SIGINT:
        assert folders(tmp_path) == []


def test_a_full_disk_is_said_plainly(tmp_path: Path) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
    running = in_another_process(tmp_path, TINY, before=limit)
    _, complaint = running.communicate(timeout=120)
    last = complaint.strip().splitlines()[-1]
    assert last.startswith("learning.pocket.cache.PocketUnavailable: The pocket model cannot be kept in")
    assert "Free 64 MB" in last
    assert folders(tmp_path) == []


def test_too_little_room_is_said_before_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("learning.pocket.cache.ROOM_NEEDED", 2**62)
    heard: list[str] = []
    with pytest.raises(PocketUnavailable, match="No space left on device"):
        ensure(tmp_path, lambda done, words: heard.append(words), recipe=TINY)
    assert heard == []


def test_a_folder_that_cannot_be_made_is_said_plainly(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.touch()
    with pytest.raises(PocketUnavailable, match="Set TWIN_CACHE to a folder that you may write to"):
        ensure(in_the_way, recipe=TINY)


def test_a_training_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(PocketUnavailable, match=r"could not be trained: .*heads"):
        ensure(tmp_path, recipe=TINY.model_copy(update={"heads": 5}))
    assert folders(tmp_path) == []


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TWIN_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert default_cache_dir() == Path("/somewhere/twin")
    monkeypatch.setenv("TWIN_CACHE", "/elsewhere")
    assert default_cache_dir() == Path("/elsewhere")


def test_other_models_are_not_taken_for_it(tmp_path: Path) -> None:
    assert not is_pocket(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "gemma3_text"}))
    assert not is_pocket(tmp_path)
    assert not is_pocket("google/gemma-3-12b-it")


def test_asking_for_it_loads_no_torch() -> None:
    check = "import sys, learning.pocket; sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], cwd=PROJECT, check=False).returncode == 0


def test_the_command_says_where_it_is(tmp_path: Path) -> None:
    """Where it is there already, so that nothing is trained here."""
    (tmp_path / "pocket" / fingerprint(PocketRecipe())).mkdir(parents=True)
    command = [sys.executable, "-m", "learning.pocket", str(tmp_path)]
    said = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == str(tmp_path / "pocket" / fingerprint(PocketRecipe()))


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
