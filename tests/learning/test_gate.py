"""Does the gate let through exactly what it should?"""

from __future__ import annotations

import math
from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as some

from learning.gate import judge
from learning.settings import GateSettings

RULES = GateSettings()
LIVE = {"adapter": "sft-1", "variety": {"distinct": 0.9, "characters": 30.0}}


def gap(difference, spread=0.02, rows=100):
    return {"difference": difference, "low": difference - spread, "high": difference + spread, "rows": rows}


GOOD = {
    "adapter": "dpo-2",
    "nll": {"mean": 2.0, "rows": 100},
    "from_base": 0.5,
    "preference": {"accuracy": 0.9, "pairs": 20},
    "variety": {"distinct": 0.8, "characters": 36.0},
    "divergence": {"mean": 0.1, "low": 0.08, "high": 0.12},
    "canaries": {"bits": {"name": 1.0}, "chance": 0.4, "said": []},
    "personal": {"kinds": {}, "samples": 48, "low": 0.0, "high": 0.07},
    "judge": {"share": 0.5, "low": 0.4, "high": 0.6, "picks": 40},
    "friends": {"share": 0.6, "low": 0.45, "high": 0.7, "picks": 40},
    "against_live": {
        "nll": gap(0.01),
        "preference": gap(0.2),
        "thumbs": gap(0.0),
        "style": {"letters": gap(-0.1), "emoji": gap(0.1)},
        "likeness": gap(0.0),
        "loops": gap(0.0),
        "capability": gap(0.0),
        "safety": gap(0.0, rows=28),
        "recited": gap(0.0, rows=24),
    },
}


def changed(*path_and_value):
    *path, value = path_and_value
    figures = deepcopy(GOOD)
    place = figures
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return figures


def refused_by(candidate, problems=(), settings=RULES):
    return [axis.name for axis in judge(candidate, LIVE, problems, settings).axes if not axis.passed]


def test_as_good_as_the_live_one_passes_and_every_axis_says_what_it_found():
    verdict = judge(GOOD, LIVE, [], RULES)
    assert verdict.passed
    assert all(axis.judged and axis.words for axis in verdict.axes)
    assert any("90% of 20" in reason for reason in verdict.reasons)
    numbers = next(axis for axis in verdict.axes if axis.name == "owner's words")
    assert (numbers.figure, round(numbers.high, 2), numbers.limit) == (0.01, 0.03, RULES.max_nll_rise)


@pytest.mark.parametrize(
    ("path", "bad", "axis"),
    [
        (("from_base",), 0.0, "difference from the base"),
        (("against_live", "nll"), gap(0.2), "owner's words"),
        (("against_live", "preference"), gap(-0.3), "preference"),
        (("against_live", "thumbs"), gap(-0.3), "thumbs"),
        (("against_live", "style", "letters"), gap(0.9), "style: letters"),
        (("against_live", "likeness"), gap(0.2), "likeness"),
        (("against_live", "loops"), gap(0.2), "loops"),
        (("against_live", "capability"), gap(-0.3), "capability"),
        (("against_live", "safety"), gap(-0.4, rows=28), "safety"),
        (("against_live", "recited"), gap(0.4, rows=24), "recited"),
        (("variety", "distinct"), 0.1, "variety"),
        (("variety", "characters"), 90.0, "length"),
        (("divergence",), {"mean": 3.0, "low": 2.9, "high": 3.1}, "divergence"),
        (("canaries", "chance"), 0.0001, "canaries"),
        (("canaries", "said"), ["key"], "canaries"),
        (("personal", "kinds"), {"name": 1}, "discretion"),
        (("judge", "low"), 0.2, "judge"),
        (("friends", "low"), 0.2, "friends"),
    ],
)
def test_each_axis_alone_can_refuse_and_names_itself(path, bad, axis):
    assert refused_by(changed(*path, bad)) == [axis]
    told = judge(changed(*path, bad), LIVE, [], RULES)
    assert len(told.reasons) == 1
    assert judge(changed(*path, bad), LIVE, [], GateSettings(advisory=(axis,))).passed


def test_a_damaged_folder_is_refused_with_its_problems():
    verdict = judge(GOOD, LIVE, ["incomplete: probe.json missing"], RULES)
    assert verdict.reasons == ("incomplete: probe.json missing",)


def test_a_small_difference_that_is_not_sure_is_refused_and_the_same_one_that_is_sure_passes():
    assert refused_by(changed("against_live", "nll", gap(0.05, spread=0.2))) == ["owner's words"]
    assert refused_by(changed("against_live", "nll", gap(0.05, spread=0.02))) == []


def test_no_better_than_chance_is_refused_even_where_the_live_one_is_worse():
    verdict = judge(changed("preference", "accuracy", 0.5), LIVE, [], RULES)
    assert verdict.reasons[0].endswith("no better than chance.")


@pytest.mark.parametrize(
    ("path", "few", "axis"),
    [
        (("preference", "pairs"), 3, "preference"),
        (("against_live", "thumbs"), gap(-0.9, rows=5), "thumbs"),
        (("against_live", "style", "emoji"), gap(9.0, rows=5), "style: emoji"),
        (("against_live", "capability"), gap(-0.9, rows=5), "capability"),
        (("friends",), {"share": 0.0, "low": 0.0, "high": 0.1, "picks": 4}, "friends"),
        (("judge",), None, "judge"),
        (("canaries",), None, "canaries"),
        (("against_live", "safety"), None, "safety"),
    ],
)
def test_with_too_little_to_go_by_an_axis_is_told_but_not_judged(path, few, axis):
    verdict = judge(changed(*path, few), LIVE, [], RULES)
    assert verdict.passed
    assert [one.name for one in verdict.axes if not one.judged] == [axis]


def test_the_first_adapter_may_leave_the_base_as_far_as_it_likes():
    far = changed("divergence", {"mean": 9.0, "low": 8.0, "high": 10.0})
    assert judge(far, LIVE | {"adapter": None}, [], RULES).passed


@given(
    some.sampled_from(["nll", "preference", "thumbs", "likeness", "loops", "capability", "safety", "recited"])
)
def test_figures_that_are_no_numbers_never_pass(axis):
    nothing = {"difference": math.nan, "low": math.nan, "high": math.nan, "rows": 100}
    assert refused_by(changed("against_live", axis, nothing)) == [{"nll": "owner's words"}.get(axis, axis)]


@given(some.floats(-1, 1), some.floats(0, 1), some.floats(0, 1))
def test_making_a_passing_candidate_better_never_makes_it_fail(difference, spread, gain):
    for axis, better in (("nll", -gain), ("likeness", -gain), ("capability", gain), ("preference", gain)):
        if not refused_by(changed("against_live", axis, gap(difference, spread))):
            assert not refused_by(changed("against_live", axis, gap(difference + better, spread)))
