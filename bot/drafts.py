"""What happens to an answer that the owner sees first, or says themselves instead?

A proposal lies in the owner's own chat with buttons. Sent as it is, it is simply sent; edited, the owner's
words are sent and correct it; skipped, that is a thumb down. When the owner answers in the chat themselves,
their words are what should have been said: a takeover.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace

from bot.kept import Kept
from bot.owner_news import OwnerNews
from bot.platform import Button, Press, Question, Said
from bot.settings import ChatSettings
from brain.conversation import in_words
from storage.messages import MessageStore
from storage.records import Feedback, Message, Role, Signal, now, reply_key

log = logging.getLogger(__name__)

PROPOSED = "proposed"
SHOWN_CHARACTERS = 1000  # of a question, and of its draft
OVER = "That is settled already."


async def owner_took_over(question: Message, messages: MessageStore) -> bool:
    """The owner has written there since, to the others and not to the twin."""
    if question.by_owner or (question.private and not question.as_owner):
        return False
    return any(not said.to_twin for said in await messages.owner_spoke_after(question))


class Drafts:
    def __init__(self, kept: Kept, news: OwnerNews, settings: ChatSettings) -> None:
        self._kept = kept
        self._news = news
        self._settings = settings

    async def propose(self, draft: Message, questions: Sequence[Message]) -> None:
        """Put it before the owner. What it answers counts as settled then: nothing else is made of it."""
        await self._kept.messages.add(draft, unsent=True)
        await self._kept.messages.conclude(draft.key, PROPOSED)
        asked = "\n".join(in_words(one) for one in questions)[:SHOWN_CHARACTERS]
        who, words = questions[-1].author_name, draft.text[:SHOWN_CHARACTERS]
        text = f"{who} wrote:\n{asked}\n\nMy answer would be:\n{words}"
        buttons = (
            Button("Send", f"draft-send:{draft.key}"),
            Button("Edit", f"ask-draft-edit:{draft.key}"),
            Button("Skip", f"draft-skip:{draft.key}"),
        )
        if await self._news.tell(text, buttons, on=draft.platform) is None:
            log.error("the draft %s could not be proposed: the owner cannot be reached", draft.key)
        # Last, so that a crash proposes it once more instead of never: only the newest proposal counts.
        await self._kept.messages.settle([one.key for one in questions], f"proposed as {draft.key}")

    async def open_draft(self, key: str) -> tuple[Message, Message] | None:
        """The draft and the message it answers, while nothing was decided about it."""
        draft = await self._kept.messages.get(key)
        question = draft and draft.reply_to and await self._kept.messages.get(draft.reply_to)
        if not draft or not question or await self._kept.messages.outcome(key) != PROPOSED:
            return None
        if await self._kept.messages.outcome(question.key) != f"proposed as {key}":
            return None  # it was proposed once more since, after a crash or an edit
        return draft, question

    async def ask_edit(self, press: Press, key: str) -> Said | Question:
        found = await self.open_draft(key)
        if found is None:
            return Said(OVER)
        return Question(press.action, "Answer in your own words", "What to send", found[0].text)

    async def edited(self, press: Press, draft: Message) -> Message:
        """The owner's own words instead of the draft: a correction, and the reply to send."""
        words = (press.text or "").strip()
        if words == draft.text:
            return draft
        given = Feedback(draft.key, press.by.id, Role.OWNER, Signal.CORRECTION, press.at, words)
        await self._kept.feedback.record(given)
        return replace(draft, key=reply_key(draft.platform), text=words, sent_at=now(), stamp=None)

    async def skipped(self, press: Press, draft: Message) -> Said:
        await self._kept.feedback.record(Feedback(draft.key, press.by.id, Role.OWNER, Signal.DOWN, press.at))
        await self._kept.messages.conclude(draft.key, "skipped")
        return Said("Skipped; I count that as a 👎.")

    async def owner_spoke(self, message: Message) -> None:
        """The owner answered in a chat where drafts of mine lie: their words are the better ones."""
        for draft in await self._kept.messages.unseen(message.platform, message.chat_id, PROPOSED):
            question = draft.reply_to and await self._kept.messages.get(draft.reply_to)
            await self._kept.messages.conclude(draft.key, "taken over")
            if question:
                await self.taken_over(draft, question)

    async def taken_over(self, draft: Message, question: Message) -> None:
        """Wait until the owner is done writing, then keep their words against the draft nobody saw."""
        words: list[Message] = []
        while len(now_there := await self._kept.messages.owner_spoke_after(question)) > len(words):
            words = now_there
            await asyncio.sleep(self._settings.burst_seconds)
        if better := "\n".join(one.text for one in words if one.text.strip() and not one.to_twin):
            first = words[0]
            taken = Feedback(draft.key, first.author_id, Role.OWNER, Signal.TAKEOVER, first.sent_at, better)
            await self._kept.feedback.record(taken)
