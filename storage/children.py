"""How does a process that we start end with us, also where we are killed?"""

from __future__ import annotations

import shutil
from collections.abc import Sequence


def ending_with_us(command: Sequence[str], signal: str) -> list[str]:
    """The command by which it gets that signal ("TERM", "KILL") when this process ends; as it is without
    util-linux's setpriv.
    """
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", signal, "--", *command] if setpriv else [*command]
