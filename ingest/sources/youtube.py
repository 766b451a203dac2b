"""What is in a Takeout of YouTube? What the owner watched, and the comments and live chats they wrote.

Folders are translated, so files are known by what they hold: the watch history of YouTube or of My Activity
as JSON or HTML, comments.csv and live chats.csv. Searches are private even to a twin: they are not read.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import Path
from typing import Any

from ingest.clean import well_formed
from ingest.clock import clock_time
from ingest.csv_rows import heads, rows
from ingest.drift import known
from ingest.files import Export, open_export
from ingest.json_stream import BadValue, Broken, JsonStream
from ingest.source import OWNER, Owner, Person, Read, Source, marked, place
from ingest.takeout_html import html_entries
from ingest.watched import Watched
from storage.records import Kind, Record, Skipped, ZoneSource, stable_id

_HISTORY = re.compile(r'"header"\s*:\s*"YouTube|"products"\s*:\s*\[\s*"YouTube|"publishedAt"\s*:')
_HISTORY_HTML = re.compile(r'outer-cell[^>]*>.{0,300}?mdl-typography--title"?>\s*YouTube', re.DOTALL)
_HEAD, _HTML_HEAD = 1 << 14, 1 << 20  # the HTML begins with all of its styles
_VIDEO = re.compile(r"(?:[?&]v=|/shorts/|youtu\.be/)([\w-]{5,20})")
_SEARCH = re.compile(r"/results\?|[?&](?:search_query|q)=")
_ADVERT = re.compile(r"\bGoogle\b|\bAds\b", re.IGNORECASE)
_BEFORE = ("Watched ", "Viewed ")
_SAMPLE, _SURE = 2000, 0.9  # so many titles tell which words the export puts around each of them
_FEW = 200  # more files than this, and only those below a folder named after the product are opened
_WRITTEN = {"comment text": ("comment id", "comment"), "live chat text": ("live chat id", "chat")}

_NAMED = known("name url")
_ENTRY = known(
    "header title titleUrl time products activityControls description imageUrl locationInfos"
    " kind etag id contentDetails snippet",  # the last five before 2017
    subtitles=_NAMED,
    details=_NAMED,
)
_COLUMNS = known(
    (
        *("comment id", "channel id", "comment create timestamp", "price", "parent comment id", "video id"),
        *("post id", "comment text", "top-level comment id", "live chat id", "live chat create timestamp"),
        *("live chat text", "created at", "currency code"),
    )
)


def recognise(path: Path) -> float:
    with open_export(path, parts=True) as export:
        return 0.9 if any(_what(export, name) for name in _candidates(export)) else 0.0


def people(path: Path, owner: Owner) -> Iterator[Person]:
    """Whoever the owner's comments mention by their channel."""
    with open_export(path, parts=True) as export:
        for name in _candidates(export):
            if _what(export, name) != "written":
                continue
            for row in rows(export, name):
                text = None if isinstance(row, Skipped) else _text_of(row[1])
                for part in _segments(text or "") or ():
                    if channel := _mentioned(part):
                        yield Person(f"youtube:{channel}", (), (well_formed(str(part["text"])).strip("@ "),))


def read(path: Path, owner: Owner) -> Iterator[Read]:
    """Views are records of the kind VIEW, in the third person; comments are the owner's own words."""
    with open_export(path, parts=True) as export:
        yield from export.refused
        known = [(name, what) for name in _candidates(export) if (what := _what(export, name))]
        if not known:
            yield Skipped(path.name, "no watch history, comments or live chats of YouTube here")
        for name, what in known:
            if what == "written":
                yield from _written(export, name, owner)
            elif what == "html":
                for entry in html_entries(export, name, owner):
                    yield entry if isinstance(entry, Skipped) else _view(entry)
            else:
                yield from _views(_json_entries(export, name))
        yield from export.drift.found()


def _view(entry: Watched) -> Record | Skipped:
    if _SEARCH.search(entry.url):
        return Skipped(entry.where, "a search", failed=False)
    if entry.product and not entry.product.startswith("YouTube"):
        return Skipped(entry.where, "another product's activity", failed=False)
    if _ADVERT.search(entry.details):
        return Skipped(entry.where, "an advertisement", failed=False)
    video = _VIDEO.search(entry.url)
    if not video:
        why = "not a video" if entry.url else "a video that is gone"
        return Skipped(entry.where, why, failed=False)
    if not entry.title.strip() or "://" in entry.title:
        return Skipped(entry.where, "a video without a title", failed=False)
    if entry.at is None:
        return Skipped(entry.where, "no time that can be read")
    music = entry.product == "YouTube Music" or "//music." in entry.url
    by = f" by {entry.channel.removesuffix(' - Topic')}" if entry.channel else ""
    return Record(
        id=stable_id("youtube", "view", video[1], entry.at.replace(microsecond=0).isoformat()),
        source="youtube",
        kind=Kind.VIEW,
        author_id=OWNER,
        by_owner=True,
        thread_id="youtube:history",
        said_at=entry.at,
        text=f"{'listened to' if music else 'watched'} {entry.title.strip()}{by}",
        tags=("music",) if music else (),
        audience="owner",
        origin=entry.where,
        zone_source=entry.zone_source,
    )


def _views(entries: Iterator[Watched | Skipped]) -> Iterator[Record | Skipped]:
    """Without the words that every title begins or ends with: "Watched ...", "... angesehen"."""
    sample = list(islice(entries, _SAMPLE))
    titles = [one.title for one in sample if isinstance(one, Watched) and _VIDEO.search(one.url)]
    before, after = _around(titles)
    for entry in chain(sample, entries):
        if isinstance(entry, Watched):
            title = entry.title.removesuffix(after)
            for one in (before, *_BEFORE):
                title = title.removeprefix(one)
            yield _view(entry.called(title))
        else:
            yield entry


def _around(titles: list[str]) -> tuple[str, str]:
    """What nearly all titles begin and end with, in whole words; nothing when there are too few to tell."""
    if len(titles) < 20:
        return "", ""
    found = []
    for turn in (1, -1):
        shared = ""
        for length in range(1, 6):
            ends = Counter(" ".join(title.split(" ")[::turn][:length][::turn]) for title in titles)
            words, count = ends.most_common(1)[0]
            if count < _SURE * len(titles):
                break
            shared = f"{words} " if turn == 1 else f" {words}"
        found.append(shared)
    return found[0], found[1]


def _json_entries(export: Export, name: str) -> Iterator[Watched | Skipped]:
    number = 0
    try:
        with export.open(name) as file:
            stream = JsonStream(file)
            for _ in stream.items():
                number += 1
                where = place(name, number)
                try:
                    entry = stream.value()
                except BadValue as error:
                    yield Skipped(where, str(error))
                    continue
                export.drift.look("history", entry, _ENTRY)
                yield _watched(entry, where) if isinstance(entry, dict) else Skipped(where, "not an entry")
    except (Broken, OSError) as error:
        yield Skipped(place(name, f"after {number}"), str(error) or "the file cannot be read any further")


def _watched(entry: dict[str, Any], where: str) -> Watched:
    """{"header", "title": "Watched ...", "titleUrl", "subtitles": [{"name"}], "time"}."""
    if isinstance(snippet := entry.get("snippet"), dict):
        about = entry.get("contentDetails")
        history = _string(snippet.get("playlistId") or "HL").startswith("HL")  # not uploads, not likes
        about = about if history else None
        video = _string(about.get("videoId")) if isinstance(about, dict) else ""
        at = _instant(snippet.get("publishedAt"))
        return Watched(where, _string(snippet.get("title")), f"?v={video}", "", at, ZoneSource.EXPLICIT)
    return Watched(
        where,
        _string(entry.get("title")),
        _string(entry.get("titleUrl")),
        next((_string(one.get("name")) for one in _dicts(entry.get("subtitles"))), ""),
        _instant(entry.get("time")),
        ZoneSource.EXPLICIT,
        _string(entry.get("header")),
        " ".join(_string(one.get("name")) for one in _dicts(entry.get("details"))),
    )


def _written(export: Export, name: str, owner: Owner) -> Iterator[Record | Skipped]:
    for row in rows(export, name):
        if isinstance(row, Skipped):
            yield row
            continue
        export.drift.look("comments", row[1], _COLUMNS)
        yield _comment(*row, owner)


def _comment(where: str, row: dict[str, str], owner: Owner) -> Record | Skipped:
    column = next(one for one in _WRITTEN if one in row)
    key, what = _WRITTEN[column]
    channel = row.get("channel id", "")
    if channel and owner.has_account("youtube", channel) is False:
        return Skipped(where, "written by a channel that is not in [owner] accounts.youtube", failed=False)
    if not row.get(key):
        return Skipped(where, "no id")
    stamp = row.get(f"{column.removesuffix(' text')} create timestamp") or row.get("created at", "")
    said_at, zone_source = _instant(stamp), ZoneSource.EXPLICIT
    if said_at is None and (naive := clock_time(stamp)):
        said_at, zone_source = naive.replace(tzinfo=UTC), ZoneSource.SCHEMA
    if said_at is None:
        return Skipped(where, "no time that can be read")
    parts = _segments(row[column])
    if parts is None:
        return Skipped(where, "its text cannot be read")
    text = "".join(_words(part) for part in parts)
    if not text.strip():
        return Skipped(where, "no words in it", failed=False)
    parent = row.get("parent comment id")
    return Record(
        id=stable_id("youtube", what, row[key]),
        source="youtube",
        kind=Kind.COMMENT,
        author_id=OWNER,
        by_owner=True,
        thread_id=f"youtube:{row.get('video id') or row.get('post id') or 'unknown'}",
        said_at=said_at,
        text=text,
        reply_to=stable_id("youtube", what, parent) if parent else None,
        audience="public",
        origin=where,
        zone_source=zone_source,
    )


def _segments(text: str) -> list[dict[str, Any]] | None:
    """The parts of a comment: {"takeoutSegments": [...]}, or objects with commas between, or plain text."""
    if not text.lstrip().startswith('{"'):
        return [{"text": text}]
    try:
        found = json.loads(f"[{text}]", strict=False)  # there are bare line ends inside the strings
    except (ValueError, RecursionError):
        return None
    if len(found) == 1 and isinstance(found[0], dict) and "takeoutSegments" in found[0]:
        found = found[0]["takeoutSegments"]
    return list(_dicts(found))


def _words(part: dict[str, Any]) -> str:
    channel = _mentioned(part)
    return "@" + marked("person", f"youtube:{channel}") if channel else _string(part.get("text"))


def _mentioned(part: dict[str, Any]) -> str:
    mention = part.get("mention")
    if not isinstance(mention, dict) or not _string(part.get("text")):
        return ""
    channel = _string(mention.get("externalChannelId") or mention.get("channelId"))
    return channel if re.fullmatch(r"[\w-]{3,40}", channel) else ""


def _text_of(row: dict[str, str]) -> str:
    return next((row[column] for column in _WRITTEN if column in row), "")


def _instant(value: Any) -> datetime | None:
    """A time with its offset, or a Z or UTC; nothing else is exact."""
    written = _string(value).strip().replace(" UTC", "+00:00")
    try:
        at = datetime.fromisoformat(written)
        return at.astimezone(UTC) if at.tzinfo and at.year > 1970 else None
    except (ValueError, OverflowError):
        return None


def _candidates(export: Export) -> list[str]:
    names = [name for name in export.names if name.lower().endswith((".json", ".html", ".csv"))]
    return names if len(names) <= _FEW else [name for name in names if "youtube" in name.lower()]


def _what(export: Export, name: str) -> str | None:
    """What a file holds: "json", "html", "written"; None: nothing for us."""
    ending = name.lower().rpartition(".")[2]
    if ending == "csv":
        columns = heads(export, name)
        known = any(text in columns and key in columns for text, (key, _) in _WRITTEN.items())
        return "written" if known else None
    if ending == "json":
        head = export.head(name, _HEAD).decode("utf-8", errors="replace")
        return "json" if head.lstrip("\ufeff \r\n\t").startswith("[") and _HISTORY.search(head) else None
    head = export.head(name, _HTML_HEAD).decode("utf-8", errors="replace")
    return "html" if "outer-cell" in head and _HISTORY_HTML.search(head) else None


def _dicts(value: Any) -> Iterator[dict[str, Any]]:
    return (one for one in value if isinstance(one, dict)) if isinstance(value, list) else iter(())


def _string(value: Any) -> str:
    return well_formed(value) if isinstance(value, str) else ""


SOURCE = Source("youtube", recognise, read, people)
