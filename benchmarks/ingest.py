"""How fast does an export come in, and how much memory does it take? Made-up chats, the whole pipeline.

    python -m benchmarks.ingest [--quick] [--json]

Compared with: the bare typed decode of the same file in the same run (msgspec, seven fields), and Presidio on
the same texts. `per_processor_s` counts the time this process had, `per_s` the time on the wall.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from benchmarks._ingest_exports import NAMES, OWNER_ID, messages, write_discord, write_telegram
from benchmarks.pii import MODEL, PACKAGES, presidio
from ingest.redact import Redactor
from ingest.roster import Roster
from ingest.source import Owner, Person
from twin import show

ROOT = Path(__file__).parents[1]
FULL, QUICK = 200_000, 20_000
LARGE = 1_500_000  # messages, some 1.1 GB
TEXTS, PRESIDIO_TEXTS, QUICK_PRESIDIO_TEXTS = 20_000, 4_000, 800
WRITERS: dict[str, tuple[str, Callable[[Path, int], None]]] = {
    "discord": ("general.json", write_discord),
    "telegram": ("result.json", write_telegram),
}


class Author(msgspec.Struct):
    id: str
    name: str


class DiscordMessage(msgspec.Struct):
    id: str
    type: str
    timestamp: str
    content: str
    author: Author
    timestampEdited: str | None = None


class TelegramMessage(msgspec.Struct):
    id: int
    type: str
    date_unixtime: str
    from_: str = msgspec.field(name="from")
    from_id: str = ""
    text: str = ""
    reply_to_message_id: int | None = None


class DiscordChat(msgspec.Struct):
    messages: list[DiscordMessage]


class TelegramChat(msgspec.Struct):
    messages: list[TelegramMessage]


DECODED: dict[str, type[msgspec.Struct]] = {"discord": DiscordChat, "telegram": TelegramChat}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ingest", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the messages, and no gigabyte")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder), options.quick)
    if options.json:
        print(json.dumps({"figures": figures, "conditions": conditions(options.quick, figures)}))
    else:
        show_tables(figures)
    return 0


def measure(folder: Path, quick: bool) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    with show.progress("ingest") as on_progress:
        for nth, format in enumerate(WRITERS):
            on_progress(nth / 4, f"{format}, written and read twice")
            figures[format] = one_format(folder / format, format, QUICK if quick else FULL)
        on_progress(0.5, "texts, ours and Presidio")
        figures |= texts_per_second(QUICK_PRESIDIO_TEXTS if quick else PRESIDIO_TEXTS)
        on_progress(0.6, "a file of more than a gigabyte")
        figures["large"] = None if quick else large(folder / "large")
    return figures


def one_format(folder: Path, format: str, how_many: int) -> dict[str, Any]:
    folder.mkdir()
    name, write = WRITERS[format]
    write(folder / name, how_many)
    first, second = _ingest(folder, folder / name), _ingest(folder, folder / name)
    assert first["kept"] + first["merged"] == how_many == second["merged"], (first, second)
    decode = _decode_seconds(folder / name, DECODED[format])
    return {
        "full_messages_per_s": round(how_many / first["seconds"]),
        "full_messages_per_processor_s": round(how_many / first["processor_seconds"]),
        "unchanged_messages_per_s": round(how_many / second["seconds"]),
        "decode_messages_per_s": round(how_many / decode),
        "peak_rss_mb": round(first["peak_rss_mb"], 1),
        "file_mb": round((folder / name).stat().st_size / 1e6, 1),
    }


def large(folder: Path) -> dict[str, Any] | None:
    """None where there is no room for it."""
    if shutil.disk_usage(folder.parent).free < 8 << 30:
        return None
    folder.mkdir()
    write_discord(folder / "general.json", LARGE)
    found = _ingest(folder, folder / "general.json")
    return {
        "messages": LARGE,
        "file_mb": round((folder / "general.json").stat().st_size / 1e6, 1),
        "full_messages_per_s": round(LARGE / found["seconds"]),
        "full_messages_per_processor_s": round(LARGE / found["processor_seconds"]),
        "peak_rss_mb": round(found["peak_rss_mb"], 1),
    }


def texts_per_second(for_presidio: int) -> dict[str, Any]:
    texts = [text for _, _, _, text in messages(TEXTS)]
    roster = Roster(bytes(range(32)), Owner("Mira"))
    for number, name in enumerate(NAMES, start=1):
        roster.learn(Person(f"discord:{OWNER_ID + number}", (name,), (f"someone_{number}",)))
    redactor = Redactor(roster)
    began = time.process_time()
    for text in texts:
        redactor.redact(text)
    ours = len(texts) / (time.process_time() - began)
    theirs = presidio(texts[:for_presidio], [])
    per_second = round(for_presidio / theirs["seconds"]) if theirs else None
    return {"pii_texts_per_s": round(ours), "presidio_texts_per_s": per_second}


def _ingest(home: Path, export: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks._ingest_once", str(home), str(export)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _decode_seconds(file: Path, what: type[msgspec.Struct]) -> float:
    data, decoder = file.read_bytes(), msgspec.json.Decoder(what)
    best = float("inf")
    for _ in range(3):
        began = time.perf_counter()
        decoder.decode(data)
        best = min(best, time.perf_counter() - began)
    return best


def conditions(quick: bool, figures: Mapping[str, Any]) -> dict[str, Any]:
    there = figures["presidio_texts_per_s"] is not None
    return {
        "machine": f"{platform.machine()}, {platform.system()}, {os.cpu_count()} CPUs, "
        f"Python {platform.python_version()}",
        "load": [round(load, 1) for load in os.getloadavg()],
        "messages": QUICK if quick else FULL,
        "pipeline": "auto, read, clean, redact, tag, dedup, SQLite; one process, at first an empty home",
        "unchanged": "the same file again: nothing in it is read while size and time are the same",
        "peak_rss": "of the process that ingests, all of it",
        "large": "only without --quick, and with 8 GiB of disk" if figures["large"] is None else "one file",
        "presidio": f"{PACKAGES[0]}, {MODEL}, English, all recognisers but DATE_TIME and NRP"
        if there
        else "could not be installed, so its figure is null",
    }


def show_tables(figures: Mapping[str, Any]) -> None:
    names = [*figures["discord"], *(["messages"] if figures["large"] else [])]
    kinds = {kind: figures[kind] for kind in (*WRITERS, "large") if figures[kind]}
    rows = [(name, *(f"{one[name]:,}" if name in one else "" for one in kinds.values())) for name in names]
    show.table("ingest", ("figure", *kinds), rows)
    theirs = figures["presidio_texts_per_s"]
    rows = [("ours", f"{figures['pii_texts_per_s']:,}"), ("Presidio", f"{theirs:,}" if theirs else "-")]
    show.table("texts pseudonymised a second", ("what", "texts"), rows)


if __name__ == "__main__":
    sys.exit(main())
