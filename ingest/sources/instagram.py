"""What is in a download from Instagram, as JSON? Direct messages, the owner's posts and comments.

Labels inside are translated to the owner's language, so values are told by place and kind, not by label.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from ingest.drift import known
from ingest.files import Export, open_export
from ingest.meta import chat_files, is_encrypted_chat, messages_in, names_in, people_in, said_in
from ingest.ordinals import Ordinals
from ingest.rows import Piece, json_pieces, load
from ingest.source import OWNER, Owner, Person, Read, Source
from ingest.values import as_dict, as_list, from_epoch
from storage.records import Attachment, Kind, Record, Skipped, stable_id

_POSTS = re.compile(r"posts_\d+\.json")
_COMMENTS = re.compile(r"(?:post_comments(?:_\d+)?|reels_comments)\.json")
_PROFILE = ("personal_information.json", "account_information.json")

_PICTURE = known(
    "uri creation_timestamp media_metadata title cross_post_source backup_uri media_variants dubbing_info"
)
_POST = known("title creation_timestamp", media=_PICTURE)
_COMMENT = known("title timestamp fbid media media_list_data string_list_data string_map_data label_values")


def recognise(path: Path) -> float:
    """By its own files; a folder with chats alone only when Instagram is named somewhere in it."""
    with open_export(path) as export:
        if any(_profile(export)) or _named(export, _COMMENTS) or _named(export, _POSTS):
            return 0.92
        chats = [name for name in chat_files(export) if not is_encrypted_chat(export, name)]
        return 0.8 if chats and any("instagram" in name.lower() for name in export.names) else 0.0


def people(path: Path, owner: Owner) -> Iterator[Person]:
    with open_export(path) as export:
        yield from people_in(export, "instagram", _own(export, owner))


def read(path: Path, owner: Owner) -> Iterator[Read]:
    """Chats, then posts, then comments."""
    with open_export(path) as export:
        yield from export.refused
        posts, comments = _named(export, _POSTS), _named(export, _COMMENTS)
        if not (chat_files(export) or posts or comments):
            yield Skipped("messages", "no Instagram download in JSON here; ask for it again and choose JSON")
        yield from messages_in(export, "instagram", _own(export, owner))
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
            for piece in json_pieces(export, name, lists=("comments_reels_comments",)):
                if isinstance(piece, Skipped):
                    yield piece
                    continue
                export.drift.look("comment", piece.value, _COMMENT)
                yield _comment(piece, ordinals)
        yield from export.drift.found()


def _post(piece: Piece, ordinals: Ordinals) -> Record | Skipped:
    """The caption stands on the post, or on its only picture."""
    post = as_dict(piece.value)
    media = [as_dict(one) for one in as_list(post.get("media"))]
    only: dict[Any, Any] = media[0] if len(media) == 1 else {}
    text = said_in(post.get("title")) or said_in(only.get("title"))
    when = post.get("creation_timestamp") or (media[0].get("creation_timestamp") if media else None)
    attachments = tuple(Attachment("image") for _ in media[:20])
    return _public(piece, from_epoch(when), text, Kind.POST, ordinals, attachments)


def _comment(piece: Piece, ordinals: Ordinals) -> Record | Skipped:
    entry = as_dict(piece.value)
    parts = [as_dict(part) for part in as_dict(entry.get("string_map_data")).values()]
    parts += [as_dict(part) for part in as_list(entry.get("label_values"))]
    text = next((said for part in parts if (said := said_in(part.get("value")))), "")
    times = (from_epoch(part.get("timestamp") or part.get("timestamp_value")) for part in parts)
    said_at = next(filter(None, times), from_epoch(entry.get("timestamp")))
    return _public(piece, said_at, text, Kind.COMMENT, ordinals)


def _public(
    piece: Piece,
    said_at: datetime | None,
    text: str,
    kind: Kind,
    ordinals: Ordinals,
    attachments: tuple[Attachment, ...] = (),
) -> Record | Skipped:
    if not isinstance(piece.value, dict):
        return Skipped(piece.where, f"not a {kind}")
    if said_at is None:
        return Skipped(piece.where, "no time that can be read")
    if not text.strip():
        return Skipped(piece.where, "no words in it", failed=False)
    when = said_at.isoformat()
    id = stable_id("instagram", kind, when, text, ordinals.next(when, kind, text))
    return Record(
        id=id,
        source="instagram",
        kind=kind,
        author_id=OWNER,
        by_owner=True,
        thread_id=f"instagram:{id[:16]}",
        said_at=said_at,
        text=text,
        attachments=attachments,
        audience="owner",  # whether the account is private is not said beside the post
        origin=piece.where,
    )


def _own(export: Export, owner: Owner) -> set[str]:
    return names_in(export).owners(owner, "instagram", set(_profile(export)))


def _profile(export: Export) -> Iterator[str]:
    """The values of the profile: one of them is the name that stands above messages."""
    for name in export.names:
        if PurePosixPath(name).name in _PROFILE:
            for profile in map(as_dict, as_list(as_dict(load(export, name)).get("profile_user"))):
                for part in map(as_dict, as_dict(profile.get("string_map_data")).values()):
                    if value := said_in(part.get("value")).strip():
                        yield value


def _named(export: Export, pattern: re.Pattern[str]) -> list[str]:
    """Files of that name which begin like Instagram's, for Facebook has some of the same name."""
    signs = ('"string_map_data"', '"label_values"', '"creation_timestamp"', '"comments_reels_comments"')
    names = (name for name in export.names if pattern.fullmatch(PurePosixPath(name).name))
    return [
        name
        for name in names
        if any(sign in export.head(name, 4096).decode("utf-8", errors="replace") for sign in signs)
    ]


SOURCE = Source("instagram", recognise, read, people)
