"""What becomes of one damaged export? Read as the pipeline reads it: it must not raise, hang or leak."""

from __future__ import annotations

import random
import re
import shutil
import signal
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from benchmarks._fuzz_damage import Files, damaged
from benchmarks._fuzz_seeds import CANARIES, OWNER
from ingest.files import ExportUnreadable, one_look
from ingest.ledger import Ledger
from ingest.pipeline import Passage, read_all
from ingest.roster import Roster
from ingest.sources import SOURCES
from storage.records import Record, Skipped

KINDS = ("crashes", "hangs", "leaks")
HANG_SECONDS = 2.0  # of this process's own time, for an input below 64 kB
WAIT_SECONDS = 120.0  # on the wall: whoever waits for ever uses no time of the processor
KEY = bytes(range(32))
_LEAK = re.compile("|".join(rf"(?<!\w){re.escape(canary)}(?!\w)" for canary in CANARIES))


class Hangs(BaseException):
    """Not an Exception, so that no reader can take it for a bad item."""


@dataclass(slots=True)
class Found:
    """What went wrong, by a name that is the same for the same fault; how often; an input that shows it."""

    inputs: int = 0
    faults: dict[str, dict[str, int]] = field(
        default_factory=lambda: {"crashes": {}, "hangs": {}, "leaks": {}}
    )
    shown_by: dict[str, tuple[str, bytes]] = field(default_factory=dict)

    def count(self, kind: str) -> int:
        return sum(self.faults[kind].values())

    def add(self, kind: str, what: str, name: str, data: bytes) -> None:
        counts = self.faults[kind]
        counts[what] = counts.get(what, 0) + 1
        self.shown_by.setdefault(f"{kind}: {what}", (name, data))


class Fuzzer:
    """One source, its seed in a folder of its own; every input damages it anew and puts it right again."""

    def __init__(self, source: str, seed: Files, everybodys: list[bytes], folder: Path, dice: int) -> None:
        self.source, self.found = SOURCES[source], Found()
        self._seed, self._everybodys = seed, everybodys
        self._folder, self._dice = folder / source, random.Random(f"{source} {dice}")
        self._write(seed)

    def run(self, inputs: int, until: float) -> None:
        for _ in range(inputs):
            if time.monotonic() > until:
                return
            self.one()

    def one(self) -> None:
        name, files = damaged(self._dice, self._seed, self._everybodys)
        path = self._folder
        if name not in self._seed:
            path = self._folder.with_suffix(".zip")
        (path / name if path is self._folder else path).write_bytes(files[name])
        self.found.inputs += 1
        try:
            with _no_longer_than(HANG_SECONDS), one_look():
                self._read(path, name, files[name])
        except ExportUnreadable:
            pass  # the export as a whole: told in one sentence
        except Hangs as hang:
            self.found.add("hangs", f"{self.source.name}: {_where(hang)}", name, files[name])
        except Exception as problem:
            what = f"{self.source.name}: {type(problem).__name__} in {_where(problem)}"
            self.found.add("crashes", what, name, files[name])
        if path is self._folder:
            (path / name).write_bytes(self._seed[name])

    def _read(self, path: Path, name: str, data: bytes) -> None:
        ledger = Ledger(self.source.name)
        for outcome in read_all(self.source, path, OWNER, Passage(Roster(KEY, OWNER), ledger)):
            if isinstance(outcome, Record) and (leak := _LEAK.search(outcome.text)):
                kind = ("email", "phone", "secret")[CANARIES.index(leak[0])]
                self.found.add("leaks", f"{self.source.name}: {kind}", name, data)
            if isinstance(outcome, Skipped) and outcome.why == "could not be pseudonymised":
                self.found.add("crashes", f"{self.source.name}: the redactor raised", name, data)
            ledger.kept += isinstance(outcome, Record)
        assert ledger.closes(), "the ledger does not close"
        assert 0 <= self.source.recognise(path) <= 1

    def _write(self, files: Files) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        for name, data in files.items():
            (self._folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self._folder / name).write_bytes(data)


@contextmanager
def _no_longer_than(seconds: float) -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        raise Hangs

    limits = (
        (signal.SIGVTALRM, signal.ITIMER_VIRTUAL, seconds),
        (signal.SIGALRM, signal.ITIMER_REAL, WAIT_SECONDS),
    )
    before = [signal.signal(number, stop) for number, _, _ in limits]
    ticking = [signal.setitimer(timer, limit) for _, timer, limit in limits]
    try:
        yield
    finally:
        for (number, timer, _), handler, left in zip(limits, before, ticking, strict=True):
            signal.setitimer(timer, 0)
            signal.signal(number, handler)
            signal.setitimer(timer, *left)


def _where(problem: BaseException) -> str:
    """The innermost line of ours."""
    frames = [frame for frame in traceback.extract_tb(problem.__traceback__) if "/ingest/" in frame.filename]
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "nowhere of ours"
