"""Is what is left out of TRL's forward nothing that its losses see?"""

from __future__ import annotations

import pytest
import torch
from learning_samples import owner_rows, pair_rows
from trl.trainer.utils import add_fused_lm_head

from learning import answers_only, train_dpo
from learning.base_model import load_base

FIELDS = ("log_probs", "entropy", "mean_logits", "is_top1")


@pytest.fixture
def model(base):
    model = load_base(base).eval()
    add_fused_lm_head(model, outputs=FIELDS)
    return model


def batch():
    """Four rows of different length, padded on the right; the last one is the first one again."""
    mask = torch.tensor([[1] * length + [0] * (9 - length) for length in (9, 6, 7, 9)])
    ids = torch.arange(36).reshape(4, 9).add(20) * mask
    ids[3] = ids[0]
    labels = ids.masked_fill((torch.arange(9) < 4) | (mask == 0), -100)
    return {"input_ids": ids, "attention_mask": mask, "labels": labels, "use_cache": False}


@pytest.mark.parametrize("lean", [True, False], ids=["its own head", "the head of TRL"])
def test_every_row_gets_the_figures_that_trl_would_give_it(model, monkeypatch, lean):
    theirs = model(**batch(), fused_lm_head=True)
    monkeypatch.setattr(answers_only, "on_gpu", lambda: not lean)
    answers_only.score_answers_only(model)
    ours = model(**batch(), fused_lm_head=True)
    for field in FIELDS:
        torch.testing.assert_close(getattr(ours, field), getattr(theirs, field), msg=field)


def test_gradients_are_those_of_trl(model):
    def gradient():
        model.zero_grad()
        found = model(**batch(), fused_lm_head=True).log_probs
        (found.sum(1) * torch.tensor([1.0, -2.0, 0.5, 3.0])).sum().backward()
        return model.base_model.layers[0].mlp.up_proj.weight.grad.clone()

    theirs = gradient()
    answers_only.score_answers_only(model)
    torch.testing.assert_close(gradient(), theirs, rtol=1e-4, atol=1e-6)


def test_a_row_that_comes_twice_goes_through_the_model_once(model):
    answers_only.score_answers_only(model)
    rows = []
    model.base_model.register_forward_pre_hook(
        lambda module, args, kwargs: rows.append(len(kwargs["input_ids"])), with_kwargs=True
    )
    model(**batch(), fused_lm_head=True)
    assert rows == [3]


def test_long_rows_go_through_the_model_apart_from_short_ones(model, monkeypatch):
    theirs = model(**batch(), fused_lm_head=True)
    monkeypatch.setattr(answers_only, "WORTH", 3)
    answers_only.score_answers_only(model)
    through = []
    model.base_model.register_forward_pre_hook(
        lambda module, args, given: through.append(tuple(given["input_ids"].shape)), with_kwargs=True
    )
    ours = model(**batch(), fused_lm_head=True)
    assert through == [(2, 7), (1, 9)]
    for field in FIELDS:
        torch.testing.assert_close(getattr(ours, field), getattr(theirs, field), msg=field)


def test_rows_of_about_one_length_stay_together():
    lengths = torch.tensor([300, 20, 310, 25, 290])
    assert [group.tolist() for group in answers_only._by_length(lengths)] == [[1, 3], [4, 0, 2]]
    [together] = answers_only._by_length(lengths.clamp(200))
    assert sorted(together.tolist()) == [0, 1, 2, 3, 4]


def test_whoever_wants_logits_gets_them_as_before(model):
    asked = {name: value for name, value in batch().items() if name != "labels"}
    before = model(**asked).logits
    answers_only.score_answers_only(model)
    torch.testing.assert_close(model(**asked).logits, before)


def test_a_row_is_shown_to_the_reference_once_however_often_it_is_trained_on(
    base, sft_adapter, dpo_recipe, tmp_path
):
    pairs, shown = pair_rows(3, seed=4), [train_dpo._imitated(row) for row in owner_rows(2, seed=1)]
    schedule = [pairs[1], shown[0], pairs[0], pairs[1], shown[1], pairs[2], pairs[1]]
    trainer = train_dpo.trainer_for(schedule, dpo_recipe, base, sft_adapter, tmp_path)
    asked = []
    trainer.compute_ref_log_probs = lambda *_: asked.append(1)
    rows = [trainer.train_dataset[place] for place in range(len(schedule))]
    assert [row["chosen"] for row in rows] == [row["chosen"] for row in schedule]
    batch = trainer.data_collator(rows)
    told = batch["ref_chosen_logps"], batch["ref_rejected_logps"]
    del trainer.compute_ref_log_probs
    there = {name: value for name, value in batch.items() if not name.startswith("ref_")}
    for known, fresh in zip(told, trainer.compute_ref_log_probs(trainer.model, there), strict=True):
        torch.testing.assert_close(known, fresh, rtol=1e-4, atol=1e-3)
    trainer.compute_ref_log_probs = lambda *_: asked.append(1)
    through = []
    trainer.model.get_base_model().base_model.register_forward_pre_hook(
        lambda module, args, given: through.append(len(given["input_ids"])), with_kwargs=True
    )
    assert trainer.compute_loss(trainer.model, batch).isfinite()
    assert through == [3 * 2 + 2]  # of 14
    assert trainer.precompute_ref_logps
    assert asked == []
