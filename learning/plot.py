"""What did a training change? The evaluation report as one picture: before and after."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")  # no display needed
from matplotlib import pyplot  # the backend has to be chosen first

COLOURS = {"base": "#9aa0a6", "live": "#4c78a8", "candidate": "#f58518"}
OWNER = "#54a24b"
HABITS = ("lower_case", "full_stop", "emoji")


def draw(report: Mapping[str, Any], picture: Path, seconds: Mapping[str, float] | None = None) -> Path:
    """The owner's words, the corrections, the habits, and how long each step took where that is given.

    Returns the path of the PNG.
    """
    models: Mapping[str, Mapping[str, Any]] = report["models"]
    widths = (1, 1, 1.6, 1.2) if seconds else (1, 1, 1.6)
    figure, panels = pyplot.subplots(
        1, len(widths), figsize=(3.4 * sum(widths), 3.6), layout="constrained", width_ratios=widths
    )
    words, corrections, habits = panels[:3]
    if seconds:
        bars = panels[3].barh(list(seconds), list(seconds.values()), color=COLOURS["live"])
        panels[3].bar_label(bars, fmt="%.0f", padding=2)
        panels[3].invert_yaxis()
        panels[3].margins(x=0.15)
        panels[3].set_title("Seconds for each step", fontsize=10)
    _bars(words, models, "nll", "mean", "Owner's own words\n(nats a token, lower is better)")
    _bars(
        corrections,
        models,
        "preference",
        "accuracy",
        "Corrections preferred\n(share of held-out, higher is better)",
    )
    if any(figures.get("preference") for figures in models.values()):
        corrections.axhline(0.5, color="black", linewidth=0.8, linestyle=":")
        corrections.set_ylim(0, 1.05)
    columns = {
        **{role: figures.get("style") for role, figures in models.items()},
        "owner": report.get("owner"),
    }
    shown = {role: style for role, style in columns.items() if style}
    for place, (role, style) in enumerate(shown.items()):
        width = 0.8 / len(shown)
        habits.bar(
            [index + place * width for index in range(len(HABITS))],
            [style[habit] for habit in HABITS],
            width,
            label=role,
            color=COLOURS.get(role, OWNER),
        )
    habits.set_xticks(
        [index + 0.4 for index in range(len(HABITS))], [habit.replace("_", " ") for habit in HABITS]
    )
    habits.set_title("Habits (share of sampled replies)", fontsize=10)
    if shown:
        habits.legend(fontsize=8)
    picture.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(picture, dpi=110)
    pyplot.close(figure)
    return picture


def _bars(axes: Any, models: Mapping[str, Mapping[str, Any]], axis: str, key: str, title: str) -> None:
    axes.set_title(title, fontsize=10)
    for role, figures in models.items():
        if found := figures.get(axis):
            error = [[found[key] - found["low"]], [found["high"] - found[key]]]
            bar = axes.bar(
                role, found[key], color=COLOURS.get(role, OWNER), yerr=[[max(0, e[0])] for e in error]
            )
            axes.bar_label(bar, fmt="%.2f", padding=2)
    axes.margins(y=0.15)
