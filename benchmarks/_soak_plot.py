"""How does what benchmarks/soak.py measures over time look?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")  # no display needed
from matplotlib import pyplot  # the backend has to be chosen first


def draw(figures: Mapping[str, Any], picture: Path) -> None:
    """How much of what was held out in the end is preferred by whoever answered, the memory of the service,
    and what is in its database."""
    drawing, (upper, lower, last) = pyplot.subplots(3, 1, figsize=(8, 6.5), sharex=True, layout="constrained")
    answered = figures["answered_by"]["answered"]
    minutes = [*(one["minute"] for one in answered), figures["minutes"]]
    preferred = [one["preferred"] for one in answered]
    upper.step(minutes, [*preferred, preferred[-1]], where="post", color="#4c78a8")
    upper.plot(minutes[1:-1], preferred[1:], "o", color="#4c78a8", label="a new adapter goes live")
    upper.set_ylabel(f"{figures['answered_by']['pairs']} held-out corrections\npreferred by who answers")
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
