"""Who hears how a run ended? Whoever asked for it, in that chat; of what fails by itself, the owner."""

from __future__ import annotations

import asyncio
import logging

from bot.on_message import Conversation
from bot.platform import ChatRefused, ChatUnavailable
from storage.records import Run, RunState
from storage.unavailable import DatabaseUnavailable
from twin import show
from twin.build import Stores
from twin.learn import in_words

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5


async def tell_outcomes(stores: Stores, talk: Conversation, every: float = LOOK_SECONDS) -> None:
    """For ever. A run is told once it is over, and it is written down that it was."""
    while True:
        try:
            for run in await stores.runs.to_tell():
                if await _told(run, talk):
                    await stores.runs.told(run.id)
        except DatabaseUnavailable as reason:
            log.error("how runs ended cannot be told now: %s", reason)
        await asyncio.sleep(every)


async def _told(run: Run, talk: Conversation) -> bool:
    """Whether it is done with; not, where another copy of the service runs that chat app."""
    words = run_in_words(run)
    if run.tell == "owner":
        if talk.news.elsewhere and not talk.news.reaches:
            return False
        await _by_itself(run, words, talk)
        return True
    name, _, chat_id = (run.tell or "").partition(":")
    platform = talk.news.platforms.get(name)
    if platform is None or name in talk.news.elsewhere:
        return False
    try:
        await platform.tell(chat_id, words)
    except (ChatRefused, ChatUnavailable) as reason:
        log.warning("%s:%s is not told: %s", name, chat_id, reason)
        await talk.news.tell(words, on=name)
    return True


async def _by_itself(run: Run, words: str, talk: Conversation) -> None:
    """Nobody waits for it: the terminal hears what was learned, the owner of trouble, once, and its end."""
    what = run.key or run.kind
    if run.state is RunState.FAILED:
        show.sentence(f"{what} failed, and will be tried again: {run.error}")
        await talk.news.trouble(f"run {what}", f"My {what} run failed: {run.error}")
    elif run.state is RunState.PASSED:
        await talk.news.over(f"run {what}", f"My {what} run works again.")
        outcome = run.metrics.get("outcome")
        if outcome in ("live", "on trial", "refused"):
            show.sentence(words)
        if outcome == "live":  # how a trial ends is told when it does
            await talk.news.tell(words)


def run_in_words(run: Run) -> str:
    """How it ended, for a person."""
    match run.state:
        case RunState.PASSED if "outcome" in run.metrics:
            told = run.metrics
            return in_words(str(told["outcome"]), told.get("version"), told.get("reasons") or ())
        case RunState.PASSED:
            return f"{run.kind}: done."
        case RunState.CANCELLED:
            return f"{run.kind}: {run.error or 'cancelled'}"
        case RunState.FAILED if run.kind in ("learn", "retrain"):
            return f"Learning stopped: {run.error}"
        case _:
            return f"{run.kind}: {run.error}"
