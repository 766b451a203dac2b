"""Do rows come back from a file as they went in, whatever people wrote?"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from learning.rows import as_jsonl, read_rows, unrolled


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    some.lists(some.text(some.characters(codec="utf-8")) | some.sampled_from(["a\u2028b", "a\x85b", "\r\n"]))
)
def test_any_words_survive_the_file(tmp_path, words):
    file = tmp_path / "rows.jsonl"
    rows = [{"text": text} for text in words]
    file.write_text(as_jsonl(rows), encoding="utf-8")
    assert read_rows(file) == rows


def test_no_file_no_rows(tmp_path):
    assert read_rows(tmp_path / "nowhere.jsonl") == []


@given(
    weights=some.lists(some.floats(0.01, 3), min_size=1, max_size=30),
    epochs=some.floats(0.05, 4),
    seed=some.integers(0, 9),
)
def test_rows_come_up_by_their_weight_and_never_not_at_all(weights, epochs, seed):
    rows = [{"id": number, "weight": weight} for number, weight in enumerate(weights)]
    schedule = unrolled(rows, epochs, seed)
    assert schedule
    assert len(schedule) == pytest.approx(sum(weights) * epochs, abs=1)
    for row in rows:
        times = sum(one["id"] == row["id"] for one in schedule)
        assert times <= row["weight"] * epochs + 5


def test_many_light_rows_together_count_as_much_as_they_weigh():
    assert len(unrolled([{"weight": 0.1} for _ in range(100)], 1, seed=0)) == 10


def test_every_epoch_has_an_order_of_its_own():
    rows = [{"id": number} for number in range(20)]
    first, second = (unrolled(rows, 2, seed=0)[part] for part in (slice(20), slice(20, 40)))
    assert first != second
    assert sorted(row["id"] for row in first) == sorted(row["id"] for row in second) == list(range(20))
