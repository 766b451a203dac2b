"""Does the trial of a new adapter end right? Simulated people judge its replies until the test decides.

    python -m benchmarks.canary [--quick] [--json]

One owner, eight friends with habits of their own, one or two chats each, and half of the chats on the new
adapter. It is liked 20 points less than the live one (worse), exactly as much (equal), or 10 points more
(better). "Attacked" is equal, and fifty new accounts dislike it. Compared with: a test of a fixed size that
looks once, after as many opinions as it needs for the same rates of error.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from learning.canary import Arm, Opinion, weigh
from learning.settings import CanarySettings
from storage.records import Role

EFFECTS = {"worse": -0.2, "equal": 0.0, "better": 0.1}
FRIENDS = 8
OWNER_CHATS = 6
OPINIONS_AT_MOST = 800  # then the trial's time is over
FIXED_SIZE_Z = 2.17 + 1.645  # of errors 0.015 and 0.05
START = datetime(2026, 1, 1, tzinfo=UTC)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.canary", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="200 trials of each kind instead of 400")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args()
    tries = 200 if options.quick else 400
    settings = CanarySettings()
    ended = {
        kind: [trial(seed, effect, settings) for seed in range(tries)] for kind, effect in EFFECTS.items()
    }
    attacked = [trial(seed, 0.0, settings, puppets=50) for seed in range(tries)]
    found = {"figures": figures_of(ended, attacked, settings), "conditions": conditions(settings)}
    print(json.dumps(found)) if options.json else show(found["figures"])


def trial(seed: int, effect: float, settings: CanarySettings, *, puppets: int = 0) -> tuple[str, int]:
    """How it was decided, and after how many opinions. `puppets`: new accounts that dislike the new one."""
    lots = random.Random(seed)
    roles = {"owner": Role.OWNER, **{f"friend {number}": Role.OTHER for number in range(FRIENDS)}}
    likes = {person: lots.betavariate(4, 2) for person in roles}
    chats: list[tuple[str, Arm]] = []
    for person, role in roles.items():
        for _ in range(OWNER_CHATS if role is Role.OWNER else lots.choice((1, 2))):
            chats.append((person, "canary" if lots.random() < settings.share else "live"))
    chats += [("owner", "canary"), ("owner", "live")]  # the owner hears both
    busy = [0.5 if person == "owner" else 0.6 * lots.expovariate(1) for person, _ in chats]
    opinions = [
        Opinion(person, role, float(lots.random() < likes[person]), START)
        for person, role in roles.items()
        for _ in range(lots.randrange(30))
    ]
    opinions += [Opinion(f"puppet {n}", Role.OTHER, 0.0, START, "canary") for n in range(puppets)]
    for number in range(1, OPINIONS_AT_MOST + 1):
        person, arm = lots.choices(chats, busy)[0]
        chance = likes[person] + (effect if arm == "canary" else 0.0)
        opinions.append(Opinion(person, roles[person], float(lots.random() < chance), START, arm))
        finding = weigh(opinions, settings, last=number == OPINIONS_AT_MOST)
        if finding.decision != "go on":
            return finding.decision, number
    raise AssertionError("the last look always decides")


def figures_of(
    ended: dict[str, list[tuple[str, int]]], attacked: list[tuple[str, int]], settings: CanarySettings
) -> dict[str, Any]:
    def how_often(decision: str, trials: list[tuple[str, int]]) -> int:
        return sum(decided == decision for decided, _ in trials)

    good = ended["equal"] + ended["better"]
    return {
        "worse_rolled_back": how_often("roll back", ended["worse"]),
        "worse_tried": len(ended["worse"]),
        "better_promoted": how_often("promote", good),
        "better_tried": len(good),
        "equal_promoted": how_often("promote", ended["equal"]),
        "equal_tried": len(ended["equal"]),
        "attacked_promoted": how_often("promote", attacked),
        "attacked_tried": len(attacked),
        "signals_median": statistics.median(number for trials in ended.values() for _, number in trials),
        **{
            f"signals_median_{kind}": statistics.median(number for _, number in trials)
            for kind, trials in ended.items()
        },
        "signals_fixed_size": round(4 * 0.22 * (FIXED_SIZE_Z / settings.margin) ** 2),
    }


def conditions(settings: CanarySettings) -> dict[str, Any]:
    return {"effects": EFFECTS, "friends": FRIENDS, "at_most": OPINIONS_AT_MOST, **settings.model_dump()}


def show(figures: dict[str, Any]) -> None:
    table = Table(
        "the new adapter is", "decided right", "opinions it took (median)", title="Trials of an adapter"
    )
    for kind, right, tried in (
        ("worse", "worse_rolled_back", "worse_tried"),
        ("equal", "equal_promoted", "equal_tried"),
        ("better", "better_promoted", "better_tried"),
        ("attacked", "attacked_promoted", "attacked_tried"),
    ):
        took = figures.get(f"signals_median_{kind}", "")
        if kind == "better":
            share = (figures[right] - figures["equal_promoted"], figures[tried] - figures["equal_tried"])
        else:
            share = (figures[right], figures[tried])
        table.add_row(kind, f"{share[0]} of {share[1]}", str(took))
    table.caption = f"A test of a fixed size would need {figures['signals_fixed_size']} opinions."
    Console().print(table)


if __name__ == "__main__":
    main()
