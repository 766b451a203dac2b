"""Do rows that share a sequence see nothing of each other? Figures and gradients are those of each alone."""

from __future__ import annotations

import pytest
import torch
from learning_samples import owner_rows
from transformers import Gemma3Config, Gemma3ForConditionalGeneration, Gemma3TextConfig, SiglipVisionConfig

from learning import train_sft
from learning.base_model import load_base, load_tokenizer
from learning.order import dealt
from learning.packing import IGNORED, Flat, encoded, packed
from learning.sft_data import SftData


@pytest.fixture
def parts(base):
    tokenizer = load_tokenizer(base)
    long = owner_rows(6, seed=1)
    for row in long[::2]:  # longer than the model's sliding window of 64, so that its masks matter too
        row["prompt"][1]["content"] *= 6
    return [encoded(row, tokenizer, {}) for row in long]


def batch_of(rows, base):
    together = packed(rows, dealt([len(row.ids) for row in rows], len(rows), 10_000))
    return Flat(load_tokenizer(base).pad_token_id)([together[0]])


def logprobs(model, batch):
    labels = batch["labels"][:, 1:]
    scores = (
        model(
            **{name: batch[name] for name in batch if name not in ("labels", "loss_weights")}, use_cache=False
        )
        .logits[:, :-1]
        .log_softmax(-1)
    )
    return scores.gather(-1, labels.clamp(min=0)[..., None])[..., 0][labels != IGNORED]


def logits(model, ids, positions=None):
    # A cache would switch the recognition of packed rows off; the trainer's fused loss never has one.
    return model(input_ids=ids, position_ids=positions, use_cache=False).logits


def test_a_row_beside_others_has_the_figures_of_the_row_alone(base, parts):
    model = load_base(base).eval()
    assert max(len(row.ids) for row in parts) > 2 * 64
    alone = torch.cat([logprobs(model, batch_of([row], base)) for row in parts])
    beside = batch_of(parts, base)
    assert beside["input_ids"].shape == (1, sum(len(row.ids) for row in parts))
    order = sorted(range(len(parts)), key=lambda index: (-len(parts[index].ids), index))
    expected = torch.cat([logprobs(model, batch_of([parts[index]], base)) for index in order])
    assert len(alone) == len(expected)
    torch.testing.assert_close(logprobs(model, beside), expected, atol=1e-4, rtol=0)


def test_the_rows_gradients_add_up_as_if_each_were_alone(base, parts):
    model = load_base(base)
    watched = model.model.layers[0].self_attn.k_proj.weight
    logprobs(model, batch_of(parts, base)).sum().backward()
    beside, watched.grad = watched.grad.clone(), None
    for row in parts:
        logprobs(model, batch_of([row], base)).sum().backward()
    torch.testing.assert_close(beside, watched.grad, atol=2e-4, rtol=1e-3)


def test_changing_one_row_changes_nothing_in_the_row_after_it(base, parts):
    model = load_base(base).eval()
    batch = batch_of(parts, base)
    first = int(batch["cu_seq_lens_q"][1])
    before = logits(model, batch["input_ids"], batch["position_ids"])
    changed = batch["input_ids"].clone()
    changed[0, :first] = 300
    after = logits(model, changed, batch["position_ids"])
    assert not torch.allclose(before[0, :first], after[0, :first])
    assert torch.equal(before[0, first:], after[0, first:])


def test_gemmas_multimodal_class_keeps_packed_rows_apart_as_well():
    text = Gemma3TextConfig(
        vocab_size=64, hidden_size=32, intermediate_size=32, num_hidden_layers=2, num_attention_heads=1,
        num_key_value_heads=1, head_dim=32, sliding_window=8,
        layer_types=["sliding_attention", "full_attention"],
    )  # fmt: skip
    eyes = SiglipVisionConfig(
        hidden_size=32, intermediate_size=32, num_hidden_layers=1, num_attention_heads=1, image_size=28,
        patch_size=14,
    )  # fmt: skip
    torch.manual_seed(0)
    model = Gemma3ForConditionalGeneration(
        Gemma3Config(text_config=text, vision_config=eyes, mm_tokens_per_image=4)
    ).eval()
    ids, positions = torch.randint(1, 60, (1, 32)), torch.cat([torch.arange(20), torch.arange(12)])[None]
    beside, alone = logits(model, ids, positions)[0, 20:], logits(model, ids[:, 20:])[0]
    torch.testing.assert_close(beside, alone, atol=1e-5, rtol=0)
    assert not torch.allclose(logits(model, ids)[0, 20:], alone, atol=1e-3)  # it would matter


def test_only_the_answer_is_learned_from_up_to_the_end_of_its_turn(base, sft_recipe, tmp_path):
    tokenizer, rows = load_tokenizer(base), owner_rows(8, seed=1)
    data = SftData(rows, [], sft_recipe.model_copy(update={"epochs": 1}), tokenizer)
    trainer = train_sft.trainer_for(data, sft_recipe, load_base(base), tmp_path / "work", None)
    learned = [token for seen in trainer.train_dataset for token in seen["labels"] if token != IGNORED]
    answers = sorted(tokenizer.decode(learned).split("<end_of_turn>\n")[:-1])
    assert answers == sorted(row["completion"][0]["content"] for row in rows)


def test_a_micro_batch_without_a_row_of_its_own_teaches_nothing(base, parts):
    two = packed(parts[:2], dealt([len(row.ids) for row in parts[:2]], 2, 10_000, processes=3))
    assert [len(set(seen["labels"]) - {IGNORED}) > 0 for seen in two] == [True, True, False]
    batch = Flat(0)([two[2]])
    assert logprobs(load_base(base), batch).numel() == 0
