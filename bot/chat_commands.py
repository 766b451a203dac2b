"""How does the twin behave in one chat? /chat, /pause, /resume and /draft.

In the owner's private chat these are about other chats: pauses are for all of them, the rest asks which. So
the chats in which the twin speaks from the owner's own account can be set without a friend reading it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo

from bot.on_message import Conversation
from bot.platform import Button, Invocation, Said
from storage.chats import EVERYWHERE, quiet
from storage.records import Chat, Role, now

FOREVER = datetime(9999, 1, 1, tzinfo=UTC)
LONGEST = 366 * 24 * 60  # minutes
LISTED = 8  # chats to choose from
LOOK_BACK = 10  # messages in which we look for who is there
DONE = {
    "off": "I say nothing there any more.",
    "mentions": "I answer there when I am named or replied to.",
    "always": "I may answer anything there.",
    "draft-on": "What I would answer there comes to the owner first.",
    "draft-off": "I answer there myself.",
}


async def set_chat(change: str, invocation: Invocation, talk: Conversation) -> Said:
    """`change` is a key of DONE."""
    if _at_home(invocation, talk):
        named = invocation.words.get("chat", "").partition(" ")[0]
        if not named:
            return await _ask_which(change, invocation, talk)
        platform, _, chat_id = named.partition(":")
        chat = await talk.kept.chats.get(platform, chat_id)
        return await _put(change, chat, talk) if chat else Said("I know no such chat.")
    return await _put(change, await _here(invocation, talk), talk)


async def chat_chosen(about: str, talk: Conversation) -> Said:
    change, _, where = about.partition(":")
    platform, _, chat_id = where.partition(":")
    chat = await talk.kept.chats.get(platform, chat_id)
    if change not in DONE or chat is None:
        return Said("I don't know that chat any more.")
    return await _put(change, chat, talk)


async def pause(invocation: Invocation, talk: Conversation) -> Said:
    minutes = invocation.words.get("minutes", "").strip()
    if minutes and not (minutes.isascii() and minutes.isdigit() and 0 < int(minutes) <= LONGEST):
        return Said("For how many minutes? /pause 30, or just /pause.")
    until = now() + timedelta(minutes=int(minutes)) if minutes else FOREVER
    chat = await _or_everywhere(invocation, talk)
    await talk.kept.chats.put(replace(chat, quiet_until=until, quiet_why="asked to"))
    where = "everywhere" if chat.platform == EVERYWHERE else "here"
    return Said(f"I keep quiet {where} {_until(until, talk.zone)}.", only_to_them=False)


async def resume(invocation: Invocation, talk: Conversation) -> Said:
    chat = await _or_everywhere(invocation, talk)
    await talk.kept.chats.put(replace(chat, quiet_until=None, quiet_why=None))
    if chat.platform == EVERYWHERE:
        return Said("I speak again, except in chats where I was asked to keep quiet.")
    if quiet(await talk.kept.chats.get(EVERYWHERE, EVERYWHERE), now()):
        return Said("Here I would speak again, but the owner has paused me everywhere.")
    return Said("I speak here again.", only_to_them=False)


async def how_here(invocation: Invocation, talk: Conversation) -> list[str]:
    """What holds for this chat, a line each."""
    everywhere = await talk.kept.chats.get(EVERYWHERE, EVERYWHERE)
    chat = await _here(invocation, talk)
    lines = []
    for paused, where in ((everywhere, "everywhere"), (chat, "here")):
        if paused and paused.quiet_until and quiet(paused, now()):
            why = f" ({paused.quiet_why})" if paused.quiet_why else ""
            lines.append(f"quiet {where} {_until(paused.quiet_until, talk.zone)}{why}")
    if not invocation.private:
        lines.append(f"speaks here: {chat.mode or talk.settings.mode}")
    elif chat.mode == "off":
        lines.append("speaks here: off")
    if talk.settings.draft if chat.draft is None else chat.draft:
        lines.append("draft mode: answers of this chat go to the owner first")
    return lines


async def _put(change: str, chat: Chat, talk: Conversation) -> Said:
    if change.startswith("draft-"):
        chat = replace(chat, draft=change == "draft-on")
    else:
        chat = replace(chat, mode=change)
    await talk.kept.chats.put(chat)
    return Said(DONE[change])


async def _ask_which(change: str, invocation: Invocation, talk: Conversation) -> Said:
    """The chats of this chat app where something was said last."""
    found = []
    for chat in await talk.kept.chats.all(invocation.by.platform):
        recent = await talk.kept.messages.recent(chat.chat_id, chat.platform, limit=LOOK_BACK)
        others = [said.author_name for said in recent if not (said.by_owner or said.by_twin)]
        if recent and others and chat.chat_id != invocation.chat_id:
            name = others[-1] if chat.private else f"{others[-1]} and others"
            found.append((recent[-1].sent_at, name, f"chat-set:{change}:{chat.platform}:{chat.chat_id}"))
    latest = sorted(found, reverse=True)[:LISTED]
    buttons = tuple(Button(name, action) for _, name, action in latest if len(action) <= 60)
    if not buttons:
        return Said("I know no other chat here yet. Use this in the chat that it is about.")
    return Said("In which chat?", buttons)


async def _here(invocation: Invocation, talk: Conversation) -> Chat:
    platform, chat_id = invocation.by.platform, invocation.chat_id
    known = await talk.kept.chats.get(platform, chat_id)
    return known or Chat(platform, chat_id, invocation.server_id, invocation.private)


async def _or_everywhere(invocation: Invocation, talk: Conversation) -> Chat:
    if not _at_home(invocation, talk):
        return await _here(invocation, talk)
    return await talk.kept.chats.get(EVERYWHERE, EVERYWHERE) or Chat(EVERYWHERE, EVERYWHERE)


def _at_home(invocation: Invocation, talk: Conversation) -> bool:
    return invocation.private and talk.authority.role_of(invocation.by) is Role.OWNER


def _until(moment: datetime, zone: tzinfo) -> str:
    if moment >= FOREVER:
        return "until /resume"
    return f"until {moment.astimezone(zone):%Y-%m-%d %H:%M}"
