"""Is the kind of talk told right, in five languages, and is `other` said where nothing tells?"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from learning.patterns import OTHER, PATTERNS, examples, labelled, pattern_of

HELD_OUT = Path(__file__).parent / "patterns_heldout.txt"


def held_out():
    return list(labelled(HELD_OUT.read_text(encoding="utf-8")))


def accuracy(cases):
    right = [pattern_of(heard, answer) == pattern for heard, answer, pattern, _ in cases]
    return sum(right) / len(right)


def test_the_examples_cover_every_pattern_and_language():
    counts = Counter((pattern, lang) for _, _, pattern, lang in examples())
    assert sum(counts.values()) >= 500
    for pattern in PATTERNS:
        if pattern != OTHER:
            assert all(counts[pattern, lang] >= 20 for lang in ("en", "de")), pattern
            assert all(counts[pattern, lang] >= 8 for lang in ("es", "fr", "ru")), pattern


def test_the_examples_themselves_are_told_nearly_always():
    cases = list(examples())
    for kind in {case[2] for case in cases} | {case[3] for case in cases}:
        assert accuracy([case for case in cases if kind in case[2:]]) >= 0.93, kind


def test_talk_that_no_example_was_made_with_is_told_mostly_and_seldom_wrongly():
    """The figures that count: measured 0.70 right, and 0.85 of what it names at all (benchmarks.patterns)."""
    cases = held_out()
    assert len(cases) >= 200
    assert {case[0] for case in cases}.isdisjoint(case[0] for case in examples())
    assert accuracy(cases) >= 0.68
    named = [case for case in cases if pattern_of(case[0], case[1]) != OTHER]
    assert accuracy(named) >= 0.82
    assert accuracy([case for case in cases if case[2] == OTHER]) >= 0.85


def test_words_count_even_where_no_cue_does_and_a_cue_weighs_more_than_a_word():
    assert pattern_of(
        "they put our dog to sleep this afternoon", "oh no. he had such a good life with you"
    ) == ("comforting")
    assert pattern_of("why do you always have to have the last word") == "arguing"
    assert pattern_of("the printer", "") == "technical help"


@pytest.mark.parametrize(
    ("heard", "answer", "pattern"),
    [
        ("hello", "", "greeting"),
        ("hello, my laptop shows an error when i install the update on it", "", "technical help"),
        ("", "i'm so sorry, i'm here for you", "comforting"),
        ("good morning everybody, my printer has jammed again today", "", "technical help"),
        ("estoy enfadadísima", "", "arguing"),
        ("see `main()`", "", "technical help"),
        ("ok 18:30", "", "planning"),
        ("", "", OTHER),
        ("\U0001f605", "!!", OTHER),
        ("こんにちは、元気ですか", "はい", OTHER),
        ("Dzień dobry", "tak", OTHER),
    ],
)
def test_shapes_and_answers_count_and_silence_is_other(heard, answer, pattern):
    assert pattern_of(heard, answer) == pattern


def test_capitals_and_typographic_quotes_change_nothing():
    for heard, answer, _, _ in list(examples())[:200]:
        if not any(mark in heard + answer for mark in ("Error", "None", "~")):
            loud = heard.upper().replace("'", "’"), answer.upper().replace("'", "’")
            assert pattern_of(*loud) == pattern_of(heard, answer), heard
