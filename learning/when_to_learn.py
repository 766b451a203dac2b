"""Is it time to learn, and if not, why not? Pure functions: what is known goes in, a verdict comes out.

Wanted: enough new judgements (weighed by role, age and kind), enough new texts of the owner, the clock, or
somebody who asked. In the way: the floor, something that runs, a trial, the cool-down, the budget of a day,
quiet hours, and people who talk while the model servers would have to sleep. Who asks waits for the first
three only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Literal

from learning.judged import Judged
from learning.settings import WhenSettings
from storage.records import Signal

# How much one of a kind tells: better words, a choice between two, a complaint, a mere thumb.
TELLS: Mapping[Signal, float] = {
    Signal.CORRECTION: 1.0,
    Signal.TAKEOVER: 1.0,
    Signal.CHOICE: 0.5,
    Signal.COMPLAINT: 0.5,
    Signal.UP: 0.25,
    Signal.DOWN: 0.25,
}
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Situation:
    """What the decision rests on. Times are aware."""

    at: datetime
    zone: tzinfo = UTC  # the owner's
    new: float = 0.0  # worth of the judgements since the last learning
    known: int = 0  # judgements that can be learned from, old ones too
    texts: int = 0  # of the owner, since the last training on them
    ended: datetime | None = None  # when the last learning ended, however it did
    spent: tuple[tuple[datetime, timedelta], ...] = ()  # when each training of the last days began, how long
    running: str | None = None  # a run that trains or is about to
    on_trial: str | None = None  # a version
    last_message: datetime | None = None  # where training puts the model servers to sleep
    asked: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """`kind`: what to run now, None: nothing. `why` is for people."""

    kind: Literal["learn", "retrain"] | None
    why: str
    until: datetime | None = None  # before then the answer stays no, whatever people say


def worth(judged: Iterable[Judged]) -> float:
    """What these judgements weigh together."""
    return sum(item.weight * TELLS[item.feedback.kind] for item in judged)


def decide(now: Situation, settings: WhenSettings, floor: int) -> Verdict:
    """`floor`: fewer judgements than this are never learned from."""
    kind, wanted = _wanted(now, settings)
    in_the_way = _always_in_the_way(now, floor if kind == "learn" else 0)
    waits: list[tuple[str, datetime]] = [] if now.asked else _waits(now, settings)
    if kind and not in_the_way and not waits:
        return Verdict(kind, wanted)
    why = ", ".join([wanted, *in_the_way, *(words for words, _ in waits)])
    return Verdict(None, why, max((until for _, until in waits), default=None))


def _wanted(now: Situation, settings: WhenSettings) -> tuple[Literal["learn", "retrain"] | None, str]:
    """What there is a reason for; the words hold either way."""
    judgements = f"{now.new:.3g} of {settings.judgements:g} effective judgements"
    if now.asked:
        return "learn", "somebody asked for it"
    if settings.texts is not None and now.texts >= settings.texts:
        return "retrain", f"{now.texts} new texts of the owner"
    if now.new >= settings.judgements:
        return "learn", judgements
    if settings.every_hours and now.new > 0:
        due = now.ended is None or now.at - now.ended >= timedelta(hours=settings.every_hours)
        if due:
            return "learn", f"{now.new:.3g} effective judgements, and it is time"
    texts = f", {now.texts} of {settings.texts} new texts" if settings.texts is not None else ""
    return None, judgements + texts


def _always_in_the_way(now: Situation, floor: int) -> list[str]:
    found = []
    if now.running:
        found.append(f"{now.running} is under way")
    if now.on_trial:
        found.append(f"{now.on_trial} is on trial")
    if now.known < floor:
        found.append(f"{now.known} of the {floor} judgements that it takes at least")
    return found


def _waits(now: Situation, settings: WhenSettings) -> list[tuple[str, datetime]]:
    """What passes by itself, and when it will have."""
    found = []
    if now.ended and (until := now.ended + timedelta(minutes=settings.cool_down_minutes)) > now.at:
        found.append((f"cool-down until {_clock(until, now)}", until))
    if room := _budget_until(now, settings):
        found.append((f"the budget of a day is spent until {_clock(room, now)}", room))
    if settings.quiet and (loud := quiet_until(now.at, settings.quiet, now.zone)):
        found.append((f"quiet hours until {_clock(loud, now)}", loud))
    if now.last_message:
        until = now.last_message + timedelta(minutes=settings.rest_minutes)
        if until > now.at:
            found.append(("people are talking, and the model would have to sleep", until))
    return found


def _budget_until(now: Situation, settings: WhenSettings) -> datetime | None:
    """When enough of the last day's trainings will lie more than a day back; None: there is room."""
    lately = sorted(one for one in now.spent if now.at - DAY < one[0] <= now.at)
    until = None
    while lately and (
        len(lately) >= settings.runs_a_day
        or sum((took for _, took in lately), timedelta()) >= timedelta(hours=settings.hours_a_day)
    ):
        until = lately.pop(0)[0] + DAY
    return until


def quiet_until(at: datetime, hours: str, zone: tzinfo) -> datetime | None:
    """When the quiet hours end that we are in, None outside of them. `hours`: "23:00-07:00" in that zone."""
    begin, end = (time.fromisoformat(part) for part in hours.split("-"))
    here = at.astimezone(zone)
    clock = here.time().replace(tzinfo=None)
    within = begin <= clock < end if begin < end else clock >= begin or clock < end
    if not within:
        return None
    day = here.date() + timedelta(days=1) if begin >= end and clock >= begin else here.date()
    return datetime.combine(day, end, tzinfo=zone).astimezone(UTC)


def _clock(until: datetime, now: Situation) -> str:
    """As the owner reads it: the hour, and the day where it is another one."""
    here = until.astimezone(now.zone)
    same_day = here.date() == now.at.astimezone(now.zone).date()
    return f"{here:%H:%M}" if same_day else f"{here:%a %H:%M}"
