"""Does any damaged export crash a reader, hang it, or slip an address past the redactor? A million say no.

    python -m benchmarks.fuzz [--quick] [--json] [--inputs N] [--minutes M] [--only SOURCE] [--seed S]

Compared with: nothing; every figure but `inputs` must be 0. Inputs that show a fault are kept under `fuzz/`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Mapping
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks._fuzz_reading import HANG_SECONDS, KINDS, WAIT_SECONDS, Found, Fuzzer
from benchmarks._fuzz_seeds import seeds
from storage.records import stable_id
from twin import show

INPUTS, MINUTES = 1_000_000, 60.0
QUICK_MINUTES = 0.6
TURN_SECONDS = 0.5  # each source in turn: the slow ones get fewer inputs, not more time
KEPT = Path("fuzz")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="half a minute")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--inputs", type=int, default=INPUTS, help="how many at the most")
    parser.add_argument("--minutes", type=float, help="how long at the most")
    parser.add_argument("--only", action="append", help="this source; may be given again")
    parser.add_argument("--seed", type=int, default=0, help="other dice")
    parser.add_argument("--processes", type=int, default=1, help="side by side, with different dice")
    options = parser.parse_args()
    minutes = options.minutes or (QUICK_MINUTES if options.quick else MINUTES)
    began = time.monotonic()
    found = side_by_side(options.processes, options.inputs, 60 * minutes, options.only, options.seed)
    figures = {"inputs": sum(one.inputs for one in found.values())}
    figures |= {kind: sum(one.count(kind) for one in found.values()) for kind in KINDS}
    if options.json:
        about = {"seconds": round(time.monotonic() - began, 1), "processes": options.processes}
        print(
            json.dumps({"figures": figures, "conditions": conditions(found) | about | {"dice": options.seed}})
        )
    else:
        show_tables(found, figures)
    return 1 if any(figures[kind] for kind in KINDS) else 0


def conditions(found: Mapping[str, Found]) -> dict[str, Any]:
    return {
        "machine": f"{platform.machine()}, {platform.system()}, {os.cpu_count()} CPUs, "
        f"Python {platform.python_version()}",
        "inputs_by_source": {name: one.inputs for name, one in sorted(found.items())},
        "faults": {
            kind: {k: v for one in found.values() for k, v in one.faults[kind].items()} for kind in KINDS
        },
        "crash": "any exception out of people(), read() or recognise() but ExportUnreadable, or out of the "
        "redactor, or a ledger that does not close",
        "hang": f"more than {HANG_SECONDS:g} s of processor time for an input below 64 kB, or "
        f"{WAIT_SECONDS:g} s in all, however busy the machine is",
        "leak": "a planted address, phone number or key, whole and by itself in the text of a kept record",
    }


def show_tables(found: Mapping[str, Found], figures: Mapping[str, int]) -> None:
    rows = [(name, one.inputs, *map(one.count, KINDS)) for name, one in sorted(found.items())]
    show.table("damaged exports", ("source", "inputs", *KINDS), [*rows, ("all", *figures.values())])
    for name, one in found.items():
        for what in one.shown_by:
            print(f"{name}: {what}")


def side_by_side(
    processes: int, inputs: int, seconds: float, only: list[str] | None, seed: int
) -> dict[str, Found]:
    if processes == 1:
        return fuzz(inputs, seconds, only, seed)
    shares = [(inputs // processes, seconds, only, seed + nth, nth == 0) for nth in range(processes)]
    with get_context("spawn").Pool(processes) as pool:
        return joined(pool.starmap(fuzz, shares))


def fuzz(
    inputs: int, seconds: float, only: list[str] | None, seed: int, tell: bool = True
) -> dict[str, Found]:
    """Turn by turn, until there were so many inputs or the time is over."""
    until = time.monotonic() + seconds
    room = Path("/dev/shm")  # no disk should wait for this
    with tempfile.TemporaryDirectory(dir=room if room.is_dir() else None) as place:
        folder = Path(place)
        every = seeds(folder / "made")
        everybodys = [data for files in every.values() for data in files.values()]
        chosen = {name: files for name, files in every.items() if not only or name in only}
        fuzzers = {name: Fuzzer(name, files, everybodys, folder, seed) for name, files in chosen.items()}
        done = 0
        with show.progress("damaged exports") as on_progress:
            while done < inputs and time.monotonic() < until:
                for name, fuzzer in fuzzers.items():
                    known = set(fuzzer.found.shown_by)
                    fuzzer.run(inputs - done, min(until, time.monotonic() + TURN_SECONDS))
                    for what in fuzzer.found.shown_by.keys() - known:
                        keep(name, what, *fuzzer.found.shown_by[what])
                    done = sum(one.found.inputs for one in fuzzers.values())
                    if tell:
                        share = max(done / inputs, 1 - (until - time.monotonic()) / seconds)
                        on_progress(min(share, 1.0), f"{done:,} inputs")
        return {name: fuzzer.found for name, fuzzer in fuzzers.items()}


def joined(parts: list[dict[str, Found]]) -> dict[str, Found]:
    whole: dict[str, Found] = {}
    for name, one in (item for part in parts for item in part.items()):
        into = whole.setdefault(name, Found())
        into.inputs += one.inputs
        into.shown_by |= one.shown_by
        for kind in KINDS:
            for what, count in one.faults[kind].items():
                into.faults[kind][what] = into.faults[kind].get(what, 0) + count
    return whole


def keep(source: str, what: str, file: str, data: bytes) -> None:
    """An input that shows this fault, to make a test of. At once: a million take their time."""
    show.sentence(f"{source}: {what}")
    KEPT.mkdir(exist_ok=True)
    name = stable_id(what)[:8]
    (KEPT / f"{name}-{source}-{Path(file).name}").write_bytes(data)
    (KEPT / f"{name}.txt").write_text(f"{what}\n{file}\n")


if __name__ == "__main__":
    sys.exit(main())
