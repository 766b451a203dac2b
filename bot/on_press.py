"""What happens when a button is pressed, or a question answered? The action says what it is about."""

from __future__ import annotations

import logging
from dataclasses import replace

from bot import privacy
from bot.chat_commands import chat_chosen
from bot.compare import chosen
from bot.on_correction import on_correction
from bot.on_message import Conversation
from bot.on_reaction import may_judge
from bot.platform import ChatUnavailable, Platform, Press, Question, Said
from bot.teach import taught
from storage.records import Consent, Message, Role

log = logging.getLogger(__name__)

NOTED = "Noted: next time more like that."
NOT_COUNTED = "Thank you. I learn from the owner and the people they chose, so this is noted and no more."
NOT_YOURS = "Only the owner can do that."
OWNERS = {  # whose buttons nobody else may press
    "draft-send",
    "ask-draft-edit",
    "draft-skip",
    "ask-teach",
    "teach-skip",
    "teach-stop",
    "chat-set",
    "forget-mine",
    "roll-back",
}


async def on_press(press: Press, platform: Platform, *, talk: Conversation) -> Said | Question | None:
    """Do what the button says, and say what came of it. The same press twice does it once."""
    by, (what, _, about) = press.by, press.action.partition(":")
    is_owner = talk.authority.role_of(by) is Role.OWNER
    if what in OWNERS and not is_owner:
        log.warning("%s:%s may not press %s in %s", by.platform, by.id, what, press.chat_id)
        return Said(NOT_YOURS)
    if not is_owner and await talk.kept.people.consent(by.platform, by.id) is Consent.OPTED_OUT:
        return Said(privacy.OPTED_OUT)
    match what:
        case "ask-correct":
            return await correct(press, about, talk)
        case "draft-send" | "ask-draft-edit" | "draft-skip":
            return await _decide(what, press, about, talk)
        case "choose-a" | "choose-b" | "choose-none":
            outcome = await chosen(press, what, about, talk)
            return outcome if isinstance(outcome, Said) else await _send(*outcome, talk)
        case "ask-teach" | "teach-skip" | "teach-stop":
            return await taught(press, what, about, talk)
        case "chat-set":
            return await chat_chosen(about, talk)
        case "privacy-agree" | "privacy-disagree":
            return await privacy.decide(by, what == "privacy-agree", talk)
        case "forget-mine":
            return await privacy.forget_me(by, talk)
        case "roll-back" if talk.take_back:
            return Said(await talk.take_back(about))
        case _:
            return Said("I don't know that button any more.")


async def correct(press: Press, reply_key: str, talk: Conversation) -> Said | Question:
    reply, role = await talk.kept.messages.get(reply_key), talk.authority.role_of(press.by)
    if reply is None or not reply.by_twin:
        return Said("I don't have that answer any more.")
    if role is not Role.OWNER and not await may_judge(press.by, reply_key, talk):
        return Said("I don't answer here.")
    if press.text is None:
        return Question(press.action, "What should I have said?", "The better words", reply.text)
    kept = await on_correction(
        reply_key,
        press.text,
        given_by=press.by.id,
        role=role,
        at=press.at,
        messages=talk.kept.messages,
        feedback=talk.kept.feedback,
    )
    if not kept:
        return Said("That is what I said; there is nothing to learn from it.")
    return Said(NOT_COUNTED if role is Role.OTHER else NOTED)


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
    edited = what == "ask-draft-edit"
    sent = await _send(await talk.drafts.edited(press, draft) if edited else draft, question, talk)
    await talk.kept.messages.conclude(key, "edited" if edited else "sent")
    return sent


async def _send(reply: Message, question: Message, talk: Conversation) -> Said:
    try:
        await talk.turns.say(replace(reply, reply_to=question.key), question)
    except ChatUnavailable:
        return Said("It will be sent as soon as the chat app lets me.")
    return Said("Sent.")
