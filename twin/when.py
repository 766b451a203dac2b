"""When does something happen by the clock? Words of twin.toml, as triggers."""

from __future__ import annotations

import re
from datetime import tzinfo

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

OFF = "off"
EVERY = re.compile(r"every (\d+(?:\.\d+)?) (second|minute|hour|day)s?")
SECONDS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0}
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
FORMS = "'every 30 minutes' (seconds, hours, days), five fields of cron ('0 3 * * *'), or 'off'"


def trigger(words: str, zone: tzinfo) -> BaseTrigger | None:
    """None: never. `zone`: whose clock cron's hours are. Raises ValueError."""
    words = words.strip()
    if words == OFF:
        return None
    if found := EVERY.fullmatch(words):
        seconds = float(found[1]) * SECONDS[found[2]]
        if seconds < 1:
            raise ValueError("every second is often enough")
        return IntervalTrigger(seconds=seconds, timezone=zone)
    fields = words.split()
    if len(fields) != 5:
        raise ValueError(f"is none of {FORMS}")
    minute, hour, day, month, weekday = fields
    try:
        return CronTrigger(
            minute=minute,
            hour=hour,
            day=day,
            month=month,
            day_of_week=_named(weekday),
            timezone=zone,
        )
    except ValueError as problem:
        raise ValueError(f"is none of {FORMS}: {problem}") from problem


def _named(weekdays: str) -> str:
    """Days by name: to cron 0 is Sunday, to APScheduler it is Monday."""

    def names(part: str) -> str:
        if not (found := re.fullmatch(r"(\d)(?:-(\d))?", part)):
            return part
        first, last = int(found[1]), int(found[2] or found[1])
        if not first <= last <= 7:
            raise ValueError(f"there is no weekday {part}")
        return ",".join(dict.fromkeys(DAYS[number % 7] for number in range(first, last + 1)))

    return ",".join(names(part) for part in weekdays.split(","))
