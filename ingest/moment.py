"""Which day does a file name mean, when its format is written as Obsidian's daily notes write it (moment)?"""

from __future__ import annotations

import re
from datetime import date, timedelta
from functools import lru_cache

from ingest.days import MONTH_OF, Period

_YEAR, _TWO, _ONE_OR_TWO, _WORD = r"\d{4}", r"\d{2}", r"\d{1,2}", r"[^\W\d_]+\.?"
_PARTS = {  # token: the group it fills ("" for what does not matter) and what may stand there
    "YYYY": ("y", _YEAR),
    "YY": ("yy", _TWO),
    "gggg": ("local", _YEAR),
    "GGGG": ("iso", _YEAR),
    "Q": ("q", "[1-4]"),
    "ww": ("w", _TWO),
    "WW": ("w", _TWO),
    "w": ("w", _ONE_OR_TWO),
    "MMMM": ("name", _WORD),
    "MMM": ("name", _WORD),
    "MM": ("m", _TWO),
    "M": ("m", _ONE_OR_TWO),
    "DDDD": ("nth", r"\d{3}"),
    "DDD": ("nth", r"\d{1,3}"),
    "DD": ("d", _TWO),
    "D": ("d", _ONE_OR_TWO),
    "W": ("w", _ONE_OR_TWO),
    "Do": ("d", r"\d{1,2}(?:st|nd|rd|th|er|e|º|\.)?"),
    **dict.fromkeys(("dddd", "ddd", "dd"), ("", _WORD)),
    **dict.fromkeys(("HH", "H", "hh", "h", "mm", "m", "ss", "s"), ("", _ONE_OR_TWO)),
    **dict.fromkeys(("A", "a"), ("", r"[AaPp]\.?[Mm]\.?")),
}
_TOKEN = re.compile(
    r"\[([^\[\]]*)\]|" + "|".join(sorted(_PARTS, key=len, reverse=True)) + r"|\\?.", re.DOTALL
)
_MAX_FORMAT = 200


@lru_cache(64)
def _pattern(form: str) -> re.Pattern[str] | None:
    """None: a format that names no day, week, month or year, or that we cannot follow."""
    parts: list[str] = []
    seen: set[str] = set()
    for token in _TOKEN.finditer(form[:_MAX_FORMAT]):
        name, digits = _PARTS.get(token[0], ("", ""))
        if token[1] is not None:
            parts.append(re.escape(token[1]))
        elif not digits:
            parts.append(re.escape(token[0][-1]))
        elif name and name not in seen:
            seen.add(name)
            parts.append(f"(?P<{name}>{digits})")
        else:  # the year a second time, as in YYYY/YYYY-MM-DD
            parts.append(f"(?P={name})" if name in ("y", "m", "d", "iso", "local") else digits)
    return re.compile("".join(parts)) if seen & {"y", "yy", "iso", "local"} else None


def by_format(form: str, name: str) -> Period | None:
    """The period that `name`, without its ending, means in this format; None when it does not fit."""
    pattern = _pattern(form)
    found = pattern.fullmatch(name) if pattern and len(name) <= 300 else None
    if not found:
        return None
    try:
        return _period({key: value for key, value in found.groupdict().items() if value})
    except (ValueError, OverflowError):
        return None


def _period(parts: dict[str, str]) -> Period | None:
    year = int(parts.get("y") or parts.get("iso") or parts.get("local") or f"20{parts.get('yy', '00')}")
    if "w" in parts:
        week = int(parts["w"])
        first = date.fromisocalendar(year, week, 1)
        # A local week (gggg) may begin on a Sunday; which one it was the format does not say.
        return Period(first, f"{year:04}-W{week:02}", sure="local" not in parts)
    if "nth" in parts:
        day = date(year, 1, 1) + timedelta(days=int(parts["nth"]) - 1)
        return Period(day, day.isoformat()) if day.year == year and parts["nth"] != "0" else None
    month = 0
    if "name" in parts:
        month = MONTH_OF.get(parts["name"].lower().rstrip("."), 0)
        if not month:
            return None
    elif "m" in parts:
        month = int(parts["m"])
    if "d" in parts:
        day = date(year, month, int(re.match(r"\d+", parts["d"])[0]))  # type: ignore[index]
        return Period(day, day.isoformat())
    if month:
        return Period(date(year, month, 1), f"{year:04}-{month:02}")
    if "q" in parts:
        return Period(date(year, 3 * int(parts["q"]) - 2, 1), f"{year:04}-Q{parts['q']}")
    return Period(date(year, 1, 1), f"{year:04}")
