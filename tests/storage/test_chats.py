from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

from storage.chats import ChatStore, FactStore, PersonStore, QuestionStore, quiet
from storage.database import Database
from storage.leases import LeaseStore
from storage.records import Chat, Consent, Limits, now


async def test_what_was_decided_about_a_chat_is_kept_until_it_is_decided_anew(database: Database) -> None:
    store = ChatStore(database)
    assert await store.get("discord", "5") is None
    chat = Chat("discord", "5", "1", mode="always", draft=True, quiet_until=now(), quiet_why="asked")
    await store.put(chat)
    await store.put(Chat("discord", "6", private=True))
    assert await store.get("discord", "5") == chat
    await store.put(replace(chat, draft=None))
    assert await store.all("discord") == [replace(chat, draft=None), Chat("discord", "6", private=True)]
    assert await store.all("telegram") == []


def test_quiet_ends_by_itself() -> None:
    at = now()
    chat = Chat("discord", "5", quiet_until=at + timedelta(seconds=1))
    assert quiet(chat, at)
    assert not quiet(chat, at + timedelta(seconds=1))
    assert not quiet(Chat("discord", "5"), at)
    assert not quiet(None, at)


async def test_nobody_has_agreed_to_anything_until_they_do(database: Database) -> None:
    store = PersonStore(database)
    assert await store.consent("discord", "5") is Consent.UNKNOWN
    await store.set_consent("discord", "5", Consent.AGREED)
    await store.set_consent("telegram", "5", Consent.OPTED_OUT)
    assert await store.consent("discord", "5") is Consent.AGREED
    assert await store.who(Consent.AGREED) == {"discord:5"}
    await store.set_consent("discord", "5", Consent.OPTED_OUT)
    assert await store.who(Consent.OPTED_OUT) == {"discord:5", "telegram:5"}


async def test_something_is_asked_once(database: Database) -> None:
    store = QuestionStore(database)
    assert await store.put("telegram:1:2", "ask-correct:x", "7") is True
    assert await store.put("telegram:1:2", "ask-correct:y", "8") is False
    asked = await store.get("telegram:1:2")
    assert asked
    assert (asked.action, asked.person_id) == ("ask-correct:x", "7")
    assert await store.get("telegram:1:3") is None


async def test_facts_are_told_once_and_forgotten_by_a_word_in_them(database: Database) -> None:
    store = FactStore(database)
    assert await store.add("You have a cat named Miso.")
    assert not await store.add("you have a cat named miso.")
    await store.add("You live in Lisbon.")
    assert await store.forget("MISO") == 1
    assert [fact.text for fact in await store.all()] == ["You live in Lisbon."]


async def test_a_lease_has_one_holder_at_a_time(database: Database) -> None:
    store = LeaseStore(database)
    took = await asyncio.gather(*(store.take("chat", f"copy {number}", 60) for number in range(6)))
    assert took.count(True) == 1
    holder = f"copy {took.index(True)}"
    assert await store.take("chat", holder, 0)  # renewed, and over at once
    assert await store.take("chat", "another", 60)
    assert not await store.take("chat", holder, 60)
    await store.give_back("chat", holder)  # not theirs to give
    assert not await store.take("chat", holder, 60)
    await store.give_back("chat", "another")
    assert await store.take("chat", holder, 60)


async def test_limits_of_ones_own_and_consent_leave_each_other_alone(database: Database) -> None:
    store = PersonStore(database)
    assert await store.limits("discord", "5") == Limits()
    await store.set_limits("discord", "5", Limits(tokens_per_day=2**40))
    assert await store.consent("discord", "5") is Consent.UNKNOWN
    await store.set_consent("discord", "5", Consent.OPTED_OUT)
    assert await store.limits("discord", "5") == Limits(tokens_per_day=2**40)
    await store.set_limits("discord", "5", Limits(per_minute=3))
    assert await store.limits("discord", "5") == Limits(per_minute=3)
    assert await store.consent("discord", "5") is Consent.OPTED_OUT
