"""Where does the service write down what it does? Ids and counts, never what anybody said."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable
from logging.handlers import RotatingFileHandler
from pathlib import Path

from twin.home import Home

OURS = ("api", "bot", "brain", "ingest", "learning", "storage", "twin")
FORM = "%(asctime)s %(levelname)s %(name)s: %(message)s"
WRITTEN = (".log", ".jsonl")
LARGEST, FILES = 5_000_000, 5


def write_logs(home: Home) -> str:
    """To one file, begun anew when it grows; errors to standard error as well. Returns the file's path."""
    path = home.logs / "twin.log"
    file = RotatingFileHandler(path, maxBytes=LARGEST, backupCount=FILES, encoding="utf-8", delay=True)
    screen = logging.StreamHandler()
    screen.setLevel(logging.ERROR)
    for handler in (file, screen):
        handler.setFormatter(logging.Formatter(FORM))
        logging.getLogger().addHandler(handler)
    logging.getLogger().setLevel(logging.WARNING)
    for name in OURS:
        logging.getLogger(name).setLevel(logging.INFO)
    return str(path)


def wipe_logs(
    places: Iterable[Path], words: Collection[str], holds: Callable[[str], bool] = lambda line: False
) -> int:
    """Take every line out in which one of these words stands, or that `holds` more; returns how many.

    Logs hold ids and counts, but a library's complaint may quote what it was given. In place: a process that
    writes to a log goes on writing to it.
    """
    wiped = 0
    found = [file for place in places for file in ([place] if place.is_file() else sorted(place.rglob("*")))]
    for file in (one for one in found if one.is_file() and (one.suffix in WRITTEN or ".log" in one.suffixes)):
        lines = file.read_text(encoding="utf-8", errors="surrogateescape").splitlines(keepends=True)
        kept = [line for line in lines if not holds(line) and not any(word in line for word in words)]
        if len(kept) < len(lines):
            wiped += len(lines) - len(kept)
            file.write_text("".join(kept), encoding="utf-8", errors="surrogateescape")
    return wiped
