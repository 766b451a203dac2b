from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys

import pytest

from twin.errors import Told
from twin.home import Home

HOLD = """
import sys, time
from pathlib import Path
from twin.home import Home
with Home(Path(sys.argv[1])).only_one("up"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_one_on_the_same_home_is_told_who_is_first(tmp_path, holder):
    with (
        pytest.raises(Told, match=rf"'twin up' is already running .*process {holder.pid}"),
        Home(tmp_path).only_one("up"),
    ):
        pass


def test_a_crash_leaves_no_lock_behind(tmp_path, holder):
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with Home(tmp_path).only_one("up"):
        assert (tmp_path / "up.lock").read_text() == str(os.getpid())


def test_the_pseudonym_key_is_made_once_and_only_the_owner_reads_it(tmp_path):
    home = Home(tmp_path)
    key = home.pseudonym_key()
    assert len(key) == 32
    assert home.pseudonym_key() == key
    assert (tmp_path / "pseudonym.key").stat().st_mode & 0o777 == 0o600


def test_a_full_disk_leaves_no_empty_key_behind(tmp_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            Home(tmp_path).pseudonym_key()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []
    assert len(Home(tmp_path).pseudonym_key()) == 32


@pytest.mark.parametrize("damaged", ["", "\n", "no key"])
def test_a_key_that_is_damaged_is_told_and_never_used(tmp_path, damaged):
    (tmp_path / "pseudonym.key").write_text(damaged)
    with pytest.raises(Told, match=r"pseudonym\.key holds no key"):
        Home(tmp_path).pseudonym_key()


def test_a_home_that_cannot_be_made_is_told_in_words(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Told, match="cannot use"):
        Home(tmp_path / "file" / "home").make()
