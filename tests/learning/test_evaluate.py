"""Are the figures what they are called?"""

from __future__ import annotations

import json

import pytest

from learning.evaluate import EMOJI, evaluate, nll, preference, separation
from learning.plot import draw


@pytest.fixture(scope="module")
def report(base, corpus, preferences, sft_adapter, tmp_path_factory):
    file = tmp_path_factory.mktemp("runs") / "r1" / "report.json"
    adapters = {"base": None, "live": None, "candidate": sft_adapter}
    found = evaluate(adapters, base, corpus, preferences, file)
    assert json.loads(file.read_text()) == found
    return found


def test_all_are_measured_on_the_same_rows_and_the_trained_one_knows_the_owner_better(report):
    models = report["models"]
    assert {model["nll"]["rows"] for model in models.values()} == {8}
    assert models["candidate"]["nll"]["mean"] < models["base"]["nll"]["mean"] - 0.1
    assert models["live"] == models["base"]
    assert models["candidate"]["adapter"] == "sft-1"
    assert models["candidate"]["preference"]["pairs"] == 8
    assert models["candidate"]["thumbs"]["thumbs"] == 8
    assert 0 <= models["candidate"]["style"]["letters_distance"] <= 1


def test_the_report_can_be_seen(report, tmp_path):
    picture = draw(report, tmp_path / "report.png")
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size > 10_000


def test_without_feedback_there_is_still_a_report_and_a_picture(base, corpus, tmp_path):
    found = evaluate({"base": None}, base, corpus, None, tmp_path / "report.json")
    assert found["models"]["base"]["preference"] is None
    assert draw(found, tmp_path / "report.png").exists()


def test_nll_counts_words_and_neither_rows_nor_the_end_of_a_turn():
    figures = nll([[-1.0, -9.0], [-2.0, -2.0, -2.0, -9.0]], seed=0)
    assert figures["mean"] == pytest.approx(7 / 4)
    assert figures["low"] <= figures["mean"] <= figures["high"]
    assert nll([], seed=0) is None


def test_the_interval_narrows_with_more_rows():
    few, many = ([[-1.0, -9.0], [-3.0, -9.0]] * count for count in (3, 300))
    assert nll(many, 0)["high"] - nll(many, 0)["low"] < nll(few, 0)["high"] - nll(few, 0)["low"]


def test_preference_goes_by_the_mean_token_so_long_answers_have_no_handicap():
    figures = preference([[-1.0] * 9, [-4.0]], [[-2.0], [-1.0] * 2], seed=0)
    assert figures["accuracy"] == 0.5
    assert figures["margin"] == pytest.approx((1 - 3) / 2)


def test_separation_is_a_half_when_thumbs_cannot_be_told_apart():
    assert separation([[-1.0], [-1.0]], [True, False])["auc"] == 0.5
    assert separation([[-1.0], [-5.0]], [True, False])["auc"] == 1.0
    assert separation([[-1.0]], [True]) is None


def test_emoji_are_counted_and_letters_are_not():
    assert EMOJI.search("nice 🌿")
    assert not EMOJI.search("nice é ñ 漢")
