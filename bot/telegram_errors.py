"""Telegram said no, or said nothing: what does that mean to a person, and was it done all the same?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import httpx
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    EndPointNotFound,
    Forbidden,
    InvalidToken,
    RetryAfter,
    TelegramError,
)

from bot.platform import ChatRefused, ChatUnavailable

# The last one: the app is not running at the moment, so there is no connection.
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, RuntimeError)
BAD_TOKEN = "Telegram does not know this bot token. Copy it again from @BotFather into TWIN_TELEGRAM__TOKEN"
CONFLICT = "another program reads this bot's messages. Stop it, or give this one a bot of its own"


@contextmanager
def in_words() -> Iterator[None]:
    """Nothing of the library comes out of this block. Not chained where the error shows the token."""
    try:
        yield
    except InvalidToken:
        raise ChatRefused(BAD_TOKEN) from None
    except TelegramError as error:
        raise explain(error) from error


def explain(error: TelegramError) -> ChatUnavailable | ChatRefused:
    match error:
        case RetryAfter():
            return ChatUnavailable("Telegram asks us to be quiet for a while", retry_after=seconds_of(error))
        case Conflict():
            return ChatUnavailable(CONFLICT)
        case ChatMigrated():
            return ChatRefused(f"that group has become a supergroup; its id is {error.new_chat_id} now")
        case Forbidden():
            return ChatRefused(f"Telegram does not let us write there: {error.message}")
        case InvalidToken():
            return ChatRefused(BAD_TOKEN)
        case BadRequest() | EndPointNotFound():
            return ChatRefused(f"Telegram refused: {error.message}")
    if isinstance(error.__cause__, NEVER_SENT):
        return ChatUnavailable(
            "Telegram cannot be reached. Is there a network, and is api.telegram.org open?"
        )
    return ChatUnavailable(f"Telegram did not answer: {error.message}", maybe_done=True)


def seconds_of(error: RetryAfter) -> float:
    wait = error.retry_after
    return wait.total_seconds() if isinstance(wait, timedelta) else float(wait)


def says(error: TelegramError, *words: str) -> bool:
    return any(word in error.message.lower() for word in words)


def not_modified(error: BadRequest) -> bool:
    return says(error, "message is not modified")


def is_gone(error: BadRequest) -> bool:
    """There is no such message, or it may not be deleted any more."""
    return says(error, "message to edit not found", "message to delete not found", "message_id_invalid")
