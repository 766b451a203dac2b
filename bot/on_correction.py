"""What happens when somebody says how it should have been said?"""

from __future__ import annotations

from datetime import datetime

from storage.feedback import FeedbackStore
from storage.messages import MessageStore
from storage.records import Feedback, Role, Signal


async def on_correction(
    reply_key: str,
    text: str,
    *,
    given_by: str,
    role: Role,
    at: datetime,
    messages: MessageStore,
    feedback: FeedbackStore,
    growing: bool = False,
) -> bool:
    """Keep the better words if they are about a reply of the twin and differ from it; say whether.

    Of anybody who does not teach, only that they corrected it: their words teach nothing. `growing`: it is
    a reply of the twin even where it is not kept yet, because it is still being written.
    """
    reply = await messages.get(reply_key)
    better = text.strip()
    if not better or (reply is None and not growing):
        return False
    if reply is not None and (not reply.by_twin or better == reply.text):
        return False
    words = None if role is Role.OTHER else better
    await feedback.record(Feedback(reply_key, given_by, role, Signal.CORRECTION, at, words))
    return True
