"""What happens when a button is pressed, or a question answered? The action says what it is about."""

from __future__ import annotations

from dataclasses import replace

from bot.on_correction import on_correction
from bot.on_message import Conversation
from bot.platform import ChatUnavailable, Platform, Press, Question, Said
from storage.records import Message, Role

NOTED = "Noted: next time more like that."
NOT_YOURS = "Only the owner can do that."


async def on_press(press: Press, platform: Platform, *, talk: Conversation) -> Said | Question | None:
    """Do what the button says, and say what came of it. The same press twice does it once."""
    what, _, about = press.action.partition(":")
    match what:
        case "ask-correct":
            return await _correct(press, about, talk)
        case "draft-send" | "ask-draft-edit" | "draft-skip":
            if talk.authority.role_of(press.by) is not Role.OWNER:
                return Said(NOT_YOURS)
            return await _decide(what, press, about, talk)
        case _:
            return Said("I don't know that button any more.")


async def _correct(press: Press, reply_key: str, talk: Conversation) -> Said | Question:
    reply = await talk.kept.messages.get(reply_key)
    if reply is None or not reply.by_twin:
        return Said("I don't have that answer any more.")
    if press.text is None:
        return Question(press.action, "What should I have said?", "The better words", reply.text)
    kept = await on_correction(
        reply_key,
        press.text,
        given_by=press.by.id,
        role=talk.authority.role_of(press.by),
        at=press.at,
        messages=talk.kept.messages,
        feedback=talk.kept.feedback,
    )
    return Said(NOTED if kept else "That is what I said; there is nothing to learn from it.")


async def _decide(what: str, press: Press, key: str, talk: Conversation) -> Said | Question:
    """About a draft that lies before the owner."""
    if what == "ask-draft-edit" and press.text is None:
        return await talk.drafts.ask_edit(press, key)
    found = await talk.drafts.open_draft(key)
    if found is None:
        return Said("That is settled already.")
    draft, question = found
    if what == "draft-skip":
        return await talk.drafts.skipped(press, draft)
    if what == "ask-draft-edit":
        reply = await talk.drafts.edited(press, draft)
    else:
        reply = draft
        await talk.kept.messages.conclude(key, "sent")
    return await _send(reply, question, talk)


async def _send(reply: Message, question: Message, talk: Conversation) -> Said:
    try:
        await talk.turns.say(replace(reply, reply_to=question.key), question)
    except ChatUnavailable:
        return Said("It will be sent as soon as the chat app lets me.")
    return Said("Sent.")
