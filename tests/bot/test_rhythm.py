from __future__ import annotations

import math
import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.rhythm import Rhythm, learn_rhythm

START = datetime(2026, 1, 5, 9, 0, 7, tzinfo=UTC)
KNOWN = Rhythm(
    shares=(0.4, 0.3, 0.2, 0.1), start_seconds=2.0, characters_per_second=4.0, spread=0.35, bursts=1500
)


def chat(rhythm, bursts, seed=1, thread="kitchen", precision="seconds", coffee=0.0):
    """Messages of somebody with this rhythm; `coffee`: how often they are called away for a while."""
    chance = random.Random(seed)
    when, said = START, []
    for _ in range(bursts):
        when += timedelta(seconds=chance.uniform(600, 6000))
        (bubbles,) = chance.choices(range(1, len(rhythm.shares) + 1), rhythm.shares)
        for number in range(bubbles):
            characters = 1 + int(chance.expovariate(1 / 25))
            if number:
                expected = rhythm.start_seconds + characters / rhythm.characters_per_second
                seconds = expected * math.exp(chance.gauss(0, rhythm.spread))
                if chance.random() < coffee:
                    seconds = chance.uniform(30, 110)
                when += timedelta(seconds=min(seconds, 115))
            seen = when.replace(microsecond=0)
            said.append((thread, seen.replace(second=0) if precision == "minutes" else seen, characters))
    return said


def close(learned, known, within=0.2):
    assert learned.start_seconds == pytest.approx(known.start_seconds, rel=within, abs=0.5)
    assert learned.characters_per_second == pytest.approx(known.characters_per_second, rel=within)
    assert learned.spread == pytest.approx(known.spread, rel=within)
    assert learned.shares == pytest.approx(known.shares, abs=0.04)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "known",
    [KNOWN, Rhythm(shares=(0.1, 0.2, 0.7), start_seconds=4.0, characters_per_second=10.0, spread=0.2)],
)
def test_a_known_rhythm_is_found_again(known, seed):
    said = chat(known, 1500, seed)
    learned = learn_rhythm(said)
    close(learned, known)
    assert learned.bursts == 1500
    assert sum(learned.shares) == pytest.approx(1)


def test_being_called_away_now_and_then_changes_little():
    close(learn_rhythm(chat(KNOWN, 1500, coffee=0.08)), KNOWN, within=0.35)


def test_the_order_and_the_number_of_threads_do_not_matter():
    said = chat(KNOWN, 120, 1) + chat(KNOWN, 120, 2, "garden")
    mixed = said[:]
    random.Random(3).shuffle(mixed)
    assert learn_rhythm(iter(mixed)) == learn_rhythm(said)
    assert learn_rhythm(said).bursts == 240


def test_threads_that_only_know_the_minute_are_left_out():
    said = chat(KNOWN, 300)
    blurred = chat(KNOWN, 900, 2, "letters", precision="minutes")
    assert learn_rhythm(said + blurred) == learn_rhythm(said)
    assert learn_rhythm(blurred) == Rhythm()


def test_messages_of_the_same_second_belong_together_and_say_nothing_about_speed():
    said = chat(KNOWN, 300)
    twice = [*said, *(("kitchen", when, characters) for _, when, characters in said)]
    learned, alone = learn_rhythm(twice), learn_rhythm(said)
    assert learned.bursts == alone.bursts
    assert learned.shares[0] == 0
    assert learned.median_seconds == alone.median_seconds


def test_below_fifty_bursts_the_defaults_stay():
    assert learn_rhythm([]) == Rhythm()
    assert learn_rhythm(chat(KNOWN, 49)) == Rhythm()
    assert learn_rhythm(chat(KNOWN, 50)).bursts == 50


def test_somebody_who_never_writes_twice_in_a_row_keeps_the_default_speed():
    once = Rhythm(shares=(1.0,), bursts=200)
    assert learn_rhythm(chat(once, 200)) == once
    assert once.most_bubbles() == 1


def test_a_silence_of_more_than_two_minutes_begins_a_new_burst():
    gaps = [120, 121] * 60
    when, said = START, [("kitchen", START, 5)]
    for gap in gaps:
        when += timedelta(seconds=gap)
        said.append(("kitchen", when, 5))
    assert learn_rhythm(said).bursts == 61


MOMENTS = st.integers(0, 20_000).map(lambda seconds: START + timedelta(seconds=seconds))


@given(st.lists(st.tuples(st.sampled_from("ab"), MOMENTS, st.integers(0, 4000)), max_size=400))
def test_whatever_was_said_the_rhythm_makes_sense(said):
    learned = learn_rhythm(said)
    assert sum(learned.shares) == pytest.approx(1)
    assert 1.5 <= learned.characters_per_second <= 40 + 1e-9
    assert learned.start_seconds >= 0.2
    assert 0.05 <= learned.spread <= 1
    assert 1 <= learned.most_bubbles() <= 10


RHYTHMS = st.builds(
    Rhythm,
    start_seconds=st.floats(0.2, 100),
    characters_per_second=st.floats(1.5, 40),
    spread=st.floats(0.05, 1),
)


@given(RHYTHMS, st.text(max_size=300), st.text(max_size=300), st.integers())
def test_pauses_are_bounded_and_the_same_seed_gives_the_same(rhythm, question, answer, seed):
    pause, look = rhythm.pause_before(answer, seed), rhythm.reading_pause(question, answer, seed)
    assert 0.6 <= pause <= 6
    assert 0.3 <= look <= 4
    assert (pause, look) == (rhythm.pause_before(answer, seed), rhythm.reading_pause(question, answer, seed))
    assert rhythm.pause_before(answer, seed, speed=0.5) == pause / 2
    assert rhythm.pause_before(answer, seed, speed=0) == rhythm.reading_pause(question, answer, seed, 0) == 0
    assert rhythm.reading_pause(question, answer, seed, speed=-1) == 0


def test_pauses_vary_as_the_owners_do():
    rhythm = Rhythm(start_seconds=1.0, characters_per_second=10.0, spread=0.2)
    drawn = sorted(rhythm.pause_before("twenty characters ..", seed) for seed in range(2000))
    assert drawn[1000] == pytest.approx(3.0, rel=0.05)
    assert math.log(drawn[1682] / drawn[1000]) == pytest.approx(0.2, rel=0.15)


def test_a_long_bubble_takes_longer_than_a_short_one_and_a_long_question_longer_to_read():
    rhythm = Rhythm(start_seconds=0.3, spread=0.05)
    long_one, long_question = "ok, then at the station", "what about the trip to the lake?"
    for seed in range(20):
        assert rhythm.pause_before("ok", seed) < rhythm.pause_before(long_one, seed)
        assert rhythm.reading_pause("eh?", "ok", seed) < rhythm.reading_pause(long_question, "ok", seed)


def test_nobody_begins_before_they_have_read():
    when, said = START, []
    for number in range(400):
        characters = 20 + number % 80
        when += timedelta(seconds=characters / 4 - 4 if number % 4 else 900)
        said.append(("kitchen", when, characters))
    assert learn_rhythm(said).start_seconds == 0.2


def test_most_bubbles_is_enough_for_most_bursts():
    rhythm = Rhythm(shares=(0.5, 0.3, 0.15, 0.03, 0.02))
    assert [rhythm.most_bubbles(share) for share in (0.5, 0.8, 0.95, 0.99, 1.0)] == [1, 2, 3, 5, 5]
    assert sum(Rhythm().shares) == pytest.approx(1)
