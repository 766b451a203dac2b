"""Where does the service write down what it does? Ids and counts, never what anybody said."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Literal

from storage.whose import whose
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
            **({"twin": name} if (name := whose()) else {}),
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[0]:
            line["exception"] = record.exc_info[0].__name__
            frames = traceback.extract_tb(record.exc_info[2])
            line["at"] = [f"{Path(one.filename).name}:{one.lineno} {one.name}" for one in frames]
        return json.dumps(line, ensure_ascii=False)


class AsText(logging.Formatter):
    """A line; where several twins share the process, whose it is."""

    def __init__(self) -> None:
        super().__init__(FORM)

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        return f"{name}: {line}" if (name := whose()) else line


@contextmanager
def own_logs(home: Home, twin: str, form: Literal["text", "json"] = "text") -> Iterator[str]:
    """While the block runs, what is done for that twin is written into its own home's file, only there."""
    file = _file(home, form)
    file.addFilter(lambda record: whose() == twin)
    logging.getLogger().addHandler(file)
    try:
        yield str(home.logs / "twin.log")
    finally:
        logging.getLogger().removeHandler(file)
        file.close()


def write_logs(home: Home, form: Literal["text", "json"] = "text") -> str:
    """To one file, begun anew when it grows; errors to standard error as well. Returns the file's path.

    What is done for one twin of several goes into that twin's own file instead (`own_logs`).
    """
    file, screen = _file(home, form), logging.StreamHandler()
    file.addFilter(lambda record: not whose())
    screen.setLevel(logging.ERROR)
    screen.setFormatter(_form(form))
    for handler in (file, screen):
        logging.getLogger().addHandler(handler)
    logging.getLogger().setLevel(logging.WARNING)
    for name in OURS:
        logging.getLogger(name).setLevel(logging.INFO)
    return str(home.logs / "twin.log")


def _file(home: Home, form: Literal["text", "json"]) -> RotatingFileHandler:
    path = home.logs / "twin.log"
    file = RotatingFileHandler(path, maxBytes=LARGEST, backupCount=FILES, encoding="utf-8", delay=True)
    file.setFormatter(_form(form))
    return file


def _form(form: Literal["text", "json"]) -> logging.Formatter:
    return AsJson() if form == "json" else AsText()


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
