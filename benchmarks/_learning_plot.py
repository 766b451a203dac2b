"""How do the curves of benchmarks/learning.py look side by side?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")  # no display needed
from matplotlib import pyplot  # the backend has to be chosen first

COLOURS = {
    "corrections": "#f58518",
    "both": "#54a24b",
    "thumbs": "#4c78a8",
    "complaints": "#b279a2",
    "plain_dpo": "#9aa0a6",
    "plain_kto": "#5f6368",
}  # what is not named here is not drawn
NAMES = {"plain_dpo": "plain TRL, DPO", "plain_kto": "plain TRL, KTO"}
TITLES = {
    "pref_accuracy": "Her words preferred\n(held-out questions, higher is better)",
    "heldout_nll_change": "Surprise at her old words\n(change, lower is better)",
    "likeness_auc": "Told apart from her\n(AUC, 0.5 is best)",
}


def draw(figures: Mapping[str, Any], picture: Path) -> None:
    """One panel a figure: mean over seeds, and from the lowest to the highest seed."""
    drawing, panels = pyplot.subplots(1, len(TITLES), figsize=(11, 3.7), layout="constrained")
    for panel, (name, title) in zip(panels, TITLES.items(), strict=True):
        for method, by_events in figures["methods"].items():
            if method not in COLOURS:
                continue
            counts = [int(count) for count in by_events]
            found = [by_events[str(count)][name] for count in counts]
            style = ":" if method.startswith("plain") else "-"
            panel.plot(
                counts,
                [one["mean"] for one in found],
                style,
                marker="o",
                markersize=3,
                color=COLOURS[method],
                label=method,
            )
            lows, highs = ([one[end] for one in found] for end in ("low", "high"))
            panel.fill_between(counts, lows, highs, color=COLOURS[method], alpha=0.12, linewidth=0)
        panel.set_xscale("log")
        panel.set_xticks(counts, [str(count) for count in counts])
        panel.minorticks_off()
        panel.set_title(title, fontsize=10)
        panel.set_xlabel("signals")
    lines, names = panels[0].get_legend_handles_labels()
    names = [NAMES.get(name, name) for name in names]
    drawing.legend(lines, names, loc="outside lower center", ncols=len(names), fontsize=8, frameon=False)
    drawing.savefig(picture, dpi=90)
    pyplot.close(drawing)
