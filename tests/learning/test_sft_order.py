"""Does every update see the mixture that the corpus is, and does the dealing lose or repeat nothing?"""

from __future__ import annotations

import random
from collections import Counter
from itertools import chain

from hypothesis import given
from hypothesis import strategies as st

from learning.order import dealt, interleaved, kind_of, mixture, schedule, updates


def rows_of(**kinds):
    return [
        {
            "id": f"{topic}-{number}", "scores": {topic: 1.0}, "lang": "en", "source": "discord",
            "length": "short", "said_at": "2024-05-01T00:00:00",
        }
        for topic, count in kinds.items()
        for number in range(count)
    ]  # fmt: skip


def topic(row):
    return kind_of(row)[0]


def test_every_update_holds_the_strata_in_their_proportions():
    rows = rows_of(personal=120, technical=60, creative=20)
    for update in updates(schedule(rows, 2, seed=3), 20):
        counts = Counter(map(topic, update))
        assert abs(counts["personal"] - 12) <= 2
        assert abs(counts["technical"] - 6) <= 2
        assert abs(counts["creative"] - 2) <= 2


@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=80), st.integers(0, 9))
def test_whatever_the_kinds_none_is_lost_and_none_is_far_from_its_share(kinds, seed):
    rows = list(enumerate(kinds))
    found = interleaved(rows, lambda row: row[1], random.Random(seed))
    assert sorted(found) == rows
    counts, different = Counter(kinds), len(set(kinds))
    for end in range(1, len(found) + 1):
        seen = Counter(kind for _, kind in found[:end])
        for kind, count in counts.items():
            share = count / len(rows)
            assert abs(seen[kind] - end * share) <= 1 + different * share


def test_kinds_of_a_single_row_do_not_all_come_up_at_the_same_time():
    rows = list(enumerate([*"abcdefghijklmnop", *"z" * 84]))
    places = [
        place for place, (_, kind) in enumerate(interleaved(rows, lambda row: row[1], random.Random(1)))
        if kind != "z"
    ]  # fmt: skip
    assert min(places) < 25
    assert max(places) > 75


def test_the_order_is_the_seeds_and_each_epoch_has_its_own():
    rows = rows_of(personal=12, technical=6)
    ids = [row["id"] for row in schedule(rows, 2, seed=1)]
    assert ids == [row["id"] for row in schedule(rows, 2, seed=1)]
    assert ids != [row["id"] for row in schedule(rows, 2, seed=2)]
    assert ids[:18] != ids[18:]
    assert sorted(ids[:18]) == sorted(ids[18:]) == sorted(row["id"] for row in rows)


def test_rows_that_tell_no_kind_are_shuffled():
    rows = [{"id": str(number)} for number in range(30)]
    ids = [row["id"] for row in schedule(rows, 1, seed=0)]
    assert sorted(ids) == sorted(row["id"] for row in rows)
    assert ids != [row["id"] for row in rows]
    assert mixture(rows) == {"(no kind told)": 30}


lengths = st.lists(st.integers(1, 100), min_size=1, max_size=60)


@given(lengths, st.integers(1, 16), st.integers(100, 400), st.integers(1, 4))
def test_dealing_keeps_every_row_once_in_its_update_and_no_micro_batch_above_the_budget(
    found, effective_batch, budget, processes
):
    dealing = dealt(found, effective_batch, budget, processes)
    windows = updates(range(len(found)), effective_batch)
    assert dealing.accumulation % processes == 0
    assert len(dealing.micro_batches) == dealing.accumulation * len(windows)
    for number, window in enumerate(windows):
        start = number * dealing.accumulation
        own = dealing.micro_batches[start : start + dealing.accumulation]
        assert sorted(index for part in own for index in part) == list(window)
        assert all(sum(found[index] for index in part) <= budget for part in own)


def test_the_rows_behind_an_update_do_not_depend_on_the_number_of_processes():
    found = [random.Random(1).randint(5, 90) for _ in range(64)]

    def behind(processes):
        dealing = dealt(found, 16, 300, processes)
        parts, size = dealing.micro_batches, dealing.accumulation
        return [sorted(chain.from_iterable(parts[at : at + size])) for at in range(0, len(parts), size)]

    assert behind(1) == behind(2) == behind(3)


def test_a_small_corpus_takes_at_least_a_step_for_every_epoch():
    assert [len(rows) for rows in updates(range(24), 32, at_least=3)] == [8, 8, 8]
    assert [len(rows) for rows in updates(range(2), 32, at_least=3)] == [1, 1]
    assert [len(rows) for rows in updates(range(96), 32, at_least=2)] == [32, 32, 32]
