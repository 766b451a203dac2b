"""How did a training go? Its history as one picture: losses, margins, and the mixture it read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")  # no display needed
from matplotlib import pyplot  # the backend has to be chosen first

TRAINING, HELD_OUT = "#4c78a8", "#f58518"
STRATA_SHOWN = 10


def draw(report: Mapping[str, Any], picture: Path) -> Path:
    """From a training's report: `history` (one entry a log), and `strata` (rows by kind) where it has them.

    Margins are drawn for preference training. Returns the path of the PNG.
    """
    history: Sequence[Mapping[str, float]] = report["history"]
    curves = [("loss", "eval_loss", "Loss (nats a token, lower is better)")]
    if any("rewards/margins" in entry for entry in history):
        curves.append(("rewards/margins", "eval_rewards/margins", "Margin of the better answer"))
    strata: Mapping[str, int] = report.get("strata") or {}
    panels = len(curves) + bool(len(strata) > 1)
    figure, axes = pyplot.subplots(
        1, panels, figsize=(4.6 * panels, 3.6), layout="constrained", squeeze=False
    )
    for panel, (training, held_out, title) in zip(axes[0], curves, strict=False):
        for key, label, colour in ((training, "training", TRAINING), (held_out, "held out", HELD_OUT)):
            if points := [(entry["step"], entry[key]) for entry in history if key in entry]:
                marker = "o" if key == held_out or len(points) == 1 else None
                panel.plot(*zip(*points, strict=True), label=label, color=colour, marker=marker)
        panel.set_title(title, fontsize=10)
        panel.set_xlabel("update")
        if panel.lines:
            panel.legend(fontsize=8)
    if len(strata) > 1:
        shown = list(strata.items())[:STRATA_SHOWN]
        bars = axes[0][-1].barh([name for name, _ in shown], [rows for _, rows in shown], color=TRAINING)
        axes[0][-1].bar_label(bars, padding=2, fontsize=8)
        axes[0][-1].invert_yaxis()
        axes[0][-1].tick_params(labelsize=7)
        axes[0][-1].margins(x=0.15)
        more = f", {STRATA_SHOWN} of {len(strata)}" if len(strata) > STRATA_SHOWN else ""
        axes[0][-1].set_title(f"Rows by kind{more}", fontsize=10)
    picture.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(picture, dpi=110)
    pyplot.close(figure)
    return picture
