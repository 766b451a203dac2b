"""Is every reward's figure what it promises: its range, its direction, and the arithmetic that they share?"""

from __future__ import annotations

import sys
from math import log

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from learning.rewards import (
    audience,
    invention,
    length,
    punctuation,
    repetition,
    stance,
    vocabulary,
    weighted,
)
from learning.rewards.habit import Habit, habit, overlap, scale
from learning.rewards.reply import Reply, owner_reply, reply_to
from learning.rewards.text import bubbles, phrases
from learning.rewards.weighted import TERMS, scored, table, total

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


def test_every_reward_says_its_range_its_source_and_how_it_fails():
    for name, reward in TERMS.items():
        told = sys.modules[reward.__module__].__doc__ or ""
        assert all(f"\n{what}: " in told for what in ("Range", "Source", "Failure mode")), name


def test_a_total_is_the_mean_by_weights_of_what_was_measured():
    weights = {"length": 3.0, "stance": 1.0, "audience": 5.0}
    assert total({"length": 1.0, "stance": 0.0}, weights) == 0.75
    assert total({"length": 0.5, "stance": 1.0, "invention": 0.0}, weights) == 0.625


def test_a_reply_knows_what_it_answers_what_else_was_told_and_what_we_said_before():
    turns = (("system", "you are Mira"), ("user", "hm?"), ("assistant", "what"), ("user", "tea?"))
    prompt = [{"role": role, "content": said} for role, said in turns]
    asked = {"heard": "tea?", "told": "you are Mira\nhm?\nwhat", "before": ("what",)}
    assert reply_to(prompt, " ofc ", "mail", "bank") == Reply("ofc", **asked, source="mail", thread="bank")
    row = {"prompt": prompt, "completion": [{"role": "assistant", "content": "ofc"}], "source": "mail"}
    assert owner_reply(row) == Reply("ofc", **asked, source="mail")


def test_a_text_is_made_of_bubbles_and_phrases_and_one_without_words_has_none():
    assert bubbles("one\n\n  two \n") == ["one", "two"]
    assert phrases("One two, three four!", 3) == {("one", "two", "three"), ("two", "three", "four")}
    assert (phrases("one two", 3), phrases("😅", 3)) == ({("one", "two")}, frozenset())


def test_replies_are_held_against_the_last_ones_to_other_prompts(profile, monkeypatch):
    def repetition_of(replies, earlier=()):
        return [terms["repetition"] for terms in table(replies, profile, earlier)]

    said = [Reply("zig zag zog", f"question {n}") for n in range(5)]
    assert repetition_of(said) == [pytest.approx(3 / 5)] * 5
    assert repetition_of([said[0]] * 5) == [1.0] * 5  # all to one prompt
    assert repetition_of(said[:2], said[2:]) == [pytest.approx(3 / 5)] * 2
    monkeypatch.setattr(weighted, "LATELY", 3)
    assert repetition_of(said) == [pytest.approx(3 / 4)] * 5
    others = [Reply("another thing altogether", f"then {n}") for n in range(3)]
    assert repetition_of(said[:1], [*said[1:4], *others]) == [1.0]  # what was long ago is forgotten


def test_who_says_nothing_earns_nothing_and_who_says_something_does(profile):
    assert set(scored(Reply(" \n"), profile).values()) == {0.0}
    assert sum(scored(Reply("ok"), profile).values()) > 1


def test_a_share_is_of_all_that_was_seen_and_halves_with_every_doubling_beyond_it():
    known = habit(["a"] * 6 + ["b"] * 3)
    assert known == Habit({"a": 6, "b": 3})
    assert (known.share("a"), known.share("b")) == (0.6, 0.3)
    assert known.share("never") == 0.05
    assert [known.share(f"above+{n}") for n in (1, 2)] == [0.025, 0.0125]
    assert habit([]).share("a") == 0.5 == max(habit([]).share(value) for value in ("a", "above+1"))


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
    assert scale([float(n) for n in range(101)]).edges == (10.0, 30.0, 50.0, 70.0, 90.0)
    # Nought counts as a millionth, and no more than twenty doublings are told apart.
    lowest = (1.0, 1.04, 1.05, 100.0)
    assert [scale([low]).value(0) for low in lowest] == [f"below+{n}" for n in (20, 20, 21, 21)]
    assert scale([0.0]).value(1e-9) == "above+1"
    assert scale([]).value(0.0) == "1"


def test_a_stance_needs_more_than_a_slim_majority():
    def towards(likes, hates):
        said = [Reply("i love tea")] * likes + [Reply("i hate tea")] * hates
        return stance.learned(said).towards.get("tea")

    counts = ((4, 1), (1, 4), (7, 3), (3, 1), (3, 2), (2, 2))
    assert [towards(*each) for each in counts] == [1, -1, None, None, None, None]


def test_of_too_many_topics_those_most_spoken_of_are_remembered(monkeypatch):
    monkeypatch.setattr(stance, "MOST_TOPICS", 1)
    assert stance.learned([Reply("i love tea"), Reply("i hate jazz"), Reply("jazz is awful")]).towards == {
        "jazz": -1
    }
    assert "#" not in stance.SILENT  # the file of cues explains itself


def test_a_tone_is_drawn_from_everywhere_to_the_source_to_the_thread():
    said = [Reply("yeah lol", source="chat", thread="ana")] * 10 + [Reply("Dear Sir.", source="mail")] * 10
    known = audience.learned(said)
    here = Reply("yeah lol", source="chat", thread="ana")
    everywhere = 10 / 21
    source = (10 + 10 * everywhere) / 20
    assert audience._share(audience._step("yeah lol"), here, known) == pytest.approx((10 + 10 * source) / 20)
    # What is never said there is halved by the source, and once more by the thread.
    assert audience._share(audience._step("Dear Sir."), here, known) == pytest.approx(everywhere / 4)
    tones = ("yeah lol 😅", "hm", "so it is.", "Hm", "Dear Sir, yours.")
    assert [audience._step(text) for text in tones] == ["0", "2", "3", "3", "4"]


def test_a_third_of_the_others_words_may_come_back_and_more_costs_by_how_much():
    known = repetition.learned([Reply("see you at the pier")])
    heard = "one two three four five six"
    assert repetition.reward(Reply("one two three ah but no", heard), known, []) == 1.0  # 1 phrase of 4
    half = repetition.reward(Reply("one two three four and no", heard), known, [])  # 2 of 4
    assert half == pytest.approx(1 - (0.5 - 0.34) / 0.66)

    earlier = Reply("one two three four and no", "hm", before=("ok then", "one two three four five six"))
    assert repetition.reward(earlier, known, []) == half


@pytest.mark.parametrize(
    ("text", "worth"),
    [
        ("yes no", 1.0),
        ("yes yes", 0.5),
        ("tea tea tea", (1 / 2) ** 2),  # of two pairs one is new
        ("tea ham ham tea tea", (2 * 2 / 5) ** 2),  # every pair is new, and yet there are but two words
        ("tea and ham or jam", 1.0),
    ],
)
def test_what_is_repeated_within_a_reply_costs_by_pairs_and_by_words(text, worth):
    assert repetition.reward(Reply(text), repetition.Repetition({}), []) == pytest.approx(worth)


def test_a_refrain_is_what_the_owner_said_in_more_than_one_reply_and_the_commonest_are_kept(monkeypatch):
    said = [Reply("honestly no clue"), Reply("well honestly no clue"), Reply("once and never again")]
    assert repetition.learned(said).refrains == {"honestly no clue": 0.66667}
    monkeypatch.setattr(repetition, "MOST_REFRAINS", 1)
    more = [*said, *[Reply("see you soon")] * 3]
    assert repetition.learned(more).refrains == {"see you soon": 0.5}


def test_a_refrain_may_come_as_often_as_the_owner_says_it_and_three_times_more():
    known = repetition.Repetition({"honestly no clue": 0.5})
    always = [Reply("honestly no clue")] * 10
    assert repetition.reward(always[0], known, always[1:]) == pytest.approx((0.5 * 10 + 3) / 10)
    for begun in ("never heard before", "heard before now"):  # whichever of its phrases came before
        again = [Reply(begun)] * 5
        assert repetition.reward(Reply("never heard before now"), known, again) == pytest.approx(3 / 6)


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


def test_a_capital_proves_a_name_where_no_more_than_an_eighth_or_so_of_the_words_have_one():
    def marks_names(names, words=100):
        text = "so " + "OK " * 9 + "word " * (words - names) + "Name " * names
        return invention.learned([Reply(text)]).capitals

    assert (marks_names(12), marks_names(13), marks_names(0, 0)) == (True, False, True)


@pytest.mark.parametrize(
    ("text", "invented"),
    [
        ("a Mortimer", 1),
        ("Mortimer", 0),
        ("it rained. Mortimer", 0),
        ("it rained\n  Mortimer", 0),
        ("he said: “Mortimer", 0),
        ("we met    Mortimer", 1),  # spaces hide nobody
        ("we met, Mortimer", 1),
    ],
)
def test_a_capital_at_the_beginning_of_a_sentence_proves_nothing(text, invented):
    known = invention.learned([Reply("it rained and we met a man he said")])
    assert invention.reward(Reply(text), known, []) == 1 / (1 + invented)


def test_the_worst_mark_counts_and_the_others_do_not_make_up_for_it():
    known = punctuation.learned([Reply("fine")] * 60)
    assert punctuation.reward(Reply("fine"), known, []) > 0.99
    assert punctuation.reward(Reply("fine!"), known, []) == pytest.approx(overlap(0.5 / 61, "1", []))


@pytest.mark.parametrize(
    ("mark", "text", "value"),
    [
        ("emoji", "yes 😅😅", "2"),
        ("emoji", "😅😅😅😅", "3"),
        ("exclamation", "no! no", "1"),
        ("exclamation", "no!!!", "2"),
        ("question", "what? how", "1"),
        ("question", "what???", "2"),
        ("dots", "well… hm", "1"),
        ("dots", "well... hm… ok..", "2"),
        ("runs", "no!! yes", "1"),
        ("runs", "no!! what?? well...", "2"),
        ("commas", "a, b, c", "2"),
        ("commas", "a, b, c, d, e", "3"),
        ("odd", "a ~ b *", "2"),
        ("odd", "~*#&", "3"),
        ("odd", "😅", "0"),
        ("end", "", ""),
        ("end", "fine", ""),
        ("end", "at 7", ""),
        ("end", "fine. 😅", "."),
        ("end", "fine.\nok?", "?"),
        ("end", "fine.\nok", ""),
        ("end", "fine (so far)", "else"),
    ],
)
def test_marks_are_counted_up_to_a_few(mark, text, value):
    assert punctuation.MARKS[mark](text) == value


def test_answers_to_short_and_long_are_apart_once_there_are_thirty_of_each():
    said = [Reply("x", "h" * size) for size in range(1, 92)]
    known = length.learned(said)
    assert (known.edges, [sum(band.lengths.counts.values()) for band in known.bands]) == (
        (31.0, 61.0),
        [30, 30, 31],
    )
    assert length.learned(said[:90]).edges == ()


def test_from_six_bubbles_on_it_is_many():
    known = length.learned([Reply("x\n" * count) for count in (1, 5, 6, 7, 9)])
    assert known.bands[0].bubbles == Habit({"1": 1, "5": 1, "6": 3})


def test_the_lower_of_length_and_bubbles_counts():
    known = length.learned([Reply("x" * 10)] * 60)
    assert length.reward(Reply("x" * 10), known, []) > 0.99
    assert length.reward(Reply("x" * 4 + "\n" + "x" * 5), known, []) < 0.1


def test_a_word_of_the_owners_speaks_for_them_and_one_of_the_others_against():
    known = vocabulary.learned([Reply("zebra zebra tea", "fish fish tea")] * 100)
    assert known.odds["zebra"] > 0 > known.odds["fish"]
    assert known.odds["tea"] == pytest.approx(0, abs=1e-3)
    assert known.odds["zebra"] == pytest.approx(-known.odds["fish"], abs=1e-3)


def test_the_odds_of_a_word_are_those_of_the_paper_with_two_hundred_words_of_a_shared_prior():
    known = vocabulary.learned([Reply("zebra zebra tea", "fish fish tea")] * 100)
    prior = 200 * (200 + 0 + 1) / (300 + 300 + 4)  # four: the three words, and all the rarer ones
    assert known.odds["zebra"] == pytest.approx(log((200 + prior) / prior), abs=1e-4)
    assert len(f"{known.odds['zebra']}") <= 6  # digits enough: the same profile has the same bytes
    owners = (200 * known.odds["zebra"] + 100 * known.odds["tea"]) / 300
    assert known.mean == pytest.approx(owners)
    figure = vocabulary._figure(Reply("zebra fish zebra"), known.odds, known.mean)
    assert figure == pytest.approx(2 ** ((4 * owners + known.odds["zebra"]) / (3 + 4)), rel=1e-3)
    unheard = vocabulary._figure(Reply("yacht"), known.odds, known.mean)
    assert unheard == pytest.approx(2 ** ((4 * owners + known.odds[""]) / 5))


def test_only_the_words_that_all_use_most_have_odds_of_their_own(monkeypatch):
    monkeypatch.setattr(vocabulary, "MOST_FREQUENT", 1)
    known = vocabulary.learned([Reply("tea tea and", "tea and fish fish fish fish")])
    assert set(known.odds) == {"fish", ""}


def test_an_answer_without_words_is_no_figure_but_a_habit():
    known = vocabulary.learned([Reply("😅", "hm")] + [Reply("meh", "hm")] * 3)
    assert known.replies.counts[vocabulary.WORDLESS] == 1
    assert (known.scale.lowest, known.scale.highest) == (known.scale.edges[0], known.scale.edges[-1])
