"""Which of two answers is better? /compare, and what somebody chose.

The choice is feedback on the worse one, with the words of the better one; "both bad" is a thumb down on each.
"""

from __future__ import annotations

import secrets

from bot.candidates import CANDIDATE, OFFERED, another, keep, shown, thought
from bot.manners import LOOK_BACK
from bot.on_message import Conversation
from bot.on_reaction import may_judge
from bot.platform import Button, Invocation, Press, Said
from brain.live_adapter import AdapterUnusable
from brain.model_client import ModelRefused, ModelUnavailable
from storage.records import Feedback, Message, Role, Signal, message_key, now

OVER = "That is settled already."


async def compare(invocation: Invocation, talk: Conversation) -> Said:
    question = await _question(invocation, talk)
    if question is None:
        return Said("What should I answer? /compare and some words, or say something here first.")
    if not talk.authority.hears(question):
        return Said("I don't answer here.")
    try:
        first = await thought([question], talk.turns.think)
        second = await another(first, [question], talk.turns.think)
    except (ModelUnavailable, ModelRefused, AdapterUnusable):
        return Said("I cannot think right now; please try again in a while.")
    if second is None:
        return Said(f"I would say the same each time:\n{first.text}" if first.text else "I have no answer.")
    await talk.kept.messages.add(
        question, unsent=True
    )  # nobody there reads it; changes nothing if it is there
    await keep((first, second), CANDIDATE, talk.kept)
    text, buttons = shown(first, second)
    return Said(text, buttons)


async def chosen(press: Press, what: str, pair: str, talk: Conversation) -> Said | tuple[Message, Message]:
    """Keep the choice, once. Gives the answer to be sent now and its question, where two were offered."""
    found = await _open(pair, talk)
    if found is None:
        return Said(OVER)
    first, second, question, outcome = found
    kept, by, role = talk.kept, press.by, talk.authority.role_of(press.by)
    if by.id != question.author_id and role is not Role.OWNER:
        return Said("That is for whoever asked to say.")
    if role is not Role.OWNER and not await may_judge(by, first.key, talk):
        return Said("I don't answer here.")
    if not await kept.questions.put(f"choice {first.key}", press.action, by.id):
        return Said(OVER)
    if what == "choose-none":
        for bad in (first, second):
            await kept.feedback.record(Feedback(bad.key, by.id, role, Signal.DOWN, press.at))
            await kept.messages.conclude(bad.key, "both were bad")
        tell = Button("Tell you", f"ask-correct:{first.key}")
        return Said("Noted: neither. What should I have said?", (tell,))
    better, worse = (first, second) if what == "choose-a" else (second, first)
    await kept.feedback.record(Feedback(worse.key, by.id, role, Signal.CHOICE, press.at, better.text))
    await kept.messages.conclude(worse.key, f"worse than {better.key}")
    await kept.messages.conclude(better.key, "chosen")
    if outcome != OFFERED:
        return Said("Noted, thank you.")
    await kept.messages.conclude(question.key, f"answered by {better.key}")
    return better, question


async def _open(pair: str, talk: Conversation) -> tuple[Message, Message, Message, str] | None:
    """The two, their question and their outcome, while nobody has chosen."""
    messages, (first_key, _, tail) = talk.kept.messages, pair.rpartition("~")
    first = await messages.get(first_key)
    second = await messages.get(f"{first_key.partition('~')[0]}~{tail}")
    question = first and first.reply_to and await messages.get(first.reply_to)
    if not first or not second or not question:
        return None
    outcomes = {await messages.outcome(one.key) for one in (first, second)}
    return (first, second, question, outcomes.pop() or "") if outcomes in ({CANDIDATE}, {OFFERED}) else None


async def _question(invocation: Invocation, talk: Conversation) -> Message | None:
    """The words given with it, or the last thing this person said there."""
    by, prompt = invocation.by, invocation.words.get("prompt", "").strip()
    if not prompt:
        recent = await talk.kept.messages.recent(invocation.chat_id, by.platform, limit=LOOK_BACK)
        theirs = [said for said in recent if said.author_id == by.id and not said.by_twin]
        return theirs[-1] if theirs else None
    return Message(
        key=message_key(by.platform, invocation.chat_id, f"compare-{secrets.token_hex(6)}"),
        platform=by.platform,
        chat_id=invocation.chat_id,
        author_id=by.id,
        author_name=by.name,
        text=prompt,
        sent_at=now(),
        by_owner=talk.authority.role_of(by) is Role.OWNER,
        server_id=invocation.server_id,
        private=invocation.private,
        author_roles=by.roles,
        to_twin=True,
    )
