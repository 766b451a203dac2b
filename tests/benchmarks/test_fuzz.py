"""Would the fuzzer notice? Its seeds are real exports, and a reader that crashes, hangs or leaks is told."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import _fuzz_reading
from benchmarks._fuzz_damage import damaged
from benchmarks._fuzz_reading import Fuzzer
from benchmarks._fuzz_seeds import CANARIES, OWNER, SAID, seeds
from benchmarks.fuzz import fuzz
from ingest.pipeline import recognise
from ingest.redact import Redactor
from ingest.source import Owner
from ingest.sources import SOURCES
from storage.records import Record, Skipped

TELEGRAM = SOURCES["telegram"]


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bytes]]:
    return {name: dict(files) for name, files in seeds(tmp_path_factory.mktemp("made")).items()}


def fuzzer(every: dict[str, dict[str, bytes]], folder: Path) -> Fuzzer:
    return Fuzzer("telegram", every["telegram"], [b"other"], folder, 0)


def test_every_source_has_a_seed_that_it_reads(every: dict[str, dict[str, bytes]], tmp_path: Path) -> None:
    assert set(every) == set(SOURCES)
    for name, files in every.items():
        Fuzzer(name, files, [], tmp_path, 0)
        assert recognise(tmp_path / name) is SOURCES[name]
        said = [one.text for one in SOURCES[name].read(tmp_path / name, OWNER) if isinstance(one, Record)]
        told = re.sub("[\ue000\ue001]|email:|phone:", "", " ".join(said))
        assert all(canary in told for canary in CANARIES), name


def test_damage_changes_one_file_and_is_the_same_for_the_same_dice(
    every: dict[str, dict[str, bytes]],
) -> None:
    files = every["discord_package"]
    for number in range(300):
        name, after = damaged(random.Random(number), files, [b"other"])
        assert damaged(random.Random(number), files, [b"other"]) == (name, after)
        assert name == "export.zip" or {one for one in files if files[one] != after[one]} <= {name}


@pytest.mark.parametrize("kind", ["crashes", "hangs", "leaks"])
def test_what_goes_wrong_is_told(
    every: dict[str, dict[str, bytes]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    def read(path: Path, owner: Owner) -> Iterator[Record | Skipped]:
        if kind == "crashes":
            raise ValueError("a bug")
        while kind == "hangs":
            time.monotonic()
        yield from TELEGRAM.read(path, owner)

    if kind == "leaks":
        monkeypatch.setattr(Redactor, "redact", lambda self, text, done: SAID)
    monkeypatch.setattr(_fuzz_reading, "HANG_SECONDS", 0.05)
    monkeypatch.setitem(_fuzz_reading.SOURCES, "telegram", replace(TELEGRAM, read=read))
    one = fuzzer(every, tmp_path)
    one.run(20, time.monotonic() + 30)
    assert one.found.inputs == 20
    assert one.found.count(kind) > 5
    assert sum(one.found.count(other) for other in ("crashes", "hangs", "leaks")) == one.found.count(kind)


def test_a_reader_that_waits_for_ever_hangs_though_it_does_nothing(
    every: dict[str, dict[str, bytes]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(path: Path, owner: Owner) -> Iterator[Record | Skipped]:
        time.sleep(30)
        yield from TELEGRAM.read(path, owner)

    monkeypatch.setattr(_fuzz_reading, "WAIT_SECONDS", 0.05)
    monkeypatch.setitem(_fuzz_reading.SOURCES, "telegram", replace(TELEGRAM, read=read))
    one = fuzzer(every, tmp_path)
    one.run(3, time.monotonic() + 30)
    assert one.found.count("hangs") == 3


def test_a_fault_is_told_and_its_input_kept_as_soon_as_it_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Redactor, "redact", lambda self, text, done: SAID)
    monkeypatch.chdir(tmp_path)
    found = fuzz(10, 30.0, ["telegram"], 0)
    assert found["telegram"].count("leaks")
    assert "leaks: telegram" in capsys.readouterr().err
    assert any("leaks: telegram" in file.read_text() for file in (tmp_path / "fuzz").glob("*.txt"))


def test_a_sound_reader_is_left_as_it_was(every: dict[str, dict[str, bytes]], tmp_path: Path) -> None:
    one = fuzzer(every, tmp_path)
    one.run(100, time.monotonic() + 30)
    assert one.found.shown_by == {}
    assert (tmp_path / "telegram" / "result.json").read_bytes() == every["telegram"]["result.json"]
