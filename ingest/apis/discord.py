"""What did the owner write where our bot can read? Channels and threads of its servers, never private chats.

One container for each channel or thread, read upwards by id; and "ID/archived" for each channel, how far its
archived threads are known. Others' messages are read past: only those of people who agreed are kept, since
what others write is no training data (docs/decisions/0008). Their names are learned, to be hidden.

Ids: ("discord", message id), as from the data package and from DiscordChatExporter.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from ingest.api_client import Api, ApiBroken, Sleep, open_client
from ingest.api_source import (
    RESCAN_EVERY,
    ApiSource,
    Item,
    Position,
    Reached,
    Reading,
    Scanned,
    Trouble,
    contained,
)
from ingest.attachments import attachment
from ingest.discord import plain, record_id, said_at
from ingest.drift import known
from ingest.source import OWNER, Person, place
from ingest.sync_settings import SyncSettings
from ingest.values import as_dict, as_id, as_list, as_text, from_iso, texts
from storage.records import Attachment, Kind, Record, Skipped

URL = "https://discord.com/api/v10"
_ADVICE = "Reset the bot's token in the developer portal and put the new one into TWIN_DISCORD__TOKEN."
_SPOKEN_IN, _WITH_THREADS = {0, 2, 5, 10, 11, 12, 13}, {0, 5, 15, 16}  # types of channels and threads
_PLAIN, _REPLY, _FORWARD = 0, 19, 1
_PAGE = 100
_EPOCH_MS = 1_420_070_400_000
_MARGIN = timedelta(minutes=1)  # what a message's time and its id may differ by
_SAYS_SOMETHING_ELSE = ("attachments", "embeds", "sticker_items", "poll", "components", "message_snapshots")

_MESSAGE = known(
    "id channel_id guild_id author member content timestamp edited_timestamp tts mention_everyone"
    " mentions mention_roles mention_channels attachments embeds reactions nonce pinned webhook_id"
    " activity application application_id flags referenced_message interaction interaction_metadata"
    " thread components sticker_items stickers position role_subscription_data resolved poll call"
    " shared_client_theme",
    values={"type": range(47)},
    message_reference=known("type message_id channel_id guild_id fail_if_not_exists"),
    message_snapshots=known("message guild_id"),
)


def discord(settings: SyncSettings, token: str, url: str | None, sleep: Sleep) -> ApiSource:
    return ApiSource("discord", partial(_read, settings.discord_channels, token, url or URL, sleep))


async def _read(
    channels: list[str], token: str, url: str, sleep: Sleep, reading: Reading
) -> AsyncIterator[Item]:
    keys = {"Authorization": f"Bot {token}", "User-Agent": "DiscordBot (twin, 1)"}
    async with open_client() as client:
        mine = _Readable(Api(client, "Discord", url, keys=keys, advice=_ADVICE, sleep=sleep), reading)
        items = mine.servers() if "all" in channels else mine.named(channels)
        async for item in items:
            yield item


class _Readable:
    def __init__(self, api: Api, reading: Reading) -> None:
        self._api, self._reading = api, reading
        self._met: set[str] = set()

    async def named(self, channels: list[str]) -> AsyncIterator[Item]:
        for channel in channels:
            async for item in self.channel(channel):
                yield item

    async def servers(self) -> AsyncIterator[Item]:
        """Every channel and thread of every server the bot is in; a missing permission shows when reading."""
        after = "0"
        while page := as_list(
            (await self._api.get("/users/@me/guilds", {"limit": 200, "after": after})).body
        ):
            found = [guild for one in page if (guild := as_id(as_dict(one).get("id")))]
            for guild in found:
                name = f"server {guild}"
                async for item in contained(name, self._reading.at(name), self._server(guild)):
                    yield item
            if len(page) < 200 or not found:
                return
            after = max(found, key=int)

    async def _server(self, guild: str) -> AsyncIterator[Item]:
        channels = as_list((await self._api.get(f"/guilds/{guild}/channels")).body)
        active = as_dict((await self._api.get(f"/guilds/{guild}/threads/active")).body)
        for found in map(as_dict, [*channels, *as_list(active.get("threads"))]):
            channel, kind = as_id(found.get("id")), found.get("type")
            if channel and kind in _SPOKEN_IN:
                async for item in self.channel(channel):
                    yield item
            if channel and kind in _WITH_THREADS:
                name = f"{channel}/archived"
                before = self._reading.at(name)
                async for item in contained(name, before, self._archived(channel, name, before)):
                    yield item
        if "refused" in self._reading.at(f"server {guild}"):
            yield Reached(f"server {guild}", {})

    async def _archived(self, channel: str, name: str, before: Position) -> AsyncIterator[Item]:
        """The threads archived since the last time. Nobody can write in one without waking it up."""
        until, newest, troubled = before.get("archived", ""), before.get("archived", ""), False
        params: dict[str, Any] = {"limit": _PAGE}
        while True:
            answer = await self._api.get(f"/channels/{channel}/threads/archived/public", params)
            threads = [as_dict(one) for one in as_list(as_dict(answer.body).get("threads"))]
            times = [as_text(as_dict(one.get("thread_metadata")).get("archive_timestamp")) for one in threads]
            for thread, at in zip(threads, times, strict=True):
                if at > until and (thread_id := as_id(thread.get("id"))):
                    newest = max(newest, at)
                    async for item in self.channel(thread_id):
                        troubled |= isinstance(item, Trouble) and not item.known
                        yield item
            last = min(filter(None, times), default="")
            if as_dict(answer.body).get("has_more") is not True or not last or last <= until:
                break
            params["before"] = last
        if not troubled:
            yield Reached(name, {"archived": newest})

    async def channel(self, channel: str) -> AsyncIterator[Item]:
        before = self._reading.at(channel)
        async for item in contained(channel, before, self._messages(channel, before)):
            yield item

    async def _messages(self, channel: str, before: Position) -> AsyncIterator[Item]:
        """From where we were, upwards; now and then from some days earlier, for what was changed or deleted.

        "after": the newest message read; "begun": when reading up to there began; "whole": since when nothing
        before it needs to be looked at again, but for the trailing days.
        """
        newest, began = int(as_id(before.get("after")) or 0), self._reading.began
        whole, begun = from_iso(before.get("whole")), before.get("begun") or began.isoformat()
        look_again = whole is not None and began - whole >= RESCAN_EVERY
        first = min(newest, _snowflake(whole - self._reading.rescan)) if whole and look_again else newest
        after, present, without_a_gap = first, set[str](), True
        while True:
            answer = await self._api.get(f"/channels/{channel}/messages", {"after": after, "limit": _PAGE})
            if not isinstance(answer.body, list):
                raise ApiBroken("Discord sent no list of messages")
            ids = [number for one in answer.body if (number := as_id(as_dict(one).get("id")))]
            without_a_gap = without_a_gap and len(ids) == len(answer.body)
            for message in sorted(map(as_dict, answer.body), key=lambda one: int(as_id(one.get("id")) or 0)):
                self._reading.drift.look("message", message, _MESSAGE)
                for item in self._items(message, channel):
                    yield item
            if look_again:
                present.update(map(record_id, ids))
            if answer.body and (not ids or max(map(int, ids)) <= after):
                raise ApiBroken("Discord sent a page of messages that leads no further")
            after = max([after, *map(int, ids)])
            newest = max(newest, after)
            if len(answer.body) < _PAGE:
                break
            so_far = {"whole": before["whole"]} if whole else {"begun": begun}
            yield Reached(channel, {**so_far, "after": str(newest)})
        if look_again and without_a_gap:
            since = _time(first) + _MARGIN
            yield Scanned(channel, since, began, frozenset(present), f"discord:{channel}")
        since_when = (
            before["whole"] if whole and not look_again else begun if not whole else began.isoformat()
        )
        yield Reached(channel, {"after": str(newest), "whole": since_when})

    def _items(self, message: dict[Any, Any], channel: str) -> list[Item]:
        author, items = as_dict(message.get("author")), list[Item]()
        for user in (author, *map(as_dict, as_list(message.get("mentions")))):
            user_id = as_id(user.get("id"))
            if user_id and user_id not in self._met and not user.get("bot"):
                self._met.add(user_id)
                names, handles = texts(user.get("global_name")), texts(user.get("username"))
                items.append(Person(f"discord:{user_id}", names, handles))
        return [*items, self._record(message, author, channel)]

    def _record(self, message: dict[Any, Any], author: dict[Any, Any], channel: str) -> Record | Skipped:
        number, author_id = as_id(message.get("id")), as_id(author.get("id"))
        where = place(channel, number or "?")
        if not number or not author_id:
            return Skipped(where, "no message id" if not number else "no author")
        if reason := _left_out(message, author):
            return Skipped(where, reason, failed=False)
        by_owner = bool(self._reading.owner.has_account("discord", author_id))
        if not by_owner and f"discord:{author_id}" not in self._reading.agreed:
            return Skipped(where, "somebody else's, who did not agree to it being kept", failed=False)
        when, zone_source = said_at(number, message.get("timestamp"))
        if when is None:
            return Skipped(where, "no time that can be read")
        text = as_text(message.get("content"))
        if not text.strip():
            hidden = not any(message.get(key) for key in _SAYS_SOMETHING_ELSE)
            why = "hidden: the bot lacks the Message Content intent" if hidden else "no words in it"
            return Skipped(where, why, failed=hidden)
        answered = as_id(as_dict(message.get("message_reference")).get("message_id"))
        return Record(
            id=record_id(number),
            source="discord",
            kind=Kind.MESSAGE,
            author_id=OWNER if by_owner else f"discord:{author_id}",
            by_owner=by_owner,
            thread_id=f"discord:{channel}",
            said_at=when,
            text=plain(text),
            reply_to=record_id(answered) if answered and message.get("type") == _REPLY else None,
            attachments=_attachments(message),
            audience=f"discord:{channel}",
            origin=where,
            zone_source=zone_source,
            edited_at=from_iso(message.get("edited_timestamp")),
        )


def _left_out(message: dict[Any, Any], author: dict[Any, Any]) -> str | None:
    if message.get("type") not in (_PLAIN, _REPLY):
        return "a system message"
    if author.get("bot") is True or message.get("webhook_id"):
        return "written by a bot"
    if as_dict(message.get("message_reference")).get("type") == _FORWARD:
        return "forwarded: somebody else's words"
    return None


def _attachments(message: dict[Any, Any]) -> tuple[Attachment, ...]:
    names = (as_text(as_dict(one).get("filename")) for one in as_list(message.get("attachments"))[:20])
    stickers = as_list(message.get("sticker_items"))[:3]
    return (*map(attachment, names), *(Attachment("sticker") for _ in stickers))


def _snowflake(at: datetime) -> int:
    """Smaller than the id of anything said from then on."""
    return max(0, (int(at.timestamp() * 1000) - _EPOCH_MS) << 22)


def _time(snowflake: int) -> datetime:
    return datetime.fromtimestamp(((snowflake >> 22) + _EPOCH_MS) / 1000, UTC)
