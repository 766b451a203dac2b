"""What is in a Notion export? Pages in Markdown or HTML and databases in CSV, in a zip or a zip of zips.

A page is known by the 32 digits of its id, which end its file's name. A row of a database mostly has a page
of its own, beside the CSV: the page is read, and the row is not read again.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ingest.clock import instant
from ingest.csv_rows import heads, rows
from ingest.dated_pages import When, last_written, when
from ingest.days import period
from ingest.files import Export, open_export, read_text
from ingest.markdown import plain
from ingest.notion_html import properties_and_body
from ingest.source import OWNER, Owner, Person, Read, Source, place
from storage.records import Kind, Precision, Record, Skipped, stable_id

_FILE = re.compile(
    r"(?P<folder>(?:.*/)?)(?P<title>[^/]*?)[ _-]?(?P<id>[0-9a-f]{32})(?P<all>_all)?\.(?P<ending>md|html|csv)"
)
_PROPERTY = re.compile(r"([^:\n]{1,80}):(?: (.*))?")
_SUBPAGE = re.compile(r"^\[[^\[\]\n]*\]\((?!https?:)[^()\n]*\.(?:md|csv|html)\)$", re.MULTILINE)
_CREATED = ("created", "created time", "created at", "date created", "created on", "date", "day", "when")
_EDITED = ("last edited", "last edited time", "updated", "updated at", "modified")
_PEOPLE = (
    *("created by", "last edited by", "person", "people", "assignee", "assigned to", "assign", "owner"),
    *("author", "attendees", "participants", "with", "reporter", "reviewer"),
)
_TAGS = ("tags", "tag", "labels", "category", "categories")
_NO_WORDS = frozenset((*_CREATED, *_EDITED, *_PEOPLE, *_TAGS))
_PART = re.compile(r"(?:[^/]+\.zip/)+")
_WRITING = 3  # words; what was picked from a list is no writing


@dataclass(frozen=True, slots=True)
class _Page:
    id: str
    title: str
    body: str
    properties: Mapping[str, str] = field(default_factory=dict)  # by name, in small letters


def recognise(path: Path) -> float:
    with open_export(path, parts=True) as export:
        pages = [name for name in export.names if name.endswith((".md", ".html", ".csv"))]
        named = sum(1 for name in pages if _FILE.fullmatch(name))
    return 0.9 if named and named * 2 >= len(pages) else 0.0


def people(path: Path, owner: Owner) -> Iterator[Person]:
    """Whoever stands in a column that is for people."""
    told: set[str] = set()
    with open_export(path, parts=True) as export:
        for name in _databases(export).values():
            columns = [one for one in heads(export, name) if one in _PEOPLE]
            for row in rows(export, name) if columns else ():
                values = () if isinstance(row, Skipped) else (row[1].get(column, "") for column in columns)
                for person in {one.strip() for value in values for one in value.split(",")} - told - {""}:
                    told.add(person)
                    yield Person(f"notion:{person.casefold()}", (person[:80],))


def read(path: Path, owner: Owner) -> Iterator[Read]:
    """One record for each page, and for each row of a database that has no page."""
    with open_export(path, parts=True) as export:
        yield from export.refused
        files = {name: found for name in export.names if (found := _FILE.fullmatch(name))}
        if not files:
            yield Skipped(path.name, "no page whose name ends with Notion's 32 digits")
        databases = _databases(export)
        columns: dict[str, list[str]] = {}
        for name in databases.values():
            columns |= dict.fromkeys(_folders_of_rows(files[name]), heads(export, name))
        titles: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for name, found in files.items():
            if found["ending"] == "csv":
                continue
            page = _page(export, name, found, columns.get(_folder(found), []))
            if isinstance(page, Skipped):
                yield page
                continue
            titles[_folder(found)][_same(page.title)] += 1
            yield _record(page, place(name, 1), owner, last_written(export, name, owner))
        for name, found in files.items():
            if found["ending"] == "csv" and databases[found["id"]] == name:
                one, other = _folders_of_rows(found)
                yield from _rows(export, name, found["id"], titles[one] + titles[other], owner)
            elif found["ending"] == "csv":
                yield Skipped(name, "the same database is in its _all.csv", failed=False)
        yield from export.drift.found()


def _rows(
    export: Export, name: str, database: str, paged: Counter[str], owner: Owner
) -> Iterator[Record | Skipped]:
    written = last_written(export, name, owner)
    counts: Counter[str] = Counter()
    for row in rows(export, name):
        if isinstance(row, Skipped):
            yield row
            continue
        where, values = row
        first = next(iter(values))
        title = values[first]
        if paged[_same(title)] > 0:
            paged[_same(title)] -= 1
            yield Skipped(where, "its page is read", failed=False)
            continue
        counts[title] += 1
        row_id = f"{database}:{title}:{counts[title]}"
        others = {key: value for key, value in values.items() if key != first}
        yield _record(_Page(row_id, title, "", others), where, owner, written)


def _page(export: Export, name: str, found: re.Match[str], columns: list[str]) -> _Page | Skipped:
    text = read_text(export, name)
    if isinstance(text, Skipped):
        return text
    if found["ending"] == "html":
        html = properties_and_body(text, export.drift)
        return _Page(found["id"], html.title or found["title"], html.body, html.properties)
    title, body = found["title"], text
    if text.startswith("# "):
        title, _, body = text[2:].partition("\n")
    properties, body = _properties(body.lstrip("\n"), columns)
    return _Page(found["id"], title.strip(), plain(_SUBPAGE.sub("", body)), properties)


def _properties(body: str, columns: list[str]) -> tuple[dict[str, str], str]:
    """The lines below the title of a database's row. Another page has none, whatever it begins with."""
    head, _, rest = body.partition("\n\n")
    pairs = [_PROPERTY.fullmatch(line) for line in head.strip("\n").split("\n")]
    found = {" ".join(pair[1].lower().split()): (pair[2] or "").strip() for pair in pairs if pair}
    told = set(found)
    if not all(pairs) or not (told <= set(columns) if columns else told & {*_CREATED[:5], *_EDITED}):
        return {}, body
    return found, rest


def _record(page: _Page, where: str, owner: Owner, written: When | None) -> Record | Skipped:
    author = page.properties.get("created by", "")
    own = {name.casefold() for name in (owner.name, *owner.aliases) if name}
    if author and own and author.casefold() not in own:
        return Skipped(where, "written by somebody else", failed=False)
    text = _text(page)
    if not text:
        return Skipped(where, "no words in it", failed=False)
    of_title = period(page.title)
    said = (when(of_title, None, owner) if of_title else None) or _told(page, owner) or written
    if said is None:
        return Skipped(where, "no day to put it on")
    tags = (tag.strip().lower() for key in _TAGS for tag in page.properties.get(key, "").split(","))
    return Record(
        id=stable_id("notion", page.id),
        source="notion",
        kind=Kind.JOURNAL if of_title else Kind.NOTE,
        author_id=OWNER,
        by_owner=True,
        thread_id="notion",
        said_at=said.said_at,
        text=text,
        tags=tuple(dict.fromkeys(tag for tag in tags if tag and len(tag) <= 40))[:20],
        audience="owner",
        origin=where,
        precision=said.precision,
        zone_source=said.zone_source,
    )


def _text(page: _Page) -> str:
    title = "" if _same(page.title) in ("", "untitled") else page.title.strip()
    lines = [
        f"{key}: {value}"
        for key, value in page.properties.items()
        if key not in _NO_WORDS and len(value.split()) >= _WRITING and not period(value.removeprefix("@"))
    ]
    return "\n\n".join(part for part in (title, "\n".join(lines), page.body.strip()) if part)


def _told(page: _Page, owner: Owner) -> When | None:
    """The time one of its properties tells, the one it was made at before all others."""
    for key in (*_CREATED, *_EDITED):
        if not (value := page.properties.get(key, "").partition("→")[0].strip().removeprefix("@")):
            continue
        if exact := instant(value.replace("(", "").replace(")", ""), owner):
            return When(exact[0], Precision.MINUTE, exact[1])
        if (day := period(value)) and (said := when(day, None, owner)):
            return said
    return None


def _same(title: str) -> str:
    return " ".join(title.split()).casefold() or "untitled"


def _databases(export: Export) -> dict[str, str]:
    """The CSV to read of each database, by its id: the one with all columns and rows where there are two."""
    found = [(name, match) for name in export.names if (match := _FILE.fullmatch(name))]
    tables = [(name, match) for name, match in found if match["ending"] == "csv"]
    return {match["id"]: name for name, match in sorted(tables, key=lambda one: bool(one[1]["all"]))}


def _folder(found: re.Match[str]) -> str:
    """Where it lies, whichever part of the export that is in."""
    return _PART.sub("", found["folder"])


def _folders_of_rows(found: re.Match[str]) -> tuple[str, str]:
    """Where the pages of its rows lie: a folder named after the database, with or without its id."""
    return f"{_folder(found)}{found['title']} {found['id']}/", f"{_folder(found)}{found['title']}/"


SOURCE = Source("notion", recognise, read, people)
