"""Who said what before? The messages that the model gets to see for one answer, as turns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from brain.pictures import pictures_of
from brain.prompt import Turn
from storage.records import Media, Message, whole_chat

CHAIN = 12  # how far a chain of replies is followed back
FILE_CHARACTERS = 2000  # of a text file that hangs on a message


class SaidBefore(Protocol):
    """Where it is looked up: the store, or a conversation that somebody hands in."""

    async def get(self, key: str) -> Message | None: ...

    async def recent(
        self, chat_id: str, platform: str, limit: int = 20, before: datetime | None = None
    ) -> list[Message]: ...


async def gather(
    questions: Sequence[Message], messages: SaidBefore, history: int, pictures: int = 0
) -> tuple[list[Turn], tuple[str, ...]]:
    """The reply chain, the recent turns of that chat, and the questions (one person's turn), oldest first.

    `pictures`: at most so many of the latest are named in the turns. Also "platform:id" of everybody but the
    owner whose words are in there.
    """
    last = questions[-1]
    asked = {question.key for question in questions}
    recent = await messages.recent(last.chat_id, last.platform, limit=history + len(questions))
    # What came later is no part of it, nor what was answered to them: a question may be asked again.
    no_part = asked | {said.key for said in recent if not _was_there(said, last)}
    before = [said for said in recent if not {said.key, said.reply_to} & no_part][-history:]
    known = {said.key for said in before} | asked
    chain = await _chain(questions, messages, known)
    said = [*chain, *before, *questions]
    names = _names(said)
    with_a_friend = not last.by_owner  # then what the owner wrote there is the twin's own side
    looked_at = latest_pictures(said, pictures)
    turns = [
        Turn(
            names[one.author_id],
            words,
            ours=one.by_twin or (one.by_owner and with_a_friend),
            pictures=looked_at.get(one.key, ()),
        )
        for one in said
        if (words := in_words(one))
    ]
    others = {f"{one.platform}:{one.author_id}" for one in said if not (one.by_twin or one.by_owner)}
    return turns, tuple(sorted(others))


def latest_pictures(said: Sequence[Message], most: int) -> dict[str, tuple[str, ...]]:
    """The ids of at most so many pictures, by the message they hang on; the newest first come first.

    Emoji have the places that are left: their names are in the text.
    """
    found: dict[str, tuple[str, ...]] = {}
    for emoji in (False, True):
        for one in reversed(said):
            if most > 0 and not one.by_twin and (ids := pictures_of(one, emoji=emoji)[:most]):
                found[one.key] = (*found.get(one.key, ()), *ids)
                most -= len(ids)
    return found


def in_words(message: Message) -> str:
    """What was said, with what hangs on it: the model reads, whatever the chat app shows."""
    parts = [f"> {line}" for line in (message.quote or "").splitlines()]
    if message.text.strip():
        parts.append(message.text)
    parts += [_in_words(media) for media in message.media if media.kind != "emoji"]  # they stand in the text
    return "\n".join(parts)


def _in_words(media: Media) -> str:
    name = f": {media.name}" if media.name else ""
    said = media.text[:FILE_CHARACTERS].strip()
    if media.kind == "sticker":
        return f"[sticker{f' {said}' if said else name}]"
    return f"[{media.kind}{name}]" + (f"\n{said}" if said else "")


def _was_there(said: Message, last: Message) -> bool:
    """An answer may come after the next question; what others say later does not belong to this one."""
    return said.by_twin or said.sent_at <= last.sent_at


async def _chain(questions: Iterable[Message], messages: SaidBefore, known: set[str]) -> list[Message]:
    """What was replied to, and what that replied to, as far as it is not among the recent turns."""
    chain: list[Message] = []
    for question in questions:
        key = question.reply_to
        while key and key not in known and len(chain) < CHAIN:
            known.add(key)
            said = await messages.get(key)
            if said is None or said.deleted_at or said.platform != question.platform:
                break
            if whole_chat(said.chat_id) != whole_chat(question.chat_id):
                break  # never into another chat
            chain.append(said)
            key = said.reply_to
    return sorted(chain, key=lambda said: said.sent_at)


def _names(said: Iterable[Message]) -> dict[str, str]:
    """One name for each person, the latest they had; two people never share one."""
    latest = {one.author_id: one.author_name for one in said}
    names: dict[str, str] = {}
    for author, name in latest.items():
        number, free = 2, name
        while free in names.values():
            free, number = f"{name} ({number})", number + 1
        names[author] = free
    return names
