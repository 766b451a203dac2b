"""What may somebody know and decide about what the twin keeps of them? And what is forgotten by itself?"""

from __future__ import annotations

import logging
from datetime import timedelta

from bot.facts import forget_fact
from bot.kept import Kept
from bot.my_data import my_data
from bot.on_message import Conversation
from bot.platform import Button, Invocation, Person, Said
from bot.settings import ChatSettings
from storage.records import Consent, Role, now

log = logging.getLogger(__name__)

ALWAYS = ("help", "privacy", "optout", "forget", "mydata")  # commands for those who opted out, too
OPTED_OUT = "You opted out: I keep and answer nothing of yours. /optout undo brings me back."
ABOUT = """\
I am a program that answers in the way of the person who runs me. They can read what I keep.
I keep what is said in chats that I am in, with names, to know what we talk about: {days:g} days, then it is \
erased. I keep my own answers, and what people think of them.
I am trained on nothing in which your words are, unless you agree. If you do, I keep your words until you \
change your mind, and may learn from my answers to them.
/mydata gives you all I have of you. /forget erases it. /optout erases it, and I never keep or answer \
anything of yours again."""
STANDS = {
    Consent.UNKNOWN: "You have not agreed.",
    Consent.AGREED: "You have agreed that I learn from what you write.",
    Consent.OPTED_OUT: OPTED_OUT,
}
OWNERS = "You are the owner: I am yours to learn from, and /pause keeps me quiet. Others can use this."


async def on_command(invocation: Invocation, talk: Conversation) -> Said:
    """/privacy, /optout, /forget, /mydata"""
    by, words = invocation.by, invocation.words
    match invocation.command:
        case "privacy" if words.get("choice", "show") == "show":
            return await privacy(by, talk)
        case "privacy":
            return await decide(by, words["choice"] == "agree", talk)
        case "optout":
            return await opt_out(by, bool(words.get("undo")), talk)
        case "mydata":
            return await my_data(invocation, talk)
        case _:
            return await forget(by, words.get("what", "").strip(), talk)


async def privacy(by: Person, talk: Conversation) -> Said:
    about = ABOUT.format(days=talk.settings.keep_days)
    if talk.authority.role_of(by) is Role.OWNER:
        return Said(f"{about}\n\n{OWNERS}")
    consent = await talk.kept.people.consent(by.platform, by.id)
    agree, disagree = Button("I agree", "privacy-agree"), Button("I do not agree", "privacy-disagree")
    return Said(f"{about}\n\n{STANDS[consent]}", () if consent is Consent.OPTED_OUT else (agree, disagree))


async def decide(by: Person, agrees: bool, talk: Conversation) -> Said:
    people = talk.kept.people
    if talk.authority.role_of(by) is Role.OWNER:
        return Said(OWNERS)
    if await people.consent(by.platform, by.id) is Consent.OPTED_OUT:
        return Said(OPTED_OUT)
    await people.set_consent(by.platform, by.id, Consent.AGREED if agrees else Consent.UNKNOWN)
    if agrees:
        return Said(
            "Thank you: I may learn from what you write. /privacy disagree takes that back at any time."
        )
    return Said("I do not learn from what you write; the next training leaves out all that I had.")


async def opt_out(by: Person, undo: bool, talk: Conversation) -> Said:
    people = talk.kept.people
    if talk.authority.role_of(by) is Role.OWNER:
        return Said(OWNERS)
    if undo:
        if await people.consent(by.platform, by.id) is Consent.OPTED_OUT:
            await people.set_consent(by.platform, by.id, Consent.UNKNOWN)
        return Said("I answer you again. I learn from nothing you write unless you say so: /privacy.")
    await people.set_consent(by.platform, by.id, Consent.OPTED_OUT)  # first: nothing new is kept from now on
    await forget_person(by.platform, by.id, talk)
    return Said(
        "I have forgotten you, and keep and answer nothing of yours any more. /optout undo undoes that."
    )


async def forget(by: Person, what: str, talk: Conversation) -> Said:
    """What they said themselves; the owner may name somebody else, or a fact."""
    if talk.authority.role_of(by) is not Role.OWNER:
        if what:
            return Said(
                "Only the owner can name what I forget. /forget alone is about all you said yourself."
            )
        return await forget_me(by, talk)
    platform, _, person_id = what.partition(":")
    if not what:
        text = "Everything you ever said to me, in every chat here, and my answers to it?"
        return Said(text, (Button("Forget it all", "forget-mine"),))
    known = {*talk.news.platforms, *talk.authority.accounts}  # whether it runs now or not
    if platform in known and person_id and " " not in person_id:
        gone = await forget_person(platform, person_id, talk)
        return Said(f"Forgotten; {gone} entries are gone." if gone else "I have nothing of them.")
    return await forget_fact(what, talk.kept.facts)


async def forget_me(by: Person, talk: Conversation) -> Said:
    gone = await forget_person(by.platform, by.id, talk)
    if not gone:
        return Said("I have nothing of yours.")
    return Said(
        f"Forgotten: what you said, what I answered, what you thought of it. {gone} entries are gone."
    )


async def forget_person(platform: str, person_id: str, talk: Conversation) -> int:
    """All they said, the answers to it, the signals on those, and the ones they gave; how many entries.

    Answers to others that were made with their words in view stay, without what the model was shown.
    """
    kept = talk.kept
    gone = await talk.unlearn(platform, person_id) if talk.unlearn else 0
    said = await kept.messages.said_by(platform, person_id)
    gone += await kept.messages.erase([message.key for message in said])
    gone += await kept.feedback.erase_given_by(platform, person_id)
    for reply in await kept.messages.heard(platform, person_id):
        gone += await kept.messages.strip_prompt(reply.key)
    log.info("somebody is forgotten: %s entries", gone)
    return gone


async def forget_old(kept: Kept, settings: ChatSettings) -> int:
    """Erase what people other than the owner said longer ago than we keep it, unless they agreed to more.

    Answers made with such words in view lose what the model was shown. Returns how many entries changed.
    """
    since = now() - timedelta(days=settings.keep_days)
    agreed = await kept.people.who(Consent.AGREED)
    old = await kept.messages.before(since, by_twin=False)
    gone = await kept.messages.erase(
        [said.key for said in old if f"{said.platform}:{said.author_id}" not in agreed]
    )
    for reply in await kept.messages.before(since, by_twin=True):
        if reply.stamp and not agreed.issuperset(reply.stamp.speakers):
            gone += await kept.messages.strip_prompt(reply.key)
    return gone
