"""What is in a Slack export? Who and which channels there are, and a JSON file for each channel and day."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ingest.drift import known
from ingest.files import Export, open_export
from ingest.html_steps import unescape
from ingest.rows import Piece, json_pieces
from ingest.source import OWNER, Owner, Person, Read, Source, marked
from ingest.values import as_dict, as_list, as_text, from_epoch, texts
from storage.records import Attachment, Kind, Record, Skipped, stable_id

_DAY = re.compile(r"(?P<above>(?:.*/)?)(?P<channel>[^/]+)/\d{4}-\d{2}-\d{2}\.json")
_USERS = ("users.json", "org_users.json")
_CHANNELS = ("channels.json", "groups.json", "dms.json", "mpims.json")
_STAMP = re.compile(r"\d{9,11}\.\d{1,6}", re.ASCII)
_SPOKEN = (None, "thread_broadcast", "me_message", "file_share")
_SUBTYPES = (
    "assistant_app_thread bot_add bot_disable bot_enable bot_message bot_remove channel_archive channel_join"
    " channel_leave channel_name channel_posting_permissions channel_purpose channel_topic channel_unarchive"
    " channel_convert_to_private channel_convert_to_public channel_canvas_updated document_mention"
    " ekm_access_denied file_comment file_mention file_share group_archive group_join group_leave group_name"
    " group_purpose group_topic group_unarchive huddle_thread me_message message_changed message_deleted"
    " message_replied pinned_item unpinned_item reminder_add reply_broadcast sh_room_created"
    " sh_room_shared slackbot_response thread_broadcast tombstone"
)
_MESSAGE = known(
    "client_msg_id user text ts thread_ts parent_user_id edited replies reply_count reply_users"
    " reply_users_count latest_reply subscribed last_read is_locked is_starred pinned_to pinned_info team"
    " user_team source_team user_profile blocks attachments reactions files file upload display_as_user"
    " display_as_bot bot_id bot_link bot_profile app_id username icons inviter topic purpose name old_name"
    " members item item_type hidden no_notifications permalink room channel comment root x_files metadata"
    " saved unread_count assistant_app_thread mrkdwn is_intro",
    values={"type": "message", "subtype": _SUBTYPES},
)
_MARKUP = re.compile(r"<([^<>\n]{1,2000})>")
_KINDS = {"image", "video", "audio"}


@dataclass(slots=True)
class _Workspace:
    """Who is who, and which channel a folder holds."""

    people: dict[str, Person] = field(default_factory=dict)
    bots: set[str] = field(default_factory=set)
    own: set[str] = field(default_factory=set)
    owner_name: str = "me"
    channels: dict[str, str] = field(default_factory=dict)  # the folder's name -> the channel's id
    broken: list[Skipped] = field(default_factory=list)


def recognise(path: Path) -> float:
    with open_export(path) as export:
        days = any(_DAY.fullmatch(name) for name in export.names)
        return 0.95 if days and _named(export, _USERS) and _named(export, _CHANNELS) else 0.0


def people(path: Path, owner: Owner) -> Iterator[Person]:
    """Every member of the workspace but the owner."""
    with open_export(path) as export:
        workspace = _workspace(export, owner)
        yield from (person for user, person in workspace.people.items() if user not in workspace.own)


def read(path: Path, owner: Owner) -> Iterator[Read]:
    """Channel by channel, day by day, everybody's messages."""
    with open_export(path) as export:
        yield from export.refused
        workspace = _workspace(export, owner)
        yield from workspace.broken
        days = [(name, found) for name in export.names if (found := _DAY.fullmatch(name))]
        if not days:
            yield Skipped("channels.json", "no folder of a channel with a file for each day here")
        for name, found in days:
            channel = workspace.channels.get(found["channel"], found["channel"])
            for piece in json_pieces(export, name):
                if isinstance(piece, Skipped):
                    yield piece
                    continue
                export.drift.look("message", piece.value, _MESSAGE)
                yield _record(piece, channel, workspace)
        yield from export.drift.found()


def _record(piece: Piece, channel: str, workspace: _Workspace) -> Record | Skipped:
    message, where = piece.value, piece.where
    if not isinstance(message, dict):
        return Skipped(where, "not a message")
    user = as_text(message.get("user"))
    if reason := _left_out(message, user, workspace):
        return Skipped(where, reason, failed=False)
    stamp, begun = as_text(message.get("ts")), as_text(message.get("thread_ts"))
    said_at = from_epoch(stamp) if _STAMP.fullmatch(stamp) else None
    if said_at is None:
        return Skipped(where, "no time that can be read")
    if not user:
        return Skipped(where, "no sender")
    text = _plain(as_text(message.get("text")), workspace)
    if not text.strip():
        return Skipped(where, "no words in it", failed=False)
    thread = f"slack:{channel}"
    files = [as_text(as_dict(one).get("mimetype")).partition("/")[0] for one in as_list(message.get("files"))]
    return Record(
        id=stable_id(thread, stamp),
        source="slack",
        kind=Kind.MESSAGE,
        author_id=OWNER if user in workspace.own else f"slack:{user}",
        by_owner=user in workspace.own,
        thread_id=thread,
        said_at=said_at,
        text=text,
        reply_to=stable_id(thread, begun) if begun and begun != stamp else None,
        attachments=tuple(Attachment(kind if kind in _KINDS else "file") for kind in files[:20]),
        audience=thread,
        origin=where,
        edited_at=from_epoch(as_dict(message.get("edited")).get("ts")),
    )


def _left_out(message: dict[Any, Any], user: str, workspace: _Workspace) -> str | None:
    kind = message.get("subtype")
    if kind == "bot_message" or message.get("bot_id") or user in workspace.bots:
        return "written by a bot"
    if kind == "tombstone":
        return "deleted"
    if message.get("type") != "message" or kind not in _SPOKEN:
        return "a system message"
    return None


def _plain(text: str, workspace: _Workspace) -> str:
    """Without Slack's markup; a mention keeps who is meant, an address that it is one."""
    return unescape(_MARKUP.sub(lambda found: _meant(found[1], workspace), text))


def _meant(inside: str, workspace: _Workspace) -> str:
    target, _, label = inside.partition("|")
    if target.startswith("@") and target[1:] in workspace.own:
        return f"@{workspace.owner_name}"
    if target.startswith("@"):
        return "@" + marked("person", f"slack:{target[1:]}")
    if target.startswith("#"):
        return f"#{label or 'channel'}"
    if target.startswith("!"):
        return label or "@" + target[1:].partition("^")[0]
    if target.startswith("mailto:"):
        return marked("email", target.removeprefix("mailto:"))
    if target.startswith("tel:"):
        return marked("phone", target.removeprefix("tel:"))
    return label or target


def _workspace(export: Export, owner: Owner) -> _Workspace:
    found, written = _Workspace(own=set(owner.accounts.get("slack", ()))), set[str]()
    found.owner_name = next(iter(owner.name.split()), found.owner_name)
    addresses = {address.casefold() for address in owner.accounts.get("email", ())}
    for name in _named(export, _USERS):
        for piece in json_pieces(export, name):
            if isinstance(piece, Skipped):
                found.broken.append(piece)
                continue
            user = as_dict(piece.value)
            about, user_id = as_dict(user.get("profile")), as_text(user.get("id"))
            if not user_id:
                continue
            names = texts(user.get("real_name"), about.get("real_name"), about.get("display_name"))
            found.people[user_id] = Person(f"slack:{user_id}", names, texts(user.get("name")))
            if user.get("is_bot") is True or user_id == "USLACKBOT":
                found.bots.add(user_id)
            if as_text(about.get("email")).casefold() in addresses or owner.name in names:
                written.add(user_id)
    found.own = found.own or written
    for name in _named(export, _CHANNELS):
        for piece in json_pieces(export, name):
            if isinstance(piece, Skipped):
                found.broken.append(piece)
                continue
            channel = as_dict(piece.value)
            if channel_id := as_text(channel.get("id")):
                found.channels[as_text(channel.get("name")) or channel_id] = channel_id
    return found


def _named(export: Export, names: tuple[str, ...]) -> list[str]:
    return [name for name in export.names if name.rpartition("/")[2] in names]


SOURCE = Source("slack", recognise, read, people)
