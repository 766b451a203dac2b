"""What are processes of this machine called that are gone, or are not ours?"""

from __future__ import annotations

import subprocess
import sys

from storage.processes import this_process


def another(pid: int) -> str:
    """The name of a process of this machine, of that number."""
    host, _, life = this_process().split(":")
    return f"{host}:{pid}:{life.partition('-')[0]}-an0ther"


def gone() -> int:
    """The number of one that was here a moment ago."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid
