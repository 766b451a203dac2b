"""What does somebody ask of the program itself on Telegram: a command, a button?

Commands are done by tasks, so that the next message is heard meanwhile. A press is waited for a little, so
that what it says is written down before Telegram forgets it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Collection, Coroutine
from dataclasses import replace
from datetime import UTC
from typing import Any

from telegram import Bot, CallbackQuery, Message
from telegram.constants import ChatMemberStatus, ChatType
from telegram.error import TelegramError

from bot.commands import BY_NAME, parse
from bot.latest import Latest
from bot.platform import ChatRefused, ChatUnavailable, Ears, Invocation, Person, Press, Question, Said
from bot.telegram_commands import UNKNOWN, Typed, offer_owner_commands
from bot.telegram_places import Place
from bot.telegram_translate import answered_by, author_of, place_of_message, to_person
from bot.telegram_voice import TelegramVoice
from storage.records import now

log = logging.getLogger(__name__)

PRESS_SECONDS = 5.0
ADMIN_SECONDS = 60.0  # so long we believe that somebody still is one, or is none
ADMINS = (ChatMemberStatus.OWNER, ChatMemberStatus.ADMINISTRATOR)


class Errands:
    def __init__(self, bot: Bot, voice: TelegramVoice, ears: Ears) -> None:
        self._bot, self._voice, self._ears = bot, voice, ears
        self._owners_without_menu: Collection[str] = ()
        self._admins: Latest[tuple[int, int], tuple[float, bool]] = Latest()
        self._tasks: set[asyncio.Task[None]] = set()

    async def offer_menu(self, owner_ids: Collection[str]) -> None:
        """The owner's own commands, to those who have written to the bot; to the others when they do."""
        self._owners_without_menu = await offer_owner_commands(self._bot, owner_ids)

    async def finish(self, seconds: float) -> None:
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=seconds)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)

    def command(self, message: Message, typed: Typed) -> None:
        by = author_of(message)
        if typed.to_another or by.is_bot:
            return
        private = message.chat.type == ChatType.PRIVATE
        if typed.name in BY_NAME:
            self._spawn(self._obey(message, typed, by))
        elif private or typed.to_us:
            self._spawn(self._answer(place_of_message(message), Said(UNKNOWN), by, message.message_id))
        if private and by.id in self._owners_without_menu:
            self._spawn(self.offer_menu(self._owners_without_menu))

    async def press(self, query: CallbackQuery, owner: int | None) -> None:
        self._spawn(_acknowledge(query))
        message = query.message
        if message is None or query.data is None:
            return
        place = Place(message.chat.id, owner=owner)
        if isinstance(message, Message):  # and not one that Telegram no longer shows us
            place = place_of_message(message, owner)
        by = await self._person(place, to_person(query.from_user))
        press = Press(query.data, by, place.chat_id, str(message.message_id), now())
        working = asyncio.ensure_future(self._ears.button_pressed(press, self._voice))
        done, _ = await asyncio.wait({working}, timeout=PRESS_SECONDS)
        if done:
            working.result()
        self._spawn(self._answer_press(working, place, by, message.message_id))

    async def _answer_press(
        self, working: asyncio.Future[Said | Question | None], place: Place, by: Person, message_id: int
    ) -> None:
        if said := await working:
            await self._answer(place, said, by, message_id)

    async def _obey(self, message: Message, typed: Typed, by: Person) -> None:
        place, answered = place_of_message(message), answered_by(message)
        private = message.chat.type == ChatType.PRIVATE
        invocation = Invocation(
            typed.name,
            parse(BY_NAME[typed.name], typed.rest),
            await self._person(place, by),
            place.chat_id,
            private,
            message.date.astimezone(UTC),
            server_id=None if private else str(message.chat.id),
            about=place.key(answered.message_id) if answered else None,
        )
        said = await self._ears.command_given(invocation, self._voice)
        await self._answer(place, said, by, message.message_id)

    async def _answer(self, place: Place, said: Said | Question, to: Person, message_id: int) -> None:
        reply_to = place.key(message_id) if place.chat < 0 else None
        if isinstance(said, Question):
            key = await self._voice.ask(place, said, to, reply_to)
            await self._ears.question_asked(key, said.action, to.id)
        else:
            await self._voice.say(place, said, reply_to)

    async def _person(self, place: Place, person: Person) -> Person:
        """With what they may do there."""
        if place.chat > 0 or person.is_admin or int(person.id) < 0:
            return person
        at, known = time.monotonic(), self._admins.get((place.chat, int(person.id)))
        if known and known[0] > at - ADMIN_SECONDS:
            return replace(person, is_admin=known[1])
        try:
            member = await self._bot.get_chat_member(place.chat, int(person.id))
        except TelegramError as error:
            log.warning("cannot see who is an admin: %s", error.message)
            return person
        self._admins[place.chat, int(person.id)] = at, member.status in ADMINS
        return replace(person, is_admin=member.status in ADMINS)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(_logged(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _acknowledge(query: CallbackQuery) -> None:
    """The button stops turning."""
    await query.answer()


async def _logged(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except (ChatRefused, ChatUnavailable, TelegramError) as reason:
        log.warning("a command or button could not be answered: %s", reason)
    except Exception:
        log.exception("a command or button failed")
