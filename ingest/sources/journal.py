"""What is in a journal? Text or Markdown: a file a day, week or month, or one with dated headings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from ingest.clean import MAX_TEXT
from ingest.dated_pages import Entry, by_name, entries, when
from ingest.files import Export, decode, open_export, read_text
from ingest.front_matter import split
from ingest.markdown import plain
from ingest.source import OWNER, Owner, Source, place
from storage.records import Kind, Record, Skipped, stable_id

_LOOKED_AT = 400
_ENDINGS = (".md", ".markdown", ".txt", ".text")


def recognise(path: Path) -> float:
    """Dated pages, most of them: a folder of notes with a date here and there is no journal."""
    with open_export(path) as export:
        pages = _pages(export)
        pages = pages[:: 1 + len(pages) // _LOOKED_AT]  # from all over a large folder
        dated = sum(1 for name in pages if by_name(name) or _dated_inside(export, name))
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
            text = read_text(export, name)
            if isinstance(text, Skipped):
                yield text
            else:
                yield from _page(text, name, folder.name, owner)


def _page(text: str, name: str, journal: str, owner: Owner) -> Iterator[Record | Skipped]:
    counts: dict[str, int] = {}
    found = _entries(text, name)
    for entry in found:
        where = place(name, entry.line)
        if entry.period is None:
            alone = len(found) == 1
            why = "no date in its header, name or headings" if alone else "before the first date"
            yield Skipped(where, why, failed=False)
            continue
        if len(entry.text) > MAX_TEXT:
            yield Skipped(where, f"longer than {MAX_TEXT:,} characters")
            continue
        written = plain(entry.text)
        if not written.strip():
            yield Skipped(where, "nothing under the date", failed=False)
            continue
        counts[entry.period.name] = nth = counts.get(entry.period.name, 0) + 1
        if not (said := when(entry.period, entry.at, owner)):
            yield Skipped(where, "no time that can be read")
            continue
        yield Record(
            id=stable_id("journal", journal, name, entry.period.name, str(nth)),
            source="journal",
            kind=Kind.JOURNAL,
            author_id=OWNER,
            by_owner=True,
            thread_id="journal",
            said_at=said.said_at,
            text=written,
            tags=entry.tags,
            audience="owner",
            origin=where,
            precision=said.precision,
            zone_source=said.zone_source,
        )


def _entries(text: str, name: str) -> list[Entry]:
    page = split(text)
    day, at = page.when()
    return entries(page, name, day or by_name(name), at)


def _dated_inside(export: Export, name: str) -> bool:
    text = decode(export.head(name, 1 << 14))
    return bool(text) and any(entry.period for entry in _entries(text or "", name))


def _pages(export: Export) -> list[str]:
    names = (name for name in export.names if name.lower().endswith(_ENDINGS))
    return [name for name in names if not any(part.startswith(".") for part in PurePosixPath(name).parts)]


SOURCE = Source("journal", recognise, read)
