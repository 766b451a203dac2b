"""Does somebody try to steer the twin? Floods, crowds of new accounts and people who act as one.

Nothing is left out for it: strangers do not train the twin anyway, and what listed people give is capped
where it is weighed. This tells the owner what to look at, by count, never by what anybody said.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations

from storage.records import Feedback, Role, Signal

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
FLOOD = 30  # signals of one person in one hour: more than anybody reads
CROWD = 5  # people who were never heard before, in one day, against us
HOSTILE = 0.8  # of all they ever gave: one thumb up is no disguise
TOGETHER = 5  # replies that the same two people judged alike ...
WITHIN = timedelta(minutes=2)  # ... so soon after each other
AGAINST = {Signal.DOWN, Signal.COMPLAINT, Signal.CORRECTION}
MOST_LOOKED_AT = 60  # people on one reply; pairs among more would take for ever and prove nothing


@dataclass(frozen=True, slots=True)
class Anomaly:
    kind: str  # flood, crowd, together
    people: tuple[str, ...]
    since: datetime
    until: datetime
    signals: int
    words: str

    @property
    def key(self) -> str:
        """The same for what is the same trouble, so that it is told once."""
        match self.kind:
            case "together":
                return f"together {self.people[0]}"
            case "crowd":
                return f"crowd {self.since:%Y-%m-%d}"
            case _:
                return f"{self.kind} {self.people[0]} {self.since:%Y-%m-%d}"


def anomalies(feedback: Iterable[Feedback], since: datetime | None = None) -> list[Anomaly]:
    """What looks like somebody at work, oldest first; with `since`, only what went on then or later.

    `feedback`: all there ever was, also what was taken back: a thumb that comes and goes is a flood as well,
    and who is new can only be told by what is old. The owner's own signals are never suspect.
    """
    signals = sorted((one for one in feedback if one.role is not Role.OWNER), key=lambda one: one.given_at)
    start = since or (signals[0].given_at if signals else None)
    if start is None:
        return []
    found = [*_floods(signals, start), *_crowds(signals, start), *_together(signals, start)]
    return sorted(found, key=lambda anomaly: anomaly.since)


def _floods(signals: Sequence[Feedback], start: datetime) -> Iterator[Anomaly]:
    by_person: defaultdict[str, list[Feedback]] = defaultdict(list)
    for one in signals:
        if one.given_at >= start - HOUR:
            by_person[_person(one)].append(one)
    for person, theirs in by_person.items():
        if len(most := _busiest(theirs, HOUR, start)) > FLOOD:
            words = f"{person} gave {len(most)} signals within an hour."
            yield _anomaly("flood", (person,), most, words)


def _crowds(signals: Sequence[Feedback], start: datetime) -> Iterator[Anomaly]:
    """Newcomers of one day who say hardly anything that is not against us."""
    theirs: defaultdict[str, list[Feedback]] = defaultdict(list)
    for one in signals:
        theirs[_person(one)].append(one)
    hostile = [
        ones[0] for ones in theirs.values() if sum(one.kind in AGAINST for one in ones) >= HOSTILE * len(ones)
    ]
    most = _busiest(hostile, DAY, start)
    if len(most) >= CROWD:
        people = tuple(_person(one) for one in most)
        given = [one for one in signals if _person(one) in set(people)]
        words = (
            f"{len(people)} people never heard before came within a day and gave thumbs down ({len(given)})."
        )
        yield _anomaly("crowd", people, most, words, len(given))


def _together(signals: Sequence[Feedback], start: datetime) -> Iterator[Anomaly]:
    """People who judge the same replies alike and at once, again and again: all who do, told as one group."""
    about: defaultdict[tuple[str, bool], list[Feedback]] = defaultdict(list)
    for one in signals:
        about[one.reply_key, one.kind in AGAINST].append(one)
    met: defaultdict[tuple[str, str], dict[str, tuple[Feedback, Feedback]]] = defaultdict(dict)
    for (reply, _), judges in about.items():
        for first, second in combinations(judges[:MOST_LOOKED_AT], 2):
            someone, other = sorted((_person(first), _person(second)))
            if someone != other and second.given_at - first.given_at <= WITHIN:
                met[someone, other][reply] = (first, second)
    pairs = {
        pair: replies
        for pair, replies in met.items()
        if len(replies) >= TOGETHER and max(second.given_at for _, second in replies.values()) >= start
    }
    for people in _groups(pairs):
        judged = {reply for pair, replies in pairs.items() if pair[0] in people for reply in replies}
        theirs = [one for pair, replies in pairs.items() if pair[0] in people for one in replies.values()]
        signals_of = sorted((one for both in theirs for one in both), key=lambda one: one.given_at)
        named = " and ".join(people)
        if len(people) > 2:
            named = f"{len(people)} people ({', '.join(people[:3])} ...)"
        words = f"{named} judged {len(judged)} replies as one."
        yield _anomaly("together", people, signals_of, words, len(judged))


def _groups(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, ...]]:
    """Whoever is tied to somebody, even through others, is in one group."""
    group: dict[str, set[str]] = {}
    for one, other in pairs:
        joined = group.get(one, {one}) | group.get(other, {other})
        group |= dict.fromkeys(joined, joined)
    return sorted({tuple(sorted(people)) for people in group.values()})


def _busiest(signals: Sequence[Feedback], width: timedelta, start: datetime) -> list[Feedback]:
    """The most of them within such a time that ends at `start` or later."""
    first, most = 0, (0, 0)
    for last, one in enumerate(signals):
        while one.given_at - signals[first].given_at > width:
            first += 1
        if one.given_at >= start and last + 1 - first > most[1] - most[0]:
            most = (first, last + 1)
    return list(signals[slice(*most)])


def _anomaly(
    kind: str, people: tuple[str, ...], signals: Sequence[Feedback], words: str, count: int | None = None
) -> Anomaly:
    return Anomaly(kind, people, signals[0].given_at, signals[-1].given_at, count or len(signals), words)


def _person(signal: Feedback) -> str:
    return f"{signal.reply_key.partition(':')[0]}:{signal.given_by}"
