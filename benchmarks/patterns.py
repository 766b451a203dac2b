"""How well is the kind of a conversation told, on talk that is not among its examples?

    python -m benchmarks.patterns [--quick] [--json]

tests/learning/patterns_heldout.txt: 224 exchanges in five languages, none of them among the examples. It is
not blind: whoever wrote it had read the cues, and saw these figures after each change. Take them for an upper
bound. Beside it the cues alone. With 95 % intervals (Wilson).
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from learning.evaluation.wilson import wilson
from learning.patterns import ANSWERED, OTHER, PATTERNS, best, by_cues, labelled, pattern_of

HELD_OUT = Path(__file__).parents[1] / "tests" / "learning" / "patterns_heldout.txt"
A_CUE = ANSWERED  # one in the answer is enough
Case = tuple[str, str, str, str]
WAYS: dict[str, Callable[[str, str], str]] = {
    "cues and words": pattern_of,
    "cues alone": lambda heard, answer: best(by_cues(heard, answer), A_CUE),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.patterns", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the same: it takes a second")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args()
    cases = list(labelled(HELD_OUT.read_text(encoding="utf-8")))
    started = time.process_time()
    found = {name: figures(cases, told) for name, told in WAYS.items()}
    conditions = {"exchanges": len(cases), "processor_seconds": round(time.process_time() - started, 3)}
    if options.json:
        print(json.dumps({"figures": found, "conditions": conditions}))
    else:
        show(found)


def figures(cases: Sequence[Case], told: Callable[[str, str], str]) -> dict[str, Any]:
    """Right answers of all, of those named at all, by language; by pattern the recall and the precision."""
    pairs = [(pattern, told(heard, answer), lang) for heard, answer, pattern, lang in cases]
    named = [pair for pair in pairs if pair[1] != OTHER]
    return {
        "right": share(pairs),
        "right_of_named": share(named),
        "languages": {
            lang: share([p for p in pairs if p[2] == lang]) for lang in ("en", "de", "es", "fr", "ru")
        },
        "recall": {kind: share([p for p in pairs if p[0] == kind]) for kind in PATTERNS},
        "precision": {kind: share([p for p in pairs if p[1] == kind]) for kind in PATTERNS},
    }


def share(pairs: Sequence[tuple[str, str, str]]) -> dict[str, float]:
    right = sum(truth == told for truth, told, _ in pairs)
    return {
        "share": right / max(1, len(pairs)),
        "right": right,
        "of": len(pairs),
        **wilson(right, len(pairs)),
    }


def show(found: dict[str, Any]) -> None:
    ours, alone = found.values()
    grid = Table("", *WAYS, box=None)
    for title, key in (("right", "right"), ("right, of what it names", "right_of_named")):
        grid.add_row(title, _words(ours[key]), _words(alone[key]))
    for group in ("languages", "recall", "precision"):
        for name in ours[group]:
            title = name if group == "languages" else f"{group}, {name}"
            grid.add_row(title, _words(ours[group][name]), _words(alone[group][name]))
    Console().print(grid)


def _words(found: dict[str, float]) -> str:
    return f"{found['share']:.0%} ({found['low']:.0%} to {found['high']:.0%}) of {found['of']}"


if __name__ == "__main__":
    main()
