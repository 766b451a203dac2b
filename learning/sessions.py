"""Which messages belong together? Records -> threads -> conversations -> bursts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from learning.gaps import session_gap
from learning.settings import CorpusSettings
from storage.records import Record

BRIDGE = timedelta(days=1)  # a reply goes on with a conversation; after a longer silence it begins a new one


@dataclass(slots=True)
class Burst:
    """What one author said in one go."""

    author_id: str
    by_owner: bool
    session: int  # number of its conversation in the thread
    records: list[Record] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n".join(record.text.strip() for record in self.records)

    @property
    def ids(self) -> list[str]:
        return [record.id for record in self.records]


@dataclass(frozen=True, slots=True)
class Thread:
    """One chat, channel or file from the first burst to the last."""

    source: str
    bursts: list[Burst]
    gap: timedelta  # the silence that ends a conversation here
    own_pace: bool  # whether that was learned from this very thread
    others: frozenset[str]  # everybody but the owner who ever spoke here
    place: dict[str, int]  # id of a record -> number of its burst

    @property
    def private(self) -> bool:
        return len(self.others) == 1

    def sessions(self) -> Iterator[range]:
        """The numbers of each conversation's bursts."""
        start = 0
        for end in range(1, len(self.bursts) + 1):
            if end == len(self.bursts) or self.bursts[end].session != self.bursts[start].session:
                yield range(start, end)
                start = end


def threads(records: Iterable[Record], settings: CorpusSettings) -> Iterator[Thread]:
    """Every thread, in an order that does not depend on the order of the records."""
    found: defaultdict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in records:
        found[record.source, record.thread_id].append(record)
    for (source, _), thread in sorted(found.items()):
        thread.sort(key=lambda record: (record.said_at, record.id))
        gap, own_pace = session_gap(thread, settings)
        bursts = _bursts(thread, gap, timedelta(minutes=settings.burst_gap_minutes))
        others = frozenset(record.author_id for record in thread if not record.by_owner)
        place = {record.id: number for number, burst in enumerate(bursts) for record in burst.records}
        yield Thread(source, bursts, gap, own_pace, others, place)


def _bursts(thread: Sequence[Record], gap: timedelta, burst_gap: timedelta) -> list[Burst]:
    bursts: list[Burst] = []
    here: set[str] = set()  # ids of the conversation so far
    for record in thread:
        last = bursts[-1] if bursts else None
        silence = record.said_at - last.records[-1].said_at if last else timedelta()
        goes_on = silence <= gap or (record.reply_to in here and silence <= BRIDGE)
        if not goes_on:
            here = set()
        here.add(record.id)
        if (
            last is None
            or not goes_on
            or silence > burst_gap
            or (record.author_id, record.by_owner) != (last.author_id, last.by_owner)
        ):
            session = last.session + (not goes_on) if last else 0
            last = Burst(record.author_id, record.by_owner, session)
            bursts.append(last)
        last.records.append(record)
    return bursts
