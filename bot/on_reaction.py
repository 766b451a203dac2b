"""What happens when somebody reacts, thumbs-down included? One row is written; the next training reads it."""

from __future__ import annotations

from datetime import datetime

from storage.feedback import FeedbackStore
from storage.messages import MessageStore
from storage.records import Feedback, Role, Signal

THUMBS = {"👍": Signal.UP, "👎": Signal.DOWN}


def thumb(emoji: str) -> Signal | None:
    """Up, down, or nothing to us. Skin tones and the variation selector do not matter."""
    bare = "".join(letter for letter in emoji if letter not in "\N{VARIATION SELECTOR-16}🏻🏼🏽🏾🏿")
    return THUMBS.get(bare)


async def on_reaction(
    reply_key: str,
    signal: Signal,
    *,
    given_by: str,
    role: Role,
    at: datetime,
    messages: MessageStore,
    feedback: FeedbackStore,
) -> bool:
    """Keep the verdict if it is about one of the twin's own replies; say whether it was."""
    reply = await messages.get(reply_key)
    if reply is None or not reply.by_twin:
        return False
    await feedback.record(Feedback(reply_key, given_by, role, signal, at))
    return True


async def on_reaction_withdrawn(
    reply_key: str, signal: Signal, *, given_by: str, at: datetime, feedback: FeedbackStore
) -> bool:
    """A verdict that is taken back stops counting; say whether there was one."""
    return await feedback.withdraw(reply_key, given_by, signal, at)
