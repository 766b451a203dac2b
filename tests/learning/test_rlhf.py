"""Does reinforcement learning earn more on new prompts, stay near its anchor, and publish what it says?"""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
import torch
from learning_samples import owner_rows, pair_rows, said, thumb_rows, turns, write_rows
from safetensors.torch import load_file

from learning import train_reward, train_rlhf, train_sft
from learning.adapter_folder import FILES, check, described, sha256
from learning.base_model import load_base, load_tokenizer, with_adapter
from learning.failures import TrainingFailed
from learning.jobs import Job, RewardStep, RlhfStep
from learning.judge import Judge
from learning.kl_budget import KlBudget, halfway_back, measured_kl
from learning.recipes import for_base
from learning.reward_model import HEAD, RewardModel
from learning.rewards import profile as profiles
from learning.rlhf_prompts import prompts_of
from learning.rlhf_recipe import RewardRecipe, RewardWeights, RlhfRecipe
from learning.rows import read_rows, tokens_of
from storage.records import now

WEIGHTS = "adapter_model.safetensors"
QUICK = {"max_length": 256, "gradient_checkpointing": False, "warmup": 0.0, "min_rows": 4}
NOTHING = dict.fromkeys(RewardWeights().as_dict(), 0.0)


@pytest.fixture(scope="session")
def recipe():
    return RlhfRecipe(
        learning_rate=3e-3,
        batch_size=16,
        effective_batch=16,
        steps=48,
        max_new_tokens=28,
        kl_budget=0.6,
        heldout_prompts=12,
        **QUICK,
    )


@pytest.fixture(scope="session")
def reward_recipe():
    return RewardRecipe(learning_rate=2e-3, epochs=4, batch_size=8, effective_batch=8, lora_rank=8, **QUICK)


@pytest.fixture(scope="session")
def anchor(tmp_path_factory, base, sft_recipe):
    """Somebody who speaks as the owner half of the time, and shouts the other half."""
    home = tmp_path_factory.mktemp("anchor")
    shouted = [
        {**row, "completion": said(row["completion"][0]["content"].split()[0].upper() + "!!! WOW WOW")}
        for row in owner_rows(24, seed=9)
    ]
    write_rows(home / "mixed" / "train.jsonl", [*owner_rows(24, seed=1), *shouted])
    write_rows(home / "mixed" / "validation.jsonl", owner_rows(6, seed=2))
    keen = sft_recipe.model_copy(update={"learning_rate": 1e-2, "epochs": 6})
    train_sft.train(home / "mixed", keen, base, home / "sft-1", home / "work")
    return home / "sft-1"


@pytest.fixture(scope="session")
def reward_model(tmp_path_factory, base, preferences, reward_recipe):
    home = tmp_path_factory.mktemp("rewards")
    train_reward.train(preferences, reward_recipe, base, home / "reward-2", home / "work")
    return home / "reward-2"


@pytest.fixture(scope="session")
def trained(tmp_path_factory, base, corpus, preferences, anchor, reward_model, recipe):
    home = tmp_path_factory.mktemp("rlhf")
    train_rlhf.train(
        corpus,
        recipe,
        base,
        home / "rlhf-2",
        home / "work",
        parent=anchor,
        preferences_dir=preferences,
        reward_dir=reward_model,
    )
    assert not (home / "work").exists()
    return home / "rlhf-2"


def report_of(folder):
    return json.loads((folder / "report.json").read_text())


def policy(base, anchor):
    return with_adapter(load_base(base), anchor, trainable=True)


def judge_for(corpus):
    return Judge(profiles.learned(read_rows(corpus / "train.jsonl")))


def test_the_mean_reward_on_new_prompts_rises_within_the_budget(trained, recipe):
    report = report_of(trained)
    assert report["rewards"]["total"]["after"] > report["rewards"]["total"]["before"] + 0.02
    assert 0 < report["kl"]["after"] <= recipe.kl_budget
    assert report["heldout_prompts"] == 12
    assert report["stopped_at"] is None


def test_the_folder_is_sound_and_tells_where_it_came_from(
    trained, base, anchor, corpus, preferences, reward_model
):
    assert check(trained, base) == []
    assert {file.name for file in trained.iterdir()} == {*FILES, "profile.json"}
    manifest = json.loads((trained / "manifest.json").read_text())
    assert manifest["parent"] == {"version": "sft-1", "sha256": sha256(anchor / WEIGHTS)}
    assert manifest["files"]["profile.json"] == sha256(trained / "profile.json")
    learned_from = [
        row["id"]
        for file in (corpus / "train.jsonl", preferences / "pairs.jsonl", preferences / "thumbs.jsonl")
        for row in read_rows(file)
    ]
    assert manifest["samples"] == learned_from
    assert described(trained, now()).corpus == corpus.name
    assert report_of(trained)["reward_model"]["version"] == reward_model.name
    assert profiles.read(trained / "profile.json") == profiles.learned(read_rows(corpus / "train.jsonl"))


def test_only_the_learning_adapter_is_saved_and_the_parent_stays_as_it_is(trained, anchor, base):
    names = load_file(trained / WEIGHTS)
    assert not any("ref" in name or "reward" in name or "score" in name for name in names)
    assert check(anchor, base) == []
    assert sha256(trained / WEIGHTS) != sha256(anchor / WEIGHTS)


def test_the_drift_is_measured_from_the_anchor_and_not_from_the_base(
    base, anchor, corpus, reward_model, recipe, tmp_path
):
    model = policy(base, anchor)
    RewardModel(model, load_tokenizer(base), reward_model, 256)
    prompts = [{"prompt": turns("do you like tea or rain?"), "source": "", "thread": ""}]
    trainer = train_rlhf.trainer_for(prompts, judge_for(corpus), recipe, base, model, tmp_path)
    weights = dict(trainer.model.named_parameters())
    compared = 0
    for name, weight in weights.items():
        assert weight.requires_grad == (".default." in name)
        if ".default." in name:
            assert torch.equal(weight, weights[name.replace(".default.", ".ref.")])
            compared += int(bool(weight.any()) and "lora_B" in name)
    assert compared == 14  # two layers of seven projections, none of them zero: the base's would be
    rows = [tokens_of(load_tokenizer(base), row["prompt"], said("tea ofc, rain is meh")) for row in prompts]
    assert measured_kl(trainer.model, rows) == pytest.approx(0, abs=1e-6)
    with torch.no_grad():
        for name, weight in weights.items():
            if "lora_B.default." in name:
                weight.mul_(0.2)
    drifted = measured_kl(trainer.model, rows)
    assert drifted > 1e-3
    halfway_back(trainer.model)
    assert measured_kl(trainer.model, rows) < drifted


def test_an_inflated_reward_is_stopped_by_the_budget(base, anchor, corpus, recipe, tmp_path):
    greedy = recipe.model_copy(
        update={
            "weights": RewardWeights(**{**NOTHING, "length": 1.0}),
            "beta": 1e-6,
            "learning_rate": 1e-2,
            "kl_budget": 0.1,
        }
    )
    final = tmp_path / "rlhf-3"
    report = train_rlhf.train(corpus, greedy, base, final, tmp_path / "work", parent=anchor)
    assert report["stopped_at"] is not None
    assert report["stopped_at"] < greedy.steps
    assert report["kl"]["highest"] > 0.1 >= report["kl"]["after"]
    assert check(final, base) == []
    assert "learned" not in report["rewards"]


def test_the_budget_looks_at_the_last_updates_and_not_at_one():
    def stops(*values):
        brake, control = KlBudget(0.1), SimpleNamespace(should_training_stop=False)
        for step, value in enumerate(values):
            brake.on_log(None, SimpleNamespace(global_step=step), control, {"kl": value})
        return control.should_training_stop, brake.stopped_at

    assert stops(0.15) == (False, None)
    assert stops(0.0, 0.02, 0.3, -0.1, 0.0) == (True, 2)
    assert stops(0.0, 0.15, 0.0, 0.15, 0.0, 0.15) == (False, None)
    assert stops(0.2, 0.2) == (True, 1)


def test_the_reward_model_learns_what_is_preferred(base, reward_model, preferences, anchor):
    accuracy = report_of(reward_model)["heldout_accuracy"]
    assert accuracy["after"] >= 0.9 > accuracy["before"]
    model = RewardModel(policy(base, anchor), load_tokenizer(base), reward_model, 256)
    pairs = read_rows(preferences / "heldout_pairs.jsonl")
    prompts = [pair["prompt"] for pair in pairs]
    better, worse = (model.scores(prompts, [pair[name] for pair in pairs]) for name in ("chosen", "rejected"))
    assert all(0 < score < 1 for score in (*better, *worse))
    assert sum(good > bad for good, bad in zip(better, worse, strict=True)) / len(pairs) == accuracy["after"]
    assert model.scores(prompts[:1], [pairs[0]["chosen"]]) == pytest.approx(better[:1], abs=1e-4)


def test_a_reward_model_is_never_served(reward_model, base):
    assert any("reward model" in problem for problem in check(reward_model, base))
    assert list(load_file(reward_model / HEAD)) == ["weight"]
    assert not any("score" in name for name in load_file(reward_model / WEIGHTS))


def test_without_a_parent_or_prompts_there_is_one_sentence_and_no_folder(
    base, anchor, corpus, recipe, reward_recipe, tmp_path
):
    with pytest.raises(TrainingFailed, match="RLHF continues an adapter"):
        train_rlhf.train(corpus, recipe, base, tmp_path / "a" / "r", tmp_path / "work", parent=None)
    write_rows(tmp_path / "few" / "train.jsonl", owner_rows(2, seed=1))
    write_rows(tmp_path / "few" / "pairs.jsonl", pair_rows(2, seed=1))
    with pytest.raises(TrainingFailed, match="2 prompts, and 4 are needed"):
        train_rlhf.train(tmp_path / "few", recipe, base, tmp_path / "a" / "r", tmp_path / "w", parent=anchor)
    with pytest.raises(TrainingFailed, match="2 pairs, and 4 are needed"):
        train_reward.train(tmp_path / "few", reward_recipe, base, tmp_path / "a" / "r", tmp_path / "w")
    assert not (tmp_path / "a").exists()


def test_no_prompt_is_trained_on_that_is_measured_on(base, tmp_path, recipe):
    known = owner_rows(6, seed=1)
    unasked = {**owner_rows(1, seed=8)[0], "kind": "initiative", "id": "unasked"}
    write_rows(tmp_path / "c" / "train.jsonl", [*known, *known, unasked])
    write_rows(tmp_path / "c" / "validation.jsonl", known[:2])
    thumbs = [{**row, "conversation": f"telegram:{row['id']}"} for row in thumb_rows(3, seed=5)]
    write_rows(tmp_path / "p" / "thumbs.jsonl", thumbs)
    found = prompts_of(tmp_path / "c", tmp_path / "p", load_tokenizer(base), recipe)
    asked = [row["prompt"][-1]["content"] for row in found.train]
    assert (
        len(set(asked)) == len(asked) == len({row["prompt"][-1]["content"] for row in known[2:]} | set(asked))
    )
    assert not {row["prompt"][-1]["content"] for row in found.heldout} & set(asked)
    assert {row["source"] for row in found.train} == {"", "telegram"}
    assert "unasked" in found.samples


def test_a_batch_is_judged_once_and_against_the_ones_before_it(corpus):
    judge = judge_for(corpus)
    prompts = [turns("do you like tea or rain?"), turns("do you like maps or soup?")]
    same = [said("tea ofc, rain is meh"), said("tea ofc, rain is meh")]
    columns = {"source": ["", ""], "thread": ["", ""]}
    first = {function.__name__: function(prompts, same, **columns) for function in judge.rewards()}
    assert set(first) == {*judge.names}
    for _ in range(20):
        again = [said("tea ofc, rain is meh"), said("tea ofc, rain is meh")]
        last = {function.__name__: function(prompts, again, **columns) for function in judge.rewards()}
    assert min(last["repetition"]) < 0.5 < min(first["repetition"])
    judge.forget()
    new = [*same]
    fresh = {function.__name__: function(prompts, new, **columns) for function in judge.rewards()}
    assert fresh == first


def test_a_learned_reward_pays_nothing_for_silence(corpus):
    judge = Judge(judge_for(corpus)._profile, lambda prompts, completions: [0.9 for _ in prompts])
    (terms,) = judge.judged([turns("hm?")], [said("  ")], [("", "")])
    assert set(terms.values()) == {0.0}
    assert sum(judge.shares(RewardWeights().as_dict())) == pytest.approx(1)


def test_a_job_reaches_its_child_process_as_it_was_ordered(recipe, reward_recipe, tmp_path):
    here = tmp_path / "somewhere"
    reward = RewardStep(base="b", data=here, recipe=reward_recipe, reward=here)
    rlhf = RlhfStep(base="b", data=here, recipe=recipe, adapter=here, parent=here, reward=here)
    job = Job(steps=[reward, rlhf], work_dir=here)
    assert Job.model_validate_json(job.model_dump_json()) == job


def test_recipes_want_whole_groups_something_to_gain_and_room_for_the_prompt(base):
    with pytest.raises(ValueError, match="multiple of num_generations"):
        RlhfRecipe(num_generations=3)
    with pytest.raises(ValueError, match="at least one of the weights"):
        RlhfRecipe(weights=NOTHING)
    with pytest.raises(ValueError, match="room for the prompt"):
        RlhfRecipe(max_new_tokens=2000)
    assert for_base(RlhfRecipe, base, weights={"audience": 3}).weights.as_dict()["audience"] == 3
    with pytest.raises(ValueError, match="lora_rank"):
        RlhfRecipe(reward_model={"lora_rank": 0})
    assert for_base(RlhfRecipe, base).steps < RlhfRecipe().steps
