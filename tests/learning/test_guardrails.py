"""Is an ill adapter seen at once, and a bad minute of the server forgiven?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learning.guardrails import Health, symptoms, wilson

WELL = Health(200, 1, 2, (1.0,) * 50)


def test_one_that_is_as_well_as_the_live_one_has_no_symptoms():
    assert symptoms(Health(50, 0, 1, (1.1,) * 30), WELL) == []


def test_failures_are_a_reason_once_they_cannot_be_chance():
    assert symptoms(Health(3, 1, 0), WELL) == []
    [words] = symptoms(Health(12, 6, 0), WELL)
    assert words == "6 of its 12 replies failed, 1 of 200 before."


def test_a_failing_server_hits_both_and_condemns_nobody():
    assert symptoms(Health(40, 20, 0), Health(40, 20, 0)) == []


def test_repetition_is_a_reason():
    assert "repeated themselves" in symptoms(Health(30, 0, 15), WELL)[0]


def test_slowness_is_a_reason_when_there_is_enough_to_measure():
    assert symptoms(Health(9, 0, 0, (9.0,) * 9), WELL) == []
    assert "9.0 s" in symptoms(Health(10, 0, 0, (9.0,) * 10), WELL)[0]
    assert symptoms(Health(10, 0, 0, (2.0,) * 10), WELL) == []


@pytest.mark.parametrize(
    ("hits", "tries", "low", "high"), [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0)]
)
def test_the_interval_is_wilsons(hits, tries, low, high):
    """The 95 % values of Brown, Cai and DasGupta (2001), to four places."""
    assert wilson(hits, tries, 1.96) == pytest.approx((low, high), abs=1e-4)


@given(st.integers(0, 500), st.integers(1, 500))
def test_the_share_lies_in_its_interval(hits, tries):
    low, high = wilson(min(hits, tries), tries)
    share = min(hits, tries) / tries
    assert 0 <= low <= share + 1e-12
    assert share - 1e-12 <= high <= 1


def test_of_nothing_nothing_is_known():
    assert wilson(0, 0) == (0.0, 1.0)
