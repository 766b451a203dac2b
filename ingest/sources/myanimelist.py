"""What is in a MyAnimeList export? An animelist or mangalist in XML, often gzipped: what the owner rated."""

from __future__ import annotations

import gzip
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import BinaryIO, cast

from ingest.dated_pages import When, last_written, when
from ingest.days import Period
from ingest.drift import known
from ingest.files import Export, open_export
from ingest.source import OWNER, Owner, Read, Source, place
from ingest.xml_stream import BrokenXml, steps
from ingest.zips import READ_ERRORS
from storage.records import Kind, Precision, Record, Skipped, ZoneSource, stable_id

_NAME = re.compile(r".*\.xml(?:\.gz)?", re.IGNORECASE)
_STAMP = re.compile(r"(?:anime|manga)list_(\d{9,10})_")
_ROOT = re.compile(rb"<myanimelist>\s*(?:<!--.*?-->\s*)?<(?:myinfo|anime|manga)>", re.DOTALL)
_MAX_FILE = 256 << 20  # unpacked; the longest list there is takes a tenth of it
_MAX_FIELD = 20_000
_OWN = (
    "my_id my_start_date my_finish_date my_rated my_score my_storage my_storage_value my_status my_comments"
    " my_priority my_tags my_discuss my_sns update_on_import"
)
_KNOWN = {
    "myinfo": known(
        "user_id user_name user_export_type user_total_anime user_total_watching user_total_completed"
        " user_total_onhold user_total_dropped user_total_plantowatch user_total_manga user_total_reading"
        " user_total_plantoread"
    ),
    "anime": known(
        f"{_OWN} series_animedb_id series_title series_type series_episodes my_watched_episodes"
        " my_times_watched my_rewatch_value my_rewatching my_rewatching_ep"
    ),
    "manga": known(
        f"{_OWN} manga_mangadb_id manga_title manga_volumes manga_chapters my_read_volumes my_read_chapters"
        " my_scanalation_group my_retail_volumes my_times_read my_reread_value my_rereading"
        " my_rereading_chap"
    ),
}
_DONE = {"anime": "episodes", "manga": "chapters"}


def recognise(path: Path) -> float:
    with open_export(path) as export:
        return 0.95 if any(_is_list(export, name) for name in export.names) else 0.0


def read(path: Path, owner: Owner) -> Iterator[Read]:
    """One record for each title on the list: the score, how far, and the owner's own comment and tags."""
    with open_export(path) as export:
        yield from export.refused
        lists = [name for name in export.names if _is_list(export, name)]
        if not lists:
            yield Skipped(path.name, "no MyAnimeList export here; it is an .xml or .xml.gz file")
        for name in lists:
            exported = _exported(export, name, owner)
            number = 0
            try:
                with _unpacked(export, name) as file:
                    for kind, entry in _entries(file):
                        export.drift.look(kind, entry, _KNOWN[kind])
                        if kind == "myinfo":
                            if refusal := _somebody_elses(entry, owner):
                                yield Skipped(name, refusal)
                                break
                            continue
                        number += 1
                        yield _record(kind, entry, place(name, number), exported, owner)
            except BrokenXml as error:
                yield Skipped(place(name, f"after {number}"), str(error))
            except READ_ERRORS as error:
                why = f"the file cannot be read any further ({error})"
                yield Skipped(place(name, f"after {number}"), why)
        yield from export.drift.found()


def _record(
    kind: str, entry: dict[str, str], where: str, exported: When | None, owner: Owner
) -> Record | Skipped:
    title = entry.get("series_title") or entry.get("manga_title")
    number = entry.get("series_animedb_id") or entry.get("manga_mangadb_id")
    if not title or not number:
        return Skipped(where, "no title" if number else "no number that names the title")
    said = _day(entry.get("my_finish_date"), owner) or _day(entry.get("my_start_date"), owner) or exported
    if said is None:
        return Skipped(where, "no day to put it on")
    return Record(
        id=stable_id("myanimelist", kind, number),
        source="myanimelist",
        kind=Kind.RATING,
        author_id=OWNER,
        by_owner=True,
        thread_id=f"myanimelist:{kind}",
        said_at=said.said_at,
        text=_text(kind, title, entry),
        tags=_tags(kind, entry.get("my_tags", "")),
        audience="owner",
        origin=where,
        precision=said.precision,
        zone_source=said.zone_source,
    )


def _text(kind: str, title: str, entry: dict[str, str]) -> str:
    """For example: rated Mushishi (anime) 9/10, completed, 26 of 26 episodes, seen 2 times again: ..."""
    score = _number(entry.get("my_score"))
    parts = [f"rated {title} ({kind}) {score}/10" if score else f"put {title} ({kind}) on the list"]
    if status := entry.get("my_status", "").lower():
        parts.append(status)
    done = _number(entry.get("my_watched_episodes" if kind == "anime" else "my_read_chapters"))
    total = _number(entry.get("series_episodes" if kind == "anime" else "manga_chapters"))
    if done:
        parts.append(f"{done} of {total} {_DONE[kind]}" if total else f"{done} {_DONE[kind]}")
    if again := _number(entry.get("my_times_watched") or entry.get("my_times_read")):
        parts.append("once again" if again == 1 else f"{again} times again")
    comment = entry.get("my_comments", "").strip()
    return ", ".join(parts) + (f"\n{comment}" if comment else "")


def _tags(kind: str, written: str) -> tuple[str, ...]:
    words = (word.strip().lower() for word in written.split(","))
    return tuple(dict.fromkeys([kind, *(word for word in words if word and len(word) <= 40)]))[:20]


def _day(written: str | None, owner: Owner) -> When | None:
    """2020-03-00 is a month, 2020-00-00 a year, 0000-00-00 nothing."""
    found = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)", written or "", re.ASCII)
    if not found or not int(found[1]):
        return None
    try:
        day = date(int(found[1]), int(found[2]) or 1, int(found[3]) or 1)
    except ValueError:
        return None
    return when(Period(day, day.isoformat(), sure=bool(int(found[2]) and int(found[3]))), None, owner)


def _exported(export: Export, name: str, owner: Owner) -> When | None:
    """The day of the export, for what has no day of its own: the file's name tells it, or its clock."""
    if stamp := _STAMP.search(name):
        return When(datetime.fromtimestamp(int(stamp[1]), UTC), Precision.DAY, ZoneSource.INFERRED)
    return last_written(export, name, owner)


def _somebody_elses(about: dict[str, str], owner: Owner) -> str | None:
    known = [account for key in ("user_name", "user_id") if (account := about.get(key))]
    if not known or any(owner.has_account("myanimelist", account) is not False for account in known):
        return None
    return f"this list is account {known[0]}'s, which is not in [owner] accounts.myanimelist"


def _number(written: str | None) -> int:
    return int(written) if written and written.isascii() and written.isdigit() and len(written) < 8 else 0


def _entries(file: BinaryIO) -> Iterator[tuple[str, dict[str, str]]]:
    """What stands directly below the root, each as its fields: myinfo, anime, manga."""
    path: list[str] = []
    fields: dict[str, str] = {}
    for step, what, _ in steps(file):
        if step == "start":
            path.append(what)
            if len(path) == 2:
                fields = {}
        elif step == "text":
            if len(path) == 3 and len(held := fields.get(path[2], "")) < _MAX_FIELD:
                fields[path[2]] = held + what[:_MAX_FIELD]
        else:
            if len(path) == 2 and what in ("myinfo", "anime", "manga"):
                yield what, {key: value.strip() for key, value in fields.items()}
            path.pop()


def _is_list(export: Export, name: str) -> bool:
    if not _NAME.fullmatch(name):
        return False
    try:
        with _unpacked(export, name) as file:
            return bool(_ROOT.search(file.read(1 << 14)))
    except READ_ERRORS:
        return False


@contextmanager
def _unpacked(export: Export, name: str) -> Iterator[BinaryIO]:
    """The XML itself, never more of it than a list may hold."""
    with export.open(name) as file:
        packed = name.lower().endswith(".gz")
        yield cast(BinaryIO, _Bounded(gzip.GzipFile(fileobj=file) if packed else file))


class _Bounded(io.RawIOBase):
    def __init__(self, file: BinaryIO | gzip.GzipFile) -> None:
        self._file = file
        self._left = _MAX_FILE

    def read(self, size: int = -1) -> bytes:
        if self._left <= 0:
            raise OSError("it unpacks to far more than a list would")
        data = self._file.read(min(max(size, 0), self._left))
        self._left -= len(data)
        return data


SOURCE = Source("myanimelist", recognise, read)
