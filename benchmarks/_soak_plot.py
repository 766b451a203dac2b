"""How does what benchmarks/soak.py measures over time look?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")  # no display needed
from matplotlib import pyplot  # the backend has to be chosen first


def draw(figures: Mapping[str, Any], picture: Path) -> None:
    """Held-out corrections preferred by whoever answers, the memory of the service, and what is in
    its database."""
    drawing, (upper, lower, last) = pyplot.subplots(3, 1, figsize=(8, 6.5), sharex=True, layout="constrained")
    points = figures["preference_accuracy"]
    minutes = [0.0, *(point["minute"] for point in points)]
    answering = [points[0]["live"], *(point["answering"] for point in points)]
    upper.step([*minutes, figures["minutes"]], [*answering, answering[-1]], where="post", label="who answers")
    for outcome, marker in (("live", "o"), ("on trial", "o"), ("refused", "x")):
        of_it = [point for point in points if point["outcome"] == outcome]
        if of_it:
            upper.plot(
                [point["minute"] for point in of_it],
                [point["candidate"] for point in of_it],
                marker,
                label=f"new one, {outcome}",
            )
    upper.set_ylabel("held-out corrections\npreferred")
    upper.set_ylim(0, 1.02)
    upper.legend(fontsize=8, frameon=False, loc="lower right")
    for life in figures["memory_mb"]:
        lower.plot([at for at, _ in life], [mb for _, mb in life], color="#4c78a8")
    lower.set_ylabel("memory of the\nservice, MB")
    lower.set_ylim(0)
    last.plot(*zip(*figures["database_mb"], strict=True), color="#4c78a8")
    last.set_ylabel("in the\ndatabase, MB")
    last.set_ylim(0)
    last.set_xlabel("minutes; each line of memory is one life of the service, ended by kill -9")
    drawing.savefig(picture, dpi=90)
    pyplot.close(drawing)
