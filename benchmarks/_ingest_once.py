"""What does one ingest cost in a process of its own? JSON on the last line of what it prints.

python -m benchmarks._ingest_once HOME EXPORT
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

from benchmarks._ingest_exports import OWNER_ID
from ingest.pipeline import ingest
from ingest.source import Owner
from storage.cursors import CursorStore
from storage.database import Database
from storage.records_store import RecordStore

KEY = bytes(range(32))
MIRA = Owner(
    "Mira",
    accounts={"discord": (str(OWNER_ID),), "telegram": (str(OWNER_ID % 10**10 + 7),)},
    languages=("en", "pt"),
)


async def once(home: Path, export: Path) -> dict[str, float]:
    database = await Database.open(f"sqlite:///{home / 'twin.db'}")
    try:
        began, busy = time.perf_counter(), time.process_time()
        ledger = await ingest(
            "auto",
            export,
            MIRA,
            RecordStore(database),
            key=KEY,
            roster_path=home / "roster.json",
            cursors=CursorStore(database),
        )
        seconds, processor = time.perf_counter() - began, time.process_time() - busy
    finally:
        await database.close()
    assert ledger.closes()
    return {
        "seen": ledger.seen,
        "kept": ledger.kept,
        "merged": ledger.merged,
        "seconds": seconds,
        "processor_seconds": processor,
        "peak_rss_mb": peak_rss_mb(),
    }


def peak_rss_mb() -> float:
    """Of this process; what the kernel calls the peak of a child counts its parent's memory, too."""
    status = Path("/proc/self/status").read_text()
    return float(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) / 1024


if __name__ == "__main__":
    print(json.dumps(asyncio.run(once(Path(sys.argv[1]), Path(sys.argv[2])))))
