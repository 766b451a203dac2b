"""Where does the service write down what it does? Ids and counts, never what anybody said."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Literal

from twin.home import Home

OURS = ("api", "bot", "brain", "ingest", "learning", "storage", "twin")
FORM = "%(asctime)s %(levelname)s %(name)s: %(message)s"
WRITTEN = (".log", ".jsonl")
LARGEST, FILES = 5_000_000, 5


class AsJson(logging.Formatter):
    """One object a line. Of an exception its class and where it came from: its text may quote what it met."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[0]:
            line["exception"] = record.exc_info[0].__name__
            frames = traceback.extract_tb(record.exc_info[2])
            line["at"] = [f"{Path(one.filename).name}:{one.lineno} {one.name}" for one in frames]
        return json.dumps(line, ensure_ascii=False)


def write_logs(home: Home, form: Literal["text", "json"] = "text") -> str:
    """To one file, begun anew when it grows; errors to standard error as well. Returns the file's path."""
    path = home.logs / "twin.log"
    file = RotatingFileHandler(path, maxBytes=LARGEST, backupCount=FILES, encoding="utf-8", delay=True)
    screen = logging.StreamHandler()
    screen.setLevel(logging.ERROR)
    for handler in (file, screen):
        handler.setFormatter(AsJson() if form == "json" else logging.Formatter(FORM))
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
