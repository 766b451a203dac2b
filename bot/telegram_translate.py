"""What does Telegram's message say in our words? Nothing is decided here, and nothing is fetched."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC

from telegram import (
    Chat,
    Message,
    MessageEntity,
    MessageReactionUpdated,
    ReactionType,
    ReactionTypeCustomEmoji,
    ReactionTypeEmoji,
    User,
)
from telegram.constants import ChatType

from bot.platform import Person, Reaction
from bot.telegram_media import media_of
from bot.telegram_places import PLATFORM, Place
from storage import records

# "@twin_bot, what's up" minus us is "what's up".
SPACE_AFTER = re.compile(r"[,:]?\s*")


@dataclass(frozen=True, slots=True)
class Eyes:
    """What it takes to see who is meant: who we are, what we are called, who the owner is."""

    me: User
    names: re.Pattern[str] | None
    owner_ids: Collection[str]


def names_pattern(names: Sequence[str]) -> re.Pattern[str] | None:
    words = "|".join(re.escape(name) for name in names if name)
    return re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE) if words else None


def place_of_message(message: Message, owner: int | None = None) -> Place:
    topic = message.message_thread_id if message.is_topic_message else None
    return Place(message.chat.id, topic, owner)


def to_message(message: Message, eyes: Eyes, owner: int | None = None) -> records.Message | None:
    """None: a service message, or one that the chat app itself put there. `owner`: as whom we read it."""
    text = message.text or message.caption or ""
    media = media_of(message)
    if message.is_automatic_forward or not (text or media):
        return None
    place = place_of_message(message, owner)
    author = author_of(message)
    mentions = _mentions(message, eyes.me)
    words = _without(text, mentions.us) if mentions.us else text
    forwarded = message.forward_origin is not None  # then none of its words are its author's
    answered = answered_by(message)
    return records.Message(
        key=place.key(message.message_id),
        platform=PLATFORM,
        chat_id=place.chat_id,
        author_id=author.id,
        author_name=author.name,
        text="" if forwarded else words,
        sent_at=message.date.astimezone(UTC),
        by_owner=author.id == str(owner) if owner else author.id in eyes.owner_ids,
        reply_to=place.key(answered.message_id) if answered else None,
        edited_at=message.edit_date.astimezone(UTC) if message.edit_date else None,
        server_id=None if message.chat.type == ChatType.PRIVATE else str(message.chat.id),
        private=message.chat.type == ChatType.PRIVATE,
        as_owner=owner is not None,
        by_bot=author.is_bot,
        to_twin=bool(mentions.us) or bool(eyes.names and eyes.names.search(text)),
        to_others=mentions.others or _answers_somebody_else(message, answered, eyes.me),
        media=media,
        quote=words if forwarded else message.quote.text if message.quote else None,
        album=message.media_group_id,
    )


def to_person(user: User, *, is_admin: bool = False) -> Person:
    return Person(PLATFORM, str(user.id), user.full_name, user.is_bot, is_admin=is_admin)


def to_reactions(change: MessageReactionUpdated) -> Iterator[Reaction]:
    """One for each emoji that came or went. Nobody knows whose an anonymous one is."""
    if not change.user:
        return
    by, key = to_person(change.user), Place(change.chat.id).key(change.message_id)
    old = [_emoji(one) for one in change.old_reaction]
    new = [_emoji(one) for one in change.new_reaction]
    at = change.date.astimezone(UTC)
    yield from (Reaction(key, emoji, by, at, added=False) for emoji in old if emoji not in new)
    yield from (Reaction(key, emoji, by, at, added=True) for emoji in new if emoji not in old)


def author_of(message: Message) -> Person:
    """The person, or the group or channel that somebody speaks for."""
    if chat := message.sender_chat:
        itself = chat.id == message.chat.id  # an anonymous admin of this very group
        return Person(PLATFORM, str(chat.id), _title(chat), is_admin=itself)
    if message.from_user:
        return to_person(message.from_user)
    return Person(PLATFORM, str(message.chat.id), _title(message.chat))


def _title(chat: Chat) -> str:
    return chat.title or chat.full_name or str(chat.id)


def answered_by(message: Message) -> Message | None:
    """In a topic everything answers the message that opened it; that one says nothing."""
    answered = message.reply_to_message
    if answered and message.is_topic_message and answered.message_id == message.message_thread_id:
        return None
    return answered


def _answers_somebody_else(message: Message, answered: Message | None, me: User) -> bool:
    if not answered or message.chat.type == ChatType.PRIVATE:
        return False
    return answered.from_user is None or answered.from_user.id != me.id


@dataclass(frozen=True, slots=True)
class _Mentions:
    us: list[MessageEntity]
    others: bool


def _mentions(message: Message, me: User) -> _Mentions:
    us: list[MessageEntity] = []
    others = False
    encoded = (message.text or message.caption or "").encode("utf-16-le", "surrogatepass")
    for entity in message.entities or message.caption_entities:
        start, end = entity.offset * 2, (entity.offset + entity.length) * 2
        named = encoded[start:end].decode("utf-16-le", "replace").lower()
        if entity.type == MessageEntity.MENTION:
            ours = named == f"@{me.username}".lower()
        elif entity.type == MessageEntity.TEXT_MENTION and entity.user:
            ours = entity.user.id == me.id
        else:
            continue
        if ours:
            us.append(entity)
        else:
            others = True
    return _Mentions(us, others)


def _without(text: str, mentions: list[MessageEntity]) -> str:
    encoded = text.encode("utf-16-le", "surrogatepass")
    kept, end = "", 0
    for entity in mentions:
        kept = _joined(kept, encoded[end : entity.offset * 2].decode("utf-16-le", "surrogatepass"))
        end = (entity.offset + entity.length) * 2
    return _joined(kept, encoded[end:].decode("utf-16-le", "surrogatepass")).strip()


def _joined(before: str, after: str) -> str:
    """The text before a mention and the text after it."""
    at_a_gap = not before or before[-1].isspace()
    return before + (SPACE_AFTER.sub("", after, count=1) if at_a_gap else after)


def _emoji(reaction: ReactionType) -> str:
    if isinstance(reaction, ReactionTypeEmoji):
        return reaction.emoji
    if isinstance(reaction, ReactionTypeCustomEmoji):
        return f":{reaction.custom_emoji_id}:"
    return f":{reaction.type}:"
