"""Is a process known for gone when it is, and never before?"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.database import Database
from storage.leases import LeaseStore
from storage.processes import is_gone, is_this, this_process

ROOT = Path(__file__).parents[2]
SAYS = "from storage.processes import this_process; print(this_process(), flush=True); input()"


@pytest.fixture
def other() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", SAYS]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        yield process
        process.kill()


def name_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def killed(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()


def test_one_that_was_killed_is_gone_and_one_that_lives_is_not(other: subprocess.Popen[str]) -> None:
    name = name_of(other)
    assert not is_gone(name)
    killed(other)
    assert is_gone(name)


def test_this_one_is_not_gone_but_whoever_had_its_number_before_is() -> None:
    name = this_process()
    assert is_this(name)
    assert not is_gone(name)
    assert is_gone(f"{name.rpartition('-')[0]}-00000000")


def test_of_another_machine_or_container_with_the_same_name_nothing_is_known(
    other: subprocess.Popen[str],
) -> None:
    host, pid, life = name_of(other).split(":")
    killed(other)
    assert not is_gone(f"{host}:{pid}:elsewhere-{life.partition('-')[2]}")
    assert not is_gone(f"{host}:{os.getpid()}")
    assert not is_gone("")


async def test_what_a_killed_process_held_can_be_taken_at_once(
    database: Database, other: subprocess.Popen[str]
) -> None:
    leases, name = LeaseStore(database), name_of(other)
    assert await leases.take("app discord", name, 600)
    assert not await leases.take("app discord", this_process(), 600)
    killed(other)
    assert await leases.take("app discord", this_process(), 600)
    assert not await leases.take("app discord", "somewhere:1:else-where", 600)
