"""What is in a journal? Text or Markdown: a file a day, week or month, or one with dated headings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path, PurePosixPath

from ingest.days import Period, period
from ingest.files import Export, decode, open_export
from ingest.source import OWNER, Owner, Source, place
from storage.records import Kind, Precision, Record, Skipped, ZoneSource, stable_id

_ENDINGS = (".md", ".markdown", ".txt", ".text")
_MAX_FILE = 32 << 20
_HEADER = re.compile(r"\A---[ \t]*\n(.*?\n)(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_HEADER_DATE = re.compile(
    r"^(?:date|created|day)\s*:\s*['\"]?([^'\"\n#]{4,40})", re.MULTILINE | re.IGNORECASE
)
_HEADER_TAGS = re.compile(
    r"^tags[ \t]*:[ \t]*(?:\[(?P<row>[^\]\n]*)\]|(?P<list>(?:\n\s*-\s*[^\n]+)+)|(?P<one>[^\n]+))",
    re.MULTILINE,
)
_HEADING = re.compile(r"#{1,6}\s+(.+?)\s*#*")
_MARKUP = [
    (re.compile(r"<!--.*?-->|%%.*?%%", re.DOTALL), ""),
    (re.compile(r"!\[\[[^\]\n]*\]\]|!\[[^\]\n]*\]\([^)\n]*\)"), ""),
    (re.compile(r"\[\[(?:[^\]|\n]*\|)?([^\]|\n]*)\]\]"), r"\1"),
    (re.compile(r"\[([^\]\n]+)\]\([^)\n]*\)"), r"\1"),
    (re.compile(r"(?<![\w*])(\*\*|__|==|~~)(?=\S)([^\n]{1,500}?)(?<=\S)\1(?![\w*])"), r"\2"),
    (re.compile(r"^#{1,6}\s+", re.MULTILINE), ""),
]


@dataclass(slots=True)
class _Entry:
    period: Period
    lines: list[str]
    line: int  # where it begins in the file
    at: datetime | None = None  # the exact time, when the header tells one
    tags: tuple[str, ...] = ()


def recognise(path: Path) -> float:
    """Dated pages, most of them: a folder of notes with a date here and there is no journal."""
    with open_export(path) as export:
        pages = _pages(export)
        dated = sum(1 for name in pages if _by_name(name) or _dated_inside(export, name))
        if not pages or dated * 2 < len(pages):
            return 0.0
        return 0.55 if any(".obsidian/" in name for name in export.names) else 0.7


def read(path: Path, owner: Owner) -> Iterator[Record | Skipped]:
    """One record for each dated entry."""
    with open_export(path) as export:
        yield from export.refused
        folder = path.resolve() if path.is_dir() else path.resolve().parent
        if not (pages := _pages(export)):
            yield Skipped(path.name, "no text or Markdown file here")
        for name in pages:
            try:
                with export.open(name) as file:
                    data = file.read(_MAX_FILE + 1)
            except OSError as error:
                yield Skipped(name, f"the file cannot be read ({error})")
                continue
            text = decode(data) if len(data) <= _MAX_FILE else None
            if text is None:
                yield Skipped(name, "not text" if len(data) <= _MAX_FILE else "larger than any journal")
                continue
            yield from _page(text, name, folder.name, owner)


def _page(text: str, name: str, journal: str, owner: Owner) -> Iterator[Record | Skipped]:
    if not text.strip():
        yield Skipped(name, "empty", failed=False)
        return
    counts: dict[str, int] = {}
    for entry in _entries(text, name):
        if isinstance(entry, Skipped):
            yield entry
            continue
        written = _plain("\n".join(entry.lines))
        if not written.strip():
            yield Skipped(place(name, entry.line), "nothing under the date", failed=False)
            continue
        counts[entry.period.name] = nth = counts.get(entry.period.name, 0) + 1
        try:  # noon: the same day in nearly every zone
            said_at = entry.at or owner.to_utc(datetime.combine(entry.period.first, time(12)))
            said_at = said_at.astimezone(UTC) if said_at.tzinfo else owner.to_utc(said_at)
        except (OverflowError, ValueError):
            yield Skipped(place(name, entry.line), "no time that can be read")
            continue
        explicit = entry.at is not None and entry.at.tzinfo is not None
        zone = (
            ZoneSource.EXPLICIT
            if explicit
            else ZoneSource.OWNER
            if entry.period.sure
            else ZoneSource.INFERRED
        )
        yield Record(
            id=stable_id("journal", journal, name, entry.period.name, str(nth)),
            source="journal",
            kind=Kind.JOURNAL,
            author_id=OWNER,
            by_owner=True,
            thread_id="journal",
            said_at=said_at,
            text=written,
            tags=entry.tags,
            audience="owner",
            origin=place(name, entry.line),
            precision=Precision.MINUTE if entry.at else Precision.DAY,
            zone_source=zone,
        )


def _entries(text: str, name: str) -> Iterator[_Entry | Skipped]:
    """Cut at dated headings, if there are any; else one entry, dated by its header or its name."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    at, of_header = None, None
    tags: tuple[str, ...] = ()
    body = text
    if header := _HEADER.match(text):
        body = text[header.end() :]
        tags = _tags(header[1])
        if found := _HEADER_DATE.search(header[1]):
            of_header, at = _header_date(found[1].strip())
    first_line = text[: len(text) - len(body)].count("\n") + 1
    of_page = of_header or _by_name(name)
    head = _Entry(of_page or period("2000-01-01"), [], first_line, at, tags)  # type: ignore[arg-type]
    entries = [head]
    markdown = not name.lower().endswith((".txt", ".text"))
    fenced = False
    for number, line in enumerate(body.split("\n"), start=first_line):
        fenced ^= line.lstrip().startswith(("```", "~~~"))
        found_here = None if fenced else _heading_date(line, markdown)
        if found_here and not (of_page and found_here[0].name == of_page.name):
            entries.append(_Entry(found_here[0], [found_here[1]] if found_here[1] else [], number, tags=tags))
        else:
            title = found_here and found_here[1]
            entries[-1].lines.append(line if found_here is None else title or "")
    if not of_page:
        lost = "\n".join(head.lines).strip()
        if lost or len(entries) == 1:
            why = "no date in its header, name or headings" if len(entries) == 1 else "before the first date"
            yield Skipped(place(name, first_line), why, failed=False)
        entries.pop(0)
    elif len(entries) > 1 and not "\n".join(head.lines).strip():
        entries.pop(0)
    yield from entries


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


def _header_date(value: str) -> tuple[Period | None, datetime | None]:
    try:
        exact = datetime.fromisoformat(value)
    except ValueError:
        return period(value), None
    day = period(exact.date().isoformat())
    return day, exact if len(value) > 10 else None


def _tags(header: str) -> tuple[str, ...]:
    if not (found := _HEADER_TAGS.search(header)):
        return ()
    words = re.split(r"[,\n]", found["row"] or found["list"] or found["one"])
    cleaned = (word.strip(" -'\"#\t").lower() for word in words)
    return tuple(dict.fromkeys(word for word in cleaned if word and len(word) <= 40))[:20]


def _plain(text: str) -> str:
    for pattern, into in _MARKUP:
        text = pattern.sub(into, text)
    return text


def _by_name(name: str) -> Period | None:
    """The date a file's name begins with: 2024-03-10.md, 2024-W05 review.md, 20240310.txt."""
    return period(PurePosixPath(name).stem.replace("_", "-"))


def _dated_inside(export: Export, name: str) -> bool:
    text = decode(export.head(name, 1 << 14))
    if not text:
        return False
    return any(isinstance(entry, _Entry) for entry in _entries(text, name))


def _pages(export: Export) -> list[str]:
    names = (name for name in export.names if name.lower().endswith(_ENDINGS))
    return [name for name in names if not any(part.startswith(".") for part in PurePosixPath(name).parts)]


SOURCE = Source("journal", recognise, read)
