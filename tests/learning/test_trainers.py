"""Do the trainers train what they say, against what they say, and leave whole folders or none?"""

from __future__ import annotations

import errno
import json
import re

import pytest
import torch
from learning_samples import owner_rows, pair_rows, write_rows
from safetensors.torch import load_file
from tiny_gemma import make_tiny_gemma
from transformers import Gemma3Config, Gemma3ForConditionalGeneration, Gemma3TextConfig, SiglipVisionConfig

from learning import train_dpo, train_kto, train_sft, training
from learning.adapter_folder import FILES, check, sha256
from learning.base_model import load_base, load_tokenizer, with_adapter
from learning.failures import TrainingFailed, explained
from learning.logprobs import answer_logprobs
from learning.recipes import TEXT_LAYERS, DpoRecipe, SftRecipe
from learning.rows import read_rows, tokens_of, unrolled
from learning.save_adapter import snapshot_of

WEIGHTS = "adapter_model.safetensors"


def scores(model, base, rows, answer):
    tokenizer = load_tokenizer(base)
    encoded = [tokens_of(tokenizer, row["prompt"], row[answer]) for row in rows]
    return answer_logprobs(model, encoded, tokenizer.pad_token_id)


def mean(rows):
    return sum(map(sum, rows)) / sum(map(len, rows))


def margin(base, adapter, pairs):
    """How much likelier the better words are, as the methods themselves count it: whole answers."""
    model = with_adapter(load_base(base), adapter)
    return sum(map(sum, scores(model, base, pairs, "chosen"))) - sum(
        map(sum, scores(model, base, pairs, "rejected"))
    )


def test_sft_makes_the_owners_words_likelier_and_publishes_a_sound_folder(base, corpus, sft_adapter):
    rows = read_rows(corpus / "test.jsonl")
    before = mean(scores(load_base(base), base, rows, "completion"))
    after = mean(scores(with_adapter(load_base(base), sft_adapter), base, rows, "completion"))
    assert after > before + 0.1
    assert {file.name for file in sft_adapter.iterdir()} == set(FILES)
    assert check(sft_adapter, base) == []
    manifest = json.loads((sft_adapter / "manifest.json").read_text())
    assert manifest["samples"] == [row["id"] for row in read_rows(corpus / "train.jsonl")]
    assert not (sft_adapter.parent / "work").exists()


def test_the_probes_hold_what_base_and_adapter_really_compute(base, sft_adapter):
    model = with_adapter(load_base(base), sft_adapter)
    probes = json.loads((sft_adapter / "probe.json").read_text())["probes"]
    assert 4 <= len(probes) <= 8
    for probe in probes:
        (got,) = answer_logprobs(model, [(probe["token_ids"], probe["start"])], 0)
        assert got == pytest.approx(probe["adapter_logprobs"], abs=1e-4)
        with model.disable_adapter():
            (bare,) = answer_logprobs(model, [(probe["token_ids"], probe["start"])], 0)
        assert bare == pytest.approx(probe["base_logprobs"], abs=1e-4)
        assert got != pytest.approx(bare, abs=1e-2)


def test_dpo_compares_with_the_parent_adapter_and_not_with_the_base(
    base, sft_adapter, preferences, dpo_recipe, tmp_path
):
    pairs = read_rows(preferences / "pairs.jsonl")
    trainer = train_dpo.trainer_for(pairs, dpo_recipe, base, sft_adapter, tmp_path)
    batch = trainer.data_collator([trainer.train_dataset[index] for index in range(4)])
    chosen, _ = trainer.compute_ref_log_probs(trainer.model, batch)
    parent = scores(with_adapter(load_base(base), sft_adapter), base, pairs[:4], "chosen")
    bare = scores(load_base(base), base, pairs[:4], "chosen")
    # the trainer also counts the newline after <end_of_turn>, a single, almost certain token
    for told, ours, theirs in zip(chosen.tolist(), parent, bare, strict=True):
        assert abs(told - sum(ours)) < abs(told - sum(theirs))
    assert chosen.tolist() == pytest.approx(
        [sum(row) for row in whole_scores(with_adapter(load_base(base), sft_adapter), base, pairs[:4])],
        abs=1e-3,
    )


def test_kto_compares_with_the_parent_adapter_and_not_with_the_base(
    base, sft_adapter, preferences, kto_recipe, tmp_path
):
    thumbs = read_rows(preferences / "thumbs.jsonl")
    trainer = train_kto.trainer_for(thumbs, kto_recipe, base, sft_adapter, tmp_path)
    batch = trainer.data_collator([trainer.train_dataset[index] for index in range(4)])
    told = trainer.compute_ref_log_probs(trainer.model, batch)[0].tolist()
    rows = [{**row, "chosen": row["completion"]} for row in thumbs[:4]]
    parent, bare = (
        [sum(row) for row in whole_scores(model, base, rows)]
        for model in (with_adapter(load_base(base), sft_adapter), load_base(base))
    )
    assert told == pytest.approx(parent, abs=1e-3)
    assert told != pytest.approx(bare, abs=0.1)


def whole_scores(model, base, pairs):
    """The chosen answers' log-probabilities with the template's last newline."""
    tokenizer = load_tokenizer(base)
    newline = tokenizer("\n", add_special_tokens=False).input_ids
    encoded = [tokens_of(tokenizer, pair["prompt"], pair["chosen"]) for pair in pairs]
    return answer_logprobs(model, [(ids + newline, start) for ids, start in encoded], tokenizer.pad_token_id)


def test_dpo_teaches_the_habit_changes_the_weights_and_leaves_the_parent_alone(
    base, sft_adapter, preferences, corpus, dpo_recipe, tmp_path
):
    before = sha256(sft_adapter / WEIGHTS)
    final = tmp_path / "dpo-2"
    train_dpo.train(
        preferences, dpo_recipe, base, final, tmp_path / "work", parent=sft_adapter, replay_dir=corpus
    )
    assert check(final, base) == []
    assert sha256(final / WEIGHTS) != before == sha256(sft_adapter / WEIGHTS)
    assert not any("ref" in name for name in load_file(final / WEIGHTS))
    manifest = json.loads((final / "manifest.json").read_text())
    assert manifest["parent"] == {"version": "sft-1", "sha256": before}
    held = read_rows(preferences / "heldout_pairs.jsonl")

    assert margin(base, final, held) > margin(base, sft_adapter, held)


def test_a_parent_loaded_frozen_is_noticed_before_anything_is_trained(base, sft_adapter):
    frozen = with_adapter(load_base(base), sft_adapter)
    with pytest.raises(TrainingFailed, match="Nothing would be trained"):
        training.must_train(frozen)


def test_a_training_that_changed_nothing_is_a_failure(base, sft_adapter):
    model = with_adapter(load_base(base), sft_adapter, trainable=True)
    with pytest.raises(TrainingFailed, match="changed nothing"):
        training.must_have_changed(model, training.fingerprint(model))


def test_replayed_rows_move_nothing_by_preference(base, sft_adapter, dpo_recipe, tmp_path):
    rows = [
        {**row, "chosen": row["completion"], "rejected": row["completion"]} for row in owner_rows(4, seed=1)
    ]
    alone = dpo_recipe.model_copy(update={"loss_type": ("sigmoid",), "loss_weights": (1.0,)})
    trainer = train_dpo.trainer_for(rows, alone, base, sft_adapter, tmp_path)
    batch = trainer.data_collator([trainer.train_dataset[index] for index in range(4)])
    trainer.compute_loss(trainer.model, batch).backward()
    grads = [weight.grad.abs().max() for weight in trainer.model.parameters() if weight.grad is not None]
    assert grads
    assert max(grads) < 1e-6


@pytest.mark.parametrize("method", ["dpo", "kto"])
def test_rows_that_weigh_little_still_make_a_training(
    base, sft_adapter, preferences, dpo_recipe, kto_recipe, tmp_path, method
):
    kind, trainer, recipe = {
        "dpo": ("pairs", train_dpo, dpo_recipe),
        "kto": ("thumbs", train_kto, kto_recipe),
    }[method]
    light = [{**row, "weight": 0.2} for row in read_rows(preferences / f"{kind}.jsonl")]
    write_rows(tmp_path / "data" / f"{kind}.jsonl", light)
    short = recipe.model_copy(update={"epochs": 0.25, "replay": 0.0})
    final = tmp_path / f"{method}-2"
    trainer.train(tmp_path / "data", short, base, final, tmp_path / "work", parent=sft_adapter)
    assert check(final, base) == []


def test_a_demonstration_teaches_where_to_stop_and_a_replayed_row_does_not(
    base, sft_adapter, dpo_recipe, tmp_path
):
    rows = [
        train_dpo._imitated(row, open_ended=number > 1) for number, row in enumerate(owner_rows(4, seed=1))
    ]
    trainer = train_dpo.trainer_for(rows, dpo_recipe, base, sft_adapter, tmp_path)
    end = load_tokenizer(base).convert_tokens_to_ids("<end_of_turn>")
    assert [end in row["chosen_ids"] for row in trainer.train_dataset] == [True, True, False, False]
    assert all(row["chosen_ids"] == row["rejected_ids"] for row in trainer.train_dataset)


def test_dpo_shows_the_demonstrations_and_replays_the_owner(
    base, sft_adapter, preferences, corpus, dpo_recipe, tmp_path
):
    pairs, shown = read_rows(preferences / "pairs.jsonl"), owner_rows(3, seed=8)
    write_rows(tmp_path / "data" / "pairs.jsonl", pairs)
    write_rows(tmp_path / "data" / "demonstrations.jsonl", shown)
    final = tmp_path / "dpo-2"
    report = train_dpo.train(
        tmp_path / "data", dpo_recipe, base, final, tmp_path / "work", parent=sft_adapter, replay_dir=corpus
    )
    manifest = json.loads((final / "manifest.json").read_text())
    assert {row["id"] for row in [*pairs, *shown]} < set(manifest["samples"])
    assert (manifest["data"], manifest["replayed"]) == ("data", snapshot_of(corpus))
    assert (report["rows"], report["shown"], report["replayed"]) == (12, 3, 10)  # 2 in 5 of all


def test_kto_replays_the_owner_as_likes_and_forgets_less_for_it(
    base, sft_adapter, preferences, corpus, kto_recipe, tmp_path
):
    hard = kto_recipe.model_copy(update={"learning_rate": 5e-3, "epochs": 4})
    owner, found = owner_rows(12, seed=9), {}
    for replay in (0.0, 0.5):
        final = tmp_path / f"kto-{replay}"
        report = train_kto.train(
            preferences,
            hard.model_copy(update={"replay": replay}),
            base,
            final,
            tmp_path / "work",
            parent=sft_adapter,
            replay_dir=corpus,
        )
        found[replay] = mean(scores(with_adapter(load_base(base), final), base, owner, "completion"))
        assert report["replayed"] == (12 if replay else 0)
        manifest = json.loads((final / "manifest.json").read_text())
        assert manifest.get("replayed") == (snapshot_of(corpus) if replay else None)
    assert found[0.5] > found[0.0]


def test_kto_learns_from_thumbs_alone(base, sft_adapter, preferences, kto_recipe, tmp_path):
    final = tmp_path / "kto-2"
    train_kto.train(preferences, kto_recipe, base, final, tmp_path / "work", parent=sft_adapter)
    assert check(final, base) == []
    held = read_rows(preferences / "heldout_pairs.jsonl")

    assert margin(base, final, held) > margin(base, sft_adapter, held)


@pytest.mark.parametrize("method", [train_dpo, train_kto])
def test_two_trainings_with_one_seed_give_the_same_weights(
    base, sft_adapter, preferences, corpus, dpo_recipe, kto_recipe, tmp_path, method
):
    recipe = dpo_recipe if method is train_dpo else kto_recipe
    short = recipe.model_copy(update={"epochs": 0.5, "min_updates": 0, "replay": 0.5, "seed": 5})
    once, again = tmp_path / "once", tmp_path / "again"
    for final in (once, again):
        method.train(
            preferences, short, base, final, tmp_path / "work", parent=sft_adapter, replay_dir=corpus
        )
    assert sha256(once / WEIGHTS) == sha256(again / WEIGHTS)


def test_too_few_rows_leave_one_sentence_and_no_folder(base, sft_adapter, sft_recipe, dpo_recipe, tmp_path):
    write_rows(tmp_path / "data" / "train.jsonl", owner_rows(2, seed=1))
    write_rows(tmp_path / "data" / "validation.jsonl", [])
    write_rows(tmp_path / "data" / "pairs.jsonl", pair_rows(2, seed=1))
    with pytest.raises(TrainingFailed, match="2 samples, and 4 are needed"):
        train_sft.train(tmp_path / "data", sft_recipe, base, tmp_path / "a" / "sft-1", tmp_path / "work")
    with pytest.raises(TrainingFailed, match="2 pairs, and 4 are needed"):
        train_dpo.train(
            tmp_path / "data",
            dpo_recipe,
            base,
            tmp_path / "a" / "dpo-1",
            tmp_path / "work",
            parent=sft_adapter,
        )
    assert not (tmp_path / "a").exists()


def test_a_loss_that_is_no_number_stops_the_training_and_leaves_no_folder(base, corpus, sft_recipe, tmp_path):
    wild = sft_recipe.model_copy(update={"learning_rate": 1e30, "max_grad_norm": 1e30})
    with pytest.raises(TrainingFailed, match="lower the learning rate"):
        train_sft.train(corpus, wild, base, tmp_path / "sft-1", tmp_path / "work")
    assert not (tmp_path / "sft-1").exists()


def test_a_missing_base_model_is_one_sentence(corpus, sft_recipe, tmp_path):
    with pytest.raises(TrainingFailed, match=r"cannot be loaded: check \[model\] base"):
        train_sft.train(corpus, sft_recipe, tmp_path / "nothing", tmp_path / "sft-1", tmp_path / "work")


def test_a_parent_of_another_base_model_is_refused_before_it_talks_nonsense(
    sft_adapter, preferences, dpo_recipe, tmp_path
):
    other = make_tiny_gemma(tmp_path / "other", seed=7, steps=1)
    with pytest.raises(TrainingFailed, match="sft-1 cannot be used: other base model"):
        train_dpo.train(
            preferences, dpo_recipe, other, tmp_path / "dpo-2", tmp_path / "work", parent=sft_adapter
        )


def test_the_world_is_explained_and_a_bug_is_not():
    full = OSError(errno.ENOSPC, "No space left on device")
    assert "disk is full" in str(explained(full))
    assert "Out of memory" in str(explained(torch.OutOfMemoryError("CUDA out of memory")))
    assert explained(KeyError("prompt")) is None


def test_the_layers_trained_are_gemmas_words_and_never_its_eyes():
    text = Gemma3TextConfig(
        vocab_size=64, hidden_size=32, intermediate_size=32, num_hidden_layers=1, num_attention_heads=1,
        num_key_value_heads=1, head_dim=32,
    )  # fmt: skip
    eyes = SiglipVisionConfig(
        hidden_size=32,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=1,
        image_size=28,
        patch_size=14,
    )
    with torch.device("meta"):
        seeing = Gemma3ForConditionalGeneration(
            Gemma3Config(text_config=text, vision_config=eyes, mm_tokens_per_image=4)
        )
    trained = [name for name, _ in seeing.named_modules() if re.fullmatch(TEXT_LAYERS, name)]
    assert len(trained) == 7
    assert all("language_model" in name for name in trained)
    assert re.fullmatch(TEXT_LAYERS, "model.layers.47.mlp.gate_proj")
    assert not re.fullmatch(TEXT_LAYERS, "lm_head")


def test_a_row_of_half_the_weight_comes_up_half_as_often():
    rows = [{"id": "whole", "weight": 1.0}, {"id": "half", "weight": 0.5}, {"id": "plain"}]
    ids = [row["id"] for row in unrolled(rows, 4, seed=0)]
    assert {name: ids.count(name) for name in ("whole", "half", "plain")} == {
        "whole": 4,
        "half": 2,
        "plain": 4,
    }


def test_long_prompts_lose_their_oldest_turns_and_never_the_answer(base, tmp_path):
    tokenizer = load_tokenizer(base)
    turns = [{"role": "system", "content": "card"}]
    for number in range(12):
        turns += [
            {"role": "user", "content": f"question {number}"},
            {"role": "assistant", "content": "an answer"},
        ]
    row = {"prompt": [*turns, {"role": "user", "content": "and now?"}], "completion": turns[-1:]}
    from learning.rows import fitted

    short = fitted(row, ["completion"], tokenizer, 120)
    assert short is not None
    assert len(tokens_of(tokenizer, short["prompt"], short["completion"])[0]) < 120
    assert short["prompt"][0]["content"] == "card"
    assert short["prompt"][-1]["content"] == "and now?"
    assert [turn["role"] for turn in short["prompt"][1:3]] == ["user", "assistant"]
    assert fitted(row, ["completion"], tokenizer, 12) is None


def test_recipes_refuse_what_servers_or_losses_cannot_take():
    with pytest.raises(ValueError, match="lora_rank must be one of"):
        SftRecipe(lora_rank=12)
    with pytest.raises(ValueError, match="one number for each"):
        DpoRecipe(loss_weights=(1.0,))
    with pytest.raises(ValueError, match="replay works through"):
        DpoRecipe(loss_type=("sigmoid",), loss_weights=(1.0,))
