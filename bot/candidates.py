"""How does somebody get two answers to choose from? How they are made, kept and shown.

Both are kept as answers that nobody was given. Now and then the owner gets two in place of one (`due`), and
the one they choose is sent.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence

from bot.kept import Kept
from bot.platform import Button, ChatRefused, ChatUnavailable, Platform
from bot.repetition import without_stutter
from bot.settings import ChatSettings
from brain.reply import Reply
from storage.records import Message, now, reply_key, stable_id

log = logging.getLogger(__name__)

CANDIDATE = "candidate"  # outcome of an answer that lies there to be chosen
OFFERED = "offered"  # the same, and the chosen one is going to be sent
TRIES = 3  # to get another answer than the first
SHOWN_CHARACTERS = 900  # of each answer

Think = Callable[[Sequence[Message]], Awaitable[Reply]]


async def thought(questions: Sequence[Message], think: Think) -> Message:
    """What the twin would answer to that now, as a reply that is neither kept nor sent; it may be empty."""
    question, reply = questions[-1], await think(questions)
    return Message(
        key=reply_key(question.platform),
        platform=question.platform,
        chat_id=question.chat_id,
        author_id="twin",
        author_name="twin",
        text=without_stutter(reply.text),
        sent_at=now(),
        by_twin=True,
        reply_to=question.key,
        stamp=reply.stamp,
        server_id=question.server_id,
        private=question.private,
        as_owner=question.as_owner,
    )


async def another(first: Message, questions: Sequence[Message], think: Think) -> Message | None:
    """A second answer to the same, in other words; None when none comes."""
    for _ in range(TRIES if first.text else 0):
        second = await thought(questions, think)
        if second.text and second.text.split() != first.text.split():
            return second
    return None


async def keep(pair: Sequence[Message], outcome: str, kept: Kept) -> None:
    for one in pair:
        await kept.messages.add(one, unsent=True)
        await kept.messages.conclude(one.key, outcome)


def shown(first: Message, second: Message) -> tuple[str, tuple[Button, ...]]:
    """The two in words, and the buttons to choose by; their actions name both."""
    pair = f"{first.key}~{second.key.rpartition('~')[2]}"
    buttons = (
        Button("A", f"choose-a:{pair}"),
        Button("B", f"choose-b:{pair}"),
        Button("Both bad", f"choose-none:{pair}"),
    )
    return f"A:\n{first.text[:SHOWN_CHARACTERS]}\n\nB:\n{second.text[:SHOWN_CHARACTERS]}", buttons


def due(question: Message, settings: ChatSettings) -> bool:
    """Whether two answers are offered to this one: for a share of what the owner says to the twin alone."""
    drawn = int(stable_id("compare", question.key)[:8], 16) / 2**32  # the same whenever it is asked
    return question.by_owner and question.private and not question.as_owner and drawn < settings.compare_share


async def offer(
    first: Message, second: Message, questions: Sequence[Message], platform: Platform, kept: Kept
) -> bool:
    """Put both before the owner; the one they choose is sent then. False: it could not be put."""
    await keep((first, second), OFFERED, kept)
    text, buttons = shown(first, second)
    try:
        await platform.tell(first.chat_id, f"Which one is more like me?\n\n{text}", buttons)
    except (ChatRefused, ChatUnavailable) as reason:
        log.warning("%s and %s are not offered: %s", first.key, second.key, reason)
        for one in (first, second):
            await kept.messages.conclude(one.key, "not offered")
        return False
    await kept.messages.settle([one.key for one in questions], f"offered as {first.key}")
    return True
