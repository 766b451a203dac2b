"""Does the gate let through exactly what it should?"""

from __future__ import annotations

import math
from copy import deepcopy

from hypothesis import given
from hypothesis import strategies as some

from learning.gate import judge
from learning.settings import GateSettings

RULES = GateSettings()
LIVE = {
    "nll": {"mean": 2.0},
    "preference": {"accuracy": 0.4, "pairs": 20},
    "style": {"distinct": 0.9, "characters": 30.0},
}
BETTER = {
    "nll": {"mean": 2.02},
    "preference": {"accuracy": 0.85, "pairs": 20},
    "style": {"distinct": 0.8, "characters": 36.0},
}


def changed(axis, key, value):
    figures = deepcopy(BETTER)
    figures[axis][key] = value
    return figures


def test_better_on_corrections_and_about_equal_on_the_owners_words_passes():
    verdict = judge(BETTER, LIVE, [], RULES)
    assert verdict.passed
    assert any("85%" in reason for reason in verdict.reasons)


def test_each_axis_alone_can_refuse_and_says_why():
    for candidate, problems, word in [
        (BETTER, ["incomplete: probe.json missing"], "probe.json"),
        (changed("nll", "mean", 2.2), [], "nats"),
        (changed("preference", "accuracy", 0.3), [], "fewer than the live one"),
        (changed("style", "distinct", 0.1), [], "differ"),
        (changed("style", "characters", 90.0), [], "3.0 times as long"),
    ]:
        verdict = judge(candidate, LIVE, problems, RULES)
        assert not verdict.passed
        assert len(verdict.reasons) == 1
        assert word in verdict.reasons[0]


def test_no_better_than_chance_is_refused_even_where_the_live_one_is_worse():
    verdict = judge(changed("preference", "accuracy", 0.5), LIVE, [], RULES)
    assert verdict.reasons[0].endswith("no better than chance.")


def test_with_few_held_out_corrections_preference_is_told_but_not_judged():
    verdict = judge(
        changed("preference", "accuracy", 0.0) | {"preference": {"accuracy": 0.0, "pairs": 3}},
        LIVE,
        [],
        RULES,
    )
    assert verdict.passed
    assert [axis.name for axis in verdict.axes if not axis.judged] == ["preference"]
    assert "3 of 8" in next(axis.words for axis in verdict.axes if axis.name == "preference")


@given(some.sampled_from(["nll", "preference", "style"]), some.sampled_from([math.nan, math.inf]))
def test_figures_that_are_no_numbers_never_pass(axis, value):
    key = {"nll": "mean", "preference": "accuracy", "style": "distinct"}[axis]
    candidate = changed(axis, key, -value if key != "mean" else value)
    assert not judge(candidate, LIVE, [], RULES).passed


@given(some.floats(0.1, 9), some.floats(0.1, 9), some.floats(0, 1), some.floats(0, 1), some.floats(0, 0.5))
def test_making_a_passing_candidate_better_never_makes_it_fail(nll, live_nll, accuracy, live_accuracy, gain):
    live = {
        "nll": {"mean": live_nll},
        "preference": {"accuracy": live_accuracy, "pairs": 20},
        "style": {"distinct": 1.0, "characters": 30.0},
    }
    candidate = {
        "nll": {"mean": nll},
        "preference": {"accuracy": accuracy, "pairs": 20},
        "style": {"distinct": 1.0, "characters": 30.0},
    }
    better = {
        "nll": {"mean": nll * (1 - gain)},
        "preference": {"accuracy": accuracy + gain, "pairs": 20},
        "style": {"distinct": 1.0, "characters": 30.0},
    }
    if judge(candidate, live, [], RULES).passed:
        assert judge(better, live, [], RULES).passed


@given(some.floats(0.1, 9), some.floats(0.51, 1))
def test_the_live_adapter_itself_would_always_pass(nll, accuracy):
    same = {
        "nll": {"mean": nll},
        "preference": {"accuracy": accuracy, "pairs": 20},
        "style": {"distinct": 1.0, "characters": 30.0},
    }
    assert judge(same, same, [], RULES).passed
