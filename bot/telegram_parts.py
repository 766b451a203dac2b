"""What is a message of ours made of besides its words: buttons, what it answers, how a question is put?"""

from __future__ import annotations

from collections.abc import Sequence

from telegram import (
    ForceReply,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    MessageEntity,
    ReplyParameters,
    User,
)

from bot.platform import Button, Person, Question
from bot.telegram_format import units

ROW = 36  # letters that fit side by side


def as_message(
    question: Question, named: Person | None, limit: int
) -> tuple[tuple[str, list[MessageEntity]], ForceReply]:
    """`named`: where others read along, else their apps would open an answer, too, or none would."""
    text = f"{question.title}\n{question.label}"
    entities: list[MessageEntity] = []
    if named:
        user = User(int(named.id), named.name, named.is_bot)
        entities.append(MessageEntity(MessageEntity.TEXT_MENTION, 0, units(named.name), user=user))
        text = f"{named.name}, {text}"
    if prefill := _beginning(question.prefill.strip(), limit - units(text) - 2):
        entities.append(MessageEntity(MessageEntity.PRE, units(text) + 2, units(prefill)))
        text = f"{text}\n\n{prefill}"
    markup = ForceReply(selective=True, input_field_placeholder=question.label[:64])
    return (text, entities), markup


def _beginning(text: str, length: int) -> str:
    return text.encode("utf-16-le", "replace")[: length * 2].decode("utf-16-le", "ignore")


def reply_to_id(message_id: int | None) -> ReplyParameters | None:
    return ReplyParameters(message_id, allow_sending_without_reply=True) if message_id else None


def keyboard(buttons: Sequence[Button]) -> InlineKeyboardMarkup | None:
    """Side by side as long as the labels are short."""
    rows: list[list[InlineKeyboardButton]] = []
    width = 0
    for button in buttons:
        width += len(button.label) + 4
        if not rows or width > ROW:
            rows.append([])
            width = len(button.label) + 4
        rows[-1].append(InlineKeyboardButton(button.label, callback_data=button.action))
    return InlineKeyboardMarkup(rows) if rows else None
