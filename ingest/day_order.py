"""Is 03/04 the third of April or the fourth of March? Told by all the dates of a file together."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from ingest.source import Owner

Numbers = tuple[int, int, int]
_PLACES = {"dmy": (2, 1, 0), "mdy": (2, 0, 1), "ymd": (0, 1, 2)}  # where year, month and day stand
_YEARS = range(2009, 2100)  # before them there was nothing to export
_MONTH_FIRST = (
    *("New_York", "Detroit", "Chicago", "Denver", "Boise", "Phoenix", "Los_Angeles", "Anchorage", "Juneau"),
    *("Honolulu", "Indianapolis", "Louisville"),
)


def day(numbers: Numbers, order: str) -> date | None:
    """The day these three numbers name when read in that order; None when there is none."""
    year, month, of_month = (numbers[at] for at in _PLACES[order])
    year = year + 2000 if year < 100 else year
    try:
        return date(year, month, of_month) if year in _YEARS else None
    except ValueError:
        return None


def habit(owner: Owner) -> str:
    """How dates are written where the owner lives, for a file that does not tell."""
    return "mdy" if str(owner.zones[-1][1]).endswith(_MONTH_FIRST) else "dmy"


@dataclass(slots=True)
class _Reading:
    impossible: int = 0
    walked: int = 0  # days from each message to the next: read wrongly, a chat leaps from month to month
    last: date | None = None


@dataclass(slots=True)
class DayOrder:
    """Shown every date of a file in its order, tells how to read them."""

    _readings: dict[str, _Reading] = field(default_factory=lambda: {order: _Reading() for order in _PLACES})

    def see(self, numbers: Numbers) -> None:
        for order, reading in self._readings.items():
            found = day(numbers, order)
            if found is None:
                reading.impossible += 1
            else:
                reading.walked += abs((found - (reading.last or found)).days)
                reading.last = found

    def decide(self, otherwise: str) -> tuple[str, bool]:
        """The order, and whether the numbers prove it: a day beyond the twelfth does.

        Without proof, the reading in which the chat goes from day to day, and not back and forth or in leaps.
        """
        year_last = {order: self._readings[order] for order in ("dmy", "mdy")}
        fewest = min(reading.impossible for reading in year_last.values())
        if self._readings["ymd"].impossible < fewest:
            return "ymd", True
        possible = {order: one for order, one in year_last.items() if one.impossible == fewest}
        if len(possible) == 1:
            return next(iter(possible)), True
        return min(possible, key=lambda order: (possible[order].walked, order != otherwise)), False
