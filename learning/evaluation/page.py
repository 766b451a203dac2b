"""How does a person read an evaluation? One page of HTML that needs nothing but itself."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

SAMPLES = 16
WIDTH = 320  # of an interval's drawing, in pixels
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #202124; max-width: 64rem; margin: 2rem auto;
       padding: 0 1rem }
h1 { font-size: 1.5rem; margin-bottom: 0 } h2 { font-size: 1.05rem; margin: 2rem 0 .4rem }
p { margin: .3rem 0 } .quiet { color: #5f6368 } img { max-width: 100% }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .2rem .6rem .2rem 0; border-bottom: 1px solid #e8eaed;
         font-weight: 400; vertical-align: top }
th { color: #5f6368; font-size: .85em } .no { color: #b3261e } .yes { color: #188038 }
"""


def page(report: Mapping[str, Any], rows: Sequence[Sequence[str]], picture: Path | None = None) -> str:
    """The verdict, a drawing of every axis, the figures of each model, and what they say.

    `report["verdict"]` is the gate's, as JSON; `rows` are the figures as text, a column for each model.
    """
    verdict = report["verdict"]
    title = f"Evaluation of {escape(str(report['models']['candidate']['adapter']))}"
    ending = "passes the gate" if verdict["passed"] else "is refused"
    parts = [
        f"<h1>{title}</h1><p class=quiet>corpus {escape(report['corpus'])}; differences with 90 % intervals,"
        " figures with 95 %</p>",
        f"<p class={'yes' if verdict['passed'] else 'no'}>It {ending}.</p>",
        _section("What the gate looked at", _axes(verdict["axes"])),
        _section("The figures", _table(("figure", *report["models"]), rows)),
        _section("Seen", _image(picture)) if picture and picture.exists() else "",
        _section("What they say", _samples(report)),
    ]
    head = f"<meta charset=utf-8><title>{title}</title><style>{STYLE}</style>"
    body = "\n".join(parts)
    return f"<!doctype html>\n<html lang=en><head>{head}</head>\n<body>\n{body}\n</body></html>\n"


def _axes(axes: Iterable[Mapping[str, Any]]) -> str:
    rows = [
        f"<tr><td class={'yes' if axis['passed'] else 'no'}>{_mark(axis)}<td>{escape(axis['name'])}"
        f"<td>{_drawn(axis)}<td>{escape(axis['words'])}"
        for axis in axes
    ]
    head = "<tr><th><th>axis<th>difference (dot), interval, limit (red)<th>in words"
    return f"<table>{head}{''.join(rows)}</table>"


def _mark(axis: Mapping[str, Any]) -> str:
    return ("✓" if axis["passed"] else "✗") if axis["judged"] else "–"


def _drawn(axis: Mapping[str, Any]) -> str:
    """A line from low to high with a dot at the figure and a mark at the limit, zero in the middle."""
    numbers = [axis[key] for key in ("figure", "low", "high", "limit")]
    if any(number is None or number != number for number in numbers):
        return ""
    figure, low, high, limit = numbers
    reach = max(abs(number) for number in (*numbers, 1e-9)) * 1.1

    def at(value: float) -> float:
        return float(WIDTH / 2 * (1 + value / reach))

    return (
        f"<svg width={WIDTH} height=18><line x1={at(0):.0f} x2={at(0):.0f} y1=2 y2=16 stroke='#c4c9d0'/>"
        f"<line x1={at(low):.0f} x2={at(high):.0f} y1=9 y2=9 stroke='#4c78a8' stroke-width=3 />"
        f"<line x1={at(limit):.0f} x2={at(limit):.0f} y1=1 y2=17 stroke='#b3261e' stroke-width=2 />"
        f"<circle cx={at(figure):.0f} cy=9 r=4 fill='#4c78a8'/></svg>"
    )


def _samples(report: Mapping[str, Any]) -> str:
    columns = [("owner", report["answers"])]
    columns += [(role, found["samples"]) for role, found in report["models"].items()]
    rows = list(zip(report["prompts"], *(texts for _, texts in columns), strict=True))[:SAMPLES]
    return _table(("said to it", *(name for name, _ in columns)), rows)


def _image(picture: Path) -> str:
    coded = base64.b64encode(picture.read_bytes()).decode()
    return f"<img alt='before and after' src='data:image/png;base64,{coded}'>"


def _table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(name)}" for name in names)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}" for cell in row) for row in rows)
    return f"<table><tr>{head}{body}</table>"


def _section(title: str, body: str) -> str:
    return f"<h2>{escape(title)}</h2>{body}"
