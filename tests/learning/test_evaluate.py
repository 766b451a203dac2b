"""Are the figures what they are called?"""

from __future__ import annotations

import json

import pytest

from learning.evaluate import evaluate
from learning.evaluation.likelihood import nll, nll_rise, preference, separation
from learning.evaluation.page import page
from learning.evaluation.style import EMOJI
from learning.gate import judge
from learning.plot import draw
from learning.settings import GateSettings


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
    assert 0 <= models["candidate"]["distances"]["letters"]["distance"] <= 1
    assert len(models["candidate"]["samples"]) == len(report["prompts"]) == len(report["answers"]) == 8


# Figures by path that have no interval: an exact probability and its parts, shares of a few questions each,
# and distances that stand beside their place on the scale, which has one.
BARE = ("canaries.", "capability.kinds.", "safety.kinds.", "distances.")


def test_every_figure_has_an_interval(report):
    def bare(found, path=""):
        first = True
        for name, value in found.items():
            if isinstance(value, dict):
                yield from bare(value, f"{path}{name}.")
            elif isinstance(value, float) and not name.endswith(("low", "high")):
                low, high = (found.get(f"{name}_{end}", first and found.get(end)) for end in ("low", "high"))
                if low is False or low is None or not low <= value <= high:
                    yield f"{path}{name}"
                first = False

    for role, model in report["models"].items():
        assert [name for name in bare(model) if not name.startswith(BARE)] == [], role
    assert list(bare({"owner": report["owner"]})) == []


def test_the_candidate_is_compared_with_the_live_one_on_the_same_rows(report):
    ours, live = report["models"]["candidate"], report["models"]["live"]
    rise = ours["against_live"]["nll"]
    assert rise["difference"] == pytest.approx(ours["nll"]["mean"] / live["nll"]["mean"] - 1)
    assert rise["low"] <= rise["difference"] <= rise["high"] < 0
    assert ours["divergence"]["mean"] > 0
    assert ours["from_base"] > 0.1
    assert live["from_base"] == 0


def test_the_page_needs_nothing_but_itself_and_shows_each_axis_and_what_was_said(report, tmp_path):
    candidate, live = report["models"]["candidate"], report["models"]["live"]
    verdict = judge(candidate, live, ["<b>broken</b>"], GateSettings()).as_json()
    picture = draw(report, tmp_path / "report.png")
    html = page({**report, "verdict": verdict}, [("a figure", "1", "2", "3")], picture)
    assert "is refused" in html
    assert "&lt;b&gt;broken" in html
    assert all(axis["name"].replace("'", "&#x27;") in html for axis in verdict["axes"])
    assert "data:image/png;base64," in html
    assert not any(outside in html for outside in ("src='http", 'src="http', "<script", "<link"))


def test_several_candidates_are_measured_in_one_go(base, corpus, sft_adapter, tmp_path):
    roles = {"live": sft_adapter, "one": sft_adapter, "two": None}
    models = evaluate(roles, base, corpus, None, tmp_path / "report.json")["models"]
    assert models["one"]["against_live"]["nll"]["difference"] == 0
    assert models["two"]["against_live"]["nll"]["difference"] > 0
    assert "against_live" not in models["live"]


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


def test_a_rise_is_of_the_whole_and_a_few_cheap_words_hardly_count():
    ours, theirs = [[-1.0] * 10 + [-9.0], [-0.2, -9.0]], [[-1.0] * 10 + [-9.0], [-0.1, -9.0]]
    assert nll_rise(ours, theirs, 0)["difference"] == pytest.approx(10.2 / 10.1 - 1)
