"""How much is learned from how little? Feedback methods on the pocket model, over seeds and amounts.

    python -m benchmarks.learning [--quick] [--json] [--events N ...]

Compared with TRL's DPOTrainer and KTOTrainer with their own defaults, continuing the same supervised adapter.
Only their learning rate is chosen for this size of model, the best of three for each number of events, on a
seed of its own (the one our recipes were tuned on).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import platform
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported

from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks import _learning_plot
from benchmarks._learning_methods import OURS, PLAIN, Start, begin, ours, plain
from learning.pocket.cache import default_cache_dir, ensure

SEEDS, TUNING_SEED = (0, 1, 2), 99
EVENTS = (5, 20, 50, 200)
RATES = (1e-3, 3e-3, 1e-2)
QUICK_RATE = 3e-3
FIGURES = ("pref_accuracy", "heldout_nll_change", "likeness_auc", "seconds")
PICTURE = Path(__file__).parents[1] / "docs" / "learning-curve.png"

Runs = dict[str, dict[str, list[dict[str, float]]]]  # by method, by number of events, one for each seed


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.learning", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one seed, 20 events, corrections only")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument(
        "--events", type=int, nargs="+", default=EVENTS, help="how many signals to learn from"
    )
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    seeds, events = (SEEDS[:1], [20]) if options.quick else (SEEDS, options.events)
    methods = ["corrections"] if options.quick else list(OURS)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        base = ensure(default_cache_dir())
        rates = {(method, count): QUICK_RATE for method in PLAIN for count in events}
        if not options.quick:
            rates = _tuned(begin(base, Path(folder) / "tuning", TUNING_SEED, max(events)), events)
        starts = [begin(base, Path(folder) / str(seed), seed, max(events)) for seed in seeds]
        runs = _runs(starts, methods, events, rates)
    found = {
        "figures": {
            "before": summary([{**start.before, "seconds": start.seconds} for start in starts]),
            "methods": {m: {c: summary(some) for c, some in by.items()} for m, by in runs.items()},
        },
        "conditions": _conditions(seeds, rates),
    }
    if options.json:
        print(json.dumps(found))
        return
    show(found["figures"])
    if not options.quick:
        _learning_plot.draw(found["figures"], PICTURE)


def _tuned(start: Start, events: Sequence[int]) -> dict[tuple[str, int], float]:
    """The rate that prefers best, whatever it forgets."""
    jobs = [(method, count) for method in PLAIN for count in events]
    return {
        (method, count): max(RATES, key=lambda rate: plain(start, method, count, rate)["pref_accuracy"])
        for method, count in _shown(jobs, "choosing the rates of plain TRL")
    }


def _runs(
    starts: Sequence[Start],
    methods: Sequence[str],
    events: Sequence[int],
    rates: Mapping[tuple[str, int], float],
) -> Runs:
    runs: Runs = {method: {str(count): [] for count in events} for method in (*methods, *PLAIN)}
    jobs = [(start, method, count) for start in starts for method in runs for count in events]
    for start, method, count in _shown(jobs, "learning"):
        if method in OURS:
            done = ours(start, method, count)
        else:
            done = plain(start, method, count, rates[method, count])
        runs[method][str(count)].append(done)
    return runs


def _shown(jobs: Sequence[Any], words: str) -> Any:
    return track(jobs, words, console=Console(stderr=True))


def summary(runs: Sequence[Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """Of each figure the mean over seeds, and the lowest and highest."""
    return {
        name: {
            "mean": sum(run[name] for run in runs) / len(runs),
            "low": min(run[name] for run in runs),
            "high": max(run[name] for run in runs),
        }
        for name in runs[0]
    }


def _conditions(seeds: Sequence[int], rates: Mapping[tuple[str, int], float]) -> dict[str, Any]:
    return {
        "model": "pocket",
        "machine": f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}",
        "threads": 1,
        "seeds": list(seeds),
        "interval": "lowest and highest seed",
        "plain_learning_rates": {f"{method} {count}": rate for (method, count), rate in rates.items()},
        "held_out_by_ours": "a fifth of the events, to choose how far to go; plain TRL trains on all",
    }


def show(figures: Mapping[str, Any]) -> None:
    before = figures["before"]
    grid = Table(title="learning from feedback: mean (lowest to highest seed)", box=None)
    for column in ("method", "events", "preferred", "owner's NLL", "told apart (AUC)", "seconds"):
        grid.add_column(column, justify="left" if column == "method" else "right")
    accuracy, likeness = (_words(before[name], ".0%") for name in ("pref_accuracy", "likeness_auc"))
    grid.add_row("before", "0", accuracy, _words(before["nll"], ".2f"), likeness, "")
    for method, by_events in figures["methods"].items():
        for count, found in by_events.items():
            forms = (".0%", "+.1%", ".0%", ".0f")
            words = (_words(found[name], form) for name, form in zip(FIGURES, forms, strict=True))
            grid.add_row(method, count, *words)
    Console().print(grid)


def _words(figure: Mapping[str, float], form: str) -> str:
    return f"{figure['mean']:{form}} ({figure['low']:{form}} to {figure['high']:{form}})"


if __name__ == "__main__":
    main()
