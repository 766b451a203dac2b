"""What became of everything that was seen? seen = kept + merged + dropped + failed, always."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ingest.dedup import Duplicate
from ingest.drift import UnknownField
from ingest.source import file_of, place
from storage.records import Record, Skipped

MAX_LISTED = 1_000  # skipped items named one by one; the counts go on


@dataclass(slots=True)
class Tally:
    """One file's items. `gave` are the distinct records that came out of it, whether or not they were new."""

    seen: int = 0
    gave: int = 0
    merged: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)

    def closes(self) -> bool:
        return self.seen == self.gave + self.merged + self.dropped.total() + self.failed.total()


@dataclass(slots=True)
class Ledger:
    """One ingest. `kept` is new or newer than what the store had; `merged` it had already, or met twice."""

    source: str
    seen: int = 0
    kept: int = 0
    merged: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    skipped: list[Skipped] = field(default_factory=list)
    files: dict[str, Tally] = field(default_factory=dict)
    seconds: float = 0.0
    unknown: list[UnknownField] = field(default_factory=list)  # what its reader did not know; no error
    unchanged: bool = False  # nothing was read: this is what the last time came to
    _latest: tuple[str, Tally] | None = field(default=None, init=False, repr=False, compare=False)

    @classmethod
    def told_again(cls, report: Mapping[str, Any]) -> Ledger:
        """From its `as_json`: the same, but nothing of it is new any more."""
        files = {
            name: Tally(
                one["seen"], one["gave"], one["merged"], Counter(one["dropped"]), Counter(one["failed"])
            )
            for name, one in report["files"].items()
        }
        return cls(
            report["source"],
            report["seen"],
            merged=report["kept"] + report["merged"],
            dropped=Counter(report["dropped"]),
            failed=Counter(report["failed"]),
            skipped=[Skipped(**one) for one in report["skipped"]],
            files=files,
            unknown=[UnknownField(**one) for one in report["unknown_fields"]],
            unchanged=True,
        )

    def see(self, where: str) -> None:
        """A reader has yielded this. Counted before anything can become of it."""
        self.seen += 1
        self._tally(where).seen += 1

    def enter(self, outcome: Record | Skipped | Duplicate) -> None:
        """What became of it. A record is only `kept` once the store says so."""
        if isinstance(outcome, Record):
            self._tally(outcome.origin).gave += 1
        elif isinstance(outcome, Duplicate):
            self.merged += 1
            self._tally(outcome.where).merged += 1
        else:
            tally = self._tally(outcome.where)
            for book in (self, tally):
                (book.failed if outcome.failed else book.dropped)[outcome.why] += 1
            if len(self.skipped) < MAX_LISTED:
                self.skipped.append(outcome)

    def _tally(self, where: str) -> Tally:
        """Most come from the file that the one before came from."""
        if self._latest is None or not where.startswith(self._latest[0]):
            name = file_of(where)
            self._latest = place(name, ""), self.files.setdefault(name, Tally())
        return self._latest[1]

    def closes(self) -> bool:
        """Nothing got lost on the way."""
        total = self.kept + self.merged + self.dropped.total() + self.failed.total()
        return self.seen == total and all(tally.closes() for tally in self.files.values())

    def as_json(self) -> dict[str, Any]:
        return {
            "source": self.source,
            "seen": self.seen,
            "kept": self.kept,
            "merged": self.merged,
            "dropped": dict(self.dropped),
            "failed": dict(self.failed),
            "skipped": [{"where": one.where, "why": one.why, "failed": one.failed} for one in self.skipped],
            "files": {
                name: {
                    "seen": tally.seen,
                    "gave": tally.gave,
                    "merged": tally.merged,
                    "dropped": dict(tally.dropped),
                    "failed": dict(tally.failed),
                }
                for name, tally in self.files.items()
            },
            "unknown_fields": [one.as_json() for one in self.unknown],
            "seconds": round(self.seconds, 3),
            "closes": self.closes(),
            "unchanged": self.unchanged,
        }
