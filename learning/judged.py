"""Which conversation does a signal belong to, and which conversations are never trained on?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from brain.prompt import heard
from learning.duplicates import plain
from storage.records import Feedback, Message, Prompt, stable_id

SESSION = timedelta(minutes=30)
FEW = 5  # with fewer conversations than this, single exchanges are held out instead


@dataclass(frozen=True, slots=True)
class Judged:
    """One signal, the reply it is about, and how much it weighs."""

    feedback: Feedback
    reply: Message
    prompt: Prompt
    weight: float


def conversation(item: Judged) -> str:
    return f"{item.reply.platform}:{item.reply.chat_id}"


def exchange(item: Judged) -> str:
    """One exchange: what was asked, so that the same question never lies on both sides."""
    return plain(heard(item.prompt))


def held_out(judged: Sequence[Judged], share: float) -> set[str]:
    """The exchanges that are never trained on: whole conversations, chosen by a hash.

    By a hash and not by drawing lots: what was held out once stays held out as feedback grows, so a later
    adapter is never examined on what an earlier one was taught.
    """
    sessions = by_session(judged)
    groups = sessions if len(sessions) >= FEW else {exchange(item): [item] for item in judged}
    chosen = {name for name in groups if int(stable_id("heldout", name)[:8], 16) < share * 2**32}
    if not chosen and len(groups) >= FEW:
        chosen = {min(groups, key=lambda name: stable_id("heldout", name))}
    return {exchange(item) for name in chosen for item in groups[name]}


def by_session(judged: Sequence[Judged]) -> dict[str, list[Judged]]:
    """Replies in one chat without a long silence between them, named by the first of them."""
    chats: defaultdict[str, list[Judged]] = defaultdict(list)
    for item in judged:
        chats[conversation(item)].append(item)
    sessions: dict[str, list[Judged]] = {}
    for items in chats.values():
        items.sort(key=lambda item: (item.reply.sent_at, item.reply.key))
        name, last = "", items[0].reply.sent_at
        for item in items:
            if not name or item.reply.sent_at - last > SESSION:
                name = item.reply.key
            last = item.reply.sent_at
            sessions.setdefault(name, []).append(item)
    return sessions
