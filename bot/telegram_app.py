"""What does the twin hear on Telegram? Updates become our nouns; nothing is decided.

Talking is bot/telegram_voice.py, translating bot/telegram_translate.py, commands and buttons are
bot/telegram_errands.py, how updates come and when they are acknowledged is bot/telegram_updates.py.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Collection, Sequence
from dataclasses import replace

from telegram import Bot, Message, Update
from telegram.constants import ChatMemberStatus, ChatType
from telegram.error import TelegramError
from telegram.request import HTTPXRequest

from bot.latest import Latest
from bot.platform import Ears
from bot.telegram_business import Business
from bot.telegram_commands import offer_commands, typed_command
from bot.telegram_door import Door
from bot.telegram_errands import Errands
from bot.telegram_errors import in_words
from bot.telegram_media import text_of
from bot.telegram_places import PLATFORM, Place
from bot.telegram_translate import Eyes, names_pattern, place_of_message, to_message, to_reactions
from bot.telegram_tuning import Tuning, Webhook
from bot.telegram_updates import Json, Post
from bot.telegram_voice import TelegramVoice
from storage.cursors import CursorStore
from storage.records import Cursor, Media, now
from storage.unavailable import DatabaseUnavailable

log = logging.getLogger(__name__)

API = "https://api.telegram.org/bot"
FILES = "https://api.telegram.org/file/bot"
LONGEST_PAUSE = 30.0
CONNECTIONS = 256


class TelegramApp(TelegramVoice):
    def __init__(
        self,
        token: str,
        ears: Ears,
        *,
        owner_ids: Collection[str],
        names: Sequence[str],
        cursors: CursorStore,
        base_url: str | None = None,
        base_file_url: str | None = None,
        webhook: Webhook | None = None,
        door: Door | None = None,
        tuning: Tuning | None = None,
    ) -> None:
        """`owner_ids`: the owner's accounts on Telegram. `names`: what people call the twin.

        `door`: where Telegram calls several bots of this process.
        """
        tuning = tuning or Tuning()
        bot, self._requests = open_bot(token, base_url, base_file_url, tuning.request_seconds)
        super().__init__(bot, Business(bot, cursors, owner_ids), cursors, tuning)
        self._ears, self._owner_ids, self._webhook = ears, owner_ids, webhook
        self._door = door or Door()
        self._names = names_pattern(names)
        self._errands = Errands(bot, self, ears)
        self._post_office = Post(bot, tuning, self._hear, self._spoke, caught_up=self._caught_up)
        self._groups: Latest[int, None] = Latest()
        self._last_sign: float | None = None

    async def run(self) -> None:
        """Listen until `stop`. Raises ChatUnavailable or ChatRefused, in words; then it may be run again."""
        try:
            for request in self._requests:
                await request.initialize()
            with in_words():
                me = await self._bot.get_me()
                self._eyes = Eyes(me, self._names, self._owner_ids)
                await offer_commands(self._bot)
                await self._errands.offer_menu(self._owner_ids)
            if self._webhook:
                await self._post_office.receive(self._webhook, self._door)
            else:
                await self._post_office.poll(self._requests[0])
        finally:
            await self._errands.finish(self._tuning.stop_seconds)
            for request in self._requests:
                await request.shutdown()

    async def stop(self) -> None:
        """What is being written down is finished first; Telegram keeps the rest for the next start."""
        self._post_office.stopping.set()

    def alive(self) -> float:
        """Seconds since Telegram last spoke to us."""
        return float("inf") if self._last_sign is None else time.monotonic() - self._last_sign

    def _spoke(self) -> None:
        self._last_sign = time.monotonic()

    async def _hear(self, raw: Json) -> bool:
        """An update that cannot be read or handled is logged and skipped; one we cannot write down waits."""
        number, pause = raw.get("update_id"), self._tuning.first_pause
        while not self._post_office.stopping.is_set():
            try:
                await self._take(Update.de_json(dict(raw), self._bot))
                return True
            except DatabaseUnavailable as reason:
                log.error("update %s waits: %s", number, reason)
            except Exception:
                log.exception("update %s is skipped", number)
                return True
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
        return False

    async def _take(self, update: Update) -> None:
        if connection := update.business_connection:
            await self._business.learn(connection)
        elif message := update.message or update.business_message:
            await self._take_message(message)
        elif message := update.edited_message or update.edited_business_message:
            await self._take_edit(message)
        elif gone := update.deleted_business_messages:
            if owner := await self._business.owner_of(gone.business_connection_id):
                place = Place(gone.chat.id, owner=owner)
                for message_id in gone.message_ids:
                    await self._ears.message_deleted(place.key(message_id), now(), self)
        elif change := update.message_reaction:
            for reaction in to_reactions(change):
                await self._ears.reaction_changed(reaction, self)
        elif query := update.callback_query:
            connection_id = isinstance(query.message, Message) and query.message.business_connection_id
            asked_in = await self._business.owner_of(connection_id) if connection_id else None
            await self._errands.press(query, asked_in)
        elif member := update.my_chat_member:
            await self._note_group(member.chat.id, member.new_chat_member.status)

    async def _take_message(self, message: Message) -> None:
        owner = None
        if message.business_connection_id:
            owner = await self._business.owner_of(message.business_connection_id)
            if owner is None:
                return
        place = place_of_message(message, owner)
        if message.sender_business_bot:
            await self._business.echoed(message, place)
            return
        self._saw(place, message.message_id)
        if message.migrate_to_chat_id:
            log.warning("group %s is supergroup %s now", place.chat, message.migrate_to_chat_id)
        if message.chat.type in (ChatType.GROUP, ChatType.SUPERGROUP) and place.chat not in self._groups:
            await self._note_group(place.chat, None)
        typed = None if owner else typed_command(message.text, str(self._eyes.me.username))
        if typed:
            self._errands.command(message, typed)
        elif heard := to_message(message, self._eyes, owner):
            media = [replace(one, text=one.text or await self._read(one)) for one in heard.media]
            await self._ears.message_arrived(replace(heard, media=tuple(media)), self)

    async def _take_edit(self, message: Message) -> None:
        owner = None
        if message.business_connection_id:
            owner = await self._business.owner_of(message.business_connection_id)
            if owner is None or message.sender_business_bot:
                return
        is_command = owner is None and typed_command(message.text, str(self._eyes.me.username))
        if not is_command and (heard := to_message(message, self._eyes, owner)):
            await self._ears.message_edited(heard, self)

    async def _read(self, media: Media) -> str:
        try:
            return await text_of(media, self._bot)
        except TelegramError as error:
            log.warning("a file could not be read: %s", error.message)
            return ""

    async def _note_group(self, chat: int, status: str | None) -> None:
        """For `twin doctor`, which looks whether we may see reactions there."""
        container = f"group:{chat}"
        self._groups[chat] = None
        if status in (ChatMemberStatus.LEFT, ChatMemberStatus.BANNED):
            self._groups.pop(chat, None)
            log.warning("we are no member of %s any more", chat)
        elif status is None and await self._cursors.get(PLATFORM, container):
            return
        await self._cursors.put(Cursor(PLATFORM, container, {"status": status or "member"}, now()))


def open_bot(
    token: str, base_url: str | None, base_file_url: str | None, seconds: float
) -> tuple[Bot, tuple[HTTPXRequest, HTTPXRequest]]:
    """The bot and its connections: one to be held while we wait for updates, and those for the rest."""
    os.environ.setdefault("PTB_TIMEDELTA", "true")  # else each "be quiet for 5 seconds" warns about itself
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs URLs, and ours have the token in them
    held = HTTPXRequest(connection_pool_size=2, read_timeout=seconds, connect_timeout=seconds)
    quick = HTTPXRequest(
        connection_pool_size=CONNECTIONS,
        read_timeout=seconds,
        write_timeout=seconds,
        connect_timeout=seconds,
        pool_timeout=seconds,
    )
    bot = Bot(token, base_url or API, base_file_url or FILES, request=quick, get_updates_request=held)
    return bot, (held, quick)
