"""What happens on Discord that the twin should hear? Each event is translated and handed to its ear."""

from __future__ import annotations

import asyncio
import copy
import logging
import time
import weakref
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import discord

from bot.discord_commands import Interactions, menu
from bot.discord_messages import PLATFORM, to_message
from bot.discord_missed import LEFT_OPEN
from bot.discord_missed import Place as InStream
from bot.discord_trouble import reaching_discord
from bot.platform import ChatRefused, ChatUnavailable, Ears, Person, Platform, Reaction
from storage.records import Message, message_key, now

if TYPE_CHECKING:
    from bot.discord_app import DiscordApp

log = logging.getLogger(__name__)

CATCH_UP_AT_ONCE, CATCH_UP_SECONDS = 4, 120.0
FINISH_SECONDS, CANCELLING_SECONDS = 10.0, 5.0
Channel = discord.TextChannel | discord.VoiceChannel | discord.StageChannel | discord.Thread
Place = Channel | discord.PartialMessageable


def intents() -> discord.Intents:
    wanted = discord.Intents.none()
    wanted.guilds = wanted.message_content = True
    wanted.guild_messages = wanted.dm_messages = True
    wanted.guild_reactions = wanted.dm_reactions = True
    wanted.guild_typing = wanted.dm_typing = True
    return wanted


class DiscordClient(discord.Client):
    """One connection's life. It decides nothing, and nothing that happens in here ends it."""

    def __init__(
        self,
        ears: Ears,
        app: DiscordApp,
        *,
        owner_ids: Collection[str],
        names: Sequence[str],
        fresh_for: timedelta,
        sync_commands: bool,
        call_seconds: float,
        guild_ready_seconds: float,
        identify_pause: float,
        missed: Callable[[], Awaitable[Collection[int]]],
    ) -> None:
        """`missed`: private chats that nobody may have heard of, where something was said meanwhile."""
        super().__init__(
            intents=intents(),
            allowed_mentions=discord.AllowedMentions.none(),
            guild_ready_timeout=guild_ready_seconds,
            max_ratelimit_timeout=30.0,  # longer ones are ours to wait for: RateLimited
            enable_debug_events=True,  # every frame is a sign of life; see dispatch
        )
        self.heard = time.monotonic()
        self._ears = ears
        self._platform: Platform = app
        self._translate = partial(to_message, owner_ids=owner_ids, names=names)
        self._fresh_for = fresh_for
        self._sync_commands = sync_commands
        self._call_seconds = call_seconds
        self._identify_pause = identify_pause
        self._interactions = Interactions(ears, app)
        self._turns: weakref.WeakValueDictionary[int, asyncio.Lock] = weakref.WeakValueDictionary()
        self._at_work: set[asyncio.Task[Any]] = set()
        self._looked_around = asyncio.Event()  # where something may have been missed is known
        self._caught_up: dict[int, asyncio.Event] = {}  # by chat: what was missed there has been heard
        self._deaf = False
        self._missed = missed
        self._new_chats: Collection[int] | None = None  # nobody has looked yet
        self._heard_up_to: InStream | None = None
        for event, parse in self._connection.parsers.items():
            self._connection.parsers[event] = partial(self._parse, event, parse)
        self.http.request = partial(self._request, self.http.request)  # type: ignore[method-assign]

    # around the library: nothing may end the connection, nothing may be lost on the way

    def dispatch(self, event: str, /, *args: Any, **kwargs: Any) -> None:
        if event == "socket_raw_receive":
            self.heard = time.monotonic()
            return
        if event == "message":  # the library changes its own with the next edit, before we have looked at it
            args = (copy.copy(args[0]),)
        if not self._deaf:
            super().dispatch(event, *args, **kwargs)

    def _schedule_event(self, *args: Any, **kwargs: Any) -> asyncio.Task[Any]:
        task = super()._schedule_event(*args, **kwargs)
        self._at_work.add(task)  # the loop itself holds tasks weakly
        task.add_done_callback(self._at_work.discard)
        return task

    def _parse(self, event: str, parse: Callable[[Any], None], data: dict[str, Any]) -> None:
        if event == "MESSAGE_UPDATE" and not {"author", "content", "type"} <= data.keys():
            if data.get("edited_timestamp"):
                self.dispatch("partial_edit", data)
            return
        try:
            parse(data)
        except Exception:
            log.exception("could not read a %s, id %s", event, data.get("id"))

    async def _request(self, request: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any) -> Any:
        """The library: one that is cancelled during a global limit would hold up all others forever."""
        try:
            return await request(*args, **kwargs)
        except asyncio.CancelledError:
            self.http._global_over.set()
            raise

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        if not initial:
            await asyncio.sleep(self._identify_pause)

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        about = args[0] if args else None
        number = getattr(about, "id", None) or getattr(about, "message_id", None)
        log.exception("%s failed, id %s", event_method, number)

    async def setup_hook(self) -> None:
        if not self._sync_commands or self.application_id is None:
            return
        try:
            async with reaching_discord(self._call_seconds):
                await self.http.bulk_upsert_global_commands(self.application_id, menu())
        except (ChatUnavailable, ChatRefused):
            log.exception("the list of commands could not be brought up to date")

    async def finish(self, seconds: float = FINISH_SECONDS) -> None:
        """Hear nothing new; let what has begun come to its end."""
        place = self._place_in_stream()
        self._deaf = True
        if unfinished := self._at_work - {asyncio.current_task()}:
            _, late = await asyncio.wait(unfinished, timeout=seconds)
            for task in late:
                task.cancel()
            if late:  # what they hold (a transaction, say) must be let go before it is closed under them
                _, stuck = await asyncio.wait(late, timeout=CANCELLING_SECONDS)
                if stuck:
                    log.error("%d handlers do not end, although they were cancelled", len(stuck))
                return
        self._heard_up_to = place or self._heard_up_to

    async def heard_up_to(self) -> InStream | None:
        """How far everything that the gateway told is written down; None: nothing yet."""
        if self._looked_around.is_set() and not self._deaf and (place := self._place_in_stream()):
            if at_work := self._at_work - {asyncio.current_task()}:
                await asyncio.wait(at_work)
            self._heard_up_to = place
        return self._heard_up_to

    def _place_in_stream(self) -> InStream | None:
        if self._deaf or self.ws is None or not self.ws.session_id or self.ws.sequence is None:
            return None
        return {
            "session": self.ws.session_id,
            "gateway": str(self.ws.gateway),
            "sequence": self.ws.sequence,
        }

    async def close(self) -> None:
        """The session stays open for whoever connects next: it tells them what was said in between."""
        if self.ws is not None:
            self.ws.close = _leaving_it_open(self.ws.close)  # type: ignore[method-assign]
        await super().close()

    # messages

    async def on_message(self, event: discord.Message) -> None:
        await self._looked_around.wait()
        if caught_up := self._caught_up.get(event.channel.id):
            await caught_up.wait()  # what was said before it comes first
        await self._hand_over(event, self._ears.message_arrived)

    async def on_raw_message_edit(self, event: discord.RawMessageUpdateEvent) -> None:
        before, after = event.cached_message, event.message
        if after.edited_at is None:  # a preview of a link, a pin
            return
        if before and (before.content, before.attachments) == (after.content, after.attachments):
            return
        await self._hand_over(after, self._ears.message_edited)

    async def on_partial_edit(self, data: dict[str, Any]) -> None:
        guild_id = data.get("guild_id")
        chat = self.get_partial_messageable(
            int(data["channel_id"]), guild_id=int(guild_id) if guild_id else None
        )
        async with reaching_discord(self._call_seconds):
            message = await chat.fetch_message(int(data["id"]))
        await self._hand_over(message, self._ears.message_edited)

    async def on_raw_message_delete(self, event: discord.RawMessageDeleteEvent) -> None:
        await self._gone(event.channel_id, [event.message_id])

    async def on_raw_bulk_message_delete(self, event: discord.RawBulkMessageDeleteEvent) -> None:
        await self._gone(event.channel_id, sorted(event.message_ids))

    async def _gone(self, channel_id: int, message_ids: Iterable[int]) -> None:
        async with self._turn(channel_id):
            for message_id in message_ids:
                key = message_key(PLATFORM, channel_id, message_id)
                await self._ears.message_deleted(key, now(), self._platform)

    async def _hand_over(
        self, event: discord.Message, ear: Callable[[Message, Platform], Awaitable[object]]
    ) -> None:
        async with self._turn(event.channel.id):
            await self._translate_to(event, ear)

    async def _translate_to(
        self, event: discord.Message, ear: Callable[[Message, Platform], Awaitable[object]]
    ) -> None:
        if self.user and (message := await self._translate(event, self.user)):
            await ear(message, self._platform)

    def _turn(self, channel_id: int) -> asyncio.Lock:
        """Events of one chat are handed over one by one, in the order in which they came."""
        return self._turns.setdefault(channel_id, asyncio.Lock())

    # reactions and typing

    async def on_raw_reaction_add(self, event: discord.RawReactionActionEvent) -> None:
        await self._reaction(event, added=True)

    async def on_raw_reaction_remove(self, event: discord.RawReactionActionEvent) -> None:
        await self._reaction(event, added=False)

    async def _reaction(self, event: discord.RawReactionActionEvent, *, added: bool) -> None:
        if self.user is None or event.user_id == self.user.id:
            return
        reaction = Reaction(
            message_key=message_key(PLATFORM, event.channel_id, event.message_id),
            emoji=_name_of(event.emoji),
            by=self._person(event),
            at=now(),
            added=added,
        )
        async with self._turn(event.channel_id):
            await self._ears.reaction_changed(reaction, self._platform)

    def _person(self, event: discord.RawReactionActionEvent) -> Person:
        """Discord says who it is only with a reaction that is added in a server."""
        guild = self.get_guild(event.guild_id) if event.guild_id else None
        member = event.member or (guild and guild.get_member(event.user_id))
        if not isinstance(member, discord.Member):
            return Person(PLATFORM, str(event.user_id), "")
        place = member.guild.get_channel_or_thread(event.channel_id)
        return Person(
            PLATFORM,
            str(member.id),
            member.display_name,
            is_bot=member.bot,
            roles=tuple(str(role.id) for role in member.roles if not role.is_default()),
            is_admin=place is not None and place.permissions_for(member).manage_channels,
        )

    async def on_raw_typing(self, event: discord.RawTypingEvent) -> None:
        if self.user and event.user_id != self.user.id:
            await self._ears.typing_seen(str(event.channel_id), str(event.user_id), self._platform)

    # commands, buttons, forms

    async def on_interaction(self, interaction: discord.Interaction[DiscordClient]) -> None:
        await self._interactions.take(interaction)

    # what was said while nobody listened

    async def on_connect(self) -> None:
        self._looked_around.clear()

    async def on_ready(self) -> None:
        """A start, or a new session after one that could not be resumed: nothing is replayed then."""
        since = now() - self._fresh_for
        few = asyncio.Semaphore(CATCH_UP_AT_ONCE)
        try:
            places = await self._places()
            caught_up = self._caught_up = {place.id: asyncio.Event() for place in places}
        finally:  # whatever happened, nobody is kept waiting
            self._looked_around.set()
        async with asyncio.TaskGroup() as group:
            for place in places:
                group.create_task(self._catch_up(place, since, few, caught_up[place.id]))

    async def _places(self) -> list[Place]:
        places: list[Place] = []
        for guild in self.guilds:
            places += [*guild.text_channels, *guild.voice_channels, *guild.stage_channels, *guild.threads]
        if self._new_chats is None:
            self._new_chats = await self._missed()
        known = {int(chat_id) for chat_id in await self._ears.private_chats(PLATFORM)}
        for chat_id in sorted(known | set(self._new_chats)):
            places.append(self.get_partial_messageable(chat_id))
        return places

    async def _catch_up(
        self, place: Place, since: datetime, few: asyncio.Semaphore, done: asyncio.Event
    ) -> None:
        try:
            if not isinstance(place, discord.PartialMessageable) and not _has_news(place, since):
                return
            async with few, self._turn(place.id), reaching_discord(CATCH_UP_SECONDS):
                async for event in place.history(limit=None, after=since, oldest_first=True):
                    await self._catch_up_with(event)
        except Exception:
            log.exception("could not look for what was missed in chat %s", place.id)
        finally:
            done.set()

    async def _catch_up_with(self, event: discord.Message) -> None:
        try:
            await self._translate_to(event, self._ears.message_arrived)
            if self.user and event.author.id == self.user.id:
                await self._catch_up_with_reactions(event)
        except Exception:
            log.exception("could not hand over missed message %s", event.id)

    async def _catch_up_with_reactions(self, event: discord.Message) -> None:
        """Those that are there now. Who has taken one back meanwhile is not to be found out."""
        key = message_key(PLATFORM, event.channel.id, event.id)
        for reaction in event.reactions:
            emoji = _name_of(reaction.emoji)
            async for user in reaction.users():
                if self.user and user.id != self.user.id:
                    by = Person(PLATFORM, str(user.id), user.display_name, is_bot=user.bot)
                    told = Reaction(key, emoji, by, now(), added=True)
                    await self._ears.reaction_changed(told, self._platform)


def _leaving_it_open(close: Callable[..., Awaitable[None]]) -> Callable[..., Coroutine[Any, Any, None]]:
    """The library closes with 1000, and that ends the session."""

    async def close_with(code: int = LEFT_OPEN) -> None:
        await close(code=LEFT_OPEN)

    return close_with


def _name_of(emoji: str | discord.Emoji | discord.PartialEmoji) -> str:
    if isinstance(emoji, str):
        return emoji
    is_plain = isinstance(emoji, discord.PartialEmoji) and emoji.is_unicode_emoji()
    return emoji.name if is_plain else f":{emoji.name}:"


def _has_news(channel: Channel, since: datetime) -> bool:
    last = channel.last_message_id
    if last is None and isinstance(channel, discord.Thread):
        last = channel.id  # the first message of a post has the post's id
    if last is None or discord.utils.snowflake_time(last) <= since:
        return False
    try:
        allowed = channel.permissions_for(channel.guild.me)
    except discord.ClientException:  # a thread whose parent we may not see
        return False
    return allowed.view_channel and allowed.read_message_history
