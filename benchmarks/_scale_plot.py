"""How does what benchmarks/scale.py measures look, over the number of copies?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")  # no display needed
from matplotlib import pyplot  # the backend has to be chosen first

SHOWN = (
    ("p95_ms", "95 % answered within, ms"),
    ("db_ms_per_message", "Postgres' own time\nfor each message, ms"),
    ("cpu_ms_per_message", "all copies' processor time\nfor each message, ms"),
)


def draw(figures: Mapping[str, Mapping[str, Any]], picture: Path) -> None:
    counts = list(figures)
    drawing, places = pyplot.subplots(1, len(SHOWN), figsize=(9, 3), layout="constrained")
    for place, (name, label) in zip(places, SHOWN, strict=True):
        place.plot(counts, [figures[count][name] for count in counts], "o-", color="#4c78a8")
        place.set_ylim(0, 1.1 * max(figures[count][name] for count in counts))
        place.set_ylabel(label)
        place.set_xlabel("copies")
    drawing.savefig(picture, dpi=90)
    pyplot.close(drawing)
