"""How long from a correction in a chat to an answer by an adapter that has learned it, with nobody's help?

    python -m benchmarks.timetolearn [--quick] [--json]

The real service (`twin up`) with the pocket model, its schedule, its queue and its trainers; Discord is a
server of ours. Nobody types a command: the owner corrects an answer, and asks on. Before each correction the
trainer that is kept ready has loaded, as it has in a service that was started a minute ago. Compared with:
the goal of 30 s. The seconds of each step are read from the run, its logs and the database; beside them stand
the processor's seconds of the trainer, which other work on the machine does not stretch.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import platform
import re
import sqlite3
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # the servers of the chat apps live there

import chat_world

from benchmarks._soak_faults import children
from benchmarks._timetolearn_home import SETTINGS, lived_in
from twin import show
from twin.home import Home

GOAL = 30.0
PATIENCE = 400.0  # seconds for one correction
IDLE = 3.0  # seconds without any work: whoever is ready
STEPS = ("noticed", "queued", "collect", "start", "train", "mix", "evaluate", "gate", "load", "first_answer")
PROCESSOR = ("processor_train", "processor_mix", "processor_evaluate")
QUESTION = "do you like rain or soup?"
BETTER = ("rain ofc, soup is meh honestly tho", "rain ofc honestly tho", "soup is meh honestly, rain ofc tho")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.timetolearn", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one correction instead of three")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args()
    corrections = BETTER[:1] if options.quick else BETTER
    try:
        with tempfile.TemporaryDirectory() as folder:
            rounds = asyncio.run(measure(Path(folder), corrections))
    except KeyboardInterrupt:
        return 130
    found = {"figures": figures(rounds), "conditions": conditions(rounds)}
    if options.json:
        print(json.dumps(found))
    else:
        rows = [(name, *(f"{one[name]:.1f}" for one in rounds)) for name in (*STEPS, "total", *PROCESSOR)]
        show.table("seconds", ("step", *(f"correction {n + 1}" for n in range(len(rounds)))), rows)
        show.sentence(f"goal: {GOAL:.0f} s in all")
    return 0


async def measure(folder: Path, corrections: tuple[str, ...]) -> list[dict[str, float]]:
    async with chat_world.a_world(folder) as world:
        sam = world.discord.user("Sam")
        home = Home(folder / "home")
        service = world.service(platforms=("discord",), settings=SETTINGS)
        await lived_in(home, str(sam.id))
        try:
            await service.up()
            rounds = []
            with show.progress("corrections") as on_progress:
                for number, better in enumerate(corrections):
                    on_progress(number / len(corrections), f"{number} of {len(corrections)}")
                    await ready(service)
                    rounds.append(await one_correction(world, home, better))
            return rounds
        except BaseException:
            sys.stderr.write(service.last_words() + "\n")
            raise
        finally:
            service.kill()


async def ready(service: Any) -> int:
    """Wait until the trainer that is kept ready has loaded, and is idle; its process."""
    loop, before, since = asyncio.get_running_loop(), (0, -1.0), 0.0
    async with asyncio.timeout(PATIENCE):
        while True:
            at_it = [(pid, processor_seconds(pid)) for pid in children(service, "learning.worker")]
            now = at_it[0] if at_it else (0, -1.0)
            if now != before:
                before, since = now, loop.time()
            elif now[1] > 1.0 and loop.time() - since > IDLE:
                return now[0]
            await asyncio.sleep(0.2)


def processor_seconds(pid: int) -> float:
    """User and system, of a process that is there; -1 of one that is not."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return -1.0
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


async def one_correction(world: Any, home: Home, better: str) -> dict[str, float]:
    """The owner asks, says how it should have been said, and asks on until somebody new answers."""
    discord = world.discord
    kitchen, sam = discord.kitchen, discord.user("Sam")
    await asked(world, home)
    known = {version for version, _, _ in answers(home)}
    reply = [one for one in discord.messages(kitchen) if one["author"]["id"] == str(discord.bot.id)][-1]
    begun = time.time()
    discord.say(kitchen, sam, f"= {better}", reply_to=reply)
    async with asyncio.timeout(PATIENCE):
        while not ((newest := (await asked(world, home))) and newest[0] not in (*known, None)):
            failed = rows(home, "SELECT error FROM runs WHERE state = 'failed'")
            if failed:
                raise RuntimeError(f"a run failed: {failed}")
    version, _, answered = newest
    return steps(home, str(version), begun, answered.timestamp())


async def asked(world: Any, home: Home) -> tuple[str | None, str, datetime]:
    """Ask once; which adapter answered, and when."""
    discord, before = world.discord, len(answers(home))
    discord.say(discord.kitchen, discord.user("Sam"), f"<@{discord.bot.id}> {QUESTION}")
    await discord.wait_for(lambda: len(answers(home)) > before, 60)
    return answers(home)[-1]


def answers(home: Home) -> list[tuple[str | None, str, datetime]]:
    query = (
        "SELECT json_extract(stamp, '$.adapter'), key, sent_at FROM messages "
        "WHERE by_twin AND platform = 'discord' AND NOT unsent AND stamp IS NOT NULL ORDER BY number"
    )
    return [(adapter, key, moment(at)) for adapter, key, at in rows(home, query)]


def steps(home: Home, version: str, begun: float, answered: float) -> dict[str, float]:
    [(id, created, started)] = rows(
        home,
        "SELECT id, created_at, started_at FROM runs WHERE json_extract(metrics, '$.candidate') = "
        f"'{version}'",
    )
    [(live,)] = rows(home, f"SELECT at FROM promotions WHERE version = '{version}'")
    logged = (home.logs / "twin.log").read_text(encoding="utf-8")
    worker = (home.runs / id / "worker.log").read_text(encoding="utf-8")
    times = [
        begun,
        moment(created).timestamp(),
        moment(started).timestamp(),
        at_line(logged, rf"run {id}: training begins"),
        at_line(worker, r"step 0:"),
        at_line(worker, r"step \d+: interpolate"),
        at_line(worker, r"step \d+: evaluate"),
        at_line(logged, rf"run {id}: training and measuring are done"),
        at_line(logged, rf"run {id}: judged"),
        moment(live).timestamp(),
        answered,
    ]
    found = {
        name: round(max(0.0, after - before), 2)
        for name, (before, after) in zip(STEPS, itertools.pairwise(times), strict=True)
    }
    used = [float(found) for found in re.findall(r"step \d+ is done, (\S+) s of the processor", worker)]
    *trained, mixed, measured = used
    busy = {"train": sum(trained), "mix": mixed, "evaluate": measured}
    processor = {f"processor_{name}": round(seconds, 2) for name, seconds in busy.items()}
    return {**found, "total": round(answered - begun, 2), **processor}


def at_line(log: str, pattern: str) -> float:
    """When this was logged; logs are in local time."""
    found = re.search(rf"^(\S+ \S+?),(\d+) .*{pattern}", log, re.MULTILINE)
    if found is None:
        raise RuntimeError(f"nothing like {pattern!r} was logged")
    return datetime.fromisoformat(found[1]).timestamp() + int(found[2]) / 1000


def moment(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def rows(home: Home, query: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(home.root / "twin.db", timeout=30) as database:
        return database.execute(query).fetchall()


def figures(rounds: list[dict[str, float]]) -> dict[str, Any]:
    found: dict[str, Any] = {
        f"seconds_{name}": statistics.median(one[name] for one in rounds) for name in STEPS
    }
    total = statistics.median(one["total"] for one in rounds)
    processor = {name: statistics.median(one[name] for one in rounds) for name in PROCESSOR}
    return {"seconds_total": total, **found, **processor, "goal": GOAL, "corrections": len(rounds)}


def conditions(rounds: list[dict[str, float]]) -> dict[str, Any]:
    return {
        "model": "pocket",
        "machine": f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}",
        "load": round(os.getloadavg()[0], 1),
        "learning": SETTINGS["learning.when"],
        "trainer_kept_ready": SETTINGS["runs"]["warm"],
        "totals": [one["total"] for one in rounds],
        "gate": "lenient, no trial: what is measured is time",
    }


if __name__ == "__main__":
    sys.exit(main())
