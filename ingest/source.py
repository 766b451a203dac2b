"""What is a source? The contract every export reader keeps, and the owner it reads for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from ingest.drift import UnknownField
from storage.records import Record, Skipped

OWNER = "owner"  # the author id of everything the owner said
Read = Record | Skipped | UnknownField


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose footprint it is. `zones`: from which local day on they lived in which, oldest first."""

    name: str = ""
    aliases: tuple[str, ...] = ()
    accounts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    zones: tuple[tuple[date, ZoneInfo], ...] = ((date.min, ZoneInfo("UTC")),)
    languages: tuple[str, ...] = ()

    def to_utc(self, naive: datetime) -> datetime:
        """The instant a clock on the owner's wall meant. An hour that came twice is the first."""
        return naive.replace(tzinfo=self.zone_on(naive.date())).astimezone(UTC)

    def local(self, at: datetime) -> datetime:
        """The same instant on the owner's wall."""
        return at.astimezone(self.zone_on(at.date()))

    def zone_on(self, day: date) -> ZoneInfo:
        zone = self.zones[0][1]
        for since, candidate in self.zones:
            if since <= day:
                zone = candidate
        return zone

    def has_account(self, platform: str, account: str) -> bool | None:
        """None: the owner has not said which accounts are theirs there."""
        accounts = self.accounts.get(platform)
        return account in accounts if accounts else None


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody an export knows. `key` is "platform:native id"; a text may call them by names and handles."""

    key: str
    names: tuple[str, ...] = ()
    handles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """One kind of export.

    `recognise` says how sure it is (0..1) that a path is one, by structure and never by folder name alone.
    `people` yields everybody the export knows, before it is read: names must be known to be hidden.
    `read` yields each item once: a Record, or a Skipped saying why not; in the end, the fields it does not
    know. Neither raises for bad data. Records come raw: author_id is "owner" or a Person's key, the text as
    written, `origin` is place(file, spot).
    """

    name: str
    recognise: Callable[[Path], float]
    read: Callable[[Path, Owner], Iterator[Read]]
    people: Callable[[Path, Owner], Iterator[Person]] = lambda path, owner: iter(())


def place(file: str, spot: str | int) -> str:
    """Where an item lies, the same whenever the same export is read: what `origin` and `where` say."""
    return f"{file}#{spot}"


def file_of(where: str) -> str:
    return where.partition("#")[0]


def marked(kind: str, value: str) -> str:
    """Something the export itself labels (a person, an email, a phone, a card), for the redactor to replace.

    The two private-use characters cannot be typed, so nothing that was written is taken for a label.
    """
    return f"\ue000{kind}:{value}\ue001"
