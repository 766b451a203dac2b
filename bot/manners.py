"""When does the twin speak, and when does it keep quiet? Decisions only; nothing here sends anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo

from bot.settings import ChatSettings
from storage.chats import quiet
from storage.records import Chat, Message

LOOK_BACK = 30  # messages


@dataclass(frozen=True, slots=True)
class Situation:
    """What is going on around a message."""

    at: datetime
    chat: Chat | None  # what was decided about this chat
    everywhere: Chat | None  # what was decided about all of them
    answers_twin: bool  # it replies to something the twin said
    recent: Sequence[Message]  # said there before, oldest first; empty to what a person addresses to us
    zone: tzinfo  # of the owner


def why_silent(message: Message, situation: Situation, settings: ChatSettings) -> str | None:
    """None: answer it. Otherwise why not, in a few words."""
    addressed = is_addressed(message, situation.answers_twin)
    if message.by_bot:
        if not message.to_twin:  # being replied to is not enough: two bots would never end
            return "another bot that did not name me"
        if _answers_to_bots(situation.recent) >= settings.bot_turns:
            return "enough said to other bots"
    if message.by_owner and (message.as_owner or not addressed):
        return "the owner speaks for themselves"
    if quiet(situation.everywhere, situation.at) or quiet(situation.chat, situation.at):
        return "asked to keep quiet"
    if not message.by_owner and _within(settings.quiet_from_to(), situation.at.astimezone(situation.zone)):
        return "quiet hours"
    mode = situation.chat.mode if situation.chat and situation.chat.mode else settings.mode
    if message.private:
        if not message.by_owner and (
            not settings.private or (situation.chat and situation.chat.mode == "off")
        ):
            return "switched off here"
    elif mode == "off":
        return "switched off here"
    elif not addressed:
        if mode == "mentions":
            return "not addressed"
        if message.to_others:
            return "somebody else is addressed"
        if _pressing(situation, settings.group_pause_seconds):
            return "nobody asked, and I spoke just now"
    return too_old(message, situation.at, settings)


def is_addressed(message: Message, answers_twin: bool) -> bool:
    return message.private or message.to_twin or answers_twin


def too_old(message: Message, at: datetime, settings: ChatSettings) -> str | None:
    return "too old" if at - message.sent_at > timedelta(minutes=settings.max_age_minutes) else None


def _answers_to_bots(recent: Sequence[Message]) -> int:
    """The twin's own answers since a person last spoke there."""
    answers = 0
    for said in reversed(recent):
        if not said.by_bot and not said.by_twin:
            break
        answers += said.by_twin
    return answers


def _pressing(situation: Situation, pause: float) -> bool:
    """Whether speaking unasked would be too much: the more often nobody reacted, the longer the pause."""
    own = {said.key for said in situation.recent if said.by_twin}
    unasked, last = 0, None
    for said in reversed(situation.recent):
        if said.by_twin:
            last = last or said.sent_at
            unasked += 1
        elif said.to_twin or said.reply_to in own:
            break
    return last is not None and situation.at - last < timedelta(seconds=pause * 2 ** min(unasked - 1, 10))


def _within(hours: tuple[time, time] | None, local: datetime) -> bool:
    if hours is None:
        return False
    begin, end = hours
    clock = local.time()
    return begin <= clock < end if begin <= end else clock >= begin or clock < end
