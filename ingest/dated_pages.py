"""Where does one dated entry of a page end and the next begin? Cut at headings that are dates."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import PurePosixPath

from ingest.days import Period, period
from ingest.files import Export
from ingest.front_matter import FrontMatter
from ingest.source import Owner
from storage.records import Precision, ZoneSource

_HEADING = re.compile(r"#{1,6}\s+(.+?)\s*#*")


@dataclass(slots=True)
class Entry:
    """Lines under one date. `period` is None where nothing says when: the page itself, or what precedes."""

    period: Period | None
    lines: list[str]
    line: int  # where it begins in the file
    at: datetime | None = None  # the exact time, when the header tells one
    tags: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


@dataclass(frozen=True, slots=True)
class When:
    """A time in UTC and how well it is known, as a record takes it."""

    said_at: datetime
    precision: Precision
    zone_source: ZoneSource


def entries(page: FrontMatter, name: str, of_page: Period | None, at: datetime | None = None) -> list[Entry]:
    """The page's entries in order, without empty ones. `of_page` is the date its header or name tells."""
    head = Entry(of_page, [], page.first_line, at, page.tags)
    found = [head]
    markdown = not name.lower().endswith((".txt", ".text"))
    fenced = False
    for number, line in enumerate(page.body.split("\n"), start=page.first_line):
        fenced ^= line.lstrip().startswith(("```", "~~~"))
        here = None if fenced else _heading_date(line, markdown)
        if here and not (of_page and here[0].name == of_page.name):
            found.append(Entry(here[0], [here[1]] if here[1] else [], number, tags=page.tags))
        else:
            found[-1].lines.append(line if here is None else here[1])
    return found[1:] if len(found) > 1 and not head.text.strip() else found


def by_name(name: str) -> Period | None:
    """The date a file's name begins with: 2024-03-10.md, 2024-W05 review.md, 20240310.txt."""
    return period(PurePosixPath(name).stem.replace("_", "-"))


def when(day: Period, at: datetime | None, owner: Owner) -> When | None:
    """A day alone stands for its noon, which is the same day in nearly every zone. None: no such time."""
    try:
        local = at or datetime.combine(day.first, time(12))
        said_at = local.astimezone(UTC) if local.tzinfo else owner.to_utc(local)
    except (OverflowError, ValueError):
        return None
    explicit = at is not None and at.tzinfo is not None
    zone = ZoneSource.EXPLICIT if explicit else ZoneSource.OWNER if day.sure else ZoneSource.INFERRED
    return When(said_at, Precision.MINUTE if at else Precision.DAY, zone)


def last_written(export: Export, name: str, owner: Owner) -> When | None:
    """The day the file was last written, where nothing better is known; a copy may have changed it."""
    at = export.modified(name)
    if at is None:
        return None
    try:
        at = at.astimezone(UTC) if at.tzinfo else owner.to_utc(at)
    except (OverflowError, ValueError):
        return None
    return When(at.replace(microsecond=0), Precision.DAY, ZoneSource.INFERRED)


def _heading_date(line: str, markdown: bool) -> tuple[Period, str] | None:
    """A dated heading and the rest of its title. In plain text: a line with a date alone."""
    if len(line) > 120:
        return None
    if heading := _HEADING.fullmatch(line.strip()):
        title = heading[1].strip("*_[] ")
        if found := period(title):
            return found, "" if period(title, alone=True) else title
        return None
    title = line.strip().strip("*_=- ")
    found = period(title, alone=True) if title and not line.startswith((" ", "\t")) else None
    bare = found is not None and (not markdown or line.strip().startswith("**")) and not title.isdigit()
    return (found, "") if found and bare else None
