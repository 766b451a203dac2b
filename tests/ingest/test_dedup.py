"""Do the quick ways of telling duplicates say what the slow one says?"""

from __future__ import annotations

import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from records_said import said

from ingest import dedup
from ingest.dedup import CLOSE, MIN_WORDS, SAME, Dedup, Duplicate

LONG = "one two three four five six seven eight nine"
MINUTES = CLOSE / 60
WORDS = st.sampled_from(["Tea", "tea", "don't", "no-one", "Straße", "STRASSE", "...", "x" * 80, "ok,ok"])
TEXTS = st.lists(WORDS, min_size=MIN_WORDS, max_size=14).map(" ".join)


def pairs(text: str) -> set[tuple[str, str]]:
    return set(pairwise(re.findall(r"\w+", text.casefold())))


@given(TEXTS, TEXTS)
def test_two_texts_are_the_same_by_the_share_of_pairs_of_words(one: str, other: str) -> None:
    told = Dedup()
    first, second = said(1, "owner", one, 0), said(2, "owner", other, 1)
    assert told.check(first) == first
    shared, all_there_are = len(pairs(one) & pairs(other)), len(pairs(one) | pairs(other)) or 1
    lengths = sorted((len(one.split()), len(other.split())))
    same = lengths[0] >= SAME * lengths[1] and shared / all_there_are >= SAME
    assert told.check(second) == (Duplicate(second.origin, first.id) if same else second)


@given(TEXTS)
def test_how_many_words_there_are_may_be_known_or_not(text: str) -> None:
    records = [said(1, "owner", text, 0), said(2, "owner", f"{text} again", 1)]
    counted, looked = Dedup(), Dedup()
    assert [counted.check(one, len(one.text.split())) for one in records] == list(map(looked.check, records))


def test_an_hour_apart_and_by_somebody_else_or_elsewhere_it_is_said_anew() -> None:
    told = Dedup()
    new = [
        said(1, "owner", LONG, 0),
        said(2, "friend", LONG, 1),
        said(3, "owner", LONG, 1, thread="garden"),
        said(4, "owner", LONG, MINUTES + 1),
    ]
    assert [told.check(one) for one in new] == new
    assert told.check(said(5, "owner", LONG, 2 * MINUTES)) == Duplicate("", "r4")


def test_only_the_last_of_an_author_are_compared_and_what_is_a_duplicate_is_not_among_them() -> None:
    told = Dedup()
    for number in range(dedup._RECENT):
        other = said(number, "owner", " ".join(f"w{number}x{word}" for word in range(9)), 0)
        assert told.check(other) == other
    again = " ".join(f"w0x{word}" for word in range(9))
    assert told.check(said("again", "owner", again, 1)) == Duplicate("", "r0")
    told.check(said("new", "owner", LONG, 1))
    assert told.check(said("later", "owner", again, 1)).id == "rlater"


def test_what_is_remembered_of_words_is_bounded(monkeypatch) -> None:
    monkeypatch.setattr(dedup, "_MOST_PIECES", 10)
    words = dedup._Words()
    for number in range(100):
        assert words[f"W{number}-a"] == [f"w{number}", "a"]
        assert len(words) <= 11
    assert words["x" * 65] == ["x" * 65]
    assert "x" * 65 not in words


def test_what_is_twice_as_long_is_something_else_though_all_its_words_are_the_same() -> None:
    told = Dedup()
    both = [said(1, "owner", LONG, 0), said(2, "owner", f"{LONG} {LONG}", 1)]
    assert [told.check(one) for one in both] == both
