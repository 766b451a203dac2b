"""Do logs tell what somebody said? What is said in any test is looked for in all that is logged in it.

Also in the files of the services that tests start as processes of their own.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from twin.logs import FORM, OURS

LEAST = 10  # characters; shorter words may be anywhere
said: set[str] = set()


def note(text: str | None) -> None:
    """Somebody says this in a test."""
    if text and len(text) >= LEAST and " " in text:
        said.add(text)


class Listening(logging.Handler):
    """On all that we log, with the text of exceptions."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter(FORM))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.split(".")[0] in OURS:
            self.lines.append(self.format(record))


@contextmanager
def nothing_said_is_logged() -> Iterator[None]:
    said.clear()
    listening = Listening()
    loggers = [logging.getLogger(name) for name in OURS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(listening)
        logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.removeHandler(listening)
            logger.setLevel(level)
    wrong = told_in("\n".join(listening.lines))
    assert not wrong, f"logged, though somebody said it: {wrong}"


def told_in(text: str) -> list[str]:
    return sorted(words for words in said if words in text)


def nothing_said_is_in(folder: Path) -> None:
    """Not in any log below it, and not in what a process has printed."""
    for file in [*folder.rglob("*.log"), *folder.rglob("output")]:
        wrong = told_in(file.read_text(errors="replace"))
        assert not wrong, f"{file} holds what somebody said: {wrong}"
