"""What may the twin know because the owner said so? /remember, and /forget of a fact."""

from __future__ import annotations

from bot.platform import Said
from storage.chats import FactStore

LONGEST = 300  # characters: every fact is in every prompt
SHORTEST = 3  # less would be in nearly all of them


async def remember(told: str, facts: FactStore) -> Said:
    fact = " ".join(told.split())
    if not fact:
        return Said("What should I remember? /remember I have a cat called Pixel.")
    if len(fact) > LONGEST:
        return Said(f"That is long: {len(fact)} characters. Keep a fact under {LONGEST}.")
    if not await facts.add(fact):
        return Said("I knew that already.")
    return Said("I know that from now on, and may tell everybody. /forget with some of its words undoes it.")


async def forget_fact(words: str, facts: FactStore) -> Said:
    wanted = words.casefold().strip()
    if len(wanted) < SHORTEST:
        return Said("Give me a little more of the fact.")
    known = [fact.text for fact in await facts.all() if wanted in fact.text.casefold()]
    if not known:
        return Said("I know no fact with these words. A person is forgotten by platform:id.")
    await facts.forget(wanted)
    return Said("\n".join(["Forgotten:", *(f"- {fact}" for fact in known)]))
