"""What is in a download from Facebook, as JSON? Messenger's chats, the owner's posts and comments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from ingest.drift import known
from ingest.files import Export, open_export
from ingest.meta import chat_files, messages_in, names_in, people_in, said_in
from ingest.ordinals import Ordinals
from ingest.rows import Piece, json_pieces, load
from ingest.source import OWNER, Owner, Person, Read, Source
from ingest.values import as_dict, as_list, from_epoch
from storage.records import Attachment, Kind, Record, Skipped, stable_id

_POSTS = re.compile(r"your_posts.*\.json|.*your_posts_\d+\.json")
_COMMENTS = re.compile(r"comments(?:_\d+)?\.json")

_POST = known(
    "timestamp title attachments tags place",
    data=known("post update_timestamp backdated_timestamp"),
)
_COMMENT = known(
    "timestamp title attachments", data=known("", comment=known("timestamp comment author group"))
)


def recognise(path: Path) -> float:
    """A folder with chats alone may be Instagram's, too; there are more of Facebook's."""
    with open_export(path) as export:
        own = any(_profile(export)) or bool(_named(export, _COMMENTS) or _named(export, _POSTS))
        if own:
            return 0.9
        return 0.75 if chat_files(export) and not _is_instagrams(export) else 0.0


def people(path: Path, owner: Owner) -> Iterator[Person]:
    with open_export(path) as export:
        yield from people_in(export, "facebook", _own(export, owner))


def read(path: Path, owner: Owner) -> Iterator[Read]:
    """Chats, then posts, then comments."""
    with open_export(path) as export:
        yield from export.refused
        own = _own(export, owner)
        posts, comments = _named(export, _POSTS), _named(export, _COMMENTS)
        if not (chat_files(export) or posts or comments):
            yield Skipped("messages", "no Facebook download in JSON here; ask for it again and choose JSON")
        yield from messages_in(export, "facebook", own)
        for name in posts:
            ordinals = Ordinals()
            for piece in json_pieces(export, name):
                if isinstance(piece, Skipped):
                    yield piece
                    continue
                export.drift.look("post", piece.value, _POST)
                yield _post(piece, ordinals)
        for name in comments:
            ordinals = Ordinals()
            for piece in json_pieces(export, name, lists=("comments_v2", "comments")):
                if isinstance(piece, Skipped):
                    yield piece
                    continue
                export.drift.look("comment", piece.value, _COMMENT)
                yield _comment(piece, own, ordinals)
        yield from export.drift.found()


def _post(piece: Piece, ordinals: Ordinals) -> Record | Skipped:
    post = as_dict(piece.value)
    texts = [said_in(as_dict(part).get("post")) for part in as_list(post.get("data"))]
    return _public(piece, post, "\n\n".join(filter(None, texts)), Kind.POST, ordinals)


def _comment(piece: Piece, own: set[str], ordinals: Ordinals) -> Record | Skipped:
    entry = as_dict(piece.value)
    found = (as_dict(as_dict(part).get("comment")) for part in as_list(entry.get("data")))
    comment: dict[Any, Any] = next(filter(None, found), {})
    author = said_in(comment.get("author")).strip()
    if own and author and author not in own:
        return Skipped(piece.where, "somebody else's words", failed=False)
    return _public(piece, comment | entry, said_in(comment.get("comment")), Kind.COMMENT, ordinals)


def _public(
    piece: Piece, entry: dict[Any, Any], text: str, kind: Kind, ordinals: Ordinals
) -> Record | Skipped:
    if not isinstance(piece.value, dict):
        return Skipped(piece.where, f"not a {kind}")
    said_at = from_epoch(entry.get("timestamp"))
    if said_at is None:
        return Skipped(piece.where, "no time that can be read")
    if not text.strip():
        return Skipped(piece.where, "no words in it", failed=False)
    when = str(entry["timestamp"])
    id = stable_id("facebook", kind, when, text, ordinals.next(when, kind, text))
    return Record(
        id=id,
        source="facebook",
        kind=kind,
        author_id=OWNER,
        by_owner=True,
        thread_id=f"facebook:{id[:16]}",
        said_at=said_at,
        text=text,
        attachments=(Attachment("image"),) if as_list(entry.get("attachments")) else (),
        audience="owner",  # most posts there are for friends, and the download does not say which
        origin=piece.where,
    )


def _own(export: Export, owner: Owner) -> set[str]:
    profile = set(_profile(export))
    return names_in(export).owners(owner, "facebook", profile) | profile


def _profile(export: Export) -> Iterator[str]:
    for name in export.names:
        if name.rpartition("/")[2] == "profile_information.json":
            profile = as_dict(as_dict(load(export, name)).get("profile_v2"))
            if full := said_in(as_dict(profile.get("name")).get("full_name")).strip():
                yield full


def _named(export: Export, pattern: re.Pattern[str]) -> list[str]:
    """Files of that name which begin like Facebook's, for Instagram has some of the same name."""
    signs = ('"comments_v2"', '"data"', '"timestamp"')
    names = (name for name in export.names if pattern.fullmatch(PurePosixPath(name).name))
    return [
        name
        for name in names
        if any(sign in export.head(name, 4096).decode("utf-8", errors="replace") for sign in signs)
    ]


def _is_instagrams(export: Export) -> bool:
    return any("instagram" in name.lower() for name in export.names)


SOURCE = Source("facebook", recognise, read, people)
