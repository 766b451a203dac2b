"""Is what is ranked in bulk what the words of the rule say?"""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from storage.ranking import NEWEST, SHELF, Hits, Shelf
from storage.records import MemoryKind

SHELVES = [Shelf(1, MemoryKind.SAID, 900), Shelf(4, MemoryKind.SAID, 40), Shelf(7, MemoryKind.EXAMPLE, 90)]
NUMBERS = st.lists(st.integers(1, 400), min_size=1, max_size=12, unique=True)
FOUND = st.lists(st.tuples(st.integers(0, 5), st.sampled_from(SHELVES), NUMBERS), max_size=20)


def on(shelf, places):
    return [shelf.number * SHELF + place for place in sorted(places, reverse=True)]


@given(FOUND, st.integers(0, 9))
def test_the_best_have_the_weightiest_words_and_of_equals_the_newest(found, limit):
    hits, has, often = Hits(SHELVES), {}, {}
    for word, shelf, places in found:
        numbers = on(shelf, places)
        hits.add((word,), ",".join(map(str, numbers)))
        has.setdefault(word, set()).update(numbers)
        often[word] = often.get(word, 0) + len(numbers)
    weight = {word: math.log(1 + max(1.0, hits.total / count)) for word, count in often.items()}
    best = hits.best(limit)
    scores = {}
    for word in sorted(often, key=often.get):
        for number in has[word]:
            scores[number] = scores.get(number, 0) + weight[word]
    for kind in (MemoryKind.SAID, MemoryKind.EXAMPLE):
        shelves = {shelf.number for shelf in SHELVES if shelf.kind is kind}
        mine = sorted((score, number) for number, score in scores.items() if number // SHELF in shelves)
        expected = {number for _, number in mine[len(mine) - min(limit, len(mine)) :]}
        assert {number for number in best if number // SHELF in shelves} == expected
    for number, score in scores.items():
        matched, rarest = hits.why(number)
        assert math.isclose(matched, score / sum(weight.values()))
        assert rarest == min(often[word] for word in often if number in has[word])


def test_what_has_none_of_the_words_says_nothing_of_them():
    hits = Hits(SHELVES)
    assert hits.best(3) == set()
    assert hits.why(SHELF + 1) == (0.0, 1030.0)
    hits.add((0,), f"{SHELF + 5}")
    hits.best(3)
    assert hits.why(SHELF + 4) == hits.why(SHELF + 6) == (0.0, 1030.0)


def test_only_pairs_with_a_word_that_is_everywhere_are_looked_for():
    hits = Hits(SHELVES)
    hits.add((0,), ",".join(map(str, on(SHELVES[0], range(1, NEWEST + 1)))))
    hits.add((1,), f"{SHELF + 5}")
    hits.add((2,), f"{SHELF + 6}")
    assert sorted(map(sorted, hits.unsure())) == [[0, 1], [0, 2]]
