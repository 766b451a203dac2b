"""What happens to an export between the disk and the store?

    read -> clean -> redact -> tag -> dedup -> label -> keep

Every item a reader yields ends in the ledger exactly once: kept, merged, dropped or failed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from ingest.dedup import Dedup, Duplicate
from ingest.drift import UnknownField
from ingest.files import ExportUnreadable, one_look
from ingest.garbage import collected_seldom
from ingest.known_exports import KnownExport
from ingest.labels import Labels
from ingest.ledger import Ledger
from ingest.roster import Roster
from ingest.screen import CAPITAL, Screen, cleaned
from ingest.source import Owner, Person, Read, Source
from ingest.sources import SOURCES
from ingest.strangers import Strangers
from ingest.vault import Vault
from storage.cursors import CursorStore
from storage.records import Record, Skipped
from storage.records_store import CHUNK, RecordStore

BATCH = 500  # items that are glanced at together
THE_TWINS = "written by the twin, in the owner's name"
REVIEW = "review.json"  # beside the roster: names for the owner to decide on


def recognise(path: Path) -> Source:
    """The source whose structure this path has. Raises ExportUnreadable when there is none."""
    with one_look():
        sure = {name: source.recognise(path) for name, source in SOURCES.items()}
    best = max(sure, key=lambda name: sure[name])
    if sure[best] < 0.5:
        known = ", ".join(SOURCES)
        raise ExportUnreadable(f"{path} looks like no export I know. If it is one, name its source: {known}.")
    return SOURCES[best]


def find_source(name: str, path: Path) -> Source:
    """By name, or "auto" to look at the path itself."""
    if name == "auto":
        return recognise(path)
    if name not in SOURCES:
        raise ExportUnreadable(f"There is no source {name!r}. Choose from auto, {', '.join(SOURCES)}.")
    return SOURCES[name]


Outcome = Record | Skipped | Duplicate


class Passage:
    """The way from a source to the store. It remembers what passed, so one goes with one ingest."""

    def __init__(self, roster: Roster, ledger: Ledger) -> None:
        self._roster, self._ledger, self._dedup = roster, ledger, Dedup()
        self._screen: Screen | None = None
        self._labels: Labels | None = None
        self._strangers: Strangers | None = None
        self._vault: Vault | None = None
        self._roster_path: Path | None = None
        self._of_the_twin: Collection[str] = ()

    @classmethod
    def opened(
        cls,
        owner: Owner,
        ledger: Ledger,
        *,
        key: bytes,
        roster_path: Path | None = None,
        corrections_path: Path | None = None,
        vault: Vault | None = None,
        of_the_twin: Collection[str] = (),
    ) -> Passage:
        """With what is remembered between sources. Blocks.

        `key` makes the placeholders; `roster_path` knows who is who, so that a friend's name is hidden in a
        journal, too, and review.json beside it names that nobody answers to; `corrections_path` the tags the
        owner gave; `vault` keeps what placeholders stand for; `of_the_twin`: ids of what the owner's account
        says and the twin wrote, which is nothing to remember or to learn from.
        """
        passage = cls(Roster(key, owner, vault.keep if vault else None), ledger)
        passage._labels = Labels(owner.languages, corrections_path)
        passage._vault = vault
        passage._of_the_twin = of_the_twin
        if roster_path:
            passage._roster_path = roster_path
            passage._roster.load(roster_path)
            passage._strangers = Strangers()
            passage._strangers.load(roster_path.with_name(REVIEW))
        return passage

    def learn(self, person: Person) -> None:
        """Somebody whose names are hidden in whatever passes from now on."""
        self._roster.learn(person)
        self._screen = None

    def outcomes(self, items: Iterable[Read]) -> Iterator[Outcome]:
        """Every item, and what became of it on the way; what nobody knew goes to the ledger alone. Blocks."""
        coming = iter(items)
        while batch := list(islice(coming, BATCH)):
            yield from self._passed(list(self._seen(batch)))

    def _seen(self, items: Iterable[Read]) -> Iterator[Record | Skipped]:
        for item in items:
            if isinstance(item, UnknownField):
                self._ledger.unknown.append(item)
                continue
            self._ledger.see(item.where if isinstance(item, Skipped) else item.origin)
            if isinstance(item, Record) and item.id in self._of_the_twin:
                item = Skipped(item.origin, THE_TWINS, failed=False)
            yield item

    def _passed(self, items: Sequence[Record | Skipped]) -> Iterator[Outcome]:
        """Many at a time, because one glance at the words of all tells which few need a closer look."""
        if self._screen is None:
            self._screen = Screen(self._roster)
        texts = [cleaned(item) if isinstance(item, Record) else "" for item in items]
        looked = zip(*self._screen.glance.at(list(filter(None, texts))), strict=True)
        for item, text in zip(items, texts, strict=True):
            outcome: Outcome = item
            if isinstance(item, Record):
                bits, words = next(looked) if text else (0, [])
                fit = self._screen.fit_to_keep(item, text, bits)
                if isinstance(fit, Record):
                    outcome = self._dedup.check(fit, len(words) if fit.text is text else None)
                else:
                    outcome = fit
                if self._strangers and isinstance(outcome, Record):
                    if bits & CAPITAL or outcome.text is not text:
                        self._strangers.meet(outcome)
                    else:
                        self._strangers.hear(words)
            self._ledger.enter(outcome)
            yield outcome

    async def keep(self, outcomes: Iterable[Outcome], store: RecordStore, *, live: bool = False) -> None:
        """The records among them, into the store and the ledger. `live`: see RecordStore.add_all."""
        if records := [outcome for outcome in outcomes if isinstance(outcome, Record)]:
            if self._labels:
                records = await asyncio.to_thread(self._labels.put, records)
            kept = await store.add_all(records, live=live)
            self._ledger.kept += kept.added + kept.updated
            self._ledger.merged += kept.merged

    def save(self) -> None:
        """What was learned about people, for the next source. Blocks."""
        if self._roster_path:
            self._roster.save(self._roster_path)
        if self._roster_path and self._strangers:
            self._strangers.save(self._roster_path.with_name(REVIEW))
        if self._vault:
            self._vault.save()


def read_all(source: Source, path: Path, owner: Owner, passage: Passage) -> Iterator[Outcome]:
    """Every item of an export and what became of it on the way to the store. Blocks; memory stays flat."""
    for person in source.people(path, owner):
        passage.learn(person)
    yield from passage.outcomes(source.read(path, owner))


async def ingest(
    source: str,
    path: Path,
    owner: Owner,
    keep: RecordStore,
    *,
    key: bytes,
    roster_path: Path | None = None,
    corrections_path: Path | None = None,
    vault: Vault | None = None,
    cursors: CursorStore | None = None,
    of_the_twin: Collection[str] = (),
    again: bool = False,
    on_progress: Callable[[Ledger], None] = lambda ledger: None,
) -> Ledger:
    """Read one export into the store. Doing it twice adds nothing.

    `source` is a name of SOURCES or "auto". `cursors` remembers which exports need not be read while nothing
    changes; with `again` they are. For the rest see Passage. Raises ExportUnreadable when the export
    as a whole cannot be opened; everything smaller is in the ledger.
    """
    began = time.monotonic()
    found = await asyncio.to_thread(find_source, source, path)
    known = KnownExport(cursors, found.name, path, owner, key, roster_path) if cursors else None
    if known and (told := await known.told_before(again)):
        told.seconds = time.monotonic() - began
        on_progress(told)
        return told
    ledger = Ledger(found.name)
    passage = await asyncio.to_thread(
        lambda: Passage.opened(
            owner,
            ledger,
            key=key,
            roster_path=roster_path,
            corrections_path=corrections_path,
            vault=vault,
            of_the_twin=of_the_twin,
        )
    )
    outcomes = read_all(found, path, owner, passage)
    with collected_seldom():
        while chunk := await asyncio.to_thread(lambda: list(islice(outcomes, CHUNK))):
            await passage.keep(chunk, keep)
            ledger.seconds = time.monotonic() - began
            on_progress(ledger)
    await asyncio.to_thread(passage.save)
    if known:
        await known.remember(ledger)
    ledger.seconds = time.monotonic() - began
    return ledger
