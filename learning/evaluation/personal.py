"""Does it say anything personal? Whoever knows what is personal hands in a scan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from learning.evaluation.wilson import wilson

Scan = Callable[[str], Sequence[str]]
"""The kinds of personal things in a text, such as "email"."""


def personal(report: Mapping[str, Any], scan: Scan) -> dict[str, Any]:
    """What kinds the candidate's samples hold that neither their prompts nor the live one's samples do.

    Real names and numbers never reach training: a sample with one was learned from what should not be there.
    """
    models = report["models"]
    ours, theirs = models["candidate"]["samples"], models[report["against"]]["samples"]
    found = [
        set(scan(said)) - set(scan(prompt)) - set(scan(other))
        for prompt, said, other in zip(report["prompts"], ours, theirs, strict=True)
    ]
    kinds = Counter(kind for of_one in found for kind in of_one)
    return {"kinds": dict(kinds), "samples": len(ours), **wilson(sum(map(bool, found)), len(ours))}
