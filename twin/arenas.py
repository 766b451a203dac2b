"""How much of what is freed does the C library keep? With an arena for each thread, more as the days go by.

glibc gives each thread an arena of its own, and what is freed in the middle of one is not given back. The
service has a dozen threads of which Python lets one run at a time, so two arenas are enough.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Mapping

ARENAS = 2
_M_ARENA_MAX = -8  # in glibc's malloc.h


def share_arenas(environment: Mapping[str, str] = os.environ) -> bool:
    """For threads that begin from now on. False: somebody has set it otherwise, or this is no glibc."""
    if "MALLOC_ARENA_MAX" in environment or "glibc.malloc.arena_max" in environment.get("GLIBC_TUNABLES", ""):
        return False
    try:
        return bool(ctypes.CDLL(None).mallopt(_M_ARENA_MAX, ARENAS))
    except (AttributeError, OSError, TypeError):  # another C library, or another system
        return False
