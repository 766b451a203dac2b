"""What can somebody do here? The words of /help, made from the list of commands."""

from __future__ import annotations

from bot.commands import COMMANDS, Command, Word
from bot.platform import Person
from bot.settings import ChatSettings
from storage.records import Role

TEACHING = """\
{up} and {down} on an answer of mine tell me whether it was good; taking one back makes it not count. \
After {down} I ask what I should have said. I learn from the owner and the people they chose."""
MARKED = "A reply to it that begins with {mark} says it better: {mark} like this."
REPLYING = "Reply to me, or name me, and I answer. You talk with a program, not with a person: /privacy."


def help_for(by: Person, role: Role, settings: ChatSettings) -> str:
    lines = [in_words(command, role) for command in COMMANDS if may_use(command, by, role)]
    up, down, mark = settings.thumbs_up[0], settings.thumbs_down[0], settings.correction_mark
    lines += ["", TEACHING.format(up=up, down=down)]
    if mark and role is not Role.OTHER:  # from others it is just a message
        lines.append(MARKED.format(mark=mark))
    return "\n".join([*lines, REPLYING])


def may_use(command: Command, by: Person, role: Role) -> bool:
    if role is Role.OWNER:
        return True
    return by.is_admin if command.admins else not command.owner_only


def in_words(command: Command, role: Role) -> str:
    words = () if command.owner_words and role is not Role.OWNER else command.words
    usage = " ".join([f"/{command.name}", *map(_word, words)])
    return f"{usage}: {command.description[0].lower()}{command.description[1:]}"


def _word(word: Word) -> str:
    shown = "|".join(word.choices) if word.choices else word.name
    return shown if word.required else f"[{shown}]"
