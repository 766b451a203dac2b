import re
import subprocess
import sys
from pathlib import Path

from twin.arenas import ARENAS, share_arenas

ROOT = Path(__file__).parents[2]
# Twelve threads that live at the same time, each of which asks for memory; then glibc tells of its arenas.
PROGRAM = """
import ctypes, sys, threading
from twin.arenas import share_arenas
print(share_arenas(), flush=True)
libc, together = ctypes.CDLL(None), threading.Barrier(13)
libc.malloc.restype = libc.fdopen.restype = ctypes.c_void_p
def ask():
    libc.malloc(5000)
    together.wait()
    together.wait()
threads = [threading.Thread(target=ask) for _ in range(12)]
for thread in threads:
    thread.start()
together.wait()
told = ctypes.c_void_p(libc.fdopen(1, b"w"))
libc.malloc_info(0, told)
libc.fflush(told)
together.wait()
"""


def arenas_of_twelve_threads(environment: dict[str, str]) -> tuple[str, int]:
    told = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    ).stdout
    return told.partition("\n")[0], len(re.findall(r"<heap nr=", told))


def test_the_threads_of_a_service_share_two_arenas() -> None:
    assert arenas_of_twelve_threads({}) == ("True", ARENAS)


def test_who_has_said_how_many_is_not_contradicted() -> None:
    assert arenas_of_twelve_threads({"MALLOC_ARENA_MAX": "3"}) == ("False", 3)
    assert share_arenas({"GLIBC_TUNABLES": "glibc.malloc.arena_max=5"}) is False
