"""Does the twin hold while it learns by itself, people talk and everything breaks again and again?

    python -m benchmarks.soak [--minutes 60] [--quick] [--no-kills] [--json]

The real `twin up` with the pocket model, between the real Discord and Telegram clients and servers of both on
this machine: the invented owner teaches, friends and strangers talk and judge. Every few seconds something
is killed, frozen, locked, refused or cut. Nobody types `twin learn`. An hour holds what weeks would: people
pause for seconds, and the settings let it learn from a few judgements. Nothing of the clock is faked.
`--no-kills` leaves the service itself alive, so that the memory of one long life can be seen.
Compared with: the messages sent, the judgements given, and the adapter that answered before each run.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sqlite3
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # the servers of the chat apps live there

from chat_service import ChatService
from chat_world import a_world

from benchmarks._soak_accuracy import accuracies
from benchmarks._soak_faults import UP_SECONDS, Faults
from benchmarks._soak_home import Kept, database_mb, eager, journal_mb, kept_by, remember
from benchmarks._soak_people import People, Tally
from benchmarks._soak_plot import draw
from twin import show
from twin.serve import stop_signal

FULL = {
    "minutes": 60.0,
    "rooms": 4,
    "friends": 3,
    "strangers": 2,
    "pause": 40.0,
    "lesson_pause": 150.0,
    "between": 6.0,
    "calm": 150.0,
    "judgements": 10.0,
    "trial_minutes": 1.0,
    "epochs": 3.0,
}
QUICK = {
    "minutes": 2.0,
    "rooms": 6,
    "friends": 1,
    "strangers": 1,
    "pause": 3.0,
    "lesson_pause": 3.0,
    "between": 4.0,
    "calm": 45.0,
    "judgements": 8.0,
    "trial_minutes": 0.0,
    "epochs": 3.0,
}
EAGER = ("judgements", "trial_minutes", "epochs", "seed")
SEED = 7
PATIENCE = 900.0  # seconds that it has in the end to answer everything and to finish what it has begun
LATE = 5.0  # seconds more for what comes twice
WARM = 20.0  # seconds after a start until its memory is looked at
PICTURE = Path(__file__).parents[1] / "docs" / "soak.png"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, help="how long people talk; 60, or 2 with --quick")
    parser.add_argument("--quick", action="store_true", help="two minutes, fewer people, no trials")
    parser.add_argument("--no-kills", action="store_true", help="everything breaks but the service itself")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--seed", type=int, default=SEED, help="of what people say and what breaks")
    parser.add_argument("--folder", type=Path, help="keep the home there, to look at it later")
    options = parser.parse_args()
    size: dict[str, Any] = dict(QUICK if options.quick else FULL) | {"seed": options.seed}
    size["kills"] = not options.no_kills
    if options.minutes:
        size["minutes"] = options.minutes
    try:
        with tempfile.TemporaryDirectory() as scratch, show.progress("soak") as on_progress:
            figures = asyncio.run(measure(options.folder or Path(scratch), size, on_progress))
    except KeyboardInterrupt:  # before anybody talks
        return 130
    if options.json:
        print(json.dumps({"figures": figures, "conditions": conditions(size)}))
    else:
        show_tables(figures)
    if figures["answered_by"]["pairs"] and not (options.quick or options.no_kills):
        draw(figures, PICTURE)
    return 0


async def measure(folder: Path, size: Mapping[str, Any], on_progress: show.OnProgress) -> dict[str, Any]:
    home = folder / "home"
    on_progress(0.0, "the sample person's exports are read")
    await remember(home)
    async with a_world(folder) as world:
        service = world.service(settings=eager(*(size[name] for name in EAGER)))
        people = People(
            world,
            rooms=size["rooms"],
            friends=size["friends"],
            strangers=size["strangers"],
            pause=size["pause"],
            lesson_pause=size["lesson_pause"],
            seed=size["seed"],
            alive=lambda: service.running,
        )
        faults = Faults(world, service, home / "twin.db", size["seed"], kills=size["kills"])
        memory, over, quiet = Memory(service, home), asyncio.Event(), asyncio.Event()
        enough = stop_signal()  # Ctrl-C and SIGTERM: what was measured until then is told
        try:
            await service.up(UP_SECONDS)
            began, size_before = datetime.now(UTC), database_mb(home)
            watching = asyncio.create_task(memory.watch())
            talking = asyncio.create_task(people.talk(over))
            breaking = asyncio.create_task(
                faults.go_on(
                    quiet,
                    between=size["between"],
                    calm=size["calm"],
                    on_fault=lambda kind: on_progress(memory.minutes / size["minutes"], kind),
                )
            )
            stopping = asyncio.create_task(enough.wait())
            ends = (talking, breaking, stopping)
            await asyncio.wait(ends, timeout=60 * size["minutes"], return_when=asyncio.FIRST_COMPLETED)
            over.set()
            quiet.set()
            await asyncio.gather(talking, breaking)
            on_progress(0.99, "people are silent; it finishes what it has begun")
            drained = await until_done(people, home, enough)
            minutes = memory.minutes
            watching.cancel()
            stopping.cancel()
            size_after, journal = database_mb(home), journal_mb(home)
            stopped = await service.stop()
        finally:
            service.kill()
        kept = kept_by(home, people.given)
        preferred = await asyncio.to_thread(accuracies, home, began)
        complaints = len(world.complaints)
    return figures_of(people, faults, kept, memory, began) | {
        "minutes": round(minutes, 2),
        "restarts": service.starts - 1,
        "database_growth_mb": round(size_after - size_before, 2),
        "database_mb": [[round(at, 2), round(mb, 2)] for at, mb in memory.database],
        "journal_mb": round(journal, 1),
        "answered_by": preferred,
        "drained": drained,
        "exit_code": stopped,
        "complaints": complaints,
    }


async def until_done(people: People, home: Path, enough: asyncio.Event) -> bool:
    """Every question is answered and every run is over, or its patience is at an end. Whether all is."""
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            while not people.answered() or kept_by(home, ()).unfinished:
                if enough.is_set():
                    return False
                await asyncio.sleep(0.5)
            await asyncio.sleep(LATE)
            return True
    return False


@dataclass
class Memory:
    """What the service holds, by its lives, and its database: each is (minute, MB)."""

    service: ChatService
    home: Path
    database: list[tuple[float, float]] = field(default_factory=list)  # (minute, MB)
    lives: list[list[tuple[float, float]]] = field(default_factory=list)
    _began: float = 0.0

    @property
    def minutes(self) -> float:
        return (asyncio.get_running_loop().time() - self._began) / 60

    async def watch(self) -> None:
        self._began, life = asyncio.get_running_loop().time(), 0
        while True:
            await asyncio.sleep(5.0)
            with suppress(sqlite3.Error):
                self.database.append((self.minutes, await asyncio.to_thread(database_mb, self.home)))
            with suppress(OSError, IndexError):
                mb = self.service.rss_mb()
                if self.service.starts != life:
                    life = self.service.starts
                    self.lives.append([])
                if mb:
                    self.lives[-1].append((self.minutes, mb))

    def growth_mb(self) -> float:
        """The most that any life has grown by since it was warm."""
        grown = []
        for life in self.lives:
            warm = [mb for minute, mb in life if minute - life[0][0] > WARM / 60]
            grown += [warm[-1] - warm[0]] if warm else []
        return max(grown, default=0.0)

    def grown_mb(self) -> float:
        """What the longest life held in its last quarter beyond the quarter before, when caches are full."""
        life = [mb for _, mb in max(self.lives, key=len, default=[])]
        half, last = life[len(life) // 2 : 3 * len(life) // 4], life[3 * len(life) // 4 :]
        return fmean(last) - fmean(half) if half else 0.0


def figures_of(people: People, faults: Faults, kept: Kept, memory: Memory, began: datetime) -> dict[str, Any]:
    tally: Tally = people.tally(kept.answered)
    points = [
        {
            "minute": round((point.at - began).total_seconds() / 60, 2),
            "live": point.live,
            "candidate": point.candidate,
            "answering": point.candidate if point.outcome == "live" else point.live,
            "pairs": point.pairs,
            "outcome": point.outcome,
        }
        for point in kept.points
    ]
    return {
        **asdict(tally),
        "feedback": kept.feedback,
        "feedback_missing": len(kept.missing),
        "judgements": dict(people.counts),
        "runs": sum(kept.runs.values()),
        "run_states": kept.runs,
        "run_kinds": kept.kinds,
        "runs_unfinished": kept.unfinished,
        "runs_begun_again": kept.attempts,
        "run_errors": kept.errors,
        "promotions": kept.promotions,
        "rollbacks": kept.rollbacks,
        "rss_growth_mb": round(memory.growth_mb(), 1),
        "grown_mb": round(memory.grown_mb(), 1),
        "rss_mb": round(max((mb for life in memory.lives for _, mb in life), default=0.0), 1),
        "slowest_return_s": round(faults.slowest_return, 1),
        "faults": dict(faults.happened),
        "killed_when": dict(faults.moments),
        "preference_accuracy": points,
        "memory_mb": [[(round(at, 2), round(mb, 1)) for at, mb in life] for life in memory.lives],
    }


def conditions(size: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "machine": f"{platform.machine()}, {platform.system()}, {os.cpu_count()} CPUs, "
        f"Python {platform.python_version()}; load {os.getloadavg()[2]:.0f}",
        "model": "pocket, served and trained on the same machine as chat apps and people",
        "settings": "learning looked for every 2 seconds, no cool-down; prompts hold one message; SQLite",
        **size,
    }


def show_tables(figures: Mapping[str, Any]) -> None:
    left_out = ("preference_accuracy", "answered_by", "memory_mb", "database_mb", "faults", "killed_when")
    show.table(
        "the soak", ("what", "how many"), [(name, figures[name]) for name in figures if name not in left_out]
    )
    broken = [*figures["faults"].items(), *(("killed: " + k, n) for k, n in figures["killed_when"].items())]
    show.table("what broke", ("what", "times"), broken)
    columns = ("minute", "live", "candidate", "pairs", "outcome")
    rows = [tuple(point[name] for name in columns) for point in figures["preference_accuracy"]]
    show.table("preferred of the corrections held out by then", columns, rows)
    answered = figures["answered_by"]
    rows = [tuple(one.values()) for one in answered["answered"]]
    whose = ("from minute", "who answered", "preferred")
    show.table(f"preferred of the {answered['pairs']} held out at the end", whose, rows)


if __name__ == "__main__":
    sys.exit(main())
