"""Is what lies between two adapters measured, and the best of it published as a whole adapter?"""

from __future__ import annotations

import json
import math

import pytest
import torch
from learning_samples import owner_rows, pair_rows, write_rows
from safetensors.torch import load_file

from learning import train_dpo, train_sft
from learning.adapter_folder import WEIGHTS, check, sha256
from learning.failures import TrainingFailed
from learning.interpolate import Measured, best, halfway, interpolate
from learning.plan import nearer
from learning.recipes import InterpolationRecipe


@pytest.fixture(scope="module")
def trained(base, sft_adapter, preferences, corpus, dpo_recipe, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained") / "dpo-2"
    train_dpo.train(
        preferences, dpo_recipe, base, folder, folder.parent / "work", parent=sft_adapter, replay_dir=corpus
    )
    return folder


def recipe(**more):
    return InterpolationRecipe(max_length=256, **more)


def test_of_those_within_the_limit_the_one_that_prefers_the_better_words_most_is_taken():
    some = [Measured(0.3, 1.0, 0.2), Measured(0.6, 1.04, 0.5), Measured(1.0, 1.2, 0.9)]
    assert best(some, 1.05).share == 0.6
    assert best(some, 9.0).share == 1.0
    assert best([Measured(0.3, 1.0, 0.6), Measured(1.0, 1.0, 0.5)], 1.05).share == 0.3


def test_of_those_that_prefer_them_nearly_as_much_the_one_that_goes_least_far_is_taken():
    some = [Measured(0.6, 1.0, 0.77), Measured(0.8, 1.01, 0.83), Measured(0.9, 1.03, 0.84)]
    assert best(some, 1.05).share == 0.8
    assert best([Measured(0.3, 1.0, -0.101), Measured(0.6, 1.0, -0.1)], 1.05).share == 0.3
    assert best([Measured(0.3, 1.0, -0.2), Measured(0.6, 1.0, -0.1)], 1.05).share == 0.6


def test_less_far_is_half_as_far_where_that_keeps_half_of_what_was_preferred():
    assert nearer({"share": 0.8, "candidates": at((0.3, 0.3), (0.6, 0.4), (0.8, 0.5))}) == 0.4
    assert nearer({"share": 0.8, "candidates": at((0.1, 0.0), (0.3, 0.4), (0.8, 0.5))}) == 0.4


def test_less_far_is_as_far_as_half_of_what_was_preferred_takes():
    late = at((0.3, -0.4), (0.6, -0.1), (0.8, 0.1), (1.0, 0.4), (1.6, 0.9))
    assert nearer({"share": 1.0, "candidates": late}) == pytest.approx(0.8 + 0.2 / 3)
    assert nearer({"share": 0.8, "candidates": late}) == pytest.approx(0.75)
    assert nearer({"share": 0.6, "candidates": late}) == 0.3  # it prefers the others: nothing to keep
    early = at((0.3, 0.1), (0.6, 0.4), (0.8, 0.5), (1.3, 0.0), (1.6, -0.2))  # and worse again further on
    assert nearer({"share": 0.8, "candidates": early}) == pytest.approx(0.45)


def test_without_held_out_corrections_less_far_is_half_as_far():
    assert nearer({"share": 1.0, "candidates": at((0.3, None), (1.0, None))}) == 0.5


def at(*measured):
    return [{"share": share, "margin": margin} for share, margin in measured]


def test_where_none_is_within_the_limit_the_closest_is_taken_and_left_to_the_gate():
    assert best([Measured(0.3, 1.2, 0.1), Measured(1.0, 1.4, 0.9)], 1.05).share == 0.3


def test_without_held_out_rows_it_goes_as_far_as_it_may():
    nothing = math.nan
    assert best([Measured(0.3, 1.0, nothing), Measured(0.6, 1.0, nothing)], 1.05).share == 0.6
    assert best([Measured(0.3, nothing, nothing), Measured(1.0, nothing, nothing)], nothing).share == 1.0


def test_the_limit_is_looked_for_between_the_last_within_it_and_the_first_beyond():
    def of(*some):
        return halfway([Measured(share, nll, 0.0) for share, nll in some], 1.05)

    assert of((0.3, 1.0), (0.6, 1.02), (1.0, 1.2)) == pytest.approx(0.8)
    assert of((0.3, 1.0), (1.0, 1.2), (0.65, 1.1)) == pytest.approx(0.475)  # in whatever order they came
    assert of((0.3, 1.2), (1.0, 1.4)) == pytest.approx(0.15)  # the start itself lies below the first
    assert of((0.3, 1.0), (1.0, 1.04)) is None
    assert of((0.3, 1.2), (1.0, 1.0)) is None
    assert of((0.3, 1.0), (1.0, math.nan)) == pytest.approx(0.65)
    assert halfway([Measured(0.3, math.nan, 0.0)], math.nan) is None


def test_a_candidate_whose_figures_are_no_numbers_is_not_within_the_limit():
    assert best([Measured(0.3, 1.0, 0.1), Measured(1.0, math.nan, math.nan)], 1.05).share == 0.3
    assert best([Measured(1.0, math.nan, math.nan), Measured(0.3, 1.2, 0.1)], 1.05).share == 0.3


def test_it_goes_beyond_what_was_trained_only_where_held_out_corrections_can_tell(
    base, sft_adapter, trained, corpus, preferences, tmp_path
):
    write_rows(tmp_path / "none" / "pairs.jsonl", [])
    free = recipe(max_nll_rise=9.0, shares=(0.5, 1.5))
    shares = {}
    for name, data in (("mix-3", preferences), ("mix-4", tmp_path / "none")):
        found = interpolate(sft_adapter, trained, free, base, corpus, data, tmp_path / name, live=None)
        shares[name] = [one["share"] for one in found["candidates"]]
    assert shares == {"mix-3": [0.5, 1.5], "mix-4": [0.5]}


def test_what_lies_just_within_the_limit_is_found_and_not_only_what_the_recipe_names(
    base, sft_adapter, trained, corpus, preferences, tmp_path
):
    far = recipe(max_nll_rise=0.0, shares=(0.5, 60.0), halvings=3)
    found = interpolate(
        sft_adapter, trained, far, base, corpus, preferences, tmp_path / "mix-3", live=sft_adapter
    )
    shares = [one["share"] for one in found["candidates"]]
    assert shares[:3] == [0.5, 60.0, 30.25], found["candidates"]
    assert len(shares) == 5
    by_share = {one["share"]: one["nll"] for one in found["candidates"]}
    within = [share for share in shares if by_share[share] <= found["nll_limit"]]
    nearest = min(share for share in shares if share not in within)
    assert nearest - max(within) == pytest.approx(59.5 / 2**3)  # each one halves what is not known
    assert found["share"] in within


def test_a_mixture_is_a_whole_adapter_halfway_with_both_parents_in_its_manifest(
    base, sft_adapter, trained, corpus, preferences, tmp_path
):
    mix = tmp_path / "mix-3"
    report = interpolate(
        sft_adapter, trained, recipe(shares=(0.6,)), base, corpus, preferences, mix, live=sft_adapter
    )
    assert check(mix, base) == []
    start, end, found = (load_file(folder / WEIGHTS) for folder in (sft_adapter, trained, mix))
    assert start.keys() == end.keys() == found.keys()
    for name, weight in found.items():
        assert torch.allclose(weight, start[name] + 0.6 * (end[name] - start[name]), atol=1e-6)
    manifest = json.loads((mix / "manifest.json").read_text())
    assert manifest["parent"]["version"] == "dpo-2"
    assert manifest["parents"] == [
        {"version": "sft-1", "sha256": sha256(sft_adapter / WEIGHTS), "share": pytest.approx(0.4)},
        {"version": "dpo-2", "sha256": sha256(trained / WEIGHTS), "share": 0.6},
    ]
    before = json.loads((trained / "manifest.json").read_text())
    assert (manifest["samples"], manifest["replayed"]) == (before["samples"], before["replayed"])
    assert manifest["replayed"]["data"] == corpus.name
    assert report["share"] == 0.6


def test_the_whole_way_is_the_trained_adapter_itself(
    base, sft_adapter, trained, corpus, preferences, tmp_path
):
    mix = tmp_path / "mix-3"
    whole = recipe(shares=(1.0,))
    interpolate(sft_adapter, trained, whole, base, corpus, preferences, mix, live=sft_adapter)
    end, found = load_file(trained / WEIGHTS), load_file(mix / WEIGHTS)
    assert all(torch.equal(end[name], found[name]) for name in end)


def test_what_is_published_is_the_candidate_that_measured_best(
    base, sft_adapter, trained, corpus, preferences, tmp_path
):
    mix = tmp_path / "mix-3"
    free = recipe(max_nll_rise=9.0, shares=(0.3, 1.0))
    report = interpolate(sft_adapter, trained, free, base, corpus, preferences, mix, live=None)
    by_margin = {one["margin"]: one["share"] for one in report["candidates"]}
    assert len(by_margin) == 2
    assert report["share"] == by_margin[max(by_margin)]
    parts = {
        one["version"]: one["share"] for one in json.loads((mix / "manifest.json").read_text())["parents"]
    }
    assert parts["dpo-2"] == report["share"]
    start, end, found = (load_file(folder / WEIGHTS) for folder in (sft_adapter, trained, mix))
    for name, weight in found.items():
        assert torch.allclose(weight, torch.lerp(start[name], end[name], report["share"]), atol=1e-6)


def test_the_limit_is_held_against_the_live_adapter(
    base, sft_adapter, trained, corpus, preferences, tmp_path
):
    limits = [
        interpolate(
            sft_adapter,
            trained,
            recipe(max_nll_rise=0.1),
            base,
            corpus,
            preferences,
            tmp_path / name,
            live=live,
        )["nll_limit"]
        for name, live in (("mix-3", sft_adapter), ("mix-4", None))
    ]
    assert limits[0] < limits[1]  # the bare base finds the owner's words less likely


def test_adapters_of_other_shapes_are_refused_in_a_sentence(
    base, sft_adapter, sft_recipe, corpus, preferences, tmp_path
):
    write_rows(tmp_path / "c" / "train.jsonl", owner_rows(8, seed=1))
    write_rows(tmp_path / "c" / "validation.jsonl", [])
    write_rows(tmp_path / "p" / "heldout_pairs.jsonl", pair_rows(2, seed=1))
    wide = sft_recipe.model_copy(update={"lora_rank": 16, "epochs": 1})
    train_sft.train(tmp_path / "c", wide, base, tmp_path / "sft-9", tmp_path / "work")
    with pytest.raises(TrainingFailed, match="sft-1 and sft-9 differ in shape"):
        interpolate(
            sft_adapter,
            tmp_path / "sft-9",
            recipe(),
            base,
            corpus,
            tmp_path / "p",
            tmp_path / "mix-3",
            live=None,
        )
    assert not (tmp_path / "mix-3").exists()
