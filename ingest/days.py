"""Which day, week, month or quarter does a title name? Dates as people write them above journal pages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

_MONTHS = """
    january february march april may june july august september october november december
    jan feb mar apr may jun jul aug sep oct nov dec
    jan feb mar apr may jun jul aug sept oct nov dec
    januar februar märz april mai juni juli august september oktober november dezember
    jänner feber mrz apr mai jun jul aug sep okt nov dez
    januari februari maart april mei juni juli augustus september oktober november december
    janvier février mars avril mai juin juillet août septembre octobre novembre décembre
    enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre
    janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro
    gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre
"""
MONTH_OF = {name: number for line in _MONTHS.split("\n") for number, name in enumerate(line.split(), start=1)}
_DAYS = """
    monday tuesday wednesday thursday friday saturday sunday mon tue tues wed thu thur thurs fri sat sun
    montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag
    maandag dinsdag woensdag donderdag vrijdag zaterdag zondag
    lundi mardi mercredi jeudi vendredi samedi dimanche
    lunes martes miércoles jueves viernes sábado domingo
    segunda-feira terça-feira quarta-feira quinta-feira sexta-feira
    lunedì martedì mercoledì giovedì venerdì sabato domenica
"""
_MONTH = "(?P<name>" + "|".join(sorted(MONTH_OF, key=len, reverse=True)) + r")\.?"
_WEEKDAY = "(?:(?:" + "|".join(sorted(_DAYS.split(), key=len, reverse=True)) + r")\.?,?\s+)?"

_FORMS = [
    re.compile(pattern, re.IGNORECASE | re.ASCII)
    for pattern in (
        r"(?P<y>\d{4})-?W(?P<w>\d{1,2})",
        r"week\s+(?P<w>\d{1,2}),?\s+(?:of\s+)?(?P<y>\d{4})",
        r"(?P<y>\d{4})[-\s]?Q(?P<q>[1-4])",
        _WEEKDAY + r"(?P<y>\d{4})([-./_])(?P<m>\d{1,2})\2(?P<d>\d{1,2})",
        r"(?P<y>(?:19|20)\d{2})(?P<m>\d{2})(?P<d>\d{2})",
        _WEEKDAY
        + r"(?P<d>\d{1,2})(?:st|nd|rd|th|er)?\.?\s+(?:(?:of|de)\s+)?"
        + _MONTH
        + r",?\s+(?:de\s+)?(?P<y>\d{4})",
        _WEEKDAY + _MONTH + r"\s+(?P<d>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<y>\d{4})",
        _WEEKDAY + r"(?P<d>\d{1,2})\.\s?(?P<m>\d{1,2})\.\s?(?P<y>\d{4})",
        _WEEKDAY + r"(?P<one>\d{1,2})/(?P<two>\d{1,2})/(?P<y>\d{4})",
        r"(?P<y>\d{4})[-_](?P<m>\d{1,2})",
        _MONTH + r",?\s+(?:de\s+)?(?P<y>\d{4})",
    )
]
_AFTER = re.compile(r"\s*(?:$|[-–—:,|(]\s|[-–—:,]$|\s)")


@dataclass(frozen=True, slots=True)
class Period:
    """A day, or the week, month or quarter that begins on it. `name` is the same however it was written."""

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
    if "q" in parts:
        return Period(date(year, 3 * int(parts["q"]) - 2, 1), f"{year:04}-Q{parts['q']}")
    if "one" in parts:
        one, two = int(parts["one"]), int(parts["two"])
        day, month = (two, one) if two > 12 else (one, two)
        return _day(year, month, day, sure=one > 12 or two > 12 or one == two)
    month = MONTH_OF[parts["name"].lower()] if "name" in parts else int(parts["m"])
    if "d" not in parts:
        return Period(date(year, month, 1), f"{year:04}-{month:02}")
    return _day(year, month, int(parts["d"]))


def _day(year: int, month: int, day: int, *, sure: bool = True) -> Period:
    return Period(found := date(year, month, day), found.isoformat(), sure)
