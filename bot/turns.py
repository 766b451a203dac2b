"""When is it our turn, and what happens in it?

What one person says in one chat within a short while is one turn. It is gathered, thought about and answered;
what arrives before the answer is sent, or changes the question, starts it anew. What has to be answered lies
in the database (`waiting`), and so does what is being sent: a turn that dies is taken up again by `sweep`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from bot.answering import Answering
from bot.delivery import Courier
from bot.drafts import Drafts, owner_took_over
from bot.floor import Floor, NotOurs
from bot.kept import Kept
from bot.manners import too_old
from bot.outbox import Outbox
from bot.owner_news import OwnerNews
from bot.platform import ChatRefused, ChatUnavailable, Platform
from bot.rhythm import Rhythm
from bot.settings import ChatSettings
from bot.turn import Turn
from bot.unless import Meanwhile
from brain.live_adapter import AdapterUnusable
from brain.model_client import ModelRefused, ModelUnavailable
from brain.reply import Brain, Reply
from storage import tracing
from storage.leases import LeaseStore
from storage.records import DeliveryState, Message, now, reply_key

log = logging.getLogger(__name__)

SWEEP_SECONDS = 5.0
ALBUM_SECONDS = 1.0  # an album comes as one message for each picture


class Turns:
    """All turns of this process; for `leases` and `holder` see Floor."""

    def __init__(
        self,
        brain: Brain,
        kept: Kept,
        settings: ChatSettings,
        news: OwnerNews,
        *,
        rhythm: Rhythm,
        leases: LeaseStore | None = None,
        holder: str = "",
    ) -> None:
        self._brain = brain
        self._kept = kept
        self._settings = settings
        self._news = news
        self._rhythm = rhythm
        self._drafts = Drafts(kept, news, settings)
        self._floor = Floor(leases, holder)
        self._outbox = Outbox(kept, settings, rhythm, self._floor, self._overtaken)
        self._answering = Answering(
            brain, kept, settings, news, rhythm, self._drafts, self._outbox, self._overtaken
        )
        self._open: dict[tuple[str, str, str], Turn] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False

    # what happens to turns from outside

    def hear(self, message: Message, platform: Platform) -> asyncio.Future[Message | None]:
        """A message that waits for an answer and is kept already. The future gives the answer, or None."""
        window = max(self._settings.burst_seconds, ALBUM_SECONDS if message.album else 0.0)
        return self._turn_of(message, platform, window).answer

    def typing(self, platform: Platform, chat_id: str, person_id: str) -> None:
        """They go on writing: what they have said so far waits a little longer."""
        turn = self._open.get((platform.name, chat_id, person_id))
        if turn and not turn.sending:
            turn.wait_for_more(self._settings.burst_seconds, self._settings.burst_most_seconds)

    def changed(self, key: str) -> bool:
        """A question was edited or deleted. True: it is still being answered, and that starts anew."""
        for turn in self._open.values():
            if key in turn.asked and not turn.sending:
                turn.news.set()
                return True
        return False

    async def sweep(self) -> None:
        """Take up what was left: messages that wait, replies that are not there yet."""
        undone = {(one.platform, one.chat_id) for one in await self._kept.deliveries.undone()}
        busy = {turn.name[:2] for turn in self._open.values()}
        for name, chat_id in undone - busy:
            if platform := self._run_here().get(name):
                self._start(self._finish(platform, chat_id))
        waiting = [one for one in await self._kept.messages.waiting() if one.platform in self._run_here()]
        if waiting and not await self._brain.awake():
            return
        for message in waiting:
            if (message.platform, message.chat_id, message.author_id) not in self._open:
                self._turn_of(message, self._news.platforms[message.platform], 0.0)

    def _run_here(self) -> dict[str, Platform]:
        news = self._news
        return {name: one for name, one in news.platforms.items() if name not in news.elsewhere}

    async def run(self) -> None:
        """Sweep every few seconds until cancelled."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            try:
                await self.sweep()
            except Exception:  # the database may be away; the next sweep finds what this one did not
                log.exception("the sweep failed")

    async def close(self, patience: float = 10.0) -> None:
        """Finish what is being said, take nothing new; what is not done by then is taken up next time."""
        self._closing = True
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=patience)
        for task in set(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def think(self, questions: Sequence[Message]) -> Reply:
        """What the twin would answer to that now. Nothing of it is kept or sent; raises as the brain does."""
        return await self._brain.reply_to(questions)

    async def say(self, reply: Message, question: Message) -> None:
        """Send a reply that was approved. Raises ChatUnavailable when it will only be there later."""
        platform = self._news.platforms[reply.platform]
        await self._outbox.plan(reply, platform, [question.key])
        await self._kept.messages.conclude(question.key, f"answered by {reply.key}")
        async with self._alone(platform, reply.chat_id):
            pass  # taking the chat sends what is planned in it

    async def redo(self, answer: Message, question: Message, platform: Platform) -> None:
        """The question was changed after it was answered: the same messages get a new answer.

        The old answer is not learned from. To an old question, it stands.
        """
        messages, journal = self._kept.messages, self._kept.deliveries
        if too_old(question, now(), self._settings):
            await messages.strip_prompt(answer.key)
            return
        async with self._alone(platform, answer.chat_id):
            for old in reversed(await journal.of(answer.key)):
                if old.part or not old.message_id:
                    await Courier(platform, journal).take_back(old)
                else:
                    key = reply_key(platform.name)
                    new = replace(old, reply_key=key, question_key=question.key, state=DeliveryState.SHOWN)
                    await messages.reopen(question.key, answer.key, old, new)
            if answer.key == await self._answered_by(question):  # it was never sent: a draft
                await messages.await_answer(question.key)
                await messages.delete(answer.key, now())
        self._turn_of(question, platform, self._settings.burst_seconds)

    async def _answered_by(self, question: Message) -> str:
        return (await self._kept.messages.outcome(question.key) or "").rpartition(" ")[2]

    async def take_back(self, answer: Message, platform: Platform) -> None:
        """The question is gone: so is the answer, from the chat and from what is learned."""
        async with self._alone(platform, answer.chat_id):
            await self._kept.messages.delete(answer.key, now())
            await self._kept.messages.conclude(answer.key, "the question was deleted")
            for delivery in await self._kept.deliveries.of(answer.key):
                await Courier(platform, self._kept.deliveries).take_back(delivery)

    def in_background(self, work: Coroutine[object, object, None]) -> None:
        """Do it beside everything else; it is finished before we close."""
        self._start(work)

    # one turn

    def _turn_of(self, message: Message, platform: Platform, window: float) -> Turn:
        name = (message.platform, message.chat_id, message.author_id)
        turn = self._open.get(name)
        if turn is None or turn.sending:
            turn = self._open[name] = Turn(platform, message.chat_id, message.author_id)
            self._start(self._take(turn))
        elif message.key not in turn.asked:
            turn.news.set()
        turn.wait_for_more(window, self._settings.burst_most_seconds)
        return turn

    def _start(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(_logged(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _take(self, turn: Turn) -> None:
        """The whole of one turn; whatever happens, it ends, and nobody hears an exception."""
        answer = None
        try:
            with tracing.span(tracing.TURN, platform=turn.platform.name):
                answer = await self._gather_and_answer(turn)
                tracing.note(questions=len(turn.asked), answer=answer.key if answer else "")
        except (ModelUnavailable, AdapterUnusable) as trouble:  # it waits; the sweep comes back to it
            log.error("no answer to %s yet: %s", sorted(turn.asked), trouble)
            await self._news.trouble(
                "model", f"I cannot answer: {trouble}. Messages wait, and fresh ones are answered when I can."
            )
        except ModelRefused as refusal:
            log.error("no answer to %s: %s", sorted(turn.asked), refusal)
            await self._kept.messages.settle(turn.asked, "the model refused")
            await self._news.trouble("refused", f"The model refuses to answer: {refusal}")
        except ChatUnavailable as trouble:
            log.error("the answer to %s is not sent yet: %s", sorted(turn.asked), trouble)
        except ChatRefused as refusal:
            log.error("the answer to %s cannot be sent: %s", sorted(turn.asked), refusal)
            await self._kept.messages.settle(turn.asked, "the chat app refused")
        except NotOurs:
            log.info("another copy answers in %s:%s", *turn.name[:2])
        finally:
            if self._open.get(turn.name) is turn:
                del self._open[turn.name]
            if not turn.answer.done():
                turn.answer.set_result(answer)

    async def _gather_and_answer(self, turn: Turn) -> Message | None:
        while not self._closing:
            while turn.until > (clock := time.monotonic()):  # noqa: ASYNC110 (it may be put off meanwhile)
                await asyncio.sleep(turn.until - clock)
            async with self._alone(turn.platform, turn.chat_id) as begun:
                turn.news.clear()
                questions = await self._due(turn)
                turn.asked = frozenset(question.key for question in questions)
                try:
                    return await self._answering.answer(turn, questions, begun) if questions else None
                except Meanwhile:
                    continue
        return None

    async def _due(self, turn: Turn) -> list[Message]:
        """What this person has said and waits for an answer, without what is too old by now."""
        waiting = await self._kept.messages.waiting(*turn.name)
        reasons = {one.key: too_old(one, now(), self._settings) for one in waiting}
        for key, reason in reasons.items():
            if reason:
                await self._kept.messages.settle([key], reason)
        due = [one for one in waiting if not reasons[one.key]]
        if due and await owner_took_over(due[-1], self._kept.messages):
            await self._kept.messages.settle([one.key for one in due], "the owner answered")
            return []
        return due

    # what was left behind

    async def _finish(self, platform: Platform, chat_id: str) -> None:
        try:
            async with self._alone(platform, chat_id):
                pass  # taking the chat finishes what was left in it
        except (NotOurs, ChatUnavailable, ChatRefused) as reason:
            log.info("%s:%s is not finished yet: %s", platform.name, chat_id, reason)

    # who may speak

    @asynccontextmanager
    async def _alone(self, platform: Platform, chat_id: str) -> AsyncIterator[bool]:
        """The only one who speaks in this chat, in this process and among its copies.

        Gives whether something had been left undone there.
        """
        async with self._floor.taken(platform.name, chat_id):
            yield await self._outbox.finish(platform, chat_id)

    def _overtaken(self, answer: Message, question: Message) -> None:
        self._start(self._drafts.taken_over(answer, question))


async def _logged(work: Coroutine[object, object, None]) -> None:
    try:
        await work
    except Exception:  # nobody waits for it; the database says what is left to do
        log.exception("something in the background failed")
