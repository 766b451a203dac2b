"""Which commands does Telegram offer to whom, and which one did somebody type?"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from telegram import (
    Bot,
    BotCommandScope,
    BotCommandScopeAllChatAdministrators,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeChat,
)
from telegram.error import BadRequest, Forbidden

from bot.commands import COMMANDS, Command

TYPED = re.compile(r"/(?P<name>[A-Za-z0-9_]{1,32})(?:@(?P<whom>\w+))?(?:\s+(?P<rest>.*))?", re.DOTALL)
ALIASES = {"start": "help"}
UNKNOWN = "I don't know that command. /help shows what I can do."

MEMBERS = [command for command in COMMANDS if not (command.owner_only or command.admins)]
ADMINS = [command for command in COMMANDS if not command.owner_only]


@dataclass(frozen=True, slots=True)
class Typed:
    name: str
    rest: str
    to_us: bool  # it says so: /name@us
    to_another: bool


def typed_command(text: str | None, username: str) -> Typed | None:
    """None: no command, as "/home/me" is none."""
    found = TYPED.fullmatch(text or "")
    if not found:
        return None
    name, whom = found["name"].lower(), found["whom"]
    to_us = whom is not None and whom.lower() == username.lower()
    return Typed(ALIASES.get(name, name), found["rest"] or "", to_us, whom is not None and not to_us)


async def offer_commands(bot: Bot) -> None:
    await _offer(bot, ADMINS, BotCommandScopeAllPrivateChats())
    await _offer(bot, MEMBERS, BotCommandScopeAllGroupChats())
    await _offer(bot, ADMINS, BotCommandScopeAllChatAdministrators())


async def offer_owner_commands(bot: Bot, owner_ids: Collection[str]) -> set[str]:
    """Returns the owners whom it could not be offered yet: they have never written to the bot."""
    strangers = set()
    for owner_id in owner_ids:
        try:
            await _offer(bot, COMMANDS, BotCommandScopeChat(int(owner_id)))
        except (BadRequest, Forbidden):
            strangers.add(owner_id)
    return strangers


async def _offer(bot: Bot, commands: Collection[Command], scope: BotCommandScope) -> None:
    await bot.set_my_commands([(one.name, one.description) for one in commands], scope=scope)
