"""What is in a Mastodon archive? outbox.json with all the owner posted and boosted; actor.json: who.

Mastodon hands it out as a zip, earlier as a tar.gz that must be unpacked first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ingest.drift import known
from ingest.files import Export, open_export
from ingest.html_text import html_text
from ingest.rows import Piece, json_pieces, load
from ingest.source import OWNER, Owner, Person, Read, Source, marked
from ingest.values import as_dict, as_list, as_text, from_iso, texts
from storage.records import Attachment, Kind, Record, Skipped, stable_id

_SIGN = re.compile(r'"orderedItems"\s*:\s*\[')
_PUBLIC = ("as:Public", "Public", "https://www.w3.org/ns/activitystreams#Public")
_KINDS = {"image", "video", "audio"}
_ACTIVITY = known(
    "id actor published to cc signature @context",
    values={"type": ("Create", "Announce")},
    object=known(
        "@context id url published updated attributedTo to cc sensitive atomUri inReplyTo inReplyToAtomUri"
        " conversation context content contentMap summary summaryMap replies likes shares interactionPolicy"
        " quote quoteUri quoteAuthorization _misskey_quote oneOf anyOf endTime closed votersCount"
        " directMessage",
        values={"type": ("Note", "Question")},
        tag=known("href name id icon updated", values={"type": ("Mention", "Hashtag", "Emoji", "Link")}),
        attachment=known("type mediaType url name blurhash focalPoint width height icon summary summaryMap"),
    ),
)
_ROOT = known("@context id type totalItems orderedItems")


def recognise(path: Path) -> float:
    with open_export(path) as export:
        for name in _outboxes(export):
            head = export.head(name, 1 << 14).decode("utf-8", errors="replace")
            if _SIGN.search(head) and "activitystreams" in head:
                return 0.95
    return 0.0


def people(path: Path, owner: Owner) -> Iterator[Person]:
    """Whoever the owner's posts mention."""
    told: set[tuple[str, str]] = set()
    with open_export(path) as export:
        for piece in _activities(export):
            note = as_dict(as_dict(piece.value).get("object")) if isinstance(piece, Piece) else {}
            for tag in map(as_dict, as_list(note.get("tag"))):
                href, name = as_text(tag.get("href")), as_text(tag.get("name")).lstrip("@")
                if tag.get("type") == "Mention" and href and name and (href, name) not in told:
                    told.add((href, name))
                    yield Person(f"mastodon:{href}", (), texts(name.partition("@")[0]))


def read(path: Path, owner: Owner) -> Iterator[Read]:
    """What the owner wrote themselves, in the order of the archive."""
    with open_export(path) as export:
        yield from export.refused
        actor = next(
            (as_dict(load(export, name)) for name in export.names if name.endswith("actor.json")), {}
        )
        me, user = as_text(actor.get("id")), as_text(actor.get("preferredUsername"))
        if not _is_owners(me, user, owner):
            yield Skipped("actor.json", f"this archive is {me}, which is not in [owner] accounts.mastodon")
            return
        if not _outboxes(export):
            yield Skipped("outbox.json", "no outbox.json here; unpack a tar.gz first")
        for piece in _activities(export):
            if isinstance(piece, Skipped):
                yield piece
                continue
            export.drift.look("activity", piece.value, _ACTIVITY)
            yield _record(piece)
        yield from export.drift.found()


def _record(piece: Piece) -> Record | Skipped:
    activity, where = as_dict(piece.value), piece.where
    note = activity.get("object")
    if activity.get("type") == "Announce":
        return Skipped(where, "a boost: somebody else's words", failed=False)
    if activity.get("type") != "Create" or not isinstance(note, dict):
        return Skipped(where, "not a post", failed=not activity)
    uri = as_text(note.get("id"))
    if not uri:
        return Skipped(where, "no post id")
    said_at = from_iso(note.get("published")) or from_iso(activity.get("published"))
    if said_at is None:
        return Skipped(where, "no time that can be read")
    text = _text(note)
    if not text.strip():
        return Skipped(where, "no words in it", failed=False)
    answered = as_text(note.get("inReplyTo"))
    thread = as_text(note.get("conversation")) or answered or uri
    languages = [key for key in as_dict(note.get("contentMap")) if isinstance(key, str)]
    return Record(
        id=stable_id("mastodon", uri),
        source="mastodon",
        kind=Kind.COMMENT if answered else Kind.POST,
        author_id=OWNER,
        by_owner=True,
        thread_id=f"mastodon:{stable_id('mastodon', thread)[:16]}",  # the address would name a person
        said_at=said_at,
        text=text,
        reply_to=stable_id("mastodon", answered) if answered else None,
        attachments=_attachments(note),
        lang=languages[0][:12] if len(languages) == 1 else None,
        audience="public" if _is_public(activity, note) else "owner",
        origin=where,
        edited_at=from_iso(note.get("updated")),
    )


def _text(note: dict[Any, Any]) -> str:
    """The warning, if there is one, above the words; a mention keeps who is meant."""
    mentioned = {
        (_name(as_text(tag.get("name"))), _server(as_text(tag.get("href")))): as_text(tag.get("href"))
        for tag in map(as_dict, as_list(note.get("tag")))
        if tag.get("type") == "Mention"
    }

    def link(href: str, words: str) -> str:
        if words.startswith("@"):  # the link leads to a page, the tag to the account; the server is the same
            who = mentioned.get((_name(words), _server(href)))
            return "@" + marked("person", f"mastodon:{who}") if who else words
        return words if words.startswith("#") else href or words

    said = html_text(as_text(note.get("content")), link)
    return "\n\n".join(filter(None, (as_text(note.get("summary")).strip(), said)))


def _name(handle: str) -> str:
    return handle.lstrip("@").partition("@")[0].casefold()


def _server(link: str) -> str:
    return link.partition("://")[2].partition("/")[0]


def _is_public(*things: dict[Any, Any]) -> bool:
    """Listed or not, everybody may read it; for followers or for those it mentions, nobody else may."""
    for thing in things:
        for key in ("to", "cc"):
            named = thing.get(key)
            if any(one in _PUBLIC for one in (named if isinstance(named, list) else [named])):
                return True
    return False


def _attachments(note: dict[Any, Any]) -> tuple[Attachment, ...]:
    kinds = (
        as_text(as_dict(one).get("mediaType")).partition("/")[0]
        for one in as_list(note.get("attachment"))[:20]
    )
    return tuple(Attachment(kind if kind in _KINDS else "file") for kind in kinds)


def _is_owners(me: str, user: str, owner: Owner) -> bool:
    """By address, @name@server or name alone. True, too, where the owner has not said who they are there."""
    accounts = {account.lstrip("@").casefold() for account in owner.accounts.get("mastodon", ())}
    if not accounts or not me:
        return True
    return bool(accounts & {me.casefold(), user.casefold(), f"{user}@{_server(me)}".casefold()})


def _activities(export: Export) -> Iterator[Piece | Skipped]:
    for name in _outboxes(export):
        yield from json_pieces(export, name, lists=("orderedItems",), root=_ROOT)


def _outboxes(export: Export) -> list[str]:
    return [name for name in export.names if name.rpartition("/")[2] == "outbox.json"]


SOURCE = Source("mastodon", recognise, read, people)
