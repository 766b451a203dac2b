"""Does the training loop learn, and does the recipe alone decide what comes out?"""

import math
import random
import threading
from collections.abc import Sequence

import pytest
import torch
from transformers import Gemma3ForCausalLM, GemmaTokenizer

from learning.pocket.batches import Encoder, Sample, half_batches
from learning.pocket.dialogues import invent_dialogues
from learning.pocket.optimizer import schedule
from learning.pocket.pair import Alone, Half, run_in_halves
from learning.pocket.recipe import PocketRecipe, fingerprint
from learning.pocket.tokenizer import learn_tokenizer
from learning.pocket.train import new_model, train

TINY = PocketRecipe(
    dialogues=300, vocabulary=640, hidden_size=32, heads=1, head_dim=32, mlp_size=64, layers=2, steps=24
)


@pytest.fixture(scope="module")
def tokenizer() -> GemmaTokenizer:
    texts = [turn["content"] for dialogue in invent_dialogues(TINY.dialogues, 1) for turn in dialogue]
    return learn_tokenizer(texts, TINY.vocabulary, TINY.context)


@pytest.fixture(scope="module")
def samples(tokenizer: GemmaTokenizer) -> list[Sample]:
    encoder = Encoder(tokenizer)
    every = [encoder.sample(dialogue) for dialogue in invent_dialogues(TINY.dialogues, 1)]
    return [sample for sample in every if len(sample.tokens) <= TINY.sliding_window]


def trained(
    tokenizer: GemmaTokenizer, samples: Sequence[Sample], recipe: PocketRecipe, processes: int
) -> tuple[Gemma3ForCausalLM, list[float]]:
    model = new_model(recipe, tokenizer)
    losses = train(model, samples, recipe, lambda done, words: None, processes)
    return model, losses


def same(left: Gemma3ForCausalLM, right: Gemma3ForCausalLM) -> bool:
    pairs = zip(left.state_dict().values(), right.state_dict().values(), strict=True)
    return all(torch.equal(one, other) for one, other in pairs)


def test_loss_falls_and_one_or_two_processes_make_the_same_model(
    tokenizer: GemmaTokenizer, samples: list[Sample]
) -> None:
    alone, losses = trained(tokenizer, samples, TINY, processes=1)
    assert losses[0] == pytest.approx(math.log(TINY.vocabulary), rel=0.1)
    assert losses[-1] < losses[0] - 1.5
    again, _ = trained(tokenizer, samples, TINY, processes=1)
    assert same(alone, again)
    paired, paired_losses = trained(tokenizer, samples, TINY, processes=2)
    assert same(alone, paired)
    assert paired_losses == losses
    other, _ = trained(tokenizer, samples, TINY.model_copy(update={"seed": 2}), processes=1)
    assert not same(alone, other)


def test_a_loss_is_the_stock_modules_loss(tokenizer: GemmaTokenizer, samples: list[Sample]) -> None:
    """On copies of one dialogue, at the first step, against transformers' own loss with labels."""
    recipe, sample = TINY.model_copy(update={"steps": 1}), samples[0]
    row = torch.tensor([sample.tokens])
    labels = torch.where(torch.tensor([sample.wanted]), row, -100)
    stock = float(new_model(recipe, tokenizer)(input_ids=row, labels=labels).loss.detach())
    (loss,) = train(new_model(recipe, tokenizer), [sample] * 200, recipe, lambda done, words: None, 1)
    assert loss == pytest.approx(stock, rel=0.01)


def test_both_halves_of_every_step_hold_whole_dialogues(samples: list[Sample]) -> None:
    batches = half_batches(samples, 640, random.Random(1))
    for _ in range(20):
        for batch in next(batches):
            assert batch.count == int((batch.targets != -100).sum()) > 0
            assert batch.tokens.numel() <= 640
            following = batch.tokens.flatten()[batch.keep[: batch.count] + 1]
            assert torch.equal(following, batch.targets[: batch.count])


def test_a_partner_that_fails_is_an_error_and_not_a_wait_for_ever() -> None:
    def steps(half: Alone | Half) -> None:
        if half.halves == (1,):
            raise SystemExit(3)
        half.total([torch.zeros(4)])

    with pytest.raises(threading.BrokenBarrierError):
        run_in_halves(steps, 4, processes=2)


def test_the_rate_warms_up_and_ends_low() -> None:
    recipe = PocketRecipe(steps=1_000)
    rates = [schedule(step, recipe) for step in range(1_000)]
    assert rates[0] < 0.1
    assert max(rates) == pytest.approx(1.0, abs=0.01)
    assert rates[-1] == pytest.approx(recipe.lowest_rate, abs=0.01)


def test_the_fingerprint_follows_the_recipe() -> None:
    assert fingerprint(TINY) == fingerprint(TINY.model_copy())
    assert fingerprint(TINY) != fingerprint(TINY.model_copy(update={"seed": 2}))
