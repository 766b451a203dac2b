"""Do processes that train together end together, and does only the first one speak?"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import rank_programs

from learning.failures import TrainingFailed
from learning.ranks import is_first, is_one_of_many, together

ROOT = Path(__file__).parents[2]


def test_only_the_first_process_reports_and_tells_how_far_it_is():
    heard = []
    report = together(rank_programs.counts, (10,), {}, 2, lambda *news: heard.append(news))
    assert report == {"rank": 0, "share": 5.0}
    assert heard == [(0.5, {"rank": 0})]
    assert is_first()
    assert not is_one_of_many()


def test_the_failure_of_any_of_them_is_told_and_ends_the_others():
    before = time.monotonic()
    with pytest.raises(TrainingFailed, match=r"^The disk is full: free some space\.$"):
        together(rank_programs.second_fails, (), {}, 2, lambda *_: None)
    assert time.monotonic() - before < 60  # and not the ten minutes that the other one wanted to wait


def test_one_that_dies_without_a_word_is_one_sentence():
    with pytest.raises(TrainingFailed, match=r"One of the training processes ended: .*exit code 7"):
        together(rank_programs.second_dies, (), {}, 2, lambda *_: None)


def test_they_end_when_the_process_that_started_them_is_killed(tmp_path):
    program = (
        "import sys, rank_programs; from learning.ranks import together\n"
        "if __name__ == '__main__': together(rank_programs.tells_its_pid, (sys.argv[1],), {}, 2, print)\n"
    )
    (tmp_path / "program.py").write_text(program)
    starter = subprocess.Popen(
        [sys.executable, str(tmp_path / "program.py"), str(tmp_path / "pid")],
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "PATH": ""},
    )
    notes = [tmp_path / "pid.0", tmp_path / "pid.1"]
    wait_until(lambda: all(note.exists() and note.read_text() for note in notes))
    starter.send_signal(signal.SIGKILL)
    starter.wait()
    wait_until(lambda: not any(alive(int(note.read_text())) for note in notes))


def wait_until(true):
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
