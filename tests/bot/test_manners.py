from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from fakes import said

from bot.manners import Situation, why_silent
from bot.settings import ChatSettings
from storage.records import Chat

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
PAUSED = Chat("kitchen-app", "kitchen", quiet_until=NOON + timedelta(minutes=1))


def heard(text="hi", **more):
    return said(text, **({"sent_at": NOON, "private": False} | more))


def verdict(message, settings=None, **situation):
    around = {
        "at": NOON,
        "chat": None,
        "everywhere": None,
        "answers_twin": False,
        "recent": (),
        "zone": UTC,
    } | situation
    return why_silent(message, Situation(**around), settings or ChatSettings())


def in_mode(mode):
    return Chat("kitchen-app", "kitchen", mode=mode)


def twin(seconds_ago, **more):
    when = NOON - timedelta(seconds=seconds_ago)
    return heard("mine", by="twin", by_twin=True, sent_at=when, number=f"t{seconds_ago}", **more)


def test_it_answers_in_private_when_named_and_when_replied_to():
    assert verdict(heard(private=True)) is None
    assert verdict(heard(to_twin=True)) is None
    assert verdict(heard(), answers_twin=True) is None
    assert verdict(heard()) == "not addressed"


def test_a_chat_can_be_switched_on_and_off():
    assert verdict(heard(), chat=in_mode("always")) is None
    assert verdict(heard(to_twin=True), chat=in_mode("off")) == "switched off here"
    assert verdict(heard(), ChatSettings(mode="always")) is None
    assert verdict(heard(), ChatSettings(mode="always"), chat=in_mode("mentions")) == "not addressed"
    assert verdict(heard(private=True), ChatSettings(private=False)) == "switched off here"
    assert verdict(heard(private=True, by_owner=True), ChatSettings(private=False)) is None


def test_where_others_are_addressed_it_keeps_quiet():
    assert verdict(heard(to_others=True), chat=in_mode("always")) == "somebody else is addressed"
    assert verdict(heard(to_others=True, to_twin=True), chat=in_mode("always")) is None


def test_another_bot_is_answered_only_when_it_names_the_twin_and_never_for_long():
    bot = heard(by="bot", by_bot=True)
    assert verdict(bot, answers_twin=True) == "another bot that did not name me"
    assert verdict(replace(bot, private=True)) == "another bot that did not name me"
    named = replace(bot, to_twin=True)
    assert verdict(named) is None
    exchange = [heard("hi", by="ana"), twin(9), named, twin(5)]
    assert verdict(named, recent=exchange) == "enough said to other bots"
    assert verdict(named, recent=[*exchange, heard("hm", by="ana")]) is None


def test_the_owner_who_talks_to_others_is_not_answered():
    mine = heard(by="sam", by_owner=True)
    quiet = "the owner speaks for themselves"
    assert verdict(mine, chat=in_mode("always")) == quiet
    assert verdict(replace(mine, private=True, as_owner=True)) == quiet  # their own account
    assert verdict(replace(mine, to_twin=True)) is None
    assert verdict(mine, answers_twin=True) is None
    assert verdict(replace(mine, private=True)) is None  # they talk to the twin


def test_while_it_was_asked_to_keep_quiet_it_does_here_or_everywhere():
    assert verdict(heard(to_twin=True), chat=PAUSED) == "asked to keep quiet"
    assert verdict(heard(private=True), everywhere=PAUSED) == "asked to keep quiet"
    late = NOON + timedelta(minutes=2)
    assert verdict(heard(to_twin=True), chat=PAUSED, everywhere=PAUSED, at=late) is None


@pytest.mark.parametrize(
    ("hours", "silent"),
    [
        ("11:00-13:00", True),
        ("12:00-12:01", True),
        ("11:00-12:00", False),
        ("23:00-13:00", True),
        ("13:00-11:00", False),
    ],
)
def test_quiet_hours_are_the_owners_and_do_not_hold_for_the_owner(hours, silent):
    settings = ChatSettings(quiet_hours=hours)
    assert verdict(heard(private=True), settings) == ("quiet hours" if silent else None)
    assert verdict(heard(private=True, by_owner=True), settings) is None
    tokyo = ZoneInfo("Asia/Tokyo")  # 21:00 there
    assert verdict(heard(private=True), ChatSettings(quiet_hours="20:00-22:00"), zone=tokyo) == "quiet hours"


def test_where_nobody_asked_it_waits_longer_the_less_they_react():
    pressing, settings = "nobody asked, and I spoke just now", ChatSettings(mode="always")
    assert verdict(heard(), settings, recent=[twin(59)]) == pressing
    assert verdict(heard(), settings, recent=[twin(61)]) is None
    twice = [twin(200), heard("what?", number="1"), twin(61)]
    assert verdict(heard(), settings, recent=twice) == pressing
    assert verdict(heard(), settings, recent=[*twice[:-1], twin(121)]) is None
    assert verdict(heard(to_twin=True), settings, recent=twice) is None
    reacted = [twin(200), heard("ha", number="1", reply_to=twin(200).key), twin(61)]
    assert verdict(heard(), settings, recent=reacted) is None


def test_what_is_too_old_is_not_answered():
    old = heard(private=True, sent_at=NOON - timedelta(minutes=31))
    assert verdict(old) == "too old"
    assert verdict(old, ChatSettings(max_age_minutes=32)) is None
