"""How does a turn get its answer, and is it still wanted when it is there?

Until the first message is out, whatever happens in the chat counts: more words of the same person start the
thinking anew (`Meanwhile`), the owner's own answer or a wish for quiet ends it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from bot.candidates import another, due, offer
from bot.delivery import Courier, Growing
from bot.drafts import Drafts, owner_took_over
from bot.kept import Kept
from bot.manners import LOOK_BACK
from bot.outbox import Outbox, seed_of
from bot.owner_news import OwnerNews
from bot.repetition import repeats, without_stutter
from bot.rhythm import Rhythm
from bot.settings import ChatSettings
from bot.turn import Turn
from bot.unless import Meanwhile, unless
from brain.live_adapter import AdapterUnusable
from brain.model_client import ModelRefused, ModelUnavailable
from brain.reply import Brain, Reply
from storage.chats import quiet
from storage.records import Chat, Delivery, DeliveryState, Message, now, reply_key

OWN = 3  # of its last answers there, the twin repeats none


class Answering:
    """The middle of a turn, in a chat that nobody else speaks in meanwhile."""

    def __init__(
        self,
        brain: Brain,
        kept: Kept,
        settings: ChatSettings,
        news: OwnerNews,
        rhythm: Rhythm,
        drafts: Drafts,
        outbox: Outbox,
        overtaken: Callable[[Message, Message], None],
    ) -> None:
        self._brain = brain
        self._kept = kept
        self._settings = settings
        self._news = news
        self._rhythm = rhythm
        self._drafts = drafts
        self._outbox = outbox
        self._overtaken = overtaken

    async def answer(self, turn: Turn, questions: Sequence[Message], begun: bool) -> Message | None:
        """`begun`: there may be an answer in that chat that began to grow."""
        last, platform = questions[-1], turn.platform
        courier = Courier(platform, self._kept.deliveries, quotes=not last.private)
        growing = Growing(courier, await self._stub(questions, begun))
        await growing.settle()
        async with platform.typing(turn.chat_id):
            draft_mode = await self._in_draft_mode(last)
            two = due(last, self._settings) and growing.stub.state is DeliveryState.PLANNED
            grows = self._settings.delivery == "stream" and not draft_mode and not two
            try:
                if grows:
                    reply = await unless(turn.news, self._brain.reply_to(questions, growing.so_far))
                else:
                    reply = await unless(turn.news, self._something_new(questions))
                text = without_stutter(reply.text)
                if text and not grows and not draft_mode:
                    pause = self._rhythm.reading_pause(
                        last.text, text, seed_of(last), speed=self._settings.speed
                    )
                    await unless(turn.news, asyncio.sleep(pause))
                stub = await growing.settle()
            except (ModelUnavailable, ModelRefused, AdapterUnusable):
                await growing.take_back()
                raise
            await self._news.over("model", "I can answer again; what waited is being answered.")
            answer = _as_message(stub.reply_key, text, reply, last)
            if not text:
                await growing.take_back()
                await self._kept.messages.settle(turn.asked, "nothing to say")
                return None
            if draft_mode:
                await self._drafts.propose(answer, questions)
                return None
            other = await self._another(turn, answer, questions) if two else None
            if not await self._still_wanted(turn, answer, questions):
                await growing.take_back()
                return None
            if other and await offer(answer, other, questions, platform, self._kept):
                return None
            turn.sending = True
            await self._outbox.plan(answer, platform, turn.asked)
            await self._outbox.bring(answer, last, courier)
        return answer

    async def _something_new(self, questions: Sequence[Message]) -> Reply:
        """An answer; a second try where it says nearly what the twin said there just now."""
        reply, last = await self._brain.reply_to(questions), questions[-1]
        recent = await self._kept.messages.recent(last.chat_id, last.platform, limit=LOOK_BACK)
        if repeats(reply.text, [said.text for said in recent if said.by_twin][-OWN:]):
            return await self._brain.reply_to(questions)
        return reply

    async def _another(self, turn: Turn, answer: Message, questions: Sequence[Message]) -> Message | None:
        """A second answer for the owner to choose from; None when one has to do."""
        try:
            return await unless(turn.news, another(answer, questions, self._brain.reply_to))
        except (ModelUnavailable, ModelRefused, AdapterUnusable):
            return None

    async def _still_wanted(self, turn: Turn, answer: Message, questions: Sequence[Message]) -> bool:
        """Right before the first message goes out: has anything happened since?"""
        last = questions[-1]
        if await owner_took_over(last, self._kept.messages):
            await self._kept.messages.add(answer, unsent=True)
            await self._kept.messages.settle(turn.asked, "the owner answered")
            self._overtaken(answer, last)
            return False
        if await self._silenced(last):
            await self._kept.messages.settle(turn.asked, "asked to keep quiet")
            return False
        waiting = await self._kept.messages.waiting(*turn.name)
        if turn.news.is_set() or {one.key for one in waiting} != turn.asked:
            raise Meanwhile
        return True

    async def _stub(self, questions: Sequence[Message], begun: bool) -> Delivery:
        """Where the answer is going to appear: a message begun before a crash or an edit, or a new one."""
        last = questions[-1]
        asked = {question.key for question in questions}
        undone = await self._kept.deliveries.undone(last.platform, last.chat_id) if begun else []
        for one in undone:
            if one.question_key in asked and one.part == 0:
                return replace(one, question_key=last.key)
        key = reply_key(last.platform)
        return Delivery(key, 0, last.platform, last.chat_id, last.key, "", DeliveryState.PLANNED)

    async def _silenced(self, question: Message) -> bool:
        here, everywhere = await self._kept.chats.here_and_everywhere(question.platform, question.chat_id)
        return quiet(here, now()) or quiet(everywhere, now())

    async def _in_draft_mode(self, question: Message) -> bool:
        """Never towards the owner: they see it anyway."""
        chat: Chat | None = await self._kept.chats.get(question.platform, question.chat_id)
        wanted = chat.draft if chat and chat.draft is not None else self._settings.draft
        return wanted and not question.by_owner


def _as_message(key: str, text: str, reply: Reply, question: Message) -> Message:
    return Message(
        key=key,
        platform=question.platform,
        chat_id=question.chat_id,
        author_id="twin",
        author_name="twin",
        text=text,
        sent_at=now(),
        by_twin=True,
        reply_to=question.key,
        stamp=reply.stamp,
        server_id=question.server_id,
        private=question.private,
        as_owner=question.as_owner,
    )
