"""What does training need of a machine? To start a worker on a folder, to say whether it goes on, to stop it.

The worker needs files only: it reads `job.json` in that folder and writes `progress.jsonl`, `worker.log` and
`result.json` beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from learning.jobs import Job


NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Ended:
    """How a worker ended, as far as its machine can tell. A worker that did its work left a result."""

    code: int | None = None  # below 0, or above 128: by a signal
    why: str = ""  # the machine's own words
    out_of_memory: bool = False
    vanished: bool = False  # the machine knows nothing of it any more

    @property
    def signal(self) -> int | None:
        if self.code is None or 0 <= self.code <= 128:
            return None
        return -self.code if self.code < 0 else self.code - 128


@dataclass(frozen=True, slots=True)
class Place:
    """The folder of one job, and what has to happen with what the worker leaves there."""

    folder: Path
    bring_back: Callable[[], None]


class Target(Protocol):
    here: bool  # on this machine, whose graphics card the model servers may have to lend

    def pack(self, job: Job, run_dir: Path) -> Place:
        """Lay out what the worker needs where it can reach it. Raises OSError."""
        ...

    async def start(self, folder: Path, name: str, added: Mapping[str, str] = NOTHING) -> str:
        """A handle to a worker on that folder; one of this name that is at it already is not doubled.

        `added`: to its environment; one that is at it already keeps its own. Raises TrainingFailed, in words
        for a person.
        """
        ...

    async def poll(self, handle: str) -> Ended | None:
        """Wait a moment; None: it goes on."""
        ...

    async def stop(self, handle: str) -> None:
        """Within seconds nothing of it runs any more. One that has ended is left alone."""
        ...
