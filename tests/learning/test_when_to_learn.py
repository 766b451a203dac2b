"""Does it learn when there is a reason and nothing is in the way, and say why not otherwise?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from learning.judged import Judged
from learning.settings import WhenSettings
from learning.when_to_learn import Situation, decide, quiet_until, worth
from storage.records import Feedback, Message, Role, Signal

NOON = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
LISBON = ZoneInfo("Europe/Lisbon")
EAGER = WhenSettings(judgements=8, texts=100)
READY = Situation(NOON, new=8.0, known=40)


def ago(hours):
    return NOON - timedelta(hours=hours)


trainings = st.tuples(st.floats(0, 48).map(ago), st.floats(0, 4).map(lambda hours: timedelta(hours=hours)))
situations = st.builds(
    Situation,
    at=st.just(NOON),
    zone=st.sampled_from([UTC, LISBON, ZoneInfo("Asia/Kolkata")]),
    new=st.floats(0, 30),
    known=st.integers(0, 60),
    texts=st.integers(0, 300),
    ended=st.none() | st.floats(0, 100).map(ago),
    spent=st.lists(trainings).map(tuple),
    running=st.none() | st.just("a learn run"),
    on_trial=st.none() | st.just("mix-4"),
    last_message=st.none() | st.floats(0, 1).map(ago),
    asked=st.booleans(),
)
settings = st.builds(
    WhenSettings,
    judgements=st.floats(0.25, 20),
    texts=st.none() | st.integers(1, 200),
    every_hours=st.none() | st.floats(1, 48),
    cool_down_minutes=st.floats(0, 300),
    runs_a_day=st.integers(1, 10),
    hours_a_day=st.floats(0.5, 10),
    quiet=st.sampled_from(["", "23:00-07:00", "11:00-14:00", "12:00-12:00"]),
    rest_minutes=st.floats(0, 60),
)


@given(situations, settings, st.integers(0, 40))
def test_nothing_is_learned_while_something_runs_or_is_on_trial_or_below_the_floor(now, when, floor):
    verdict = decide(now, when, floor)
    if now.running or now.on_trial:
        assert verdict.kind is None
    if verdict.kind == "learn":
        assert now.known >= floor


@given(situations, settings, st.integers(0, 40), st.floats(0, 10))
def test_more_judgements_never_turn_yes_into_no(now, when, floor, more):
    if decide(now, when, floor).kind:
        assert decide(replace(now, new=now.new + more, known=now.known + 1), when, floor).kind


@given(situations, settings, st.integers(0, 40))
def test_who_asks_waits_for_no_clock(now, when, floor):
    asked = replace(now, asked=True)
    at_ease = replace(asked, ended=None, spent=(), last_message=None)
    assert decide(asked, when, floor).kind == decide(at_ease, when, floor).kind
    assert decide(asked, when, floor).until is None


@given(situations, settings, st.integers(0, 40))
def test_once_the_time_it_names_has_come_no_clock_is_in_the_way(now, when, floor):
    verdict = decide(replace(now, asked=False), when, floor)
    if verdict.until is None:
        return
    assert verdict.kind is None
    assert verdict.until > now.at
    if not when.quiet:  # a cool-down may end within the next quiet hours
        later = decide(replace(now, asked=False, at=verdict.until), when, floor)
        assert later.until is None


@given(situations, settings, st.integers(0, 40))
def test_within_a_day_it_never_begins_more_often_than_it_may(now, when, floor):
    lately = [one for one in now.spent if NOON - timedelta(days=1) < one[0]]
    if len(lately) >= when.runs_a_day and not now.asked:
        assert decide(now, when, floor).kind is None


@given(situations, settings)
def test_there_is_always_a_reason_given(now, when):
    assert decide(now, when, 20).why


def test_enough_judgements_are_learned_from_and_too_few_say_how_many_there_are():
    assert decide(READY, EAGER, 20).kind == "learn"
    verdict = decide(replace(READY, new=3.0, texts=12, ended=ago(0.5)), EAGER, 20)
    assert verdict.kind is None
    assert verdict.why == "3 of 8 effective judgements, 12 of 100 new texts, cool-down until 12:30"
    assert verdict.until == NOON + timedelta(minutes=30)


def test_enough_new_text_trains_everything_anew_even_without_judgements():
    assert decide(Situation(NOON, texts=100), EAGER, 20).kind == "retrain"
    assert decide(Situation(NOON, texts=10**6), WhenSettings(texts=None), 20).kind is None


def test_by_the_clock_anything_new_is_enough_and_nothing_new_is_not():
    daily = WhenSettings(every_hours=24)
    assert decide(replace(READY, new=0.25, ended=ago(25)), daily, 20).kind == "learn"
    assert decide(replace(READY, new=0.25, ended=ago(23)), daily, 20).kind is None
    assert decide(replace(READY, new=0.0, ended=ago(25)), daily, 20).kind is None


def test_below_the_floor_not_even_who_asks_is_obeyed():
    verdict = decide(replace(READY, known=5, asked=True), EAGER, 20)
    assert (verdict.kind, verdict.why) == (
        None,
        "somebody asked for it, 5 of the 20 judgements that it takes at least",
    )


def test_a_days_budget_is_of_runs_and_of_hours():
    when = WhenSettings(judgements=8, runs_a_day=2, hours_a_day=3)
    short, long = timedelta(minutes=5), timedelta(hours=2)
    assert decide(replace(READY, spent=((ago(5), short),)), when, 20).kind == "learn"
    runs = decide(replace(READY, spent=((ago(5), short), (ago(3), short))), when, 20)
    assert (runs.kind, runs.until) == (None, ago(5) + timedelta(days=1))
    assert "the budget of a day is spent until Sat 07:00" in runs.why
    hours = decide(replace(READY, spent=((ago(5), long), (ago(25), long))), when, 20)
    assert hours.kind == "learn"
    hours = decide(replace(READY, spent=((ago(5), long + long),)), when, 20)
    assert hours.kind is None


def test_quiet_hours_are_the_owners_and_may_lie_around_midnight():
    night = datetime(2026, 5, 1, 22, 30, tzinfo=UTC)  # 23:30 in Lisbon
    assert quiet_until(night, "23:00-07:00", LISBON) == datetime(2026, 5, 2, 6, 0, tzinfo=UTC)
    assert quiet_until(night, "23:00-07:00", UTC) is None
    early = datetime(2026, 5, 1, 3, 0, tzinfo=UTC)
    assert quiet_until(early, "23:00-07:00", LISBON) == datetime(2026, 5, 1, 6, 0, tzinfo=UTC)
    verdict = decide(replace(READY, at=night, zone=LISBON), WhenSettings(quiet="23:00-07:00"), 20)
    assert (verdict.kind, verdict.why.split(", ")[-1]) == (None, "quiet hours until Sat 07:00")


def test_on_a_shared_machine_it_waits_until_nobody_talks():
    talking = replace(READY, last_message=NOON - timedelta(minutes=3))
    verdict = decide(talking, WhenSettings(rest_minutes=10), 20)
    assert (verdict.kind, verdict.until) == (None, NOON + timedelta(minutes=7))
    assert decide(talking, WhenSettings(rest_minutes=2), 20).kind == "learn"


def judgement(kind, weight):
    reply = Message("x:1:1", "x", "1", "twin", "twin", "hi", NOON, by_twin=True)
    feedback = Feedback("x:1:1", "sam", Role.OWNER, kind, NOON, "better")
    return Judged(feedback, reply, (), weight)


def test_a_judgement_weighs_by_its_kind_and_by_who_gave_it_when():
    kinds = [(Signal.CORRECTION, 1.0), (Signal.UP, 1.0), (Signal.COMPLAINT, 0.5)]
    assert worth(judgement(kind, weight) for kind, weight in kinds) == 1.0 + 0.25 + 0.25
    assert {judgement(kind, 1.0).feedback.kind for kind in Signal} == set(Signal)
    assert worth(judgement(kind, 1.0) for kind in Signal) > 0
