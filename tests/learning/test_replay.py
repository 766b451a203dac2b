"""Does every epoch see the owner's own words, and others each time?"""

from __future__ import annotations

import pytest
from learning_samples import owner_rows, pair_rows, write_rows

from learning.base_model import load_tokenizer
from learning.recipes import DpoRecipe
from learning.replay import replayed, scheduled
from learning.rows import total_weight

RECIPE = DpoRecipe(epochs=3, min_updates=0, max_length=256)


@pytest.fixture(scope="module")
def tokenizer(base):
    return load_tokenizer(base)


def corpus_of(folder, count):
    write_rows(folder / "train.jsonl", owner_rows(count, seed=1))
    return folder


def test_the_owner_has_the_share_that_is_wanted_and_other_rows_in_each_epoch(tokenizer, tmp_path):
    pairs = pair_rows(10, seed=2)
    replay = replayed(pairs, corpus_of(tmp_path, 60), 0.5, RECIPE, tokenizer)
    assert total_weight(replay) == pytest.approx(10)
    assert len({row["id"] for row in replay}) == 30  # 10 in each of three epochs
    seen = [row["id"] for row in scheduled([*pairs, *replay], RECIPE) if row["id"].startswith("row-")]
    assert len(seen) == pytest.approx(30, abs=8)
    assert len(set(seen)) > 15


def test_a_small_corpus_is_replayed_whole_and_no_row_more_than_twice_an_epoch(tokenizer, tmp_path):
    replay = replayed(pair_rows(10, seed=2), corpus_of(tmp_path, 4), 0.5, RECIPE, tokenizer)
    assert [row["weight"] for row in replay] == [2.0] * 4


def test_the_owner_keeps_the_share_where_the_corpus_is_smaller_than_the_feedback(tokenizer, tmp_path):
    replay = replayed(pair_rows(10, seed=2), corpus_of(tmp_path, 8), 0.5, RECIPE, tokenizer)
    assert len(replay) == 8
    assert total_weight(replay) == pytest.approx(10)


def test_without_a_corpus_or_a_share_nothing_is_replayed(tokenizer, tmp_path):
    pairs = pair_rows(4, seed=2)
    assert replayed(pairs, None, 0.5, RECIPE, tokenizer) == []
    assert replayed(pairs, corpus_of(tmp_path, 4), 0.0, RECIPE, tokenizer) == []


def test_few_rows_are_seen_more_often_but_never_too_often():
    recipe = DpoRecipe(epochs=1, min_updates=10, effective_batch=4, max_epochs=5)
    assert [recipe.epochs_for(rows) for rows in (1, 8, 20, 400)] == [5, 5, 2, 1]


def test_few_rows_come_up_again_in_the_schedule():
    recipe = DpoRecipe(epochs=1, min_updates=10, effective_batch=4, max_epochs=5)
    assert len(scheduled(pair_rows(4, seed=2), recipe)) == 20
    assert len(scheduled(pair_rows(12, seed=2), recipe)) == pytest.approx(40, abs=1)
