"""What is missing for the twin on Telegram, and what is to be done about it? For `twin doctor`."""

from __future__ import annotations

from contextlib import suppress

from telegram import Bot, User
from telegram.constants import ChatMemberStatus
from telegram.error import TelegramError

from bot.platform import ChatRefused, ChatUnavailable
from bot.telegram_app import open_bot
from bot.telegram_errors import in_words
from bot.telegram_places import PLATFORM
from storage.cursors import CursorStore

PRIVACY = (
    "the bot sees only commands and answers to it in groups. Tell @BotFather /setprivacy, choose @{name}, "
    "Disable; then remove the bot from each group and add it again"
)
BUSINESS = (
    "the bot cannot answer in the owner's own chats. Tell @BotFather /mybots, choose @{name}, Bot Settings, "
    "Business Mode, Turn on; then choose the bot in Telegram, Settings > Chat Automation"
)
NO_ADMIN = (
    'in the group "{title}" the bot is no admin, so it sees no reactions and cannot learn from them. '
    "Make it an admin there; it needs no particular right"
)
WEBHOOK_SET = (
    "Telegram is told to call {url}, so polling gets nothing until the twin starts and takes that back; if "
    "this is said again, another program sets it"
)
WEBHOOK_FAILS = "Telegram cannot deliver to the webhook: {why}. Check its address and its certificate"


async def missing_on_telegram(
    token: str,
    cursors: CursorStore,
    *,
    webhook_url: str | None = None,
    base_url: str | None = None,
    seconds: float = 10.0,
) -> list[str]:
    """One sentence for each; empty when all is well. `webhook_url`: None when the twin polls."""
    bot, requests = open_bot(token, base_url, None, seconds)
    try:
        for request in requests:
            await request.initialize()
        with in_words():
            me = await bot.get_me()
            return [
                *_about(me),
                *await _about_webhook(bot, webhook_url),
                *await _about_groups(bot, me, cursors),
            ]
    except (ChatRefused, ChatUnavailable) as reason:
        return [str(reason)]
    finally:
        for request in requests:
            await request.shutdown()


def _about(me: User) -> list[str]:
    missing = []
    if not me.can_read_all_group_messages:
        missing.append(PRIVACY.format(name=me.username))
    if not me.can_connect_to_business:
        missing.append(BUSINESS.format(name=me.username))
    return missing


async def _about_webhook(bot: Bot, wanted: str | None) -> list[str]:
    there = await bot.get_webhook_info()
    if there.url and wanted is None:
        return [WEBHOOK_SET.format(url=there.url)]
    if wanted and there.last_error_message:
        return [WEBHOOK_FAILS.format(why=there.last_error_message)]
    return []


async def _about_groups(bot: Bot, me: User, cursors: CursorStore) -> list[str]:
    """Those that we have heard of; Telegram has no list."""
    missing = []
    for cursor in await cursors.all(PLATFORM):
        kind, _, number = cursor.container.partition(":")
        if kind != "group" or cursor.value["status"] in (ChatMemberStatus.LEFT, ChatMemberStatus.BANNED):
            continue
        with suppress(TelegramError):  # we are not there any more
            member = await bot.get_chat_member(int(number), me.id)
            if member.status not in (ChatMemberStatus.ADMINISTRATOR, ChatMemberStatus.OWNER):
                chat = await bot.get_chat(int(number))
                missing.append(NO_ADMIN.format(title=chat.title))
    return missing
