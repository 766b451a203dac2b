"""Does somebody try to steer the twin? Floods, crowds of new accounts and people who act as one.

Nothing is left out for it: strangers do not train the twin anyway, and what listed people give is capped
where it is weighed. This tells the owner what to look at, by count, never by what anybody said.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations

from storage.records import Feedback, Role, Signal

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
FLOOD = 30  # signals of one person in one hour: more than anybody reads
CROWD = 5  # people who were never heard before, in one day, all against
TOGETHER = 5  # replies that the same two people judged alike ...
WITHIN = timedelta(minutes=2)  # ... so soon after each other
AGAINST = {Signal.DOWN, Signal.COMPLAINT}
MOST_LOOKED_AT = 20  # people on one reply; pairs among more would take for ever and prove nothing


@dataclass(frozen=True, slots=True)
class Anomaly:
    kind: str  # flood, crowd, together
    people: tuple[str, ...]
    since: datetime
    signals: int
    words: str


def anomalies(feedback: Iterable[Feedback]) -> list[Anomaly]:
    """What looks like somebody at work, oldest first. The owner's own signals are never suspect."""
    signals = sorted((one for one in feedback if one.role is not Role.OWNER), key=lambda one: one.given_at)
    found = [*_floods(signals), *_crowds(signals), *_together(signals)]
    return sorted(found, key=lambda anomaly: anomaly.since)


def _floods(signals: Sequence[Feedback]) -> list[Anomaly]:
    by_person: defaultdict[str, list[Feedback]] = defaultdict(list)
    for one in signals:
        by_person[_person(one)].append(one)
    found = []
    for person, theirs in by_person.items():
        most = max(_windows(theirs, HOUR), key=len)
        if len(most) > FLOOD:
            words = f"{person} gave {len(most)} signals within an hour."
            found.append(Anomaly("flood", (person,), most[0].given_at, len(most), words))
    return found


def _crowds(signals: Sequence[Feedback]) -> list[Anomaly]:
    """Every newcomer's first words against us, where many newcomers say nothing else on one day."""
    firsts: dict[str, Feedback] = {}
    for one in signals:
        firsts.setdefault(_person(one), one)
    liked = {_person(one) for one in signals if one.kind not in AGAINST}
    hostile = [first for person, first in firsts.items() if person not in liked]
    most = max(_windows(hostile, DAY), key=len, default=[])
    if len(most) < CROWD:
        return []
    people = tuple(_person(one) for one in most)
    given = sum(_person(one) in set(people) for one in signals)
    words = f"{len(people)} people never heard before gave nothing but thumbs down ({given}) within a day."
    return [Anomaly("crowd", people, most[0].given_at, given, words)]


def _together(signals: Sequence[Feedback]) -> list[Anomaly]:
    """Pairs of people who judge the same replies alike and at once, again and again."""
    about: defaultdict[tuple[str, bool], list[Feedback]] = defaultdict(list)
    for one in signals:
        about[one.reply_key, one.kind in AGAINST].append(one)
    met: Counter[tuple[str, str]] = Counter()
    since: dict[tuple[str, str], datetime] = {}
    for judges in about.values():
        for first, second in combinations(judges[:MOST_LOOKED_AT], 2):
            pair = (min(_person(first), _person(second)), max(_person(first), _person(second)))
            if pair[0] != pair[1] and second.given_at - first.given_at <= WITHIN:
                met[pair] += 1
                since.setdefault(pair, first.given_at)
    return [
        Anomaly(
            "together", pair, since[pair], count, f"{pair[0]} and {pair[1]} judged {count} replies as one."
        )
        for pair, count in met.items()
        if count >= TOGETHER
    ]


def _windows(signals: Sequence[Feedback], width: timedelta) -> list[list[Feedback]]:
    """For each signal those of so long a time that ends with it."""
    start, found = 0, []
    for end, one in enumerate(signals):
        while one.given_at - signals[start].given_at > width:
            start += 1
        found.append(list(signals[start : end + 1]))
    return found


def _person(signal: Feedback) -> str:
    return f"{signal.reply_key.partition(':')[0]}:{signal.given_by}"
