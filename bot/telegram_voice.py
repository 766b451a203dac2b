"""How does the twin write on Telegram? The half of the platform that speaks; it decides nothing."""

from __future__ import annotations

import asyncio
import logging
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

from telegram import (
    Bot,
    ForceReply,
    InlineKeyboardMarkup,
    LinkPreviewOptions,
    Message,
    MessageEntity,
)
from telegram.constants import ChatAction
from telegram.error import BadRequest, RetryAfter

from bot.latest import Latest
from bot.platform import Button, ChatRefused, ChatUnavailable, Limits, Person, Question, Said
from bot.telegram_business import Business
from bot.telegram_errors import in_words, is_gone, not_modified, seconds_of
from bot.telegram_format import convert, pieces, units
from bot.telegram_lost import find_lost
from bot.telegram_media import bytes_of
from bot.telegram_pace import Pace
from bot.telegram_parts import as_message, keyboard, reply_to_id
from bot.telegram_places import PLATFORM, Place, place_of
from bot.telegram_tuning import Tuning
from storage.cursors import CursorStore
from storage.records import Cursor, Media, now
from storage.unavailable import DatabaseUnavailable

log = logging.getLogger(__name__)
T = TypeVar("T")

NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
NO_REACTIONS = "Telegram does not let us react in the owner's name"
TYPING_SECONDS = 4.0  # Telegram shows it for five
TOLD = 20  # notices remembered for each chat


class TelegramVoice:
    name = PLATFORM
    limits = Limits(message_length=4096, edit_seconds=1.5)

    def __init__(self, bot: Bot, business: Business, cursors: CursorStore, tuning: Tuning) -> None:
        self._bot, self._business, self._cursors, self._tuning = bot, business, cursors, tuning
        self._pace = Pace(
            per_second=tuning.per_second,
            chat_seconds=tuning.chat_seconds,
            group_per_minute=tuning.group_per_minute,
        )
        self._highest: Latest[str, int] = Latest()
        self._drafts = True  # until Telegram does not take one
        self._caught_up = asyncio.Event()  # what waited for us when we started has been heard

    def length(self, text: str) -> int:
        return units(convert(text)[0])

    async def send(
        self,
        chat_id: str,
        text: str,
        *,
        reply_to: str | None = None,
        nonce: str | None = None,
        buttons: Sequence[Button] = (),
    ) -> str:
        place = place_of(chat_id)
        return str(await self._post(place, convert(text), reply_to=reply_to, markup=keyboard(buttons)))

    async def tell(self, chat_id: str, text: str, buttons: Sequence[Button] = ()) -> str:
        """Remembered, as all that is no reply, so that it is never taken for a reply that was lost."""
        place = place_of(chat_id)
        told = await self._post(place, convert(text), markup=keyboard(buttons))
        await self._account_for(place, told)
        return str(told)

    async def edit(self, chat_id: str, message_id: str, text: str, *, buttons: Sequence[Button] = ()) -> None:
        place, (plain, entities) = place_of(chat_id), convert(text)

        async def change(marks: Sequence[MessageEntity]) -> None:
            await self._bot.edit_message_text(
                plain,
                place.chat,
                int(message_id),
                entities=marks,
                reply_markup=keyboard(buttons),
                link_preview_options=NO_PREVIEW,
                business_connection_id=await self._connection_id(place),
            )

        with in_words():
            try:
                await self._in_turn(
                    place, lambda: _with_or_without(entities, change), patience=self._tuning.edit_patience
                )
            except BadRequest as error:
                if not not_modified(error):
                    raise

    async def fetch(self, media: Media, most: int) -> bytes:
        with in_words():
            return await bytes_of(media, self._bot, most)

    async def delete(self, chat_id: str, message_id: str) -> None:
        place = place_of(chat_id)
        with in_words():
            try:
                if place.owner:
                    connection = await self._business.connection(place.owner)
                    await self._bot.delete_business_messages(connection.id, [int(message_id)])
                else:
                    await self._bot.delete_message(place.chat, int(message_id))
            except BadRequest as error:
                if not is_gone(error):
                    raise

    async def react(self, chat_id: str, message_id: str, emoji: str) -> None:
        place = place_of(chat_id)
        if place.owner:
            raise ChatRefused(NO_REACTIONS)
        with in_words():
            await self._in_turn(
                place, lambda: self._bot.set_message_reaction(place.chat, int(message_id), emoji or None)
            )

    @asynccontextmanager
    async def typing(self, chat_id: str) -> AsyncIterator[None]:
        going_on = asyncio.create_task(self._keep_typing(chat_id))
        try:
            yield
        finally:
            going_on.cancel()
            await asyncio.wait({going_on})
            if not going_on.cancelled() and (problem := going_on.exception()):
                log.warning("no sign of typing: %s", problem)

    async def say(self, place: Place, said: Said, reply_to: str | None) -> None:
        """The outcome of a command or a button. Where others read along they see it, too."""
        parts = list(pieces(said.text, self.limits.message_length))
        for number, part in enumerate(parts, start=1):
            markup = keyboard(said.buttons) if number == len(parts) else None
            posted = await self._post(place, convert(part), reply_to=reply_to, markup=markup)
            await self._account_for(place, posted)
        if said.file:
            await self._post_file(place, *said.file, reply_to)

    async def ask(self, place: Place, question: Question, to: Person, reply_to: str | None) -> str:
        """Put the question so that their app opens an answer to it. Returns the message's key."""
        text, markup = as_message(question, to if place.chat < 0 else None, self.limits.message_length)
        asked = await self._post(place, text, reply_to=reply_to, markup=markup)
        await self._account_for(place, asked)
        return place.key(asked)

    async def show_growing(self, chat_id: str, text: str, *, nonce: str) -> bool:
        """As a draft, in our own private chats; where Telegram does not want it, never again."""
        place, (plain, entities) = place_of(chat_id), convert(text)
        if place.owner or place.chat < 0 or not self._drafts:
            return False
        try:
            with in_words():
                await self._bot.send_message_draft(
                    place.chat,
                    1 + zlib.crc32(nonce.encode()) % 2**30,
                    plain,
                    message_thread_id=place.topic,
                    entities=entities,
                )
        except ChatRefused as refusal:
            log.info("drafts are not shown: %s", refusal)
            self._drafts = False
        return self._drafts

    async def private_chat(self, person_id: str) -> str:
        return person_id

    async def find_sent(
        self, chat_id: str, text: str, *, nonce: str, after: str, known: set[str]
    ) -> str | None:
        """See bot/telegram_lost.py; in the owner's own chats, bot/telegram_business.py."""
        place, (plain, entities) = place_of(chat_id), convert(text)
        first = place.message_id(after)
        if first is None:
            raise ChatRefused(f"{after} is no message of chat {chat_id}")
        await asyncio.sleep(self._tuning.settle_seconds)  # what is still on its way may arrive
        if place.owner:
            return await self._find_echo(place, chat_id, text, first, known)
        with in_words():
            found = await find_lost(
                self._bot,
                place,
                plain,
                entities,
                await self._unaccounted(place, first, known),
                there_up_to=max(self._highest.get(place.counter, 0), first),
                gap=self._tuning.probe_gap,
                turn=self._pace.anywhere,
            )
        return str(found) if found is not None else None

    async def _find_echo(
        self, place: Place, chat_id: str, text: str, after: int, known: set[str]
    ) -> str | None:
        try:
            await asyncio.wait_for(self._caught_up.wait(), self._tuning.request_seconds)
        except TimeoutError:
            raise ChatUnavailable("Telegram has not told yet what was written in that chat") from None
        found = await self._business.find_echo(place, convert(text)[0], after, known)
        if found is None:
            return None
        message_id, whole = found
        if not whole:
            await self.edit(chat_id, str(message_id), text)
        return str(message_id)

    async def _unaccounted(self, place: Place, after: int, known: set[str]) -> list[int]:
        cursor = await self._cursors.get(PLATFORM, f"told:{place.numbering}")
        told = cursor.value["ids"] if cursor else ()
        return [
            number
            for number in range(after + 1, after + 1 + self._tuning.probe_window)
            if str(number) not in known and number not in told
        ]

    async def _account_for(self, place: Place, message_id: int) -> None:
        container = f"told:{place.numbering}"
        try:
            cursor = await self._cursors.get(PLATFORM, container)
            ids = [*(cursor.value["ids"] if cursor else ()), message_id][-TOLD:]
            await self._cursors.put(Cursor(PLATFORM, container, {"ids": ids}, now()))
        except DatabaseUnavailable as reason:  # it is sent all the same
            log.warning("notice %s is not remembered: %s", message_id, reason)

    async def _post(
        self,
        place: Place,
        text: tuple[str, Sequence[MessageEntity]],
        *,
        reply_to: str | None = None,
        markup: InlineKeyboardMarkup | ForceReply | None = None,
    ) -> int:
        plain, entities = text
        reply = reply_to_id(place.message_id(reply_to))

        async def post(marks: Sequence[MessageEntity]) -> Message:
            return await self._bot.send_message(
                place.chat,
                plain,
                entities=marks,
                message_thread_id=place.topic,
                reply_parameters=reply,
                reply_markup=markup,
                link_preview_options=NO_PREVIEW,
                business_connection_id=await self._connection_id(place),
            )

        with in_words():
            sent = await self._in_turn(place, lambda: _with_or_without(entities, post))
        self._saw(place, sent.message_id)
        return sent.message_id

    async def _post_file(self, place: Place, name: str, content: bytes, reply_to: str | None) -> None:
        with in_words():
            sent = await self._in_turn(
                place,
                lambda: self._bot.send_document(
                    place.chat,
                    content,
                    filename=name,
                    message_thread_id=place.topic,
                    reply_parameters=reply_to_id(place.message_id(reply_to)),
                ),
            )
        self._saw(place, sent.message_id)
        await self._account_for(place, sent.message_id)

    async def _in_turn(
        self, place: Place, call: Callable[[], Awaitable[T]], *, patience: float | None = None
    ) -> T:
        """Do it when the limits allow. Asked to be quiet, do it after that, unless it takes too long.

        Telegram does nothing of what it answers so, thus repeating is safe.
        """
        for _ in range(self._tuning.tries):
            if self._pace.resting(place.chat) > self._tuning.longest_rest:
                break
            await self._pace.turn(place.chat, patience=patience)
            try:
                return await call()
            except RetryAfter as error:
                self._pace.rest(place.chat, seconds_of(error))
                if patience is not None:
                    break
        rest = self._pace.resting(place.chat)
        raise ChatUnavailable("Telegram asks us to be quiet in that chat", retry_after=rest)

    async def _keep_typing(self, chat_id: str) -> None:
        place = place_of(chat_id)
        while True:
            with suppress(ChatUnavailable), in_words():
                await self._bot.send_chat_action(
                    place.chat,
                    ChatAction.TYPING,
                    message_thread_id=place.topic,
                    business_connection_id=await self._connection_id(place),
                )
            await asyncio.sleep(TYPING_SECONDS)

    async def _connection_id(self, place: Place) -> str | None:
        return (await self._business.connection(place.owner)).id if place.owner else None

    def _saw(self, place: Place, message_id: int) -> None:
        self._highest[place.counter] = max(self._highest.get(place.counter, 0), message_id)


async def _with_or_without(
    entities: Sequence[MessageEntity], call: Callable[[Sequence[MessageEntity]], Awaitable[T]]
) -> T:
    """Once more without them if Telegram dislikes the entities."""
    try:
        return await call(entities)
    except BadRequest as error:
        if not entities or "entit" not in error.message.lower():
            raise
        log.warning("Telegram refused entities: %s", error.message)
        return await call(())
