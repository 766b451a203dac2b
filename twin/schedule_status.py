"""What happens next by the clock, how did it go last time, and why is nothing learned now? For people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, tzinfo
from typing import Any

from learning.when_to_learn import Verdict
from storage.records import Run, now
from twin.build import Stores
from twin.home import Home
from twin.kinds import KINDS
from twin.learning_state import MINE, LearningState
from twin.outcomes import run_in_words
from twin.schedule import BEAT_SECONDS, HEARTBEAT
from twin.settings import Settings


@dataclass(frozen=True, slots=True)
class Line:
    job: str
    next_at: datetime | None
    last_at: datetime | None = None
    last_state: str = ""
    last_words: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """`alive_seconds`: since the last heartbeat of the scheduler; None: it never had one."""

    alive_seconds: float | None
    leader: str
    lines: tuple[Line, ...]
    verdict: Verdict
    unfinished: tuple[Run, ...] = ()
    zone: tzinfo | None = field(default=None)

    @property
    def alive(self) -> bool:
        return self.alive_seconds is not None and self.alive_seconds < 6 * BEAT_SECONDS

    def as_json(self) -> dict[str, Any]:
        return {
            "alive": self.alive,
            "alive_seconds": self.alive_seconds,
            "leader": self.leader,
            "jobs": [asdict(line) for line in self.lines],
            "learns_now": self.verdict.kind,
            "why": self.verdict.why,
            "until": self.verdict.until,
            "unfinished": [run.id for run in self.unfinished],
        }

    def learning(self) -> str:
        """Why nothing is learned now, or that it is about to be."""
        why = self.verdict.why
        return f"It is time to learn: {why}." if self.verdict.kind else f"Nothing is learned now: {why}."

    def in_words(self) -> str:
        """For a chat."""
        clock = "The schedule runs." if self.alive else "The schedule does not run: is 'twin up' on?"
        lines = [f"{line.job}: {self.when(line.next_at)}; last: {self.last(line)}" for line in self.lines]
        going = [f"{run.id}: {run.state}, {run.progress:.0%}" for run in self.unfinished]
        return "\n".join([clock, *lines, *going, self.learning()])

    def when(self, at: datetime | None) -> str:
        return "not planned" if at is None else f"{at.astimezone(self.zone):%a %d %b %H:%M:%S}"

    def last(self, line: Line) -> str:
        if line.last_at is None:
            return "never"
        return (
            f"{line.last_state} {self.when(line.last_at)}{f' ({line.last_words})' if line.last_words else ''}"
        )


async def status_of(home: Home, settings: Settings, stores: Stores) -> Status:
    beat = await stores.cursors.get(MINE, HEARTBEAT)
    planned: Mapping[str, str | None] = beat.value["jobs"] if beat else {}
    last = await stores.runs.last(list(KINDS))
    names = sorted({*planned, *last})
    return Status(
        (now() - beat.updated_at).total_seconds() if beat else None,
        str(beat.value["leader"]) if beat else "",
        tuple(_line(name, planned.get(name), last.get(name)) for name in names),
        await LearningState(home, stores).verdict(settings),
        tuple(await stores.runs.unfinished()),
        settings.owner.owner().zones[-1][1],
    )


def _line(name: str, planned: str | None, last: Run | None) -> Line:
    at = datetime.fromisoformat(planned) if planned else None
    if last is None:
        return Line(name, at)
    words = run_in_words(last) if last.error or "outcome" in last.metrics else ""
    return Line(name, at, last.finished_at, str(last.state), words)
