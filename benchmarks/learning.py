"""How much is learned from how little? Feedback methods on the pocket model, over seeds and amounts.

    python -m benchmarks.learning [--quick] [--json] [--events N ...] [--seeds N ...] [--methods M ...]
        [--into FILE]

Compared with TRL's DPOTrainer and KTOTrainer with their own defaults, continuing the same supervised adapter.
Only their learning rate is chosen for this size of model, the best of three for each number of events, on a
seed of its own (the one our recipes were tuned on); beside them, the rates that TRL's own scripts name for
adapters (`trl/scripts/dpo.py`, `kto.py`), which are meant for larger models. With `--into`, the figures of
every training are written down as soon as they are measured, and the same command goes on after those that
are there.
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
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported

from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks import _learning_plot
from benchmarks._learning_methods import EXAMPLES, OURS, PLAIN, Start, begin, ours, plain
from learning.pocket.cache import default_cache_dir, ensure

SEEDS, TUNING_SEED = (0, 1, 2), 99
METHODS = (*OURS, *PLAIN, *EXAMPLES)
QUICK = ("corrections", *PLAIN)
EVENTS = (5, 20, 50, 200)
RATES = (1e-3, 3e-3, 1e-2)
QUICK_RATE = 3e-3
FIGURES = ("pref_accuracy", "heldout_nll_change", "likeness_auc", "seconds", "processor_seconds")
PICTURE = Path(__file__).parents[1] / "docs" / "learning-curve.png"

Runs = dict[str, dict[str, list[dict[str, float]]]]  # by method, by number of events, one for each seed
Figures = dict[str, float]


class Book:
    """What was measured, a line each: (seed, method, number of events, rate) and its figures."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        lines = file.read_text(encoding="utf-8").splitlines() if file and file.exists() else []
        self._found = {tuple(one["what"]): one["figures"] for one in map(json.loads, lines)}

    def once(self, what: tuple[Any, ...], measure: Callable[[], Figures]) -> Figures:
        """Those figures as they are written down; measured now where they are not."""
        if what not in self._found:
            self._found[what] = measure()
            if self._file:
                with self._file.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"what": what, "figures": self._found[what]}) + "\n")
        found: Figures = self._found[what]
        return found


class Starts:
    """The supervised adapter of each seed, trained when it is first asked for."""

    def __init__(self, folder: Path, most: int) -> None:
        self._folder, self._most, self._made = folder, most, dict[int, Start]()
        self._base = ensure(default_cache_dir())

    def of(self, seed: int) -> Start:
        if seed not in self._made:
            self._made[seed] = begin(self._base, self._folder / str(seed), seed, self._most)
        return self._made[seed]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.learning", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one seed, 20 events, corrections only")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument(
        "--events", type=int, nargs="+", default=EVENTS, help="how many signals to learn from"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS, help="whom to learn")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS, help="only these")
    parser.add_argument("--into", type=Path, help="a file for every training's figures, to go on from")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    seeds, events = (options.seeds[:1], [20]) if options.quick else (options.seeds, options.events)
    methods = QUICK if options.quick else options.methods
    book = Book(options.into)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        starts = Starts(Path(folder), max(events))
        beside = [method for method in PLAIN if method in methods]
        rates = {(method, count): QUICK_RATE for method in beside for count in events}
        if not options.quick:
            rates = _tuned(starts, beside, events, book)
        before = [book.once((seed, "before"), partial(_before_of, starts, seed)) for seed in seeds]
        runs = _runs(starts, seeds, methods, events, rates, book)
    found = {
        "figures": {
            "before": summary(before),
            "methods": {m: {c: summary(some) for c, some in by.items()} for m, by in runs.items()},
            "ahead": ahead(runs),
        },
        "conditions": _conditions(seeds, rates),
    }
    if options.json:
        print(json.dumps(found))
        return
    show(found["figures"])
    if len(methods) == len(METHODS):
        _learning_plot.draw(found["figures"], PICTURE)


def _before_of(starts: Starts, seed: int) -> Figures:
    start = starts.of(seed)
    return {**start.before, "seconds": start.seconds}


def _plain_of(starts: Starts, method: str, count: int, rate: float) -> Figures:
    return plain(starts.of(TUNING_SEED), method, count, rate)


def _tuned(
    starts: Starts, methods: Sequence[str], events: Sequence[int], book: Book
) -> dict[tuple[str, int], float]:
    """The rate that prefers best, whatever it forgets."""
    jobs = [(method, count, rate) for method in methods for count in events for rate in RATES]
    found = {
        job: book.once((TUNING_SEED, *job), partial(_plain_of, starts, *job))["pref_accuracy"]
        for job in _shown(jobs, "choosing the rates of plain TRL")
    }
    return {
        (method, count): max(RATES, key=lambda rate: found[method, count, rate])
        for method in methods
        for count in events
    }


def _runs(
    starts: Starts,
    seeds: Sequence[int],
    methods: Sequence[str],
    events: Sequence[int],
    rates: Mapping[tuple[str, int], float],
    book: Book,
) -> Runs:
    runs: Runs = {method: {str(count): [] for count in events} for method in methods}
    jobs = [(seed, method, count) for seed in seeds for method in runs for count in events]
    for seed, method, count in _shown(jobs, "learning"):
        beside, rate = EXAMPLES.get(method, (method, rates.get((method, count))))

        def measure(
            seed: int = seed, method: str = method, count: int = count, beside: str = beside, rate: Any = rate
        ) -> Figures:
            if method in OURS:
                return ours(starts.of(seed), method, count)
            return plain(starts.of(seed), beside, count, rate)

        runs[method][str(count)].append(book.once((seed, method, count, rate), measure))
    return runs


def ahead(runs: Runs) -> dict[str, dict[str, dict[str, dict[str, float]]]]:
    """By plain method, ours, and number of events: by how much more is preferred, of the same seed."""
    return {
        beside: {
            method: {
                count: summary(
                    [
                        {"pref_accuracy": mine["pref_accuracy"] - other["pref_accuracy"]}
                        for mine, other in zip(found, runs[beside][count], strict=True)
                    ]
                )["pref_accuracy"]
                for count, found in runs[method].items()
            }
            for method in OURS
            if method in runs
        }
        for beside in PLAIN
        if beside in runs
    }


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
        "example_learning_rates": {method: rate for method, (_, rate) in EXAMPLES.items()},
        "plain_learning_rates": {f"{method} {count}": rate for (method, count), rate in rates.items()},
        "held_out_by_ours": "a fifth of the events (of thumbs none of the first 32), to choose how far "
        "to go; plain TRL trains on all",
    }


def show(figures: Mapping[str, Any]) -> None:
    before = figures["before"]
    grid = Table(title="learning from feedback: mean (lowest to highest seed)", box=None)
    for column in (
        "method",
        "events",
        "preferred",
        "owner's NLL",
        "told apart (AUC)",
        "seconds",
        "of processor",
    ):
        grid.add_column(column, justify="left" if column == "method" else "right")
    accuracy, likeness = (_words(before[name], ".0%") for name in ("pref_accuracy", "likeness_auc"))
    grid.add_row("before", "0", accuracy, _words(before["nll"], ".2f"), likeness, "", "")
    for method, by_events in figures["methods"].items():
        for count, found in by_events.items():
            forms = (".0%", "+.1%", ".0%", ".0f", ".0f")
            words = (_words(found[name], form) for name, form in zip(FIGURES, forms, strict=True))
            grid.add_row(method, count, *words)
    Console().print(grid)


def _words(figure: Mapping[str, float], form: str) -> str:
    return f"{figure['mean']:{form}} ({figure['low']:{form}} to {figure['high']:{form}})"


if __name__ == "__main__":
    main()
