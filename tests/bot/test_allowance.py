from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from fakes import said
from prometheus_client import REGISTRY

from bot.allowance import ENOUGH, TOO_FAST, Allowance
from bot.settings import LimitSettings
from storage.chats import PersonStore
from storage.records import Limits, Spent, now
from storage.usage import UsageStore


@pytest.fixture
def limited(kitchen):
    """The kitchen, with limits."""

    def build(**limits):
        kitchen.usage = UsageStore(kitchen.database)
        kitchen.talk = replace(
            kitchen.talk,
            allowance=Allowance(kitchen.usage, PersonStore(kitchen.database), LimitSettings(**limits)),
        )
        return kitchen

    return build


def refused(limit: str) -> float:
    return REGISTRY.get_sample_value("twin_allowance_refusals_total", {"twin": "", "limit": limit}) or 0.0


async def test_whoever_writes_too_fast_hears_it_once_and_is_not_answered(limited):
    kitchen, before = limited(person_per_minute=2), refused("person_per_minute")
    answers = [await kitchen.hear(said(f"question {n}", number=f"{n}")) for n in range(5)]
    assert [bool(answer) for answer in answers] == [True, True, False, False, False]
    assert kitchen.platform.told == [TOO_FAST]
    assert await kitchen.messages.waiting() == []
    assert await kitchen.messages.outcome("kitchen-app:kitchen:4") == "over person_per_minute"
    assert refused("person_per_minute") - before == 3


async def test_a_minute_later_they_are_answered_again(limited):
    kitchen = limited(person_per_minute=1)
    ago = now() - timedelta(seconds=61)
    assert await kitchen.hear(said("before", number="1", sent_at=ago))
    assert await kitchen.hear(said("now", number="2"))
    assert kitchen.platform.told == []


async def test_others_are_not_held_up_by_them_unless_the_chat_has_a_limit(limited):
    kitchen = limited(person_per_minute=1)
    for by in ("ana", "ben", "cem"):
        assert await kitchen.hear(said("hi", by=by, number=f"{by}1"))
    kitchen = limited(chat_per_minute=3)
    assert not await kitchen.hear(said("hi", by="dee", number="dee1"))
    assert await kitchen.hear(said("hi", by="dee", chat="hall", number="dee2"))


async def test_the_owner_is_exempt_from_every_limit(limited):
    kitchen = limited(person_per_minute=1, chat_per_minute=1, person_tokens_per_day=1, chat_tokens_per_day=1)
    await kitchen.usage.add(said("x", by="sam"), Spent(1, 1000, 1000, 1))
    for n in range(4):
        assert await kitchen.hear(said("hi", by="sam", number=f"{n}", by_owner=True))
    assert kitchen.platform.told == []


@pytest.mark.parametrize(("limit", "by", "chat"), [("person", "ana", "hall"), ("chat", "ben", "kitchen")])
async def test_a_days_tokens_are_spent_by_person_and_by_chat(limited, limit, by, chat):
    kitchen = limited(**{f"{limit}_tokens_per_day": 100})
    await kitchen.usage.add(said("x"), Spent(1, 60, 39, 1))
    assert await kitchen.hear(said("still", by=by, chat=chat, number="1"))
    await kitchen.usage.add(said("x"), Spent(1, 1, 0, 1))
    assert not await kitchen.hear(said("and now", by=by, chat=chat, number="2"))
    assert kitchen.platform.told == [ENOUGH]
    assert await kitchen.hear(said("me", by="cem", chat="elsewhere", number="3"))


async def test_two_copies_of_the_service_count_together(limited):
    kitchen = limited(person_per_minute=3)
    other = replace(
        kitchen.talk,
        allowance=Allowance(
            UsageStore(kitchen.database), PersonStore(kitchen.database), LimitSettings(person_per_minute=3)
        ),
    )
    messages = [said("hi", number=f"{n}") for n in range(8)]
    for message in messages:
        await kitchen.messages.add(message, waiting=True)
    both = (kitchen.talk.allowance, other.allowance)
    found = await asyncio.gather(*(both[n % 2].exceeded(one) for n, one in enumerate(messages)))
    assert [limit is None for limit in found] == [True] * 3 + [False] * 5


async def test_nobody_is_told_in_the_owners_own_name_and_no_bot_is(limited):
    kitchen = limited(person_per_minute=1)
    allowance = kitchen.talk.allowance
    for more in ({"as_owner": True}, {"by_bot": True}):
        await allowance.tell(said("hi", **more), "person_per_minute", kitchen.platform)
    assert kitchen.platform.told == []


async def test_without_limits_nobody_is_counted(limited):
    kitchen = limited()
    for n in range(6):
        assert await kitchen.hear(said("hi", number=f"{n}"))


async def test_a_person_may_have_limits_of_their_own(limited):
    kitchen = limited(person_per_minute=1)
    people = PersonStore(kitchen.database)
    await people.set_limits("kitchen-app", "ana", Limits(per_minute=2))
    answers = [await kitchen.hear(said("hi", number=f"a{n}")) for n in range(3)]
    assert [bool(answer) for answer in answers] == [True, True, False]
    answers = [await kitchen.hear(said("hi", by="ben", number=f"b{n}")) for n in range(2)]
    assert [bool(answer) for answer in answers] == [True, False]
    await people.set_limits("kitchen-app", "cem", Limits(per_minute=9, tokens_per_day=5))
    assert await kitchen.hear(said("hi", by="cem", number="c1"))
    await kitchen.usage.add(said("hi", by="cem"), Spent(1, 4, 1))
    assert not await kitchen.hear(said("hi", by="cem", number="c2"))
    assert await kitchen.messages.outcome("kitchen-app:kitchen:c2") == "over person_tokens_per_day"
