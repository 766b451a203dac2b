"""Is a trial decided by what people think, and by nobody who only came to decide it?"""

from __future__ import annotations

import itertools
import random
from datetime import UTC, datetime

import pytest

from learning.canary import Opinion, weigh
from learning.settings import CanarySettings
from storage.records import Role

AT = datetime(2026, 5, 1, tzinfo=UTC)
SETTINGS = CanarySettings()


def opinions(person, likes, count, arm=None, role=Role.OWNER):
    """So many opinions, `likes` of which are good, evenly mixed."""
    good = [round(number * likes / count) for number in range(count + 1)]
    return [
        Opinion(person, role, float(later > before), AT, arm) for before, later in itertools.pairwise(good)
    ]


def test_one_that_is_liked_much_less_is_rolled_back():
    said = opinions("me", 14, 20) + opinions("me", 35, 50, "live") + opinions("me", 15, 50, "canary")
    assert weigh(said, SETTINGS).decision == "roll back"


def test_one_that_is_liked_as_much_is_promoted_once_there_is_enough_to_go_by():
    few = opinions("me", 14, 20) + opinions("me", 7, 10, "live") + opinions("me", 7, 10, "canary")
    assert weigh(few, SETTINGS).decision == "go on"
    many = opinions("me", 14, 20) + opinions("me", 140, 200, "live") + opinions("me", 140, 200, "canary")
    assert weigh(many, SETTINGS).decision == "promote"


@pytest.mark.parametrize(("good", "decision"), [(9, "promote"), (4, "roll back")])
def test_when_its_time_is_over_the_likelier_of_the_two_it_is(good, decision):
    said = opinions("me", 14, 20) + opinions("me", 7, 10, "live") + opinions("me", good, 12, "canary")
    assert weigh(said, SETTINGS).decision == "go on"
    assert weigh(said, SETTINGS, last=True).decision == decision


@pytest.mark.parametrize("missing", ["canary", "live"])
def test_with_nothing_to_compare_it_goes_on_and_at_the_end_the_gates_word_stands(missing):
    there = "live" if missing == "canary" else "canary"
    said = opinions("me", 50, 50, there)
    assert weigh(said, SETTINGS).decision == "go on"
    assert missing in weigh(said, SETTINGS).words
    assert weigh(said, SETTINGS, last=True).decision == "promote"


@pytest.mark.parametrize(("good", "decision"), [(35, "promote"), (12, "roll back")])
def test_where_everybody_has_the_new_one_it_is_held_against_what_was_before(good, decision):
    said = opinions("me", 70, 100) + opinions("me", good, 50, "canary")
    assert weigh(said, SETTINGS, last=True).decision == decision
    assert weigh(said, SETTINGS).opinions == {"canary": 50, "live": 100}


def test_too_few_opinions_decide_nothing_however_bad_they_are():
    said = opinions("me", 20, 20) + opinions("me", 7, 7, "live") + opinions("me", 0, 7, "canary")
    assert weigh(said, SETTINGS.model_copy(update={"min_opinions": 7})).decision == "roll back"
    assert weigh(said, SETTINGS).decision == "go on"


def test_too_few_opinions_decide_nothing_however_good_they_are():
    said = opinions("me", 2, 20) + opinions("me", 0, 200, "live") + opinions("me", 30, 30, "canary")
    assert weigh(said, SETTINGS).decision == "promote"
    assert weigh(said, SETTINGS.model_copy(update={"min_opinions": 31})).decision == "go on"


def test_what_is_said_in_the_trial_is_no_habit():
    said = opinions("me", 10, 10) + opinions("anna", 20, 20, role=Role.TRAINER)
    said += opinions("me", 10, 10, "live") + opinions("anna", 0, 40, "canary", Role.TRAINER)
    assert weigh(said, SETTINGS).difference == pytest.approx(-1)


def test_accounts_that_turn_up_in_the_middle_have_no_say():
    fair = opinions("me", 14, 20) + opinions("me", 140, 200, "live") + opinions("me", 140, 200, "canary")
    flood = [Opinion(f"new {n}", Role.OTHER, 0.0, AT, "canary") for n in range(500)]
    assert weigh(fair + flood, SETTINGS) == weigh(fair, SETTINGS)


def test_a_friend_who_had_a_say_before_is_heard():
    fair = opinions("me", 14, 20) + opinions("me", 14, 20, "live") + opinions("me", 14, 20, "canary")
    before = opinions("anna", 18, 20, role=Role.OTHER)
    dislikes = opinions("anna", 0, 12, "canary", Role.OTHER) + opinions("anna", 11, 12, "live", Role.OTHER)
    alone, with_anna = weigh(fair, SETTINGS), weigh(fair + before + dislikes, SETTINGS)
    assert with_anna.evidence > alone.evidence
    deaf = SETTINGS.model_copy(update={"other_weight": 0.0})
    assert weigh(fair + before + dislikes, deaf).opinions == {"canary": 20, "live": 20}


def test_whoever_never_likes_anything_does_not_count_against_the_arm_they_are_in():
    past = opinions("me", 16, 20) + opinions("grump", 2, 40, role=Role.OTHER)
    mine = opinions("me", 80, 100, "live") + opinions("me", 80, 100, "canary")
    grump = opinions("grump", 2, 40, "canary", Role.OTHER)
    assert weigh(past + mine + grump, SETTINGS).decision == "promote"
    unknown_habits = [one for one in past + mine + grump if one.arm or one.person == "me"]
    unknown_habits += opinions("grump", 1, 1, role=Role.OTHER)
    assert weigh(unknown_habits, SETTINGS).difference < weigh(past + mine + grump, SETTINGS).difference


def test_nobody_but_the_owner_outvotes_everybody_by_diligence():
    def with_downs(count):
        past = opinions("me", 14, 20) + opinions("anna", 10, 14, role=Role.OTHER)
        mine = opinions("me", 70, 100, "live") + opinions("me", 70, 100, "canary")
        return weigh(past + mine + opinions("anna", 0, count, "canary", Role.OTHER), SETTINGS)

    assert with_downs(12).difference > with_downs(24).difference - 0.02
    assert with_downs(2000).decision != "roll back"


def test_people_who_are_like_themselves_weigh_less_than_as_many_independent_ones():
    """Ten opinions of one mind are not ten: the interval says so, and the trial goes on for longer."""
    past = opinions("me", 14, 20)
    live = opinions("me", 70, 100, "live")
    for name in "abcdefghi":
        past += opinions(name, 10, 15, role=Role.TRAINER)
    moody = [
        one
        for number, name in enumerate("abcdefghi")
        for one in opinions(name, 12 if number < 6 else 0, 12, "canary", Role.TRAINER)
    ]
    mixed = [one for name in "abcdefghi" for one in opinions(name, 8, 12, "canary", Role.TRAINER)]
    alike, apart = (weigh(past + live + said, SETTINGS) for said in (moody, mixed))
    assert abs(alike.evidence) < abs(apart.evidence) / 2


def test_the_share_of_wrong_decisions_stays_within_its_bounds():
    """One person, looked at after every opinion: a hundred trials of each kind, with fixed lots."""

    def ends(seed, less):
        lots = random.Random(seed)
        said = opinions("me", 14, 20)
        for number in range(400):
            arm = "canary" if lots.random() < 0.5 else "live"
            liked = lots.random() < 0.7 - (less if arm == "canary" else 0)
            said.append(Opinion("me", Role.OWNER, float(liked), AT, arm))
            if number % 8 == 7 and (found := weigh(said, SETTINGS).decision) != "go on":
                return found
        return weigh(said, SETTINGS, last=True).decision

    assert sum(ends(seed, 0.2) == "roll back" for seed in range(100)) >= 95
    assert sum(ends(seed, 0.0) == "promote" for seed in range(100)) >= 90
