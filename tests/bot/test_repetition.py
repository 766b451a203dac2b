from __future__ import annotations

import time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.repetition import repeats, without_stutter

SAID = ["I think we should leave early, the train is always late on Fridays", "ok", "haha yes"]


def stutters(text: str) -> bool:
    return without_stutter(text) != text


@pytest.mark.parametrize(
    "again",
    [
        SAID[0],
        "i think we should leave early the train is always late on fridays 😂😂",
        "I think we should leave early; the train's always late on Fridays!!!".replace("'s", " is"),
        "I think we should leave early, the train is often late on Fridays",
        "Ｉ ＴＨＩＮＫ we should leave early, the train is always late on Fridays.",
    ],
)
def test_the_same_answer_in_other_clothes_is_a_repetition(again):
    assert repeats(again, SAID)


@pytest.mark.parametrize(
    "text",
    [
        "ok",
        "OK!",
        "haha yes",
        "",
        "😂",
        "I think we should leave late, because the party is on a Friday",
        "好的好的",
    ],
)
def test_everyday_answers_and_other_answers_are_none(text):
    assert not repeats(text, SAID)
    assert not repeats(text, [])


def test_another_number_is_another_answer():
    earlier = ["we can meet at the station at 5 if that is fine with you and the others"]
    assert repeats(earlier[0].upper(), earlier)
    assert not repeats(earlier[0].replace("5", "6"), earlier)


def test_repetition_is_seen_where_words_have_no_spaces():
    assert repeats("我们明天早上一起去公园散步吧！", ["我们明天早上一起去公园散步吧"])
    assert repeats("我们明天早上一起去公园散步了", ["我们明天早上一起去公园散步吧"])
    assert not repeats("我们明天早上一起去公园散步吧", ["今天晚上我想在家里看电影和做饭"])


@given(st.text(max_size=80), st.lists(st.text(max_size=80), max_size=3))
def test_whatever_repeats_is_still_said_again_when_shouted(text, recent):
    assert repeats(text, [*recent, text]) == repeats(text, [text])


LOOPS = [
    ("yours yours mate", "yours mate"),
    ("buddy buddy buddy", "buddy"),
    ("hey buddy, buddy, buddy!", "hey buddy!"),
    ("Buddy buddy buddy come on", "Buddy come on"),
    ("and you and you and you", "and you"),
    ("good and you and you and you?", "good and you?"),
    ("fine, and you and you and you and", "fine, and you"),
    ("well I like it. I like it. I like it.", "well I like it."),
    ("that is so nice of you to say that is so nice of you to say", "that is so nice of you to say"),
    (
        "we go there because we want to see it because we want to see it because we want to",
        "we go there because we want to see it",
    ),
    ("thank you " * 5, "thank you "),
    ("no " * 40, "no "),
    ("haha " * 100 + "ok", "haha ok"),
    ("see you there\nmate mate mate mate", "see you there\nmate"),
]


@pytest.mark.parametrize(("text", "cut"), LOOPS)
def test_a_loop_is_cut_to_one_round(text, cut):
    assert stutters(text)
    assert without_stutter(text) == cut
    assert not stutters(cut)


@pytest.mark.parametrize(
    "text",
    [
        "no no no",
        "haha haha",
        "hahaha haha ha haha",
        "yes yes yes, coming",
        "very very very good",
        "bye bye",
        "nein nein nein",
        "да да да",
        "jaja jaja jaja",
        "go go go go",
        "thank you thank you thank you",
        "I know I know I know",
        "Finally! Finally! Finally!",
        "is it yours? yours!",
        "call 12 12 12",
        "so 1 2 1 2 1 2",
        "tel 5555 5555 5555",
        "hop hop hop",
        "I like it so much I like it so much but we must go",
        "it is what it is",
        "had had that that",
        "New York New York",
        "run `make make make make`",
        "```\npass\npass\npass\npass\n```",
        "day after day after day",
        "buddy buddy buddy, so I told him that it was all a big mistake",
        "😂😂😂😂",
        "aaaaaaa !!!!!!",
        "",
    ],
)
def test_people_repeat_themselves_too(text):
    assert not stutters(text)
    assert without_stutter(text) == text


NOUNS = [
    "train",
    "buddy",
    "you",
    "and",
    "yours",
    "the",
    "later",
    "no",
    "haha",
    "friday",
    "we",
    "it's",
    "schön",
]
SENTENCES = st.lists(
    st.tuples(st.sampled_from(NOUNS), st.sampled_from([" ", ", ", ". ", "\n", " 😂 "])), max_size=25
)


def says_something_twice_in_a_row(words):
    return any(
        words[at : at + size] == words[at + size : at + 2 * size]
        for size in range(1, len(words) // 2 + 1)
        for at in range(len(words) - 2 * size + 1)
    )


@given(SENTENCES)
def test_a_text_that_says_nothing_twice_in_a_row_is_never_touched(sentence):
    assume(not says_something_twice_in_a_row([word for word, _ in sentence]))
    text = "".join(word + gap for word, gap in sentence)
    assert not stutters(text)
    assert without_stutter(text) is text


@given(SENTENCES | st.text(max_size=60).map(lambda text: [(text, " ")] * 4), st.integers(1, 5))
def test_what_is_left_loops_no_more_and_keeps_the_beginning(sentence, times):
    text = "".join(word + gap for word, gap in sentence) * times
    left = without_stutter(text)
    assert stutters(text) == (left != text)
    assert not stutters(left)
    assert left[:1] == text[:1]
    assert len(left) <= len(text)


def test_a_long_text_takes_no_time():
    started = time.perf_counter()
    for text in ("word " * 5000, "a b " * 5000, " ".join(map(str, range(5000))), "x" * 50_000):
        stutters(text)
        without_stutter(text)
    assert repeats("some words " * 300, ["some words " * 299]) in {True, False}
    assert time.perf_counter() - started < 10
