"""When was it, where an export writes the time for people to read?

A time such as "Jan 15, 2021, 6:54:12 PM BST" cannot be trusted to its letters: they are the zone of the day
of the export, not of the entry, and BST alone is three zones. The clock is the owner's; only UTC and offsets
that are written out count.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

from ingest.days import MONTH_OF
from ingest.source import Owner
from storage.records import ZoneSource

_SPACES = re.compile(r"[\s\u200e\u200f]+")
_CLOCK = (
    r",?\s(?:(?:at|um|à|a las)\s)?(?P<h>\d{1,2})[:.](?P<min>\d\d)(?:[:.](?P<s>\d\d))?"
    r"(?:\s?(?P<half>[AaPp])\.?\s?[Mm]\.?)?"
)
_ZONE = r"(?:\s(?P<zone>\S{1,12}(?:\s\S{1,12})?))?"
_FORMS = [
    re.compile(day + _CLOCK + _ZONE)
    for day in (
        r"(?P<name>[^\W\d_]{3,12})\.?\s(?P<d>\d{1,2}),\s(?P<y>\d{4})",
        r"(?P<d>\d{1,2})\.?\s(?:de\s)?(?P<name>[^\W\d_]{3,12})\.?,?\s(?:de\s)?(?P<y>\d{4})",
        r"(?P<d>\d{1,2})[./-](?P<m>\d{1,2})[./-](?P<y>\d{4})",
        r"(?P<y>\d{4})[./-](?P<m>\d{1,2})[./-](?P<d>\d{1,2})",
    )
]
_OFFSET = re.compile(r"(?:UTC|GMT)?(?P<sign>[+\u2212-])(?P<h>\d{1,2})(?::?(?P<m>\d\d))?")


def clock_time(written: str) -> datetime | None:
    """The time on the clock, without a zone."""
    found = _found(written)
    return found[0] if found else None


def instant(written: str, owner: Owner) -> tuple[datetime, ZoneSource] | None:
    """When that was. Raises nothing: what cannot be read is None."""
    found = _found(written)
    if not found:
        return None
    at, zone = found
    try:
        if offset := _OFFSET.fullmatch(zone):
            apart = timedelta(hours=int(offset["h"]), minutes=int(offset["m"] or 0))
            fixed = timezone(apart if offset["sign"] == "+" else -apart)
            return at.replace(tzinfo=fixed).astimezone(UTC), ZoneSource.EXPLICIT
        if zone in ("UTC", "GMT", "Z") and zone not in _letters(at, owner):
            return at.replace(tzinfo=UTC), ZoneSource.EXPLICIT
        sure = not zone or zone in _letters(at, owner)
        return owner.to_utc(at), ZoneSource.OWNER if sure else ZoneSource.INFERRED
    except (ValueError, OverflowError):
        return None


def _letters(at: datetime, owner: Owner) -> set[str | None]:
    """What the owner's zone is called in winter and in summer. UTC itself needs no guess."""
    zone = owner.zone_on(at.date())
    names = {at.replace(month=month, day=1, tzinfo=zone).tzname() for month in (1, 7)}
    return names - {"UTC"}


def _found(written: str) -> tuple[datetime, str] | None:
    written = _SPACES.sub(" ", written[:120]).strip()
    for form in _FORMS:
        if not (found := form.fullmatch(written)):
            continue
        parts = found.groupdict()
        month = MONTH_OF.get(parts["name"].lower(), 0) if "name" in parts else int(parts["m"])
        hour = int(parts["h"])
        if parts["half"]:
            hour = hour % 12 + (12 if parts["half"] in "pP" else 0)
        try:
            day = (int(parts["y"]), month, int(parts["d"]))
            at = datetime(*day, hour, int(parts["min"]), int(parts["s"] or 0))  # noqa: DTZ001
        except ValueError:
            continue
        return at, parts["zone"] or ""
    return None
