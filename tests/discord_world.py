"""What is there on our Discord? People, servers, channels and messages, in the shapes of Discord's API."""

from __future__ import annotations

import itertools
import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

EPOCH_MS = 1420070400000
VIEW, SEND, HISTORY, MANAGE_CHANNELS, ADMIN = 1 << 10, 1 << 11, 1 << 16, 1 << 4, 1 << 3
MANAGE_GUILD = 1 << 5
EVERYTHING = (1 << 50) - 1
USUAL = VIEW | SEND | HISTORY | 1 << 6 | 1 << 14 | 1 << 15 | 1 << 38 | 1 << 31
TEXT, DM, VOICE, CATEGORY, PUBLIC_THREAD, FORUM = 0, 1, 2, 4, 11, 15

Json = dict[str, Any]
_counter = itertools.count(1)


def snowflake(ago: timedelta = timedelta()) -> int:
    """Ids grow with time, also when many are made within one millisecond."""
    millis = int((time.time() - ago.total_seconds()) * 1000) - EPOCH_MS
    return (millis << 22) | (next(_counter) & 0x3FFFFF)


def moment(snowflake_id: int) -> str:
    return datetime.fromtimestamp(((snowflake_id >> 22) + EPOCH_MS) / 1000, UTC).isoformat()


def now_text() -> str:
    return datetime.now(UTC).isoformat()


@dataclass(frozen=True)
class Upload:
    """A file that somebody attaches."""

    name: str
    data: bytes
    mime: str | None = None
    voice: bool = False


@dataclass
class User:
    id: int
    name: str
    bot: bool = False

    def payload(self) -> Json:
        return {
            "id": str(self.id),
            "username": self.name.lower(),
            "global_name": self.name,
            "discriminator": "0",
            "avatar": None,
            "bot": self.bot,
            "public_flags": 0,
        }


@dataclass
class Role:
    id: int
    name: str
    permissions: int = 0

    def payload(self) -> Json:
        return {
            "id": str(self.id),
            "name": self.name,
            "permissions": str(self.permissions),
            "color": 0,
            "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
            "hoist": False,
            "position": 0,
            "managed": False,
            "mentionable": True,
            "flags": 0,
        }


@dataclass
class Member:
    user: User
    nick: str | None = None
    roles: list[Role] = field(default_factory=list)

    def payload(self, *, with_user: bool = True) -> Json:
        data: Json = {
            "nick": self.nick,
            "roles": [str(role.id) for role in self.roles],
            "joined_at": "2020-01-01T00:00:00+00:00",
            "deaf": False,
            "mute": False,
            "flags": 0,
            "avatar": None,
        }
        return data | {"user": self.user.payload()} if with_user else data


@dataclass
class Guild:
    id: int
    name: str
    owner_id: int
    roles: dict[int, Role] = field(default_factory=dict)
    members: dict[int, Member] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)

    def payload(self, bot_id: int) -> Json:
        """GUILD_CREATE. Of its members only the bot: that is what we get without the members intent."""
        shown = [channel for channel in self.channels.values() if not channel.archived]
        return {
            "id": str(self.id),
            "name": self.name,
            "owner_id": str(self.owner_id),
            "unavailable": False,
            "member_count": len(self.members),
            "large": False,
            "joined_at": "2020-01-01T00:00:00+00:00",
            "roles": [role.payload() for role in self.roles.values()],
            "emojis": [],
            "stickers": [],
            "features": [],
            "channels": [channel.payload() for channel in shown if channel.type != PUBLIC_THREAD],
            "threads": [channel.payload() for channel in shown if channel.type == PUBLIC_THREAD],
            "members": [self.members[bot_id].payload()],
            "voice_states": [],
            "presences": [],
            "stage_instances": [],
            "guild_scheduled_events": [],
        }

    def permissions(self, user: User) -> int:
        if user.id == self.owner_id:
            return EVERYTHING
        allowed = self.roles[self.id].permissions
        for role in self.members[user.id].roles:
            allowed |= role.permissions
        return EVERYTHING if allowed & ADMIN else allowed


@dataclass
class Channel:
    id: int
    type: int
    name: str
    guild: Guild | None = None
    parent: Channel | None = None
    recipient: User | None = None
    owner_id: int = 0
    messages: dict[int, Json] = field(default_factory=dict)
    last_message_id: int | None = None
    hidden: bool = False  # the bot may not see it
    read_only: bool = False  # the bot may not write here (or the person has blocked it)
    archived: bool = False

    def payload(self) -> Json:
        data: Json = {"id": str(self.id), "type": self.type, "flags": 0}
        data["last_message_id"] = str(self.last_message_id) if self.last_message_id else None
        if self.recipient:
            return data | {"recipients": [self.recipient.payload()]}
        assert self.guild
        denied = (VIEW if self.hidden else 0) | (SEND if self.read_only else 0)
        overwrite = {"id": str(self.guild.id), "type": 0, "allow": "0", "deny": str(denied)}
        data |= {
            "guild_id": str(self.guild.id),
            "name": self.name,
            "position": 0,
            "permission_overwrites": [overwrite] if denied else [],
            "nsfw": False,
            "topic": None,
            "rate_limit_per_user": 0,
            "parent_id": str(self.parent.id) if self.parent else None,
        }
        if self.type == FORUM:
            data |= {"available_tags": [], "default_reaction_emoji": None, "default_sort_order": None}
        if self.type == VOICE:
            data |= {"bitrate": 64000, "user_limit": 0, "rtc_region": None}
        if self.type == PUBLIC_THREAD:
            data |= {
                "owner_id": str(self.owner_id),
                "message_count": len(self.messages),
                "total_message_sent": len(self.messages),
                "member_count": 1,
                "thread_metadata": {
                    "archived": self.archived,
                    "auto_archive_duration": 1440,
                    "archive_timestamp": moment(self.id),
                    "locked": False,
                    "create_timestamp": moment(self.id),
                },
            }
        return data


class World:
    """Everything that outlives a bot's process."""

    def __init__(self) -> None:
        self.bot = User(snowflake(), "Twin", bot=True)
        self.application_id = snowflake()
        self.users: dict[int, User] = {self.bot.id: self.bot}
        self.guilds: dict[int, Guild] = {}
        self.channels: dict[int, Channel] = {}
        self.files: dict[str, tuple[bytes, str]] = {}  # path on the CDN -> what is in it
        self.cdn_url = ""

    # who and where

    def user(self, name: str, *, bot: bool = False) -> User:
        """The person of that name; there is one more if there was none."""
        for user in self.users.values():
            if user.name == name:
                return user
        user = User(snowflake(), name, bot)
        self.users[user.id] = user
        for guild in self.guilds.values():
            guild.members[user.id] = Member(user)
        return user

    def guild(self, name: str = "Home") -> Guild:
        """A server with everybody in it, and the bot with a role of its own."""
        owner = self.user("Olga the landlady")
        guild = Guild(snowflake(), name, owner.id)
        guild.roles[guild.id] = Role(guild.id, "@everyone", USUAL)
        guild.members = {user.id: Member(user) for user in self.users.values()}
        guild.members[self.bot.id].roles.append(self.role(guild, "Twin"))
        self.guilds[guild.id] = guild
        return guild

    def role(self, guild: Guild, name: str, permissions: int = 0, *members: User) -> Role:
        role = Role(snowflake(), name, permissions)
        guild.roles[role.id] = role
        for user in members:
            guild.members[user.id].roles.append(role)
        return role

    def channel(self, guild: Guild, name: str, type: int = TEXT, **more: Any) -> Channel:
        channel = Channel(snowflake(), type, name, guild, **more)
        guild.channels[channel.id] = self.channels[channel.id] = channel
        return channel

    def dm(self, user: User) -> Channel:
        for channel in self.channels.values():
            if channel.recipient is user:
                return channel
        channel = Channel(snowflake(), DM, "", recipient=user)
        self.channels[channel.id] = channel
        return channel

    # what is said

    def message(self, channel: Channel, author: User, content: str, **more: Any) -> Json:
        """Make one and keep it. `more` overrides what it would be."""
        message_id, ago = int(more.pop("id", 0)), more.pop("ago", timedelta())
        message_id = message_id or snowflake(ago)
        reference = more.get("message_reference")
        answered = channel.messages.get(int(reference["message_id"])) if reference else None
        message: Json = {
            "id": str(message_id),
            "channel_id": str(channel.id),
            "author": author.payload(),
            "content": content,
            "timestamp": moment(message_id),
            "edited_timestamp": None,
            "tts": False,
            "mention_everyone": False,
            "mentions": self._mentioned(content, answered),
            "mention_roles": re.findall(r"<@&(\d+)>", content),
            "attachments": [],
            "embeds": [],
            "components": [],
            "pinned": False,
            "type": 0,
            "flags": 0,
        } | more
        if reference and reference.get("type", 0) == 0:
            message["type"] = 19
            message["referenced_message"] = answered
        channel.messages[message_id] = message
        channel.last_message_id = max(channel.last_message_id or 0, message_id)
        return message

    def attach(self, channel: Channel, uploads: tuple[Upload, ...]) -> list[Json]:
        attachments = []
        for upload in uploads:
            attachment_id = snowflake()
            path = f"/cdn/attachments/{channel.id}/{attachment_id}/{upload.name}"
            self.files[path] = (upload.data, upload.mime or "application/octet-stream")
            url = self.cdn_url + path
            attachment: Json = {
                "id": str(attachment_id),
                "filename": upload.name,
                "size": len(upload.data),
                "url": url,
                "proxy_url": url,
            }
            if upload.mime:
                attachment["content_type"] = upload.mime
            if upload.voice:
                attachment |= {"duration_secs": 2.5, "waveform": "AAAA"}
            attachments.append(attachment)
        return attachments

    def _mentioned(self, content: str, answered: Json | None) -> list[Json]:
        ids = {int(found) for found in re.findall(r"<@!?(\d+)>", content)}
        if answered:  # a reply pings the author of what it answers
            ids.add(int(answered["author"]["id"]))
        return [self.users[user_id].payload() for user_id in ids if user_id in self.users]

    def event_of(self, channel: Channel, message: Json) -> Json:
        """A message as the gateway sends it."""
        if channel.guild is None:
            return dict(message)
        event = message | {"guild_id": str(channel.guild.id)}
        member = channel.guild.members.get(int(message["author"]["id"]))
        if member and not message.get("webhook_id"):
            event["member"] = member.payload(with_user=False)
        return event
