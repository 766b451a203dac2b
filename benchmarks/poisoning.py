"""Can strangers make the twin somebody else? They try all that a chat app lets them, through the real flows.

    python -m benchmarks.poisoning [--quick] [--json]

One owner judges thirty replies. Fifty strangers flood, impersonate, correct, edit, press forged buttons;
what would be trained on is compared with what it was, row by row. Then a friend on the list of trainers goes
rogue: how much of the weight is theirs, beside what it were without the caps? And of the private things that
they put into corrections: how many reach the files that training reads?
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # the chat that is poisoned lives there

from poisoned_chat import ATTACKS, STRANGERS, PoisonedChat, a_poisoned_chat, rogue_friend

from learning.anomalies import anomalies
from learning.preferences import Private
from learning.settings import LearningSettings
from twin.feedback import private_things
from twin.home import Home
from twin.settings import read_settings

UNCAPPED = LearningSettings(
    trainer_per_day=10**6, trainer_per_session=10**6, trainer_share=1 - 1e-9, signals_per_session=10**6
)
CANARIES = {  # what a friend puts into corrections, and the part of it that must not come through
    "call me on +386 40 555 0123": "40 555",
    "my address is tamsin@okonjo.example.org": "okonjo.example",
    "the password is kV9$tr0ub4dor": "tr0ub4dor",
    "use ghp_Zk3Jq8Lw1Xv5Tn7Rb2Mc9Df4Gh6Ps0Ya1Ue": "Zk3Jq8",
    "four zero five five five zero one two three": "five five zero",
    "SI56 1910 0000 0123 438": "0000 0123",
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.poisoning", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="ten strangers, one day of a rogue friend")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args()
    logging.getLogger("bot").setLevel(logging.ERROR)  # every button they may not press is a warning
    strangers, days = (10, 1) if options.quick else (len(STRANGERS), 5)
    found = asyncio.run(measure(strangers, days))
    print(json.dumps(found)) if options.json else show(found["figures"])


async def measure(strangers: int, days: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="poisoning-") as folder:
        attacks = {name: await attacked(Path(folder) / name, name, STRANGERS[:strangers]) for name in ATTACKS}
        rogue = await went_rogue(Path(folder) / "rogue", days)
        private = await told_private_things(Path(folder) / "private")
    total = {key: sum(one[key] for one in attacks.values()) for key in ("signals", "rows_changed")}
    return {
        "figures": {"strangers": strangers, **total, **rogue, **private, "attacks": attacks},
        "conditions": {"owner_signals": 30, "days_of_the_rogue_friend": days, "attacks": len(ATTACKS)},
    }


async def attacked(folder: Path, name: str, who: list[str]) -> dict[str, int]:
    """Of one kind of attack: how much was given, which rows are others than before, what would be told."""
    async with a_poisoned_chat(folder) as chat:
        before, given = await chat.rows(), len(await chat.feedback.ever())
        await ATTACKS[name](chat, who)
        after, ever = await chat.rows(), await chat.feedback.ever()
    changed = sum(_differences(before[file], after[file]) for file in before)
    return {"signals": len(ever) - given, "rows_changed": changed, "anomalies": len(anomalies(ever))}


async def went_rogue(folder: Path, days: int) -> dict[str, Any]:
    async with a_poisoned_chat(folder) as chat:
        owners = await _weight(chat, LearningSettings())
        await rogue_friend(chat, days)
        capped, uncapped = await _weight(chat, LearningSettings()), await _weight(chat, UNCAPPED)
        told = [one.kind for one in anomalies(await chat.feedback.ever())]
    return {
        "rogue_share": round(1 - owners / capped, 3),
        "rogue_share_without_caps": round(1 - owners / uncapped, 3),
        "rogue_told": told,
    }


async def told_private_things(folder: Path) -> dict[str, int]:
    async with a_poisoned_chat(folder) as chat:
        for number, text in enumerate(CANARIES):
            reply = await chat.reply(100 + number)
            await chat.press(f"ask-correct:{reply.key}", "tia", text)
        home = Home(folder / "home")
        home.make()
        screened = private_things(home, read_settings(home))
        return {
            "private_tried": len(CANARIES),
            "private_learned": await _leaked(chat, screened),
            "private_learned_unscreened": await _leaked(chat, None),
        }


async def _leaked(chat: PoisonedChat, private: Private | None) -> int:
    said = json.dumps(await chat.rows(private=private))
    return sum(part in said for part in CANARIES.values())


async def _weight(chat: PoisonedChat, settings: LearningSettings) -> float:
    return float(sum(row["weight"] for rows in (await chat.rows(settings)).values() for row in rows))


def _differences(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> int:
    was, is_now = (set(map(json.dumps, rows)) for rows in (before, after))
    return len(was ^ is_now)


def show(figures: dict[str, Any]) -> None:
    title = f"{figures['strangers']} strangers against one owner"
    table = Table("attack", "signals", "rows changed", "told", title=title)
    for name, one in figures["attacks"].items():
        told = str(one["anomalies"])
        table.add_row(name.replace("_", " "), str(one["signals"]), str(one["rows_changed"]), told)
    table.caption = (
        f"A rogue friend has {figures['rogue_share']:.0%} of the weight (without caps "
        f"{figures['rogue_share_without_caps']:.0%}). Of {figures['private_tried']} private things in their "
        f"corrections {figures['private_learned']} reach training (unscreened "
        f"{figures['private_learned_unscreened']})."
    )
    Console().print(table)


if __name__ == "__main__":
    main()
