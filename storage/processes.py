"""Which process is this, among those of all machines that share a database; and is that one gone?

Machines may share a name, and so may containers, each of which counts its processes from 1. So a process is
named after its machine's name (for people), its number, where that number counts, and a word of its own.
"""

from __future__ import annotations

import os
import secrets
import socket
from functools import cache
from pathlib import Path

BOOT = Path("/proc/sys/kernel/random/boot_id")
LIFE = secrets.token_hex(4)  # of this process: a restarted one may have its predecessor's number


def this_process() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{_place()}-{LIFE}"


def is_this(name: str) -> bool:
    return name.rpartition("-")[2] == LIFE


def is_gone(name: str) -> bool:
    """Whether it has ended, for certain. Of a process elsewhere that cannot be known from here."""
    _, pid, life = [*name.split(":"), "", ""][:3]
    if is_this(name) or not pid.isdigit() or life.partition("-")[0] != _place():
        return False
    if int(pid) == os.getpid():
        return True  # its number is ours now
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass  # somebody else's process, but there
    return False


@cache
def _place() -> str:
    """Where our number counts: since this machine's last start, within our container."""
    try:
        return BOOT.read_text()[:8] + os.readlink("/proc/self/ns/pid").strip("pid:[]")
    except OSError:
        return secrets.token_hex(4)  # nobody else's can be told
