"""Does the owner hear when somebody tries to steer the twin? It is looked for by the clock, and told once."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from bot.owner_news import OwnerNews
from learning.anomalies import anomalies
from storage.chats import QuestionStore
from storage.feedback import FeedbackStore
from storage.records import now
from storage.unavailable import DatabaseUnavailable

log = logging.getLogger(__name__)

GUARD_SECONDS = 3600.0
FRESH = timedelta(days=2)  # what ended earlier is told no more


async def guard_by_the_clock(
    feedback: FeedbackStore, told: QuestionStore, news: OwnerNews, every: float = GUARD_SECONDS
) -> None:
    """For ever. Nothing is left out of the learning for it: strangers do not train the twin anyway.

    What was told is written down, so that a restart repeats nothing; what could not be told is told later.
    """
    while True:
        try:
            if news.reaches or not news.elsewhere:  # else another copy tells it
                await _look(feedback, told, news)
        except DatabaseUnavailable as reason:
            log.error("whether somebody steers cannot be told now: %s", reason)
        await asyncio.sleep(every)


async def _look(feedback: FeedbackStore, told: QuestionStore, news: OwnerNews) -> None:
    for one in anomalies(await feedback.ever(), now() - FRESH):
        key = f"steering: {one.key}"
        if await told.get(key) is None:
            log.warning("%s among the signals: %d people", one.kind, len(one.people))
            if await news.tell(f"Somebody may be steering me. {one.words}"):
                await told.put(key, "", "")
