"""What does a snapshot look like? Its data card as one picture beside it, where matplotlib is installed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

SPLITS = {"train": "#4c78a8", "validation": "#e4b23c", "test": "#54a24b"}
BEFORE, AFTER = "#c4c9d0", "#f58518"
MOST_BARS = 8


def add_picture(snapshot: Path) -> Path | None:
    """Draw card.png from card.json. None: matplotlib is missing, it comes with the extra `train`."""
    if find_spec("matplotlib") is None:
        return None
    card = json.loads((snapshot / "card.json").read_text(encoding="utf-8"))
    return _draw(card, snapshot / "card.png")


def _draw(card: Mapping[str, Any], picture: Path) -> Path:
    import matplotlib

    matplotlib.use("Agg")  # no display needed
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(2, 4, figsize=(20, 7.5), layout="constrained")
    counts = card["counts"]
    figure.suptitle(
        f"{card['id']}: {counts['train']:,} samples to learn from, {counts['validation']:,} to choose by, "
        f"{counts['test']:,} to test on, {counts['silences']:,} silences",
        fontsize=12,
    )
    _months(panels[0][0], card["months"])
    _balance(panels[0][1], card["balance"], ("topic", "language", "source", "length"), 4)
    panels[0][1].set_title("Training before and after balancing", fontsize=10)
    _balance(panels[0][3], card["balance"], ("pattern",), 9)
    panels[0][3].set_title("Patterns of conversation before and after", fontsize=10)
    _bars(panels[1][3], card["records"], "Records")
    _bars(panels[0][2], card["left_out"], "Left out, and why")
    _bars(panels[1][0], _kinds(counts), "What training consists of")
    _lengths(panels[1][1], card["lengths"])
    _bars(panels[1][2], card["placeholders"], "Placeholders in the records")
    unfinished = picture.with_suffix(".unfinished.png")
    figure.savefig(unfinished, dpi=110)
    pyplot.close(figure)
    return unfinished.replace(picture)


def _kinds(counts: Mapping[str, int]) -> dict[str, int]:
    others = ("style", "initiatives", "augmented")
    answers = counts["train"] - sum(counts[name] for name in others)
    return {"answers": answers, **{name: counts[name] for name in others}}


def _months(axes: Any, months: Mapping[str, Mapping[str, int]]) -> None:
    found = sorted({month for counts in months.values() for month in counts})
    places = {month: 12 * int(month[:4]) + int(month[5:]) - 1 for month in found}
    under = dict.fromkeys(found, 0)
    for name, colour in SPLITS.items():
        heights = [months[name].get(month, 0) for month in found]
        bottoms = [under[month] for month in found]
        axes.bar([places[month] for month in found], heights, 0.9, bottom=bottoms, color=colour, label=name)
        under = {month: under[month] + months[name].get(month, 0) for month in found}
    axes.set_title("When it was said (samples a month)", fontsize=10)
    years = sorted({month[:4] for month in found})
    axes.set_xticks([12 * int(year) for year in years], years)
    axes.set_ylim(0, 1.2 * max(under.values(), default=1) + 1)  # room for the legend
    axes.legend(fontsize=8, loc="upper left", ncols=3)


def _balance(
    axes: Any, balance: Mapping[str, Mapping[str, list[int]]], dimensions: Sequence[str], most: int
) -> None:
    """The largest kinds of each dimension, with their rows before and after."""
    names, before, after = [], [], []
    for dimension in dimensions:
        largest = sorted(balance[dimension].items(), key=lambda item: -item[1][0])
        for value, (was, now) in largest[:most]:
            names.append(f"{value} ({dimension})" if len(dimensions) > 1 else value)
            before.append(was)
            after.append(now)
    places = range(len(names))
    axes.barh([place - 0.2 for place in places], before, 0.4, color=BEFORE, label="before")
    axes.barh([place + 0.2 for place in places], after, 0.4, color=AFTER, label="after")
    axes.set_yticks(places, names, fontsize=8)
    axes.invert_yaxis()
    axes.legend(fontsize=8)


def _lengths(axes: Any, lengths: Mapping[str, Mapping[str, int]]) -> None:
    bands = ("short", "medium", "long")
    for number, (name, colour) in enumerate(SPLITS.items()):
        total = max(1, sum(lengths[name].values()))
        shares = [100 * lengths[name].get(band, 0) / total for band in bands]
        axes.bar([place + 0.27 * number for place in range(3)], shares, 0.25, color=colour, label=name)
    axes.set_xticks([place + 0.27 for place in range(3)], bands)
    axes.set_title("How long the owner's words are (% of samples)", fontsize=10)
    axes.legend(fontsize=8)


def _bars(axes: Any, counts: Mapping[str, int], title: str) -> None:
    largest = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MOST_BARS]
    axes.set_title(title, fontsize=10)
    if not largest:
        axes.text(0.5, 0.5, "nothing", ha="center", va="center", color="#5f6368")
        axes.set_axis_off()
        return
    bars = axes.barh([name for name, _ in largest], [count for _, count in largest], color=SPLITS["train"])
    axes.bar_label(bars, fmt="{:,.0f}", padding=2, fontsize=8)
    axes.tick_params(axis="y", labelsize=8)
    axes.invert_yaxis()
    axes.margins(x=0.15)
