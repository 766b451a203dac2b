"""How is an answer given to a browser? Word by word, to be stopped, beside another one, and kept.

Whoever listens may leave: the answer goes on and is there when they come back. Only `stop` ends it early, and
what was said until then is kept.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from api.problems import Refused
from api.shapes import chat
from api.showing import message_shown
from brain.live_adapter import AdapterUnusable
from brain.model_client import ModelRefused, ModelUnavailable
from brain.reply import Brain, Enough
from storage.adapters import UnknownAdapter
from storage.messages import MessageStore
from storage.records import Message, Stamp, now, reply_key
from storage.unavailable import DatabaseUnavailable

log = logging.getLogger(__name__)

WEB, API = "web", "api"  # the platforms of what is said in the dashboard, and by programs
CANDIDATE = "candidate"  # the outcome of one of two answers, as long as nobody chose
TROUBLES = (ModelUnavailable, ModelRefused, AdapterUnusable, UnknownAdapter, DatabaseUnavailable)
STOPS_WITHIN_SECONDS = 1.0  # the next word ends it; after so long without one, it is cut off
NO_MODEL = "no model server was started with this API: run 'twin up', or set [model] servers"


@dataclass
class Saying:
    """One answer on its way."""

    slot: int
    by: str | None
    key: str = field(default_factory=lambda: reply_key(WEB))
    text: str = ""
    stopped: bool = False
    task: asyncio.Task[None] | None = None


def answer_to(question: Message, key: str, text: str, stamp: Stamp | None) -> Message:
    """What is kept of it, in the question's own private chat."""
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
        stamp=stamp,
        private=True,
    )


class Talk:
    """`brain` None: this process has no model to ask."""

    def __init__(self, brain: Brain | None, messages: MessageStore) -> None:
        self._brain = brain
        self._messages = messages
        self._sayings: dict[str, Saying] = {}

    @property
    def brain(self) -> Brain:
        if self._brain is None:
            raise Refused(NO_MODEL, status=503)
        return self._brain

    @property
    def has_brain(self) -> bool:
        return self._brain is not None

    @property
    def sees(self) -> bool:
        """Whether the model is shown pictures; without eyes it is told that there is one."""
        return self._brain is not None and self._brain.pictures is not None and self._brain.pictures.most > 0

    @property
    def under_way(self) -> int:
        return len(self._sayings)

    def answer(self, question: Message, adapters: Sequence[str]) -> AsyncGenerator[chat.Growing]:
        """What happens until every answer is there. The answers do not wait for whoever reads this."""
        brain, heard = self.brain, asyncio.Queue[chat.Growing]()
        sayings = [Saying(slot, by) for slot, by in enumerate(adapters or [None])]
        for saying in sayings:
            self._sayings[saying.key] = saying
            saying.task = asyncio.create_task(
                self._say(brain, question, saying, heard, alone=len(sayings) == 1)
            )
        return self._growing(question, heard, len(sayings))

    async def _growing(
        self, question: Message, heard: asyncio.Queue[chat.Growing], count: int
    ) -> AsyncGenerator[chat.Growing]:
        yield chat.Growing(event="question", message=message_shown(question))
        while count:
            event = await heard.get()
            count -= event.event != "text"
            yield event

    async def stop(self, key: str) -> bool:
        """False: no such answer is on its way here."""
        saying = self._sayings.get(key)
        if saying is None:
            return False
        saying.stopped = True
        if saying.task:
            await asyncio.wait({saying.task}, timeout=STOPS_WITHIN_SECONDS if saying.text else 0)
            saying.task.cancel()
        return True

    async def close(self) -> None:
        """Nobody is going to read them any more."""
        tasks = [saying.task for saying in self._sayings.values() if saying.task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _say(
        self,
        brain: Brain,
        question: Message,
        saying: Saying,
        heard: asyncio.Queue[chat.Growing],
        *,
        alone: bool,
    ) -> None:
        async def on_text(text: str) -> None:
            delta, saying.text = text[len(saying.text) :], text
            heard.put_nowait(self._event("text", saying, delta=delta))
            if saying.stopped:
                raise Enough

        shown: chat.Message | None = None
        try:
            reply = await brain.reply_to([question], on_text, by=saying.by)
            said = answer_to(question, saying.key, reply.text, reply.stamp)
            shown = await self._kept(said, alone)
            heard.put_nowait(self._event("stopped" if saying.stopped else "done", saying, message=shown))
        except asyncio.CancelledError:
            if saying.stopped and saying.text:
                # The model fell silent, so nothing tells what made these words.
                said = answer_to(question, saying.key, saying.text.strip(), None)
                shown = await self._kept(said, alone)
            heard.put_nowait(self._event("stopped", saying, message=shown))
            if not saying.stopped:
                raise
        except TROUBLES as trouble:
            log.error("no answer to %s: %s", question.key, trouble)
            heard.put_nowait(self._event("failed", saying, told=str(trouble)))
        except Exception:
            log.exception("no answer to %s", question.key)
            told = "that is a bug in the twin; the log has its traceback"
            heard.put_nowait(self._event("failed", saying, told=told))
        finally:
            self._sayings.pop(saying.key, None)

    async def _kept(self, said: Message, alone: bool) -> chat.Message:
        await self._messages.add(said, unsent=not alone)
        if not alone:
            await self._messages.conclude(said.key, CANDIDATE)
        return message_shown(said, unsent=not alone)

    def _event(
        self,
        event: Literal["text", "done", "stopped", "failed"],
        saying: Saying,
        *,
        delta: str = "",
        message: chat.Message | None = None,
        told: str = "",
    ) -> chat.Growing:
        adapter = message.adapter if message else saying.by
        return chat.Growing.model_construct(
            event=event,
            slot=saying.slot,
            key=saying.key,
            adapter=adapter,
            delta=delta,
            message=message,
            told=told,
        )
