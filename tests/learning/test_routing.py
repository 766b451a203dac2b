"""Does every signal go where it belongs, with the weight it should have?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from learning.routing import (
    ROUTES,
    Place,
    capped,
    complained_about,
    demonstration_weight,
    edit_ratio,
    route,
    thumb_weights,
    weight,
)
from storage.records import Feedback, Role, Signal

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
BY_ROLE = {Role.OWNER: 1.0, Role.TRAINER: 0.5}


def signal(kind, text=None, days_ago=0, role=Role.OWNER):
    return Feedback("terminal:kitchen:1", "mira", role, kind, NOON - timedelta(days=days_ago), text)


def test_every_kind_of_signal_has_a_route():
    assert set(ROUTES) == set(Signal)
    assert all(one.places for one in ROUTES.values())


def test_a_correction_is_an_example_too_and_a_choice_between_candidates_is_not():
    assert route(signal(Signal.CORRECTION, "ofc")).places == (Place.PAIR, Place.DEMONSTRATION)
    assert route(signal(Signal.CORRECTION, "ofc")).sampled
    for kind in (Signal.CHOICE, Signal.TAKEOVER):
        assert route(signal(kind, "ofc")).places == (Place.PAIR,)
        assert not route(signal(kind, "ofc")).sampled


@pytest.mark.parametrize("words", [None, "", "  \n"])
def test_a_complaint_without_words_is_a_thumb_down_and_one_with_words_is_hindsight(words):
    assert route(signal(Signal.COMPLAINT, "too formal")).places == (Place.HINDSIGHT,)
    assert route(signal(Signal.COMPLAINT, words)) == route(signal(Signal.DOWN))
    assert route(signal(Signal.DOWN)).label is False
    assert route(signal(Signal.UP)).label is True


def test_a_signal_weighs_by_who_gave_it_and_half_as_much_after_each_half_life():
    def of(role, days):
        return weight(signal(Signal.UP, days_ago=days, role=role), NOON, BY_ROLE, 10)

    assert of(Role.OWNER, 0) == 1.0
    assert of(Role.OWNER, 10) == pytest.approx(0.5)
    assert of(Role.TRAINER, 20) == pytest.approx(0.125)
    assert of(Role.OTHER, 0) == 0.0
    assert weight(signal(Signal.UP, days_ago=999), NOON, BY_ROLE, None) == 1.0


def test_a_small_edit_is_shown_more_often_than_a_new_answer():
    assert edit_ratio("sure, see you at 7", "sure, see you at 7") == 0
    assert edit_ratio("abc", "xyz") == 1
    assert demonstration_weight("sure, see you at 7.", "sure, see you at 7") == 2.0
    assert demonstration_weight("sure, see you at 7.", "nope, not today") == 1.0


def test_of_many_signals_of_one_key_the_newest_stay_in_their_order():
    assert capped([1, 2, 3, 4, 5], "aabaa", 2) == [3, 4, 5]
    assert capped([], "", 2) == []


@given(likes=some.integers(0, 3000), dislikes=some.integers(0, 3000))
def test_likes_and_dislikes_count_alike_and_no_single_thumb_shouts(likes, dislikes):
    liked, disliked = thumb_weights(likes, dislikes)
    assert 0 < liked <= 4
    assert 0 < disliked <= 4
    if likes and dislikes:
        assert 1 - 1e-9 <= (liked * likes) / (disliked * dislikes) <= 4 / 3


def test_thumbs_of_one_kind_are_left_as_they_are():
    assert thumb_weights(5, 0) == thumb_weights(0, 5) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("complaint", "reply", "found"),
    [
        ("you never say 'dear'", "my dear, sure. Dear me", ["dear", "Dear"]),
        ("no “of course” please", "of course!", ["of course"]),
        ('you don\'t say "no"', "not now, no", ["no"]),
        ("don't, it's not how i'd say it", "sure", []),
        ("too formal", "my dear", []),
    ],
)
def test_the_words_that_a_complaint_quotes_are_found_in_the_reply(complaint, reply, found):
    assert [reply[start:end] for start, end in complained_about(complaint, reply)] == found
