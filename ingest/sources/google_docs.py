"""What is in a Takeout of Google Docs? Documents as .docx, HTML, Markdown or text, each read once.

Which words in a document are whose no export says, so a document that belongs to somebody else is left out
whole, and comments, which are mostly other people's, are never read.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from ingest.dated_pages import When, by_name, last_written, when
from ingest.docx import MAX_DOCUMENT, DocxUnreadable, is_docx, read_docx
from ingest.files import Export, open_export, read_text
from ingest.google_html import words_of_document
from ingest.json_stream import BadValue, Broken, JsonStream
from ingest.markdown import plain
from ingest.source import OWNER, Owner, Person, Source, place
from storage.records import Kind, Precision, Record, Skipped, ZoneSource, stable_id

_ENDINGS = (".docx", ".html", ".md", ".txt")  # the first of these that is there is read
_INFO = "-info.json"
_LOOKED_AT = 20  # documents that tell whether the others are some, too
_DOCX = "word/document.xml"
_PART = re.compile(r"(?:[^/]+\.zip/)*(?:Takeout/)?")
_GOOGLE_HTML = re.compile(rb"themes\.googleusercontent\.com|docs-internal-guid|[\" ]doc-content\"")
_GOOGLE_TEXT = re.compile(rb"\]: <data:image/|https://www\.google\.com/url\?q=")
_WRAPPED = re.compile(
    r"https?://(?:www\.)?google\.com/url\?(?:[^\s<>\")]{0,500}?&)?q=([^&\s<>\")]++)[^\s<>\")]*+"
)
_FIRST_COMMENT = re.compile(r"^\[a\](?=\S)", re.MULTILINE)
_LETTER = re.compile(r"\[[a-z]{1,2}\]")


@dataclass(frozen=True, slots=True)
class _Info:
    """What the document's own -info.json says of it, where there is one."""

    id: str = ""
    created: datetime | None = None
    edited: datetime | None = None
    owned: bool = True


def recognise(path: Path) -> float:
    """A document with its -info.json, Word files, or what gives Google's HTML away; never plain text."""
    with open_export(path, parts=True) as export:
        if export.holds(_DOCX):
            return 0.6
        files = _documents(export)
        if any(export.holds(info) for name in files for info in _infos(name)):
            return 0.85
        telling = sum(1 for name in files[:_LOOKED_AT] if _tells(export, name))
        return 0.6 if telling and telling * 2 >= len(files[:_LOOKED_AT]) else 0.0


def people(path: Path, owner: Owner) -> Iterator[Person]:
    """Everybody a document is shared with."""
    told: set[str] = set()
    with open_export(path, parts=True) as export:
        for name in export.names:
            for one in _dicts(_load(export, name).get("permissions")) if name.endswith(_INFO) else ():
                person, key = _string(one.get("name")), _string(one.get("id"))
                if person and key and key not in told and one.get("type") == "user":
                    told.add(key)
                    yield Person(f"google:{key}", (person,))


def read(path: Path, owner: Owner) -> Iterator[Record | Skipped]:
    """One record for each document."""
    with open_export(path, parts=True) as export:
        yield from export.refused
        if export.holds(_DOCX):  # the path is a single document
            yield _one_document(path, owner)
            return
        documents: defaultdict[str, list[str]] = defaultdict(list)
        for name in _documents(export):
            documents[_PART.sub("", name.rpartition(".")[0])].append(name)
        if not documents:
            yield Skipped(path.name, "no document here that can be read: .docx, .html, .md or .txt")
        for title, names in documents.items():
            first, *others = sorted(names, key=lambda name: _ENDINGS.index(_ending(name)))
            yield _document(export, first, title, owner)
            for name in others:
                yield Skipped(name, f"the same document is read from its {_ending(first)}", failed=False)


def _document(export: Export, name: str, title: str, owner: Owner) -> Record | Skipped:
    info = _info(next(filter(None, (_load(export, one) for one in _infos(name))), {}), owner)
    if not info.owned:
        return Skipped(name, "somebody else's document", failed=False)
    if _ending(name) == ".docx":
        try:
            with export.open(name) as file:
                data = file.read(MAX_DOCUMENT + 1)
        except OSError as error:
            return Skipped(name, f"the file cannot be read ({error})")
        return _from_docx(data, name, title, info, last_written(export, name, owner), owner)
    text = read_text(export, name)
    if isinstance(text, Skipped):
        return text
    return _record(_WORDS[_ending(name)](text), name, title, info, last_written(export, name, owner), owner)


def _one_document(path: Path, owner: Owner) -> Record | Skipped:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_DOCUMENT + 1)
        written = datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(microsecond=0)
    except OSError as error:
        return Skipped(path.name, f"the file cannot be read ({error})")
    said = When(written, Precision.DAY, ZoneSource.INFERRED)
    return _from_docx(data, path.name, path.stem, _Info(), said, owner)


def _from_docx(
    data: bytes, name: str, title: str, info: _Info, written: When | None, owner: Owner
) -> Record | Skipped:
    if len(data) > MAX_DOCUMENT:
        return Skipped(name, f"larger than {MAX_DOCUMENT >> 20} MiB")
    try:
        words, created = read_docx(data)
    except DocxUnreadable as error:
        return Skipped(name, str(error))
    info = _Info(info.id, info.created or created, info.edited)
    return _record(words, name, title, info, written, owner)


def _record(
    words: str, name: str, title: str, info: _Info, written: When | None, owner: Owner
) -> Record | Skipped:
    if not words.strip():
        return Skipped(name, "no words in it", failed=False)
    named = by_name(title)
    said = When(info.created, Precision.SECOND, ZoneSource.EXPLICIT) if info.created else None
    said = said or (when(named, None, owner) if named else None) or written
    if said is None:
        return Skipped(name, "no day to put it on")
    return Record(
        id=stable_id("google_docs", info.id or title),
        source="google_docs",
        kind=Kind.NOTE,
        author_id=OWNER,
        by_owner=True,
        thread_id="google_docs",
        said_at=said.said_at,
        text=_WRAPPED.sub(lambda found: unquote(found[1]), words),
        audience="owner",
        origin=place(name, 1),
        precision=said.precision,
        zone_source=said.zone_source,
        edited_at=info.edited,
    )


def _info(about: dict[str, Any], owner: Owner) -> _Info:
    own = {name.casefold() for name in (owner.name, *owner.aliases, *owner.accounts.get("email", ())) if name}
    owners = [one for one in _dicts(about.get("permissions")) if one.get("role") == "owner"]
    told = {_string(one.get(key)).casefold() for one in owners for key in ("name", "email", "email_address")}
    owned = not (told - {""}) or not own or bool(told & own)
    edited = _time(about.get("content_last_modified") or about.get("last_modified_by_me"))
    return _Info(_string(about.get("id")), _time(about.get("created")), edited, owned)


def _without_comments(text: str) -> str:
    """A text export ends with its comments, "[a]like this", and has their letters in the text, "here[a]"."""
    for comment in _FIRST_COMMENT.finditer(text):
        if "[a]" in (words := text[: comment.start()]):
            return _LETTER.sub("", words)
    return text


def _tells(export: Export, name: str) -> bool:
    if _ending(name) == ".docx":
        try:
            with export.open(name) as file:
                return is_docx(file.read(MAX_DOCUMENT))
        except OSError:
            return False
    pattern = _GOOGLE_HTML if _ending(name) == ".html" else _GOOGLE_TEXT
    return bool(pattern.search(export.head(name, 1 << 16)))


def _documents(export: Export) -> list[str]:
    names = (name for name in export.names if name.lower().endswith(_ENDINGS))
    return [name for name in names if not name.endswith("archive_browser.html")]


def _infos(name: str) -> tuple[str, str]:
    return f"{name.rpartition('.')[0]}{_INFO}", f"{name}{_INFO}"


def _ending(name: str) -> str:
    return f".{name.rpartition('.')[2].lower()}"


def _load(export: Export, name: str) -> dict[str, Any]:
    if not export.holds(name):
        return {}
    try:
        with export.open(name) as file:
            found = JsonStream(file).value()
    except (BadValue, Broken, OSError):
        return {}
    return found if isinstance(found, dict) else {}


def _time(value: Any) -> datetime | None:
    try:
        at = datetime.fromisoformat(_string(value))
        return at.astimezone(UTC) if at.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _dicts(value: Any) -> Iterator[dict[str, Any]]:
    return (one for one in value if isinstance(one, dict)) if isinstance(value, list) else iter(())


def _string(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


_WORDS: dict[str, Callable[[str], str]] = {
    ".html": words_of_document,
    ".md": plain,
    ".txt": _without_comments,
}
SOURCE = Source("google_docs", recognise, read, people)
