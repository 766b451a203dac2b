"""What does a Takeout history say that came as HTML? One cell for each entry, read one at a time."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

from ingest.clock import instant
from ingest.drift import Drift
from ingest.files import Export
from ingest.html_steps import Step, steps, words
from ingest.source import Owner, place
from ingest.watched import Watched
from storage.records import Skipped, ZoneSource

_CHUNK = 1 << 18
_CELL = '<div class="outer-cell'
_MAX_CELL = 1 << 20
_TYPOGRAPHY = re.compile(r"mdl-typography--(\S+)")
_LAST_LINES = 4  # the time is the last line, or there is "Watched at ..." after it


def html_entries(export: Export, name: str, owner: Owner) -> Iterator[Watched | Skipped]:
    number = 0
    try:
        for cell in _cells(export, name):
            number += 1
            where = place(name, number)
            yield (
                _entry(cell, where, owner, export.drift)
                if cell
                else Skipped(where, "too large for one entry")
            )
    except OSError as error:
        yield Skipped(place(name, f"after {number}"), f"the file cannot be read any further ({error})")


def _cells(export: Export, name: str) -> Iterator[str]:
    """Each cell's HTML, and "" for one that is too large. The styles before the first one are no cell."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")(errors="replace")
    text, begun, too_large = "", False, False
    with export.open(name) as file:
        while True:
            data = file.read(_CHUNK)
            text += decoder.decode(data, final=not data)
            *whole, text = text.split(_CELL)
            for cell in whole:
                if begun:
                    yield "" if too_large else cell
                begun, too_large = True, False
            if not data:
                break
            if not begun:
                text = text[-len(_CELL) :]
            elif len(text) > _MAX_CELL:
                text, too_large = text[-len(_CELL) :], True
        if begun:
            yield "" if too_large else text


def _entry(cell: str, where: str, owner: Owner, drift: Drift) -> Watched | Skipped:
    """<p title>YouTube</p> <div body>Watched <a>title</a><br><a>channel</a><br>time</div> <div caption>..."""
    parts: dict[str, list[Step]] = {"title": [], "body": [], "caption": []}
    links: list[tuple[str, list[Step]]] = []
    part, open_link = "", False
    for step in steps(_CELL + cell):
        kind, tag, attributes = step
        style = attributes.get("class", "")
        if kind == "start" and "mdl-typography--title" in style:
            part = "title"
        elif kind == "start" and "content-cell" in style:
            right = "text-right" in style
            part = "" if right else "body" if "body-1" in style else "caption" if "caption" in style else ""
            if not part and not right and (kind_of_text := _TYPOGRAPHY.search(style)):
                drift.kind("history", "cell", kind_of_text[1])
        elif tag == "a" and part == "body":
            open_link = kind == "start"
            if open_link:
                links.append((attributes.get("href", ""), []))
        if part:
            parts[part].append(step)
        if open_link and kind == "text":
            links[-1][1].append(step)
    lines = words(parts["body"]).split("\n")
    found = next((at for line in lines[: -_LAST_LINES - 1 : -1] if (at := instant(line, owner))), None)
    url, title = (links[0][0], words(links[0][1])) if links else ("", lines[0])
    channel = words(links[1][1]) if len(links) > 1 else ""
    return Watched(
        where,
        title,
        url,
        channel,
        found[0] if found else None,
        found[1] if found else ZoneSource.INFERRED,
        words(parts["title"]),
        _details(words(parts["caption"])),
    )


def _details(caption: str) -> str:
    """The caption without the first heading, which names the product: "Products: YouTube Details: ..."."""
    return caption.partition("YouTube")[2]
