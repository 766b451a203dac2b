"""Do the owner's own tokens weigh more, within bounds, and does training with the weights show it?"""

from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from learning_samples import said, turns, write_rows

from learning import train_sft
from learning.base_model import load_base, load_tokenizer, with_adapter
from learning.logprobs import answer_logprobs
from learning.rows import tokens_of
from learning.sft_data import read
from learning.token_weights import HIGHEST, LOWEST, log_odds, owner_weights, weights_of


def test_the_log_odds_are_those_of_the_paper():
    owner, others = Counter({1: 30, 2: 70}), Counter({1: 10, 2: 90})
    alpha = {1: 100 * 40 / 200, 2: 100 * 160 / 200}
    odds = math.log((30 + alpha[1]) / (100 + 100 - 30 - alpha[1])) - math.log(
        (10 + alpha[1]) / (100 + 100 - 10 - alpha[1])
    )
    z = odds / math.sqrt(1 / (30 + alpha[1]) + 1 / (10 + alpha[1]))
    scores = log_odds(owner, others, prior=100)
    assert scores[1] == pytest.approx(z)
    assert scores[2] == pytest.approx(-z * math.sqrt((1 / 50 + 1 / 30) / (1 / 150 + 1 / 170)))
    assert log_odds(owner, Counter()) == {}


def test_a_rare_token_is_not_called_anybodys_own_on_thin_evidence():
    scores = log_odds(Counter({1: 2, 2: 998}), Counter({1: 0, 2: 1000}))
    assert abs(scores[1]) < 1.5
    scores = log_odds(Counter({1: 100, 2: 900}), Counter({1: 0, 2: 1000}))
    assert scores[1] > 4


@given(
    st.dictionaries(st.integers(0, 20), st.integers(1, 50), min_size=1),
    st.dictionaries(st.integers(0, 20), st.floats(-50, 50)),
    st.floats(0, 1),
)
def test_weights_stay_within_their_bounds_and_are_one_on_average(learned, scores, strength):
    counts = Counter(learned)
    weights = weights_of(scores, counts, strength)
    assert set(weights) == set(learned)
    assert all(LOWEST <= weight <= HIGHEST for weight in weights.values())
    mean = sum(weights[token] * count for token, count in counts.items()) / counts.total()
    assert mean == pytest.approx(1, abs=1e-6)


def test_what_the_owner_uses_more_than_the_others_weighs_more():
    weights = weights_of({1: 4.0, 2: 0.0, 3: -4.0}, Counter({1: 10, 2: 10, 3: 10}), 0.5)
    assert weights[1] > weights[2] > weights[3]
    assert weights[1] / weights[3] == pytest.approx(2.0)


def row(number, question, answer, **more):
    return {"id": f"row-{number}", "prompt": turns(question), "completion": said(answer), **more}


@pytest.fixture(scope="module")
def shouting():
    """The owner ends everything with "!", which nobody else does; the rest they all share."""
    words = ["the cat counts stars", "her brother sings about rain", "our teacher bakes seven loaves"]
    return [row(number, words[number % 3], f"{words[(number + 1) % 3]}!") for number in range(30)]


def test_the_owners_mark_is_found_and_invented_prompts_do_not_count(base, shouting):
    tokenizer = load_tokenizer(base)
    mark = tokenizer.convert_tokens_to_ids("!")
    weights = owner_weights(shouting, tokenizer, 1.0)
    assert weights[mark] == max(weights.values()) > 1.4
    invented = [row(99, "! ! ! ! ! ! ! ! ! ! ! !" * 9, "yes", kind="style")]
    assert owner_weights(shouting + invented, tokenizer, 1.0)[mark] == pytest.approx(weights[mark], abs=0.05)
    assert owner_weights(shouting, tokenizer, 0.0) == {}


def test_training_with_weights_moves_the_owners_mark_further_than_without(
    base, shouting, sft_recipe, tmp_path
):
    write_rows(tmp_path / "data" / "train.jsonl", shouting)
    write_rows(tmp_path / "data" / "validation.jsonl", [])
    tokenizer = load_tokenizer(base)
    mark = tokenizer.convert_tokens_to_ids("!")
    found = {}
    for strength in (0.0, 1.0):
        recipe = sft_recipe.model_copy(update={"own_tokens": strength, "learning_rate": 5e-4, "epochs": 1})
        final = tmp_path / f"{strength}" / "sft-1"
        report = train_sft.train(tmp_path / "data", recipe, base, final, tmp_path / "work")
        parts = [tokens_of(tokenizer, one["prompt"], one["completion"]) for one in shouting[:6]]
        model = with_adapter(load_base(base), final)
        scores = answer_logprobs(model, parts, tokenizer.pad_token_id)
        found[strength] = sum(
            value
            for (ids, start), values in zip(parts, scores, strict=True)
            for token, value in zip(ids[start:], values, strict=True)
            if token == mark
        )
    assert found[1.0] > found[0.0] + 0.05
    assert report["own_tokens"][0][0] == "!"


def test_the_held_out_rows_are_judged_without_weights(base, shouting, sft_recipe, tmp_path):
    write_rows(tmp_path / "train.jsonl", shouting)
    write_rows(tmp_path / "validation.jsonl", shouting[:4])
    data = read(tmp_path, sft_recipe.model_copy(update={"own_tokens": 1.0}), load_tokenizer(base))
    assert {weight for seen in data.validation for weight in seen["loss_weights"]} == {1.0}
    assert max(weight for seen in data.training[0] for weight in seen["loss_weights"]) > 1.4
