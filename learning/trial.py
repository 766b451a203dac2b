"""How does the adapter on trial do, and what follows? Watched by the clock; the decision is a record.

Nothing here waits for anybody: each look reads what was said since the trial began, and decides or does not.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from learning.canary import Arm, Decision, Finding, Opinion, weigh
from learning.guardrails import Health, symptoms
from learning.settings import CanarySettings
from storage.adapters import TO_TELL, AdapterStore
from storage.feedback import FeedbackStore
from storage.messages import MessageStore
from storage.records import Adapter, AdapterState, Feedback, Message, Role, Signal, now

LOOK_BACK = timedelta(days=90)  # for what somebody's habits were before the trial
WORTH_TELLING = timedelta(days=2)  # so long the owner may be out of reach and still hears how it ended
SAID_BEFORE = 5  # replies in one chat that a new one is held against
EVERYDAY = 20  # letters; shorter answers repeat by nature
JUDGED = {
    Signal.UP: 1.0,
    Signal.DOWN: 0.0,
    Signal.COMPLAINT: 0.0,
    Signal.CORRECTION: 0.0,
    Signal.TAKEOVER: 0.0,
}


@dataclass(frozen=True, slots=True)
class Ending:
    """How a trial stands or ended. `words` is for the owner."""

    version: str
    before: str | None  # the live one that it was tried beside; None: the bare base model
    decision: Decision
    words: str
    finding: Finding
    symptoms: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


async def watch(
    adapters: AdapterStore,
    messages: MessageStore,
    feedback: FeedbackStore,
    settings: CanarySettings,
    at: datetime | None = None,
) -> Ending | None:
    """Look at the canary once, and promote it or take it back when that is due. None: nothing is on trial."""
    at = at or now()
    canary = next(iter(await adapters.all(AdapterState.CANARY)), None)
    if canary is None or canary.canary_since is None:
        return None
    live = await adapters.live()
    replies = await messages.replies_since(canary.canary_since - LOOK_BACK)
    arms = _arms(replies, canary, live)
    opinions = _opinions(await feedback.effective(), replies, arms)
    ill = symptoms(*(_health(replies, arms, arm) for arm in ("canary", "live")))
    over = at - canary.canary_since >= timedelta(days=settings.days)
    finding = weigh(opinions, settings, last=over)
    decision: Decision = "roll back" if ill else finding.decision
    words = " ".join([*ill, finding.words])
    ending = Ending(canary.version, live.version if live else None, decision, words, finding, tuple(ill))
    if decision != "go on":
        settled = await adapters.settle_canary(
            canary.version,
            promote=decision == "promote",
            why=words,
            report={
                **canary.report,
                "trial": ending.as_json() | {TO_TELL: (now() + WORTH_TELLING).isoformat()},
            },
        )
        return ending if settled else None  # somebody else was quicker, the owner for one
    return ending


def _arms(replies: Iterable[Message], canary: Adapter, live: Adapter | None) -> dict[str, Arm | None]:
    """By reply: which adapter spoke during the trial; None for what came before it."""
    arms: dict[str, Arm | None] = {}
    usual = live.version if live else None
    assert canary.canary_since is not None
    for reply in replies:
        if reply.stamp is None:
            continue
        if reply.sent_at < canary.canary_since:
            arms[reply.key] = None
        elif reply.stamp.adapter == canary.version:
            arms[reply.key] = "canary"
        elif reply.stamp.adapter == usual:
            arms[reply.key] = "live"
    return arms


def _opinions(
    feedback: Iterable[Feedback], replies: Iterable[Message], arms: dict[str, Arm | None]
) -> list[Opinion]:
    """One for each person and reply: the worst that they said of it. The owner is one person everywhere."""
    when = {reply.key: reply.sent_at for reply in replies}
    worst: dict[tuple[str, str], Opinion] = {}
    for one in feedback:
        if one.kind not in JUDGED or one.reply_key not in arms:
            continue
        platform = one.reply_key.partition(":")[0]
        person = "owner" if one.role is Role.OWNER else f"{platform}:{one.given_by}"
        opinion = Opinion(person, one.role, JUDGED[one.kind], when[one.reply_key], arms[one.reply_key])
        known = worst.get((person, one.reply_key))
        if known is None or opinion.value < known.value:
            worst[person, one.reply_key] = opinion
    return list(worst.values())


def _health(replies: Sequence[Message], arms: dict[str, Arm | None], arm: Arm) -> Health:
    """What the replies of one arm look like, each beside the last ones of its chat, whoever said those."""
    said: defaultdict[tuple[str, str], deque[str]] = defaultdict(lambda: deque(maxlen=SAID_BEFORE))
    count = empty = repeated = 0
    seconds = []
    for reply in replies:
        words, before = (
            re.sub(r"\W+", " ", reply.text.casefold()).strip(),
            said[reply.platform, reply.chat_id],
        )
        if arms.get(reply.key) == arm and reply.stamp:
            count += 1
            empty += not reply.text.strip()
            repeated += len(words) >= EVERYDAY and words in before
            seconds.append(reply.stamp.total_ms / 1000)
        before.append(words)
    return Health(count, empty, repeated, tuple(seconds))
