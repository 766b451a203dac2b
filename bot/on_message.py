"""What happens when a message arrives?"""

from __future__ import annotations

import asyncio
import logging
import time

from bot.platform import Platform
from brain.live_adapter import AdapterUnusable
from brain.model_client import ModelRefused, ModelUnavailable
from brain.reply import Brain, Reply
from storage.messages import MessageStore
from storage.records import Message, message_key, now

log = logging.getLogger(__name__)

LOST_FOR_WORDS = "I can't think right now: the model is not answering. Your message is kept."


class ChatLocks:
    """One lock per chat, so that answers keep the order of the questions; idle ones are dropped."""

    def __init__(self) -> None:
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}

    def __call__(self, chat: str) -> _Held:
        return _Held(self._locks, chat)


class _Held:
    def __init__(self, locks: dict[str, tuple[asyncio.Lock, int]], chat: str) -> None:
        self._locks, self._chat = locks, chat

    async def __aenter__(self) -> None:
        lock, users = self._locks.get(self._chat, (asyncio.Lock(), 0))
        self._locks[self._chat] = (lock, users + 1)
        try:
            await lock.acquire()
        except BaseException:
            self._leave()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._locks[self._chat][0].release()
        self._leave()

    def _leave(self) -> None:
        lock, users = self._locks[self._chat]
        if users > 1:
            self._locks[self._chat] = (lock, users - 1)
        else:
            del self._locks[self._chat]


async def on_message(
    message: Message, platform: Platform, *, brain: Brain, messages: MessageStore, one_at_a_time: ChatLocks
) -> Message | None:
    """Keep the message, answer it, keep the answer. Returns the answer, or None when there is none.

    The message is written down before anything else, and one that is already known is not answered again.
    """
    if not await messages.add(message):
        return None
    async with one_at_a_time(f"{message.platform}:{message.chat_id}"), platform.typing(message.chat_id):
        telling = _Telling(message, platform)
        try:
            reply = await brain.reply_to(message, telling.so_far)
            if not reply.text:
                log.warning("the model had nothing to say to %s", message.key)
                return None
            sent_id = await telling.all_of(reply.text)
        except (ModelUnavailable, ModelRefused, AdapterUnusable) as reason:
            log.error("no reply to %s: %s", message.key, reason)
            await telling.take_back()
            await platform.tell(message.chat_id, LOST_FOR_WORDS)  # an apology is never learned from
            return None
        answer = _as_message(reply, sent_id, message)
        await messages.add(answer)
        return answer


class _Telling:
    """One answer on its way into the chat: sent when it begins, edited as it grows, whole at the end."""

    def __init__(self, message: Message, platform: Platform) -> None:
        self._message, self._platform = message, platform
        self._sent_id: str | None = None
        self._shown = ""
        self._next_edit = 0.0

    async def so_far(self, text: str) -> None:
        text = text.lstrip()
        limits = self._platform.limits
        if text and len(text) <= limits.message_length and time.monotonic() >= self._next_edit:
            await self._show(text)
            self._next_edit = time.monotonic() + limits.edit_seconds

    async def all_of(self, text: str) -> str:
        """The id of the (first) message that now carries the whole text."""
        length = self._platform.limits.message_length
        pieces = [text[i : i + length] for i in range(0, len(text), length)]
        if pieces[0] != self._shown:
            await self._show(pieces[0])
        for piece in pieces[1:]:
            await self._platform.send(self._message.chat_id, piece)
        assert self._sent_id is not None
        return self._sent_id

    async def take_back(self) -> None:
        """Half an answer is worse than none."""
        if self._sent_id is not None:
            await self._platform.delete(self._message.chat_id, self._sent_id)

    async def _show(self, text: str) -> None:
        chat_id = self._message.chat_id
        if self._sent_id is None:
            self._sent_id = await self._platform.send(chat_id, text, reply_to=self._message.key)
        else:
            await self._platform.edit(chat_id, self._sent_id, text)
        self._shown = text


def _as_message(reply: Reply, sent_id: str, question: Message) -> Message:
    return Message(
        key=message_key(question.platform, question.chat_id, sent_id),
        platform=question.platform,
        chat_id=question.chat_id,
        author_id="twin",
        author_name="twin",
        text=reply.text,
        sent_at=now(),
        by_twin=True,
        reply_to=question.key,
        stamp=reply.stamp,
    )
