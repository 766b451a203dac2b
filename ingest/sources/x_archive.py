"""What is in an archive from X (Twitter)? The owner's posts, and both sides of their direct messages.

Each file in data/ is a script that assigns a list, `window.YTD.tweets.part0 = [...]`. Deleted posts are left.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from ingest.drift import known
from ingest.files import Export, open_export
from ingest.html_steps import unescape
from ingest.json_stream import BadValue, Broken, JsonStream
from ingest.rows import Piece, json_pieces, why
from ingest.source import OWNER, Owner, Person, Read, Source, marked, place
from ingest.values import as_dict, as_id, as_list, as_text, from_iso, texts
from storage.records import Attachment, Kind, Record, Skipped, stable_id

_FILE = re.compile(
    r"(?:.*/)?(?P<what>account|tweets?|community-tweet|note-tweet|direct-messages(?:-group)?)(?:-part\d+)?\.js"
)
_POSTS = ("tweet", "tweets", "community-tweet")
_OF_MEDIA = (
    "id id_str indices url media_url media_url_https display_url expanded_url sizes source_status_id"
    " source_status_id_str source_user_id source_user_id_str video_info additional_media_info features"
    " ext_alt_text allow_download_status"
)
_MEDIA = {"photo": "image", "animated_gif": "image", "video": "video"}
_ENTITIES = known(
    "hashtags symbols urls user_mentions timestamps polls",
    media=known(_OF_MEDIA, {"type": _MEDIA}),
)
_POST = known(
    "id id_str created_at full_text text lang source truncated favorited favorite_count retweeted"
    " retweet_count possibly_sensitive display_text_range in_reply_to_status_id in_reply_to_status_id_str"
    " in_reply_to_user_id in_reply_to_user_id_str in_reply_to_screen_name edit_info coordinates geo place"
    " contributors user retweeted_status quoted_status quoted_status_id quoted_status_id_str"
    " quoted_status_permalink is_quote_status withheld_in_countries withheld_copyright withheld_scope scopes"
    " card community_id community_id_str note_tweet",
    entities=_ENTITIES,
    extended_entities=_ENTITIES,
)
_NOTE = known("noteTweetId createdAt updatedAt lifecycle core noteTweetResults")
_SAID = known("id senderId recipientId text createdAt urls mediaUrls reactions editHistory quickReply")
_TALK = known(
    "reactionCreate reactionDelete joinConversation participantsJoin participantsLeave"
    " conversationNameUpdate welcomeMessageCreate",
    messageCreate=_SAID,
)
_CUT = re.compile(r"(?:…|\.\.\.)?\s*(?:https://t\.co/\w+)?\Z")  # how a long post ends in the short file
_END = 100  # characters of it; looked for in a whole text, blanks without end would take for ever
_FIRST_YEAR = 2006  # some archives hold rows from years before there was a Twitter


def recognise(path: Path) -> float:
    with open_export(path) as export:
        files = [name for name in export.names if _FILE.fullmatch(name)]
        return (
            0.95 if any(export.head(name, 64).lstrip().startswith(b"window.YTD.") for name in files) else 0.0
        )


def people(path: Path, owner: Owner) -> Iterator[Person]:
    """Whoever the owner's posts mention. Of partners in direct messages the archive knows only numbers."""
    told: set[tuple[Any, ...]] = set()
    with open_export(path) as export:
        for piece in _pieces(export, _POSTS):
            for user in _mentioned(_post(piece.value)) if isinstance(piece, Piece) else ():
                user_id, names, handles = as_id(user.get("id_str")), texts(user.get("name")), _handles(user)
                if user_id and (user_id, names, handles) not in told:
                    told.add((user_id, names, handles))
                    yield Person(f"x:{user_id}", names, handles)


def read(path: Path, owner: Owner) -> Iterator[Read]:
    """Posts and replies, long ones whole; then direct messages."""
    with open_export(path) as export:
        yield from export.refused
        if not any(_FILE.fullmatch(name) for name in export.names):
            yield Skipped(
                "data/tweets.js", "no file of an X archive here; unpack or choose the whole archive"
            )
            return
        account = _account(export)
        if account and owner.has_account("x", account) is False:
            yield Skipped(
                "data/account.js", f"this archive is account {account}'s, which is not in [owner] accounts.x"
            )
            return
        notes = _Notes(export)
        yield from notes.skipped
        for piece in _pieces(export, _POSTS):
            if isinstance(piece, Skipped):
                yield piece
                continue
            export.drift.look("post", _post(piece.value), _POST)
            yield _posted(piece, notes)
        own = {*owner.accounts.get("x", ()), *filter(None, [account])}
        for name in _named(export, ("direct-messages", "direct-messages-group")):
            yield from _direct(export, name, own)
        yield from export.drift.found()


class _Notes:
    """The whole texts of long posts, which the posts themselves only begin. Joined by their second."""

    def __init__(self, export: Export) -> None:
        self.skipped: list[Skipped] = []
        self._texts: dict[datetime, list[str]] = {}
        for piece in _pieces(export, ("note-tweet",)):
            if isinstance(piece, Skipped):
                self.skipped.append(piece)
                continue
            note = as_dict(as_dict(piece.value).get("noteTweet"))
            export.drift.look("long post", note, _NOTE)
            core = as_dict(note.get("core"))
            result = as_dict(as_dict(note.get("noteTweetResults")).get("result"))
            created, text = from_iso(note.get("createdAt")), as_text(core.get("text") or result.get("text"))
            if created and text:
                self._texts.setdefault(created.replace(microsecond=0), []).append(text)
            else:
                self.skipped.append(Skipped(piece.where, "a long post without text or time"))

    def whole(self, text: str, said_at: datetime) -> str:
        begun = text.rstrip()
        begun = begun[:-_END] + _CUT.sub("", begun[-_END:], count=1).rstrip()
        return next((note for note in self._texts.get(said_at, ()) if note.startswith(begun)), text)


def _posted(piece: Piece, notes: _Notes) -> Record | Skipped:
    if not isinstance(piece.value, dict):
        return Skipped(piece.where, "not a post")
    post, where = _post(piece.value), piece.where
    number = as_id(post.get("id_str") or post.get("id"))
    if not number:
        return Skipped(where, "no post id")
    said_at = _time(post.get("created_at"))
    if said_at is None:
        return Skipped(where, "no time that can be read")
    text = as_text(post.get("full_text") or post.get("text"))
    if text.startswith("RT @"):
        return Skipped(where, "a repost: somebody else's words", failed=False)
    text = _plain(notes.whole(unescape(text), said_at), post)
    if not text.strip():
        return Skipped(where, "no words in it", failed=False)
    answered = as_id(post.get("in_reply_to_status_id_str") or post.get("in_reply_to_status_id"))
    return Record(
        id=stable_id("x", number),
        source="x_archive",
        kind=Kind.COMMENT if answered else Kind.POST,
        author_id=OWNER,
        by_owner=True,
        thread_id=f"x:{answered or number}",
        said_at=said_at,
        text=text,
        reply_to=stable_id("x", answered) if answered else None,
        attachments=tuple(Attachment(_MEDIA.get(kind, "file")) for kind in _media(post)),
        audience="public",
        origin=where,
    )


def _plain(text: str, post: dict[Any, Any]) -> str:
    """Short links spelled out, those of pictures taken away; a mention keeps who is meant."""
    for link in map(as_dict, as_list(as_dict(post.get("entities")).get("urls"))):
        if short := as_text(link.get("url")):
            text = text.replace(short, as_text(link.get("expanded_url")) or short)
    for media in (*_media_of(post, "extended_entities"), *_media_of(post, "entities")):
        if short := as_text(media.get("url")):
            text = text.replace(short, "")
    called = {
        handle.casefold(): as_id(user.get("id_str")) for user in _mentioned(post) for handle in _handles(user)
    }

    def who(found: re.Match[str]) -> str:
        user_id = called.get(found[1].casefold())
        return "@" + marked("person", f"x:{user_id}") if user_id else found[0]

    return re.sub(r"(?<!\w)@(\w{1,15})\b", who, text).strip()


def _direct(export: Export, name: str, own: set[str]) -> Iterator[Record | Skipped]:
    """A conversation may be larger than memory should hold, so its messages come one by one."""
    number = 0
    try:
        with export.open(name) as file:
            _past_the_name(file)
            stream = JsonStream(file)
            for _ in stream.items():
                talk = ""
                for key in _inside(stream, "dmConversation"):
                    if key == "conversationId":
                        talk = as_text(_value(stream))
                    elif key == "messages" and stream.peek() == "[":
                        for _ in stream.items():
                            number += 1
                            try:
                                message = stream.value()
                            except BadValue as error:
                                yield Skipped(place(name, number), str(error))
                                continue
                            export.drift.look("direct message", message, _TALK)
                            yield _said(as_dict(message), talk, place(name, number), own)
                    else:
                        stream.skip()
    except (Broken, OSError) as error:
        yield Skipped(place(name, f"after {number}"), why(error))


def _inside(stream: JsonStream, wrapper: str) -> Iterator[str]:
    """The keys of the object in {wrapper: {...}}; old archives have no wrapper."""
    if stream.peek() != "{":
        stream.skip()
        return
    for key in stream.members():
        if key == wrapper and stream.peek() == "{":
            yield from stream.members()
        else:
            yield key


def _said(message: dict[Any, Any], talk: str, where: str, own: set[str]) -> Record | Skipped:
    said = message.get("messageCreate")
    if not isinstance(said, dict):
        return Skipped(where, "a system message" if message else "not a message", failed=not message)
    number, sender = as_id(said.get("id")), as_id(said.get("senderId"))
    if not number or not sender:
        return Skipped(where, "no message id" if not number else "no sender")
    said_at = from_iso(said.get("createdAt"))
    if said_at is None:
        return Skipped(where, "no time that can be read")
    if not own:
        return Skipped(where, "whose message it is is unknown: write your number in [owner] accounts.x")
    text = unescape(as_text(said.get("text")))
    for link in map(as_dict, as_list(said.get("urls"))):
        if short := as_text(link.get("url")):
            text = text.replace(short, as_text(link.get("expanded")) or short)
    if not text.strip():
        return Skipped(where, "no words in it", failed=False)
    thread = f"x:dm:{stable_id('x', talk)[:16]}"
    return Record(
        id=stable_id("x", "dm", number),
        source="x_archive",
        kind=Kind.MESSAGE,
        author_id=OWNER if sender in own else f"x:{sender}",
        by_owner=sender in own,
        thread_id=thread,
        said_at=said_at,
        text=text,
        attachments=tuple(Attachment("image") for _ in as_list(said.get("mediaUrls"))[:20]),
        audience=thread,
        origin=where,
    )


def _pieces(export: Export, whats: tuple[str, ...]) -> Iterator[Piece | Skipped]:
    for name in _named(export, whats):
        yield from json_pieces(export, name, start=_past_the_name)


def _named(export: Export, whats: tuple[str, ...]) -> list[str]:
    return [name for name in export.names if (found := _FILE.fullmatch(name)) and found["what"] in whats]


def _past_the_name(file: BinaryIO) -> None:
    """Move past `window.YTD.tweets.part0 = `."""
    for _ in range(200):
        if file.read(1) in (b"=", b""):
            return


def _account(export: Export) -> str | None:
    for piece in _pieces(export, ("account",)):
        if isinstance(piece, Piece):
            return as_id(as_dict(as_dict(piece.value).get("account")).get("accountId"))
    return None


def _post(value: Any) -> dict[Any, Any]:
    return as_dict(as_dict(value).get("tweet")) or as_dict(value)


def _mentioned(post: dict[Any, Any]) -> list[dict[Any, Any]]:
    return [as_dict(user) for user in as_list(as_dict(post.get("entities")).get("user_mentions"))]


def _handles(user: dict[Any, Any]) -> tuple[str, ...]:
    return texts(user.get("screen_name"))


def _media_of(post: dict[Any, Any], where: str) -> list[dict[Any, Any]]:
    return [as_dict(media) for media in as_list(as_dict(post.get(where)).get("media"))]


def _media(post: dict[Any, Any]) -> list[str]:
    found = _media_of(post, "extended_entities") or _media_of(post, "entities")
    return [as_text(media.get("type")) for media in found[:20]]


def _time(value: Any) -> datetime | None:
    """ "Tue Mar 19 14:05:17 +0000 2019"."""
    try:
        found = datetime.strptime(value, "%a %b %d %H:%M:%S %z %Y").astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if found.year >= _FIRST_YEAR else None


def _value(stream: JsonStream) -> Any:
    try:
        return stream.value()
    except BadValue:
        return None


SOURCE = Source("x_archive", recognise, read, people)
