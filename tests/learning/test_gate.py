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
    "from_base_low": 0.4,
    "from_base_high": 0.6,
    "preference": {"accuracy": 0.9, "pairs": 20},
    "variety": {"distinct": 0.8, "distinct_low": 0.7, "distinct_high": 0.88, "characters": 36.0},
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
        "length": {"ratio": 1.2, "low": 1.1, "high": 1.3},
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
    told = {axis.name: (axis.figure, axis.low, axis.high, axis.limit) for axis in verdict.axes}
    assert told.pop("integrity") == (None, None, None, None)  # whole or not
    assert told.pop("canaries") == (0.4, None, None, RULES.min_canary_chance)  # an exact probability
    assert all(low <= figure <= high for figure, low, high, _ in told.values()), told
    assert all(limit is not None for *_, limit in told.values()), told
    assert (told["capability"][3], told["preference"][3]) == (
        -RULES.max_capability_drop,
        -RULES.max_preference_drop,
    )
    assert told["length"] == (1.2, 1.1, 1.3, RULES.max_length_ratio)
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


def within(low, high, rows=100):
    return {"difference": (low + high) / 2, "low": low, "high": high, "rows": rows}


def gaps(name):
    return ("against_live", name)


AT_THE_LIMIT = [  # what may just be, and the same beyond it
    ("difference from the base", ("from_base",), RULES.min_change, 0.0, lambda at: at),
    ("owner's words", gaps("nll"), RULES.max_nll_rise, 1.0, lambda at: within(0.0, at)),
    ("preference", gaps("preference"), -RULES.max_preference_drop, -1.0, lambda at: within(at, 0.1)),
    ("thumbs", gaps("thumbs"), -RULES.max_thumbs_drop, -1.0, lambda at: within(at, 0.1)),
    (
        "style: emoji",
        ("against_live", "style", "emoji"),
        RULES.max_style_drift,
        1.0,
        lambda at: within(0, at),
    ),
    ("likeness", gaps("likeness"), RULES.max_likeness_rise, 1.0, lambda at: within(0.0, at)),
    ("loops", gaps("loops"), RULES.max_loops_rise, 1.0, lambda at: within(0.0, at)),
    (
        "capability",
        gaps("capability"),
        -RULES.max_capability_drop,
        -1.0,
        lambda at: within(at, 0.1),
    ),
    ("safety", gaps("safety"), -RULES.max_safety_drop, -1.0, lambda at: within(at, 0.1, rows=8)),
    ("recited", gaps("recited"), RULES.max_recited_rise, 1.0, lambda at: within(0.0, at, rows=8)),
    ("variety", ("variety", "distinct"), RULES.min_distinct, 0.0, lambda at: at),
    ("length", ("variety", "characters"), RULES.max_length_ratio, 9.0, lambda at: 30.0 * at),
    (
        "divergence",
        ("divergence",),
        RULES.max_divergence,
        9.0,
        lambda at: {"mean": 0, "low": 0, "high": at},
    ),
    ("canaries", ("canaries", "chance"), RULES.min_canary_chance, 0.0, lambda at: at),
    ("judge", ("judge", "low"), 0.5 - RULES.max_judge_loss, 0.0, lambda at: at),
    ("friends", ("friends", "low"), 0.5 - RULES.max_judge_loss, 0.0, lambda at: at),
]
WHAT_MAY_BE = ("allowed", "must", "they were learned", "over again")


@pytest.mark.parametrize(("axis", "path", "limit", "worse", "figure"), AT_THE_LIMIT)
def test_what_is_just_within_a_limit_passes_what_is_just_beyond_is_refused_and_only_then_is_the_limit_told(
    axis, path, limit, worse, figure
):
    for at, fine in ((limit, True), (math.nextafter(limit, worse), False)):
        found = next(
            one for one in judge(changed(*path, figure(at)), LIVE, [], RULES).axes if one.name == axis
        )
        assert (found.passed, found.judged) == (fine, True)
        assert any(words in found.words for words in WHAT_MAY_BE) is not fine
    told = judge(changed(*path, figure(worse)), LIVE, [], GateSettings(advisory=(axis,))).axes
    assert [one.name for one in told if not one.judged] == [axis]


@pytest.mark.parametrize(
    ("path", "fewest", "axis", "figures"),
    [
        (("preference", "pairs"), RULES.min_heldout_pairs, "preference", lambda rows: rows),
        (("judge", "picks"), RULES.min_picks, "judge", lambda rows: rows),
        (("against_live", "likeness"), RULES.min_rows, "likeness", lambda rows: gap(0.0, rows=rows)),
        (("against_live", "safety"), 8, "safety", lambda rows: gap(0.0, rows=rows)),
        (("against_live", "nll"), 1, "owner's words", lambda rows: gap(0.0, rows=rows)),
    ],
)
def test_as_many_as_it_takes_are_judged_by_and_one_fewer_is_not(path, fewest, axis, figures):
    for rows, judged in ((fewest, []), (fewest - 1, [axis])):
        told = judge(changed(*path, figures(rows)), LIVE, [], RULES).axes
        assert [one.name for one in told if not one.judged] == judged


@pytest.mark.parametrize(
    ("candidate", "live", "axes"),
    [
        (changed("variety", None), LIVE, ["variety", "length"]),
        (GOOD, LIVE | {"variety": None}, ["length"]),
        (GOOD, LIVE | {"variety": {"distinct": 0.9, "characters": 0.0}}, ["length"]),
        (changed("divergence", None), LIVE, ["divergence"]),
        (GOOD, LIVE | {"adapter": None}, ["divergence"]),
        (changed("personal", None), LIVE, ["discretion"]),
        (changed("from_base", None), LIVE, ["difference from the base"]),
        (changed("nll", {"rows": 0}), LIVE, ["difference from the base"]),
        (changed("preference", None), LIVE, ["preference"]),
        (changed("against_live", "preference", None), LIVE, ["preference"]),
    ],
)
def test_what_was_not_measured_on_either_side_is_told_and_refuses_nothing(candidate, live, axes):
    verdict = judge(candidate, live, [], RULES)
    assert verdict.passed
    assert [one.name for one in verdict.axes if not one.judged] == axes
    assert all(one.words for one in verdict.axes)
    nothing = judge(changed("preference", None), LIVE, [], RULES).axes
    assert any(one.words.endswith(f": 0 of {RULES.min_heldout_pairs}.") for one in nothing)


def test_personal_things_are_told_by_kind_and_share():
    found = {"kinds": {"name": 2, "phone": 1}, "samples": 48, "low": 0.02, "high": 0.17}
    axis = next(one for one in judge(changed("personal", found), LIVE, [], RULES).axes if not one.passed)
    assert "2 times a name, 1 times a phone; none is allowed" in axis.words
    assert (axis.figure, axis.limit) == (3 / 48, 0.0)
    fine = next(one for one in judge(GOOD, LIVE, [], RULES).axes if one.name == "discretion")
    assert fine.words.endswith("hold nothing personal.")
    nobody = {"kinds": {}, "samples": 0, "low": 0.0, "high": 1.0}
    assert judge(changed("personal", nobody), LIVE, [], RULES).passed


def test_of_all_canaries_the_one_that_stands_out_most_is_told():
    bits = changed("canaries", {"bits": {"name": 1.0, "key": 3.5, "code": 0.2}, "chance": 0.4, "said": []})
    axis = next(one for one in judge(bits, LIVE, [], RULES).axes if one.name == "canaries")
    assert "3.5 bits at most" in axis.words


def test_the_first_adapter_may_leave_the_base_as_far_as_it_likes():
    far = changed("divergence", {"mean": 9.0, "low": 8.0, "high": 10.0})
    assert judge(far, LIVE | {"adapter": None}, [], RULES).passed


@pytest.mark.parametrize("axis", ["nll", "likeness", "loops", "recited"])
def test_one_that_only_lost_on_the_way_went_too_far(axis):
    lost = changed("against_live", axis, gap(0.5))
    assert judge(lost, LIVE, [], RULES).too_far
    assert not judge(lost, LIVE, ["a number is missing"], RULES).too_far


def test_one_that_goes_the_wrong_way_did_not_only_go_too_far():
    strange = changed("against_live", "style", {"letters": gap(2.0), "emoji": gap(0.1)})
    worse = changed("against_live", "preference", gap(-0.3))
    for candidate in (strange, worse):
        candidate["against_live"]["nll"] = gap(0.5)
        assert not judge(candidate, LIVE, [], RULES).too_far
    assert not judge(GOOD, LIVE, [], RULES).too_far


def test_nothing_went_too_far_that_no_feedback_says_goes_the_right_way():
    worse = changed("against_live", "preference", gap(-0.03))
    unknown = changed("against_live", "preference", gap(0.0))
    at_odds = changed("against_live", "thumbs", gap(-0.03))
    nobody = changed("preference", None)
    for candidate in (worse, unknown, at_odds, nobody):
        candidate["against_live"]["nll"] = gap(0.5)
        verdict = judge(candidate, LIVE, [], RULES)
        assert [axis.name for axis in verdict.axes if not axis.passed] == ["owner's words"]
        assert not verdict.too_far


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
