"""When is a server out, and when is it back?"""

from __future__ import annotations

from brain.health import FAILURES, LONGEST_REST, Health


def test_a_single_failure_is_forgiven_and_a_row_of_them_is_not():
    health = Health(admitted=True)
    for _ in range(5):
        assert [health.failed("500", 0) for _ in range(FAILURES - 1)] == [False] * (FAILURES - 1)
        health.answered()
    assert health.admitted
    assert [health.failed("500", 0) for _ in range(FAILURES + 1)] == [False, False, True, False]
    assert (health.admitted, health.why) == (False, "500")


def test_who_refuses_connections_is_out_at_once():
    health = Health(admitted=True)
    assert health.failed("refused", 0, at_once=True)
    assert not health.admitted


def test_it_rests_longer_each_time_it_fails_without_an_answer_in_between():
    health, rests = Health(admitted=True), []
    for _ in range(8):
        health.eject("down", now=100)
        rests.append(health.rests_until - 100)
        assert not health.may_return(health.rests_until - 0.01)
        assert health.may_return(health.rests_until)
        health.admit()
    assert rests == [1, 2, 4, 8, 16, LONGEST_REST, LONGEST_REST, LONGEST_REST]
    health.answered()
    health.eject("down", now=100)
    assert health.rests_until == 101
