"""Does talking hold? Messages answered once through kill -9, and what the twin adds to the model's own time.

    python -m benchmarks.chat [--quick] [--json]

The real service, the real Discord and Telegram clients, servers of both on this machine. Compared with: the
number of messages sent; the bare call of the same model in the same run.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # the servers of the chat apps live there

import chat_world

from benchmarks._chat_kills import GROUPS, PRIVATE, fault_run
from benchmarks._chat_load import load_run
from twin import show

FULL = {"messages": 200, "kills": 20, "chats": 200, "rounds": 5, "seconds": 20.0}
QUICK = {"messages": 30, "kills": 3, "chats": 50, "rounds": 2, "seconds": 4.0}
COUNTS = ("sent", "answered_once", "answered_twice", "lost", "unfinished", "uninvited")
SEED = 7


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chat", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer messages, kills and chats")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args()
    size = QUICK if options.quick else FULL
    try:
        with tempfile.TemporaryDirectory() as folder:
            figures = asyncio.run(measure(Path(folder), size))
    except KeyboardInterrupt:
        return 130
    if options.json:
        print(json.dumps({"figures": figures, "conditions": conditions(size)}))
    else:
        show_tables(figures)
    return 0


async def measure(folder: Path, size: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    with show.progress("kill -9") as on_progress:
        figures = await fault_run(
            folder / "kills",
            messages=size["messages"],
            kills=size["kills"],
            seed=SEED,
            on_progress=on_progress,
        )
    for name in chat_world.PLATFORMS:
        with show.progress(f"load, {name}") as on_progress:
            figures[name] |= await load_run(
                folder / name,
                name,
                chats=size["chats"],
                rounds=size["rounds"],
                seconds=size["seconds"],
                on_progress=on_progress,
            )
    return figures


def conditions(size: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "machine": f"{platform.machine()}, {platform.system()}, {os.cpu_count()} CPUs, "
        f"Python {platform.python_version()}",
        "seed": SEED,
        **size,
        "kills_in": f"one service on both platforms, {PRIVATE} private chats and {GROUPS} groups on each; "
        "answers stream; bursts gathered for 0.3 s; the usual limits of Telegram",
        "load_in": "private chats of one platform; no gathering of bursts, no human pauses, no limits of the "
        "chat apps; SQLite; chat app, model and people share the machine with the service",
        "latency_at": "half of the most messages a second",
        "model": "a quick stand-in for a model server: 14 pieces, 20 ms apart",
    }


def show_tables(figures: Mapping[str, Mapping[str, Any]]) -> None:
    rows = [(name, *(one[count] for count in COUNTS), one["kills"]) for name, one in figures.items()]
    show.table("through kill -9", ("chat app", *COUNTS, "kills"), rows)
    load = ("messages_per_s", "added_latency_ms_p50", "added_latency_ms_p95", "model_ms_p50", "rss_mb")
    show.table(
        "under load", ("chat app", *load), [(name, *(one[f] for f in load)) for name, one in figures.items()]
    )


if __name__ == "__main__":
    sys.exit(main())
