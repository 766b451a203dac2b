"""What is in an Obsidian vault? Notes and dated pages in Markdown, and the text cards of canvases.

A note's day, the surest first: its header, its name in the daily or periodic notes' format, a date its name
or a heading begins with; else the day the file was last written, and then the record says it was inferred.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ingest.clean import MAX_TEXT
from ingest.dated_pages import When, by_name, entries, last_written, when
from ingest.days import Period
from ingest.files import Export, open_export, read_text
from ingest.front_matter import FrontMatter, split
from ingest.json_stream import BadValue, Broken, JsonStream
from ingest.markdown import plain
from ingest.moment import by_format
from ingest.source import OWNER, Owner, Person, Source, place
from storage.records import Kind, Record, Skipped, stable_id

_NOTE_ENDINGS = (".md", ".markdown")
_PERIODIC = {
    "daily": "YYYY-MM-DD",
    "weekly": "gggg-[W]ww",
    "monthly": "YYYY-MM",
    "quarterly": "YYYY-[Q]Q",
    "yearly": "YYYY",
}
_PEOPLE_FOLDERS = {"people", "contacts", "persons", "friends", "family"}
_PEOPLE_TAGS = {"person", "people", "contact"}
_BLOCK_ID = re.compile(r"(?:^|[ \t])\^[A-Za-z0-9-]{1,60}[ \t]*$", re.MULTILINE)
_FIELD = re.compile(r"(?<![:\w])([^\W\d_][\w -]{0,40}[^\W_])::(?=[ \t\n])[ \t]?")
_TAG = re.compile(r"(?<![\w&/#])#(?=[\w/-]{0,60}[^\W\d_])([\w/-]{1,60})")
_TAG_LINE = re.compile(r"^[ \t]*(?:#[\w/-]{1,60}[ \t]*){1,50}$", re.MULTILINE)
_UNFILLED = re.compile(r"\{\{(?:date|time|title)(?::[^{}\n]{0,40})?\}\}|<%[*+_-]?\s*tp\.")


@dataclass(frozen=True, slots=True)
class _Vault:
    """Where it lies in the export ("" or "folder/"), and what its settings say."""

    root: str
    name: str
    formats: tuple[tuple[str, str], ...]  # folder and moment format of dated notes
    templates: tuple[str, ...]


def recognise(path: Path) -> float:
    with open_export(path) as export:
        roots = _roots(export)
        notes = any(_is_note(name) for name in export.names)
    return 0.95 if roots and notes else 0.6 if roots else 0.0


def people(path: Path, owner: Owner) -> Iterator[Person]:
    """Notes about people: those in a folder of that name, or tagged so; their aliases are names, too."""
    with open_export(path) as export:
        for name in export.names:
            if not _is_note(name) or _left_out_by_name(name):
                continue
            page = split(export.head(name, 1 << 13).decode("utf-8", errors="replace").replace("\r\n", "\n"))
            folders = {part.lower() for part in PurePosixPath(name).parts[:-1]}
            if folders & _PEOPLE_FOLDERS or _PEOPLE_TAGS & {*page.tags, page.one("type").lower()}:
                names = (PurePosixPath(name).stem, *page.fields.get("aliases", ()))
                yield Person(f"obsidian:{name}", tuple(one.lstrip("@") for one in names)[:20])


def read(path: Path, owner: Owner) -> Iterator[Record | Skipped]:
    """One record for each note, each dated entry of a note, and each text card of a canvas."""
    with open_export(path) as export:
        yield from export.refused
        vaults = [_vault(export, root, path) for root in _roots(export)] or [_Vault("", path.stem, (), ())]
        notes = [name for name in export.names if _is_note(name) or name.endswith(".canvas")]
        if not notes:
            yield Skipped(path.name, "no Markdown file here")
        for name in notes:
            inside = [vault for vault in vaults if name.startswith(vault.root)]
            vault = max(inside or vaults[:1], key=lambda one: len(one.root))
            inner = name.removeprefix(vault.root)
            if reason := _left_out_by_name(inner) or _is_template(inner, vault):
                yield Skipped(name, reason, failed=False)
            elif name.endswith(".canvas"):
                yield from _canvas(export, name, inner, vault, owner)
            else:
                yield from _note(export, name, inner, vault, owner)


def _note(export: Export, name: str, inner: str, vault: _Vault, owner: Owner) -> Iterator[Record | Skipped]:
    text = read_text(export, name)
    if isinstance(text, Skipped):
        yield text
        return
    page = split(text)
    if reason := _not_own_words(page):
        yield Skipped(name, reason, failed=False)
        return
    of_header, at = page.when()
    of_format = _by_formats(inner, vault)
    day = of_header or of_format or by_name(inner)
    counts: dict[str, int] = {}
    for entry in entries(page, inner, day, at):
        where = place(name, entry.line)
        if len(entry.text) > MAX_TEXT:
            yield Skipped(where, f"longer than {MAX_TEXT:,} characters")
            continue
        written, tags = _plain(entry.text)
        if not written.strip():
            yield Skipped(where, "no words in it", failed=False)
            continue
        label = entry.period.name if entry.period and entry.period is not day else ""
        counts[label] = nth = counts.get(label, 0) + 1
        key = (vault.name, inner, label, str(nth))
        dated = entry.period is not None and (of_format is not None or entry.period is not of_header)
        said = when(entry.period, entry.at, owner) if entry.period else None
        said = said or last_written(export, name, owner)
        yield _record(key, written, said, where, tags=(*entry.tags, *tags), journal=dated)


def _canvas(export: Export, name: str, inner: str, vault: _Vault, owner: Owner) -> Iterator[Record | Skipped]:
    """A canvas is JSON: {"nodes": [{"id", "type": "text", "text"}, ...]}. What it only shows are no words."""
    number = 0
    said = last_written(export, name, owner)
    try:
        with export.open(name) as file:
            stream = JsonStream(file)
            for key in stream.members():
                if key != "nodes" or stream.peek() != "[":
                    stream.skip()
                    continue
                for _ in stream.items():
                    number += 1
                    where = place(name, number)
                    try:
                        node = stream.value()
                    except BadValue as error:
                        yield Skipped(where, str(error))
                        continue
                    text = _card(node)
                    if isinstance(text, str):
                        written, tags = _plain(text[: MAX_TEXT + 1])
                        node_id = str(node.get("id") or number)
                        yield _record((vault.name, inner, node_id), written, said, where, tags=tags)
                    else:
                        yield Skipped(where, *text)
    except (Broken, OSError) as error:
        yield Skipped(place(name, f"after {number}"), str(error) or "the file cannot be read any further")


def _card(node: Any) -> str | tuple[str, bool]:
    """The words on a card, or why there are none and whether that is a failure."""
    if not isinstance(node, dict):
        return "not a card", True
    if node.get("type") != "text":
        return "a card without words of its own", False
    text = node.get("text")
    return text if isinstance(text, str) and text.strip() else ("no words in it", False)


def _record(
    key: tuple[str, ...],
    text: str,
    said: When | None,
    where: str,
    *,
    tags: tuple[str, ...],
    journal: bool = False,
) -> Record | Skipped:
    if said is None:
        return Skipped(where, "no day to put it on")
    return Record(
        id=stable_id("obsidian", *key),
        source="obsidian",
        kind=Kind.JOURNAL if journal else Kind.NOTE,
        author_id=OWNER,
        by_owner=True,
        thread_id=f"obsidian:{key[0]}",
        said_at=said.said_at,
        text=text,
        tags=tuple(dict.fromkeys(tags))[:20],
        audience="owner",
        origin=where,
        precision=said.precision,
        zone_source=said.zone_source,
    )


def _plain(text: str) -> tuple[str, tuple[str, ...]]:
    """The words, and the tags among them: a line of nothing but tags goes, one in a sentence stays a word."""
    tags: list[str] = []

    def without_marks(text: str) -> str:
        tags.extend(found[1].lower() for found in _TAG.finditer(text))
        text = _BLOCK_ID.sub("", _TAG_LINE.sub("", text))
        return _FIELD.sub(r"\1: ", _TAG.sub(r"\1", text))

    return plain(text, without_marks), tuple(tags)


def _by_formats(inner: str, vault: _Vault) -> Period | None:
    stem = inner.rpartition(".")[0]
    for folder, form in vault.formats:
        if stem.startswith(folder):
            relative = stem.removeprefix(folder)
            # Some people move old days to other folders by hand; the name alone still says which day.
            tries = ((form, relative), (form.rpartition("/")[2], relative.rpartition("/")[2]))
            for pattern, name in tries:
                if found := by_format(pattern, name):
                    return found
    return None


def _left_out_by_name(name: str) -> str | None:
    parts = PurePosixPath(name).parts
    if ".trash" in parts:
        return "in the vault's trash"
    if any(part.startswith(".") for part in parts):
        return "a hidden file, not a note"
    if name.lower().endswith(".excalidraw.md"):
        return "a drawing"
    return None


def _is_template(inner: str, vault: _Vault) -> str | None:
    inside = any(inner.startswith(one) or inner == one.rstrip("/") + ".md" for one in vault.templates)
    return "a template" if inside else None


def _not_own_words(page: FrontMatter) -> str | None:
    """The web clipper notes where a page came from and who wrote it."""
    address = page.one("source", "url", "link", "original")
    if address.startswith(("http://", "https://")) and (
        {"clippings", "clipping", "webclip"} & set(page.tags) or page.one("author", "published", "site")
    ):
        return "clipped from the web: somebody else's words"
    if "excalidraw plugin" in page.fields:
        return "a drawing"
    return "a template" if _UNFILLED.search(page.body) else None


def _roots(export: Export) -> list[str]:
    """Every folder that holds a `.obsidian`; "" is the export itself."""
    parts = (name.partition(".obsidian/") for name in export.names)
    return sorted({root for root, inside, _ in parts if inside and (not root or root.endswith("/"))})


def _vault(export: Export, root: str, path: Path) -> _Vault:
    formats: list[tuple[str, str]] = []
    templates: list[str] = []

    def dated(settings: Mapping[Any, Any], default: str) -> None:
        folder, form = _string(settings.get("folder")).strip("/"), _string(settings.get("format"))
        formats.append((f"{folder}/" if folder else "", form or default))
        if template := _string(settings.get("template")).strip("/"):
            templates.append(template.removesuffix(".md") + ".md")

    here = f"{root}.obsidian/"
    periodic = _load(export, f"{here}plugins/periodic-notes/data.json")
    for cadence, default in _PERIODIC.items():
        if isinstance(settings := periodic.get(cadence), dict) and settings.get("enabled") is not False:
            dated(settings, default)
    dated(_load(export, f"{here}daily-notes.json"), _PERIODIC["daily"])
    core = _load(export, f"{here}templates.json")
    templater = _load(export, f"{here}plugins/templater-obsidian/data.json")
    for folder in (core.get("folder"), templater.get("templates_folder")):
        if _string(folder).strip("/"):
            templates.append(_string(folder).strip("/") + "/")
    name = PurePosixPath(root).name or (path.resolve().name if path.is_dir() else path.stem)
    return _Vault(root, name, tuple(formats), tuple(templates))


def _load(export: Export, name: str) -> Mapping[Any, Any]:
    if not export.holds(name):
        return {}
    try:
        with export.open(name) as file:
            found = JsonStream(file).value()
    except (BadValue, Broken, OSError):
        return {}
    return found if isinstance(found, dict) else {}


def _string(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _is_note(name: str) -> bool:
    return name.lower().endswith(_NOTE_ENDINGS)


SOURCE = Source("obsidian", recognise, read, people)
