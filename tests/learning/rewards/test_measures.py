"""Is every reward's figure what it promises: its range, its direction, and the arithmetic that they share?"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from learning.rewards import audience, invention, length, punctuation, repetition, stance, vocabulary
from learning.rewards.habit import Habit, habit, overlap, scale
from learning.rewards.reply import Reply
from learning.rewards.weighted import TERMS, scored, total

TEXTS = st.text(alphabet=st.sampled_from("ab I.,!?…\n😅7@Ü'"), max_size=40) | st.text(max_size=30)
FREELY = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(said=TEXTS, heard=TEXTS, lately=st.lists(TEXTS, max_size=4))
@FREELY
def test_whatever_is_said_every_reward_is_between_nought_and_one(profile, said, heard, lately):
    others = [Reply(text, heard, source="telegram", thread="pier") for text in lately]
    reply = Reply(said, heard, source="telegram", thread="pier")
    terms = scored(reply, profile, others)
    assert set(terms) == set(TERMS)
    assert all(0.0 <= worth <= 1.0 for worth in terms.values()), terms


@given(said=TEXTS, lately=st.lists(TEXTS, max_size=4))
@FREELY
def test_having_said_the_very_same_once_more_never_pays(profile, said, lately):
    reply = Reply(said, "and you?")
    others = [Reply(text, "and you?") for text in lately]
    before, after = scored(reply, profile, others), scored(reply, profile, [*others, reply])
    assert all(after[name] <= before[name] + 1e-9 for name in TERMS), (before, after)


def test_a_total_is_the_mean_by_weights_of_what_was_measured():
    weights = {"length": 3.0, "stance": 1.0, "audience": 5.0}
    assert total({"length": 1.0, "stance": 0.0}, weights) == 0.75
    assert total({"length": 0.5, "stance": 1.0, "invention": 0.0}, weights) == 0.625


def test_a_share_is_of_all_that_was_seen_and_halves_with_every_doubling_beyond_it():
    known = habit(["a"] * 6 + ["b"] * 3)
    assert known == Habit({"a": 6, "b": 3})
    assert (known.share("a"), known.share("b")) == (0.6, 0.3)
    assert known.share("never") == 0.05
    assert [known.share(f"above+{n}") for n in (1, 2)] == [0.025, 0.0125]
    assert habit([]).share("a") == 0.5


def test_a_habit_counts_by_the_owners_share_over_the_twins():
    assert overlap(0.25, "a", []) == pytest.approx(0.25 * 9 / 3)
    assert overlap(0.25, "a", ["a", "b", "a"]) == pytest.approx(0.25 * 12 / 5)
    assert overlap(0.25, "a", ["b"] * 30) == 1.0  # rarer than the owner does it: nothing is overdone
    assert overlap(0.0, "a", ["a"]) == 0.0
    assert overlap(1.0, "a", ["a"] * 50) == 1.0


def test_a_scale_cuts_at_the_owners_quantiles_and_counts_doublings_beyond():
    cut = scale([float(n) for n in range(10, 0, -1)])
    assert (cut.edges, cut.lowest, cut.highest) == ((2.0, 4.0, 5.0, 7.0, 9.0), 1.0, 10.0)
    assert [cut.value(number) for number in (1, 2, 4.5, 9, 10)] == ["0", "1", "2", "5", "5"]
    assert [cut.value(number) for number in (10.5, 20, 39, 40, 80)] == [f"above+{n}" for n in (1, 2, 2, 3, 4)]
    assert [cut.value(number) for number in (0.9, 0.5, 0.25)] == ["below+1", "below+2", "below+3"]
    assert cut.value(0) == "below+20"  # a million times less, and no further
    assert scale([]).value(0.0) == "1"


def test_a_stance_needs_more_than_a_slim_majority():
    def towards(likes, hates):
        said = [Reply("i love tea")] * likes + [Reply("i hate tea")] * hates
        return stance.learned(said).towards.get("tea")

    assert [towards(*counts) for counts in ((4, 1), (1, 4), (7, 3), (3, 2), (2, 2))] == [
        1,
        -1,
        None,
        None,
        None,
    ]


def test_a_tone_is_drawn_from_everywhere_to_the_source_to_the_thread():
    said = [Reply("yeah lol", source="chat", thread="ana")] * 10 + [Reply("Dear Sir.", source="mail")] * 10
    known = audience.learned(said)
    here = Reply("yeah lol", source="chat", thread="ana")
    everywhere = 10 / 21
    source = (10 + 10 * everywhere) / 20
    assert audience._share(audience._step("yeah lol"), here, known) == pytest.approx((10 + 10 * source) / 20)


def test_a_third_of_the_others_words_may_come_back_and_more_costs_by_how_much():
    known = repetition.learned([Reply("see you at the pier")])
    heard = "one two three four five six"
    assert repetition.reward(Reply("one two three ah but no", heard), known, []) == 1.0  # 1 phrase of 4
    half = repetition.reward(Reply("one two three four and no", heard), known, [])  # 2 of 4
    assert half == pytest.approx(1 - (0.5 - 0.34) / 0.66)


def test_what_the_owner_never_says_may_come_three_times_by_chance():
    known = repetition.learned([Reply("see you at the pier")])
    again = [Reply("never heard before")] * 5
    worth = [repetition.reward(again[0], known, again[:times]) for times in range(5)]
    assert worth == [1.0, 1.0, 1.0, 0.75, 0.6]
    smiles = [Reply("😅")] * 5
    assert [repetition.reward(smiles[0], known, smiles[:times]) for times in (2, 3)] == [1.0, 0.75]


def test_each_invented_thing_costs_and_the_same_one_twice_costs_once():
    known = invention.learned([Reply("the pier is nice")])
    worth = [
        invention.reward(Reply(text), known, [])
        for text in ("so nice", "so 7", "so 7 and 7", "so 7 and 8", "so 7, 8 and 9")
    ]
    assert worth == [1.0, 1 / 2, 1 / 2, 1 / 3, 1 / 4]


def test_the_worst_mark_counts_and_the_others_do_not_make_up_for_it():
    known = punctuation.learned([Reply("fine")] * 60)
    assert punctuation.reward(Reply("fine"), known, []) > 0.99
    assert punctuation.reward(Reply("fine!"), known, []) == pytest.approx(overlap(0.5 / 61, "1", []))


def test_the_lower_of_length_and_bubbles_counts():
    known = length.learned([Reply("x" * 10)] * 60)
    assert length.reward(Reply("x" * 10), known, []) > 0.99
    assert length.reward(Reply("x" * 4 + "\n" + "x" * 5), known, []) < 0.1


def test_a_word_of_the_owners_speaks_for_them_and_one_of_the_others_against():
    known = vocabulary.learned([Reply("zebra zebra tea", "fish fish tea")] * 100)
    assert known.odds["zebra"] > 0 > known.odds["fish"]
    assert known.odds["tea"] == pytest.approx(0, abs=1e-3)
    assert known.odds["zebra"] == pytest.approx(-known.odds["fish"], abs=1e-3)
