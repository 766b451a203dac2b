"""Does the whole loop hold? The demo over several seeds: what each step costs and what learning changes.

    python -m benchmarks.loop [--quick] [--json]

Compared with: the same measures on the adapter that was live before (and the bare base model before that).
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

SEEDS = (0, 1, 2)
ROOT = Path(__file__).parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.loop", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one seed instead of three")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args()
    seeds = SEEDS[:1] if options.quick else SEEDS
    runs = [one_run(seed) for seed in seeds]
    found = {"figures": {"runs": [figures_of(run) for run in runs]}, "conditions": conditions(runs[0], seeds)}
    if options.json:
        print(json.dumps(found))
    else:
        show(found["figures"]["runs"])


def one_run(seed: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "twin", "demo", "--yes", "--json", "--seed", str(seed)]
        done = subprocess.run(
            [*command, "--folder", f"{folder}/demo"], cwd=ROOT, stdout=subprocess.PIPE, check=True
        )
    run: dict[str, Any] = json.loads(done.stdout) | {"seed": seed}
    return run


def figures_of(run: dict[str, Any]) -> dict[str, Any]:
    sft, learn = run["sft"], run["learn"]
    return {
        "seed": run["seed"],
        "sft_nll_before": sft["heldout_nll_before"],
        "sft_nll_after": sft["heldout_nll_after"],
        "learn_nll_change": learn["heldout_nll_after"] / learn["heldout_nll_before"] - 1,
        "pref_accuracy_before": learn["pref_accuracy_before"],
        "pref_accuracy_after": learn["pref_accuracy_after"],
        "heldout_pairs": learn["heldout_pairs"],
        "gate_passed": run["gate"]["passed"],
        "swap_requests": run["swap"]["requests"],
        "swap_failed": run["swap"]["failed"],
        "seconds_to_first_new_answer": run["swap"]["seconds_to_first_new_answer"],
        **{f"seconds_{step}": seconds for step, seconds in run["seconds"].items()},
        "seconds_total": run["seconds_total"],
    }


def conditions(run: dict[str, Any], seeds: tuple[int, ...]) -> dict[str, Any]:
    return {
        "model": run["model"],
        "machine": f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}",
        "seeds": list(seeds),
        "records": run["records"],
        "samples": run["samples"],
        "corrections": run["preferences"]["pairs"],
        "thumbs": run["preferences"]["thumbs"],
    }


def show(runs: list[dict[str, Any]]) -> None:
    grid = Table(title="the loop, by seed", box=None)
    grid.add_column("figure")
    for run in runs:
        grid.add_column(f"seed {run['seed']}", justify="right")
    for name in runs[0]:
        if name != "seed":
            values = [run[name] for run in runs]
            grid.add_row(name, *(f"{v:.3f}" if isinstance(v, float) else str(v) for v in values))
    Console().print(grid)


if __name__ == "__main__":
    main()
