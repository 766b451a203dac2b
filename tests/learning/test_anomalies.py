"""Is somebody at work seen, and an ordinary lively chat left in peace?"""

from __future__ import annotations

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
