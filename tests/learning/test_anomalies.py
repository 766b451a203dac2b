"""Is somebody at work seen, and an ordinary lively chat left in peace?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from learning.anomalies import anomalies
from storage.records import Feedback, Role, Signal

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)


def signal(person, kind, minutes, reply="r1", role=Role.OTHER):
    return Feedback(f"discord:~{reply}", person, role, kind, AT + timedelta(minutes=minutes))


def test_a_flood_of_one_person_is_told_with_its_count():
    flood = [signal("anna", Signal.UP, number, f"r{number}") for number in range(40)]
    [found] = anomalies(flood)
    assert (found.kind, found.people, found.signals) == ("flood", ("discord:anna",), 40)
    assert anomalies(flood[:30]) == []
    assert anomalies([signal("anna", Signal.UP, 10 * number, f"r{number}") for number in range(40)]) == []


def test_fifty_new_accounts_that_only_dislike_are_a_crowd():
    crowd = [signal(f"new {number}", Signal.DOWN, 5 * number, f"r{number}") for number in range(50)]
    [found] = anomalies(crowd)
    assert (found.kind, len(found.people), found.signals) == ("crowd", 50, 50)
    assert anomalies(crowd[:4]) == []


def test_newcomers_over_many_days_or_with_something_kind_to_say_are_no_crowd():
    slow = [signal(f"new {number}", Signal.DOWN, 1000 * number, f"r{number}") for number in range(9)]
    assert anomalies(slow) == []
    kind = [signal(f"new {number}", Signal.DOWN, number, f"r{number}") for number in range(9)]
    kind += [signal(f"new {number}", Signal.UP, 60 + number, f"s{number}") for number in range(9)]
    assert anomalies(kind) == []


def test_two_who_always_judge_alike_and_at_once_act_together():
    pair = [
        signal(who, Signal.DOWN, 30 * n + late, f"r{n}") for n in range(6) for late, who in enumerate("ab")
    ]
    [found] = anomalies(pair)
    assert (found.kind, found.people, found.signals) == ("together", ("discord:a", "discord:b"), 6)
    assert anomalies([one for one in pair if one.reply_key < "discord:~r4"]) == []
    apart = [
        signal(who, Signal.DOWN, 30 * n + 9 * late, f"r{n}")
        for n in range(6)
        for late, who in enumerate("ab")
    ]
    assert anomalies(apart) == []
    unlike = [
        signal(who, kind, 30 * n, f"r{n}")
        for n in range(6)
        for who, kind in (("a", Signal.UP), ("b", Signal.DOWN))
    ]
    assert anomalies(unlike) == []


def test_the_owner_is_never_suspect():
    assert anomalies([signal("me", Signal.UP, n / 10, f"r{n}", Role.OWNER) for n in range(200)]) == []


def test_a_thumb_that_comes_and_goes_is_a_flood_as_well():
    toggled = [
        replace(signal("anna", Signal.UP, n), withdrawn_at=AT + timedelta(minutes=n + 0.5)) for n in range(40)
    ]
    assert [one.kind for one in anomalies(toggled)] == ["flood"]


def test_what_is_going_on_is_seen_behind_something_larger_that_is_over():
    later = 60 * 24 * 30
    flood = [signal("anna", Signal.UP, n / 2, f"r{n}") for n in range(90)]
    flood += [signal("anna", Signal.UP, later + n, f"s{n}") for n in range(40)]
    crowd = [signal(f"old {n}", Signal.DOWN, n, f"t{n}") for n in range(50)]
    crowd += [signal(f"new {n}", Signal.DOWN, later + n, f"u{n}") for n in range(8)]
    found = anomalies(flood + crowd, AT + timedelta(minutes=later))
    assert [(one.kind, one.signals) for one in found] == [("flood", 40), ("crowd", 8)]
    assert anomalies(flood + crowd, AT + timedelta(minutes=later + 60 * 24)) == []


def test_those_who_take_their_time_are_seen_when_they_strike_again():
    slowly = [
        signal(who, Signal.DOWN, 60 * 24 * n + late, f"r{n}")
        for n in range(6)
        for late, who in enumerate("ab")
    ]
    [found] = anomalies(slowly, AT + timedelta(days=5))
    assert (found.kind, found.since, found.signals) == ("together", AT, 6)


def test_many_who_act_as_one_are_one_group_and_one_word_to_the_owner():
    puppets = [
        signal(f"p{who}", Signal.UP, 300 * n + who / 30, f"r{n}") for n in range(6) for who in range(50)
    ]
    [found] = anomalies(puppets)
    assert (found.kind, len(found.people), found.signals) == ("together", 50, 6)
    assert found.key == "together discord:p0"
    assert "50 people" in found.words


def test_one_thumb_up_is_no_disguise():
    crowd = [signal(f"new {n}", Signal.DOWN, n + 60 * k, f"r{n}-{k}") for n in range(6) for k in range(5)]
    crowd += [signal(f"new {n}", Signal.UP, 300 + n, f"s{n}") for n in range(6)]
    assert "crowd" in {one.kind for one in anomalies(crowd)}
