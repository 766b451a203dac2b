"""Which day, week or month does a title name? Dates as people write them above their journal pages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_MONTH_OF = {name: number for number, name in enumerate(_MONTHS, start=1)} | {
    name[:3]: number for number, name in enumerate(_MONTHS, start=1)
} | {"sept": 9}  # fmt: skip
_MONTH = "(?P<name>" + "|".join(sorted(_MONTH_OF, key=len, reverse=True)) + r")\.?"
_WEEKDAY = r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?\.?,?\s+)?"

_FORMS = [
    re.compile(pattern, re.IGNORECASE | re.ASCII)
    for pattern in (
        r"(?P<y>\d{4})-?W(?P<w>\d{1,2})",
        r"week\s+(?P<w>\d{1,2}),?\s+(?:of\s+)?(?P<y>\d{4})",
        _WEEKDAY + r"(?P<y>\d{4})([-./_])(?P<m>\d{1,2})\2(?P<d>\d{1,2})",
        r"(?P<y>(?:19|20)\d{2})(?P<m>\d{2})(?P<d>\d{2})",
        _WEEKDAY + r"(?P<d>\d{1,2})(?:st|nd|rd|th)?\.?\s+(?:of\s+)?" + _MONTH + r",?\s+(?P<y>\d{4})",
        _WEEKDAY + _MONTH + r"\s+(?P<d>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<y>\d{4})",
        _WEEKDAY + r"(?P<d>\d{1,2})\.\s?(?P<m>\d{1,2})\.\s?(?P<y>\d{4})",
        _WEEKDAY + r"(?P<one>\d{1,2})/(?P<two>\d{1,2})/(?P<y>\d{4})",
        r"(?P<y>\d{4})[-_](?P<m>\d{1,2})",
        _MONTH + r",?\s+(?P<y>\d{4})",
    )
]
_AFTER = re.compile(r"\s*(?:$|[-–—:,|(]\s|[-–—:,]$|\s)")


@dataclass(frozen=True, slots=True)
class Period:
    """A day, or the week or month that begins on it. `name` is the same however the date was written."""

    first: date
    name: str
    sure: bool = True  # False: 03/04 could have been the other way round


def period(title: str, *, alone: bool = False) -> Period | None:
    """The period a title begins with; with `alone`, only when it says nothing else."""
    title = title.strip()
    for form in _FORMS:
        found = form.match(title)
        if not found:
            continue
        rest = title[found.end() :]
        if rest.strip(" :.") if alone else not _AFTER.match(rest):
            continue
        try:
            return _period({key: value for key, value in found.groupdict().items() if value})
        except ValueError:  # the 30th of February
            continue
    return None


def _period(parts: dict[str, str]) -> Period:
    year = int(parts["y"])
    if "w" in parts:
        week = int(parts["w"])
        return Period(date.fromisocalendar(year, week, 1), f"{year:04}-W{week:02}")
    if "one" in parts:
        one, two = int(parts["one"]), int(parts["two"])
        day, month = (two, one) if two > 12 else (one, two)
        return _day(year, month, day, sure=one > 12 or two > 12 or one == two)
    month = _MONTH_OF[parts["name"].lower()] if "name" in parts else int(parts["m"])
    if "d" not in parts:
        return Period(date(year, month, 1), f"{year:04}-{month:02}")
    return _day(year, month, int(parts["d"]))


def _day(year: int, month: int, day: int, *, sure: bool = True) -> Period:
    return Period(found := date(year, month, day), found.isoformat(), sure)
