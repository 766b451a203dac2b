"""How does a person read a data card? One page of HTML that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #202124; max-width: 62rem; margin: 2rem auto;
       padding: 0 1rem }
h1 { font-size: 1.5rem; margin-bottom: 0 } h2 { font-size: 1.05rem; margin: 2rem 0 .4rem }
p { margin: .3rem 0 } .quiet { color: #5f6368 }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); gap: 0 2.5rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .15rem .6rem .15rem 0; border-bottom: 1px solid #e8eaed;
         font-weight: 400 }
th { color: #5f6368; font-size: .85em } .n { text-align: right; font-variant-numeric: tabular-nums }
.bar { width: 38%; padding-right: 0 } .bar i { display: block; height: .5rem; margin: 1px 0 }
.one { background: #4c78a8 } .before { background: #c4c9d0 } .after { background: #f58518 }
.months { display: flex; align-items: flex-end; gap: 1px; height: 8rem; border-bottom: 1px solid #9aa0a6 }
.months div { flex: 1; max-width: 2rem; height: 100%; display: flex; flex-direction: column-reverse }
.train { background: #4c78a8 } .validation { background: #e4b23c } .test { background: #54a24b }
.ends { display: flex; justify-content: space-between } b { padding: 0 .5rem; margin-right: .4rem;
        font-weight: 400; color: #fff }
"""
SPLITS = ("train", "validation", "test")
PARTS = {part: f"of those to train on: {part}" for part in ("style", "initiatives", "augmented")}
NOTHING = "<p class=quiet>nothing</p>"
MOST_STRATA = 60  # the rest is in card.json


def page(card: Mapping[str, Any]) -> str:
    title = f"Data card of snapshot {escape(card['id'])}"
    parts = [
        f"<h1>{title}</h1><p class=quiet>{escape(card['persona'])}</p>",
        _section("How many samples", _bars({PARTS.get(n, n): c for n, c in card["counts"].items()})),
        _section("When it was said", _months(card["months"])),
        "<div class=columns>",
        _section("Records", _bars(card["records"])),
        _section("Left out, and why", _bars(card["left_out"])),
        _section("Sources", _bars(card["sources"])),
        _section("Topics", _bars(_total(card["tags"]))),
        _section("Patterns of conversation", _bars(_total(card["patterns"]))),
        _section("Languages", _bars(_total(card["languages"]))),
        _section("Lengths of what the owner said", _bars(_total(card["lengths"]))),
        _section("Placeholders in the records", _bars(card["placeholders"])),
        _section("Silences: how the owner was spoken to", _bars(card["silences"])),
        "</div>",
        _section("Characters of a sample", _spreads(card["characters"])),
        _section("Formality of a sample, from 0 to 1", _spreads(card["formality"])),
        _section("Minutes of silence that end a conversation", _gaps(card["gaps"])),
        _section("Training before and after balancing", _balance(card)),
        _section("Every kind of sample", _strata(card["strata"])),
        _section("Settings", _table(("setting", "value"), card["settings"].items())),
    ]
    head = f"<meta charset=utf-8><title>{title}</title><style>{STYLE}</style>"
    body = "\n".join(parts)
    return f"<!doctype html>\n<html lang=en><head>{head}</head>\n<body>\n{body}\n</body></html>\n"


def _section(title: str, content: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{content or NOTHING}</section>"


def _bars(counts: Mapping[str, int]) -> str:
    most = max(counts.values(), default=0)
    rows = ((name, count, _bar("one", count, most)) for name, count in counts.items())
    return _rows(rows) if counts else ""


def _months(splits: Mapping[str, Mapping[str, int]]) -> str:
    months = _every_month({month for counts in splits.values() for month in counts})
    if not months:
        return ""
    most = max(sum(splits[name].get(month, 0) for name in SPLITS) for month in months)
    columns = []
    for month in months:
        shares = {name: splits[name].get(month, 0) for name in SPLITS}
        parts = (
            f"<i class={name} style='height:{100 * count / most:.2f}%'></i>" for name, count in shares.items()
        )
        columns.append(f"<div title='{month}: {sum(shares.values())}'>{''.join(parts)}</div>")
    key = "".join(f"<b class={name}>{name}</b>" for name in SPLITS)
    ends = f"<div class=ends><span>{months[0]}</span><span>{key}</span><span>{months[-1]}</span></div>"
    return f"<div class=months>{''.join(columns)}</div>{ends}"


def _every_month(found: set[str]) -> list[str]:
    """From the first to the last, with those between in which nothing was said."""
    if not found:
        return []
    first, last = (12 * int(month[:4]) + int(month[5:]) - 1 for month in (min(found), max(found)))
    return [f"{number // 12:04}-{number % 12 + 1:02}" for number in range(first, last + 1)]


def _spreads(splits: Mapping[str, Mapping[str, float]]) -> str:
    columns = ("count", "lowest", "median", "nine tenths below", "highest")
    filled = [(name, spread) for name, spread in splits.items() if spread["count"]]
    rows = [(name, *(spread[column] for column in columns)) for name, spread in filled]
    return _table(("", *columns), rows) if rows else ""


def _gaps(gaps: Mapping[str, float]) -> str:
    learned = f"<p>Learned from the thread's own pace in {gaps['learned']} of {gaps['count']} threads.</p>"
    return learned + _spreads({"all": gaps}) if gaps["count"] else ""


def _balance(card: Mapping[str, Any]) -> str:
    told = f"<p>A kind of n samples is wanted in proportion to n<sup>{card['exponent']}</sup>.</p>"
    tables = []
    for dimension, values in card["balance"].items():
        most = max((count for counts in values.values() for count in counts), default=0)
        rows = [
            (value, before, after, _bar("before", before, most) + _bar("after", after, most))
            for value, (before, after) in values.items()
        ]
        tables.append(f"<div>{_rows(rows, (dimension, 'before', 'after', ''))}</div>")
    return f"{told}<div class=columns>{''.join(tables)}</div>"


def _strata(strata: Sequence[Mapping[str, Any]]) -> str:
    numbers = ("rows", "wanted", "kept", "augmented")
    rows = [(" · ".join(one["name"]), *(one[number] for number in numbers)) for one in strata[:MOST_STRATA]]
    more = len(strata) - len(rows)
    rest = f"<p class=quiet>and {more} smaller ones, in card.json</p>" if more else ""
    return _table(("kind", *numbers), rows) + rest if rows else ""


def _total(splits: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for counts in splits.values():
        for name, count in counts.items():
            total[name] = total.get(name, 0) + count
    return dict(sorted(total.items(), key=lambda item: (-item[1], item[0])))


def _bar(kind: str, count: int, most: int) -> str:
    return f"<i class={kind} style='width:{100 * count / max(1, most):.2f}%'></i>"


def _table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    return _rows(((*row, "") for row in rows), (*columns, ""))


def _rows(rows: Iterable[Sequence[object]], columns: Sequence[str] = ()) -> str:
    """Cells are words or numbers, which are escaped; only the last one is HTML, a bar."""
    head = "".join(f"<th{_kind(number)}>{escape(name)}" for number, name in enumerate(columns[:-1]))
    body = []
    for *cells, bar in rows:
        written = "".join(f"<td{_kind(number)}>{_cell(cell)}" for number, cell in enumerate(cells))
        body.append(f"<tr>{written}" + (f"<td class=bar>{bar}" if bar else ""))
    return f"<table>{f'<tr>{head}' if head else ''}{''.join(body)}</table>"


def _kind(column: int) -> str:
    return " class=n" if column else ""


def _cell(cell: object) -> str:
    return f"{cell:,}" if isinstance(cell, int) else escape(str(cell))
