"""What is in a Reddit data request? Comments and posts by the owner, private messages and chats: a CSV each.

Columns go by name, for their order has changed. The column `ip` is never looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from ingest.csv_rows import heads, rows
from ingest.drift import known
from ingest.files import Export, open_export
from ingest.html_steps import unescape
from ingest.source import OWNER, Owner, Person, Read, Source, marked
from storage.records import Kind, Record, Skipped, ZoneSource, stable_id

_HEADS = {  # which columns a file must have to be one; messages_archive.csv is like messages.csv
    "comments": {"id", "date", "subreddit", "link", "parent", "body"},
    "posts": {"id", "date", "subreddit", "title", "body"},
    "messages": {"id", "date", "thread_id", "from", "to", "body"},
    "chats": {"message_id", "created_at", "username", "message", "channel_url"},
}
_KNOWN = {
    "comments": known(
        "id permalink date ip subreddit gildings gildings_silver gildings_supergold link parent body media"
    ),
    "posts": known(
        "id permalink date ip subreddit gildings gildings_silver gildings_supergold title url body"
    ),
    "messages": known("id permalink thread_id date ip from to subject body"),
    "chats": known(
        "message_id created_at updated_at username message thread_parent_message_id channel_url subreddit"
        " channel_name conversation_type"
    ),
}
_POST = re.compile(r"/comments/(\w{2,12})")
_QUOTE = re.compile(r"^(?:>|&gt;)(?!!).*\n?", re.MULTILINE)  # >! hides the writer's own words
_GONE = ("[deleted]", "[removed]")
_USER = re.compile(r"(?<![\w/])/?u/([\w-]{3,20})\b")


def recognise(path: Path) -> float:
    with open_export(path) as export:
        found = {_what(export, name) for name in _tables(export)} - {None}
        return 0.95 if found & {"comments", "posts"} else 0.8 if found else 0.0


def people(path: Path, owner: Owner) -> Iterator[Person]:
    """Whoever the owner exchanged messages with."""
    told: set[str] = set()
    with open_export(path) as export:
        own = _own_names(export, owner)
        for name in _tables(export):
            what = _what(export, name)
            if what not in ("messages", "chats"):
                continue
            for row in rows(export, name, _HEADS[what]):
                about = {} if isinstance(row, Skipped) else row[1]
                for who in (about.get(column, "").strip() for column in ("from", "to", "username")):
                    if re.fullmatch(r"[\w-]{3,20}", who) and who.casefold() not in own | told:
                        told.add(who.casefold())
                        yield Person(f"reddit:{who.casefold()}", (), (who,))


def read(path: Path, owner: Owner) -> Iterator[Read]:
    """File by file; what is in two of them, as comment headers are, meets by its id."""
    with open_export(path) as export:
        yield from export.refused
        own, found = _own_names(export, owner), False
        for name in _tables(export):
            what = _what(export, name)
            if not what:
                continue
            found = True
            for row in rows(export, name, _HEADS[what]):
                if isinstance(row, Skipped):
                    yield row
                    continue
                export.drift.look(what, row[1], _KNOWN[what])
                if what in ("comments", "posts"):
                    yield _public(*row, what)
                else:
                    yield _private(*row, what, own)
        if not found:
            yield Skipped("comments.csv", "no table of a Reddit data request here")
        yield from export.drift.found()


def _public(where: str, row: dict[str, str], what: str) -> Record | Skipped:
    number = row["id"].strip()
    said_at = _time(row["date"])
    if not number or said_at is None:
        return Skipped(where, "no time that can be read" if number else "no id")
    body = "" if row["body"].strip() in _GONE else row["body"]
    if not body.strip() and what == "posts" and row["title"].strip() in ("", *_GONE):
        return Skipped(where, "no words in it", failed=False)
    if what == "posts":
        text, thread, answered = f"{row['title'].strip()}\n\n{_plain(body)}".strip(), number, None
    else:
        post = _POST.search(row["link"]) or _POST.search(row.get("permalink", ""))
        text, thread = _plain(body), post[1] if post else number
        parent = row["parent"].strip()
        answered = (
            f"t1_{parent}" if parent and "_" not in parent else parent or (f"t3_{thread}" if post else None)
        )
    if not text:
        return Skipped(where, "no words in it", failed=False)
    return Record(
        id=stable_id("reddit", f"{'t3' if what == 'posts' else 't1'}_{number}"),
        source="reddit",
        kind=Kind.POST if what == "posts" else Kind.COMMENT,
        author_id=OWNER,
        by_owner=True,
        thread_id=f"reddit:{thread}",
        said_at=said_at,
        text=text,
        reply_to=stable_id("reddit", answered) if answered else None,
        audience="public",
        origin=where,
        zone_source=ZoneSource.SCHEMA,
    )


def _private(where: str, row: dict[str, str], what: str, own: set[str]) -> Record | Skipped:
    chat = what == "chats"
    number = row["message_id" if chat else "id"].strip()
    said_at = _time(row["created_at" if chat else "date"])
    if not number or said_at is None:
        return Skipped(where, "no time that can be read" if number else "no id")
    sender = row["username" if chat else "from"].strip().casefold()
    if not own:
        return Skipped(where, "whose message it is is unknown: write your name in [owner] accounts.reddit")
    body = row["message" if chat else "body"]
    text = "" if body.strip() in _GONE else _plain(body)
    if not text:
        return Skipped(where, "no words in it", failed=False)
    talk = row["channel_url"] if chat else row["thread_id"].strip() or number
    thread = f"reddit:{what}:{stable_id('reddit', talk)[:16]}"
    answered = row.get("thread_parent_message_id", "").strip()
    return Record(
        id=stable_id("reddit", what, number),
        source="reddit",
        kind=Kind.MESSAGE,
        author_id=OWNER if sender in own else f"reddit:{sender or 'nobody'}",
        by_owner=sender in own,
        thread_id=thread,
        said_at=said_at,
        text=text,
        reply_to=stable_id("reddit", what, answered) if answered else None,
        audience=thread,
        origin=where,
        zone_source=ZoneSource.SCHEMA,
    )


def _plain(body: str) -> str:
    """Without the lines quoted from somebody else; /u/name keeps who is meant."""
    text = unescape(_QUOTE.sub("", body))
    return _USER.sub(lambda found: "u/" + marked("person", f"reddit:{found[1].casefold()}"), text).strip()


def _time(written: str) -> datetime | None:
    """ "2023-01-15 12:34:56 UTC", as the whole request is."""
    try:
        found = datetime.fromisoformat(written.strip().removesuffix("UTC").strip())
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _own_names(export: Export, owner: Owner) -> set[str]:
    """From the settings, or from the request's own statistics."""
    own = {name.removeprefix("u/").casefold() for name in owner.accounts.get("reddit", ())}
    for name in _tables(export) if not own else ():
        if name.rpartition("/")[2] == "statistics.csv":
            for row in rows(export, name, ["statistic"]):
                if not isinstance(row, Skipped) and row[1]["statistic"].strip() == "account name":
                    own.add(row[1].get("value", "").strip().casefold())
    return own - {""}


def _what(export: Export, name: str) -> str | None:
    """Which table it is, by the columns its first line names."""
    columns = set(heads(export, name))
    return next((what for what, needed in _HEADS.items() if needed <= columns), None)


def _tables(export: Export) -> list[str]:
    return [name for name in export.names if name.lower().endswith(".csv")]


SOURCE = Source("reddit", recognise, read, people)
