"""The home of somebody who has had a twin for a while: texts, a live supervised adapter, corrections."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from learning_samples import owner_rows, pair_rows

from storage.processes import this_process
from storage.records import Feedback, Kind, Message, Record, Role, RunState, Signal, Stamp
from twin.build import Stores, find_base, open_stores
from twin.home import Home
from twin.settings import read_settings
from twin.snapshots import build_corpus_in
from twin.train import train_in

START = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
TEXTS, CORRECTIONS = 120, 16
ADVISORY = ("variety", "length", "recited", "divergence", "canaries", "discretion", "style", "likeness")
SETTINGS: dict[str, dict[str, Any]] = {
    "learning": {"min_feedback": 1, "samples_per_correction": 0},
    "learning.when": {"judgements": 1, "cool_down_minutes": 0, "runs_a_day": 100},
    "learning.canary": {"share": 0},
    "learning.gate": {
        "max_nll_rise": 9.0,
        "min_heldout_pairs": 500,
        "min_rows": 500,
        "advisory": list(ADVISORY),
    },
    "chat": {"delivery": "stream"},
    "model": {"base": "pocket", "temperature": 0.5},
    "runs": {"warm": True},
    "schedule": {"learn": "every 1 second", "evaluate": "off", "forget": "off", "sync": "off"},
}


async def lived_in(home: Home, owner: str) -> None:
    """`home` has a twin.toml already. What is there counts as learned."""
    home.make()
    settings = read_settings(home)
    async with open_stores(home, settings) as stores:
        await stores.records.add_all(once_written(TEXTS))
        await build_corpus_in(home, settings, stores)
        base = await find_base(settings)
        trained = await train_in(home, settings, stores, base, "sft")
        await stores.adapters.go_live(trained.adapter.version, "before the clock runs")
        await corrected(stores, owner)
        await stores.runs.enqueue("learn", exclusive=True)
        run = await stores.runs.take(this_process(), ["learn"])
        assert run is not None
        await stores.runs.finish(run.id, RunState.PASSED, metrics={"outcome": "live"})


def once_written(count: int) -> list[Record]:
    """Somebody asks, the owner answers; a day each."""
    found = []
    for number, row in enumerate(owner_rows(count, seed=1)):
        for author, at, text in (
            ("<PERSON_77b0>", 0, row["prompt"][-1]["content"]),
            ("owner", 1, row["completion"][0]["content"]),
        ):
            when = START - timedelta(days=count - number, minutes=-at)
            id, owned = f"{author}-{number}", author == "owner"
            found.append(Record(id, "telegram", Kind.MESSAGE, author, owned, "kitchen", when, text))
    return found


async def corrected(stores: Stores, owner: str) -> None:
    for number, row in enumerate(pair_rows(CORRECTIONS, seed=4)):
        key, at = f"terminal:past-{number}:1", START + timedelta(hours=number)
        stamp = Stamp(None, "pocket", "hash", tuple(row["prompt"]), {})
        text, better = (row[which][0]["content"] for which in ("rejected", "chosen"))
        chat = f"past-{number}"
        said = Message(
            key, "terminal", chat, "twin", "twin", text, at, by_twin=True, stamp=stamp, private=True
        )
        await stores.messages.add(said)
        await stores.feedback.record(Feedback(key, owner, Role.OWNER, Signal.CORRECTION, at, better))
