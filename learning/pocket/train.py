"""How does the pocket model learn? A plain training loop: the same steps and the same model every time."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from transformers import Gemma3ForCausalLM, Gemma3TextConfig, GemmaTokenizer

from learning.pocket.batches import Batch, Sample, half_batches
from learning.pocket.forward import FastForward
from learning.pocket.optimizer import Optimizer
from learning.pocket.pair import Alone, Half, run_in_halves
from learning.pocket.recipe import PocketRecipe

REPORT_EVERY = 20  # steps


def new_model(recipe: PocketRecipe, tokenizer: GemmaTokenizer) -> Gemma3ForCausalLM:
    """An untrained Gemma 3 of the recipe's size; marked, so that everything can label it as a stand-in."""
    end_of_turn = tokenizer.convert_tokens_to_ids("<end_of_turn>")
    config = Gemma3TextConfig(
        vocab_size=recipe.vocabulary,
        hidden_size=recipe.hidden_size,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        num_key_value_heads=1,
        head_dim=recipe.head_dim,
        query_pre_attn_scalar=recipe.head_dim,
        intermediate_size=recipe.mlp_size,
        max_position_embeddings=recipe.context,
        sliding_window=recipe.sliding_window,
        layer_types=[
            "full_attention" if layer % 2 else "sliding_attention" for layer in range(recipe.layers)
        ],
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=[tokenizer.eos_token_id, end_of_turn],
    )
    config.twin_pocket = True
    torch.manual_seed(recipe.seed)
    return Gemma3ForCausalLM(config)


def train(
    model: Gemma3ForCausalLM,
    samples: Sequence[Sample],
    recipe: PocketRecipe,
    on_progress: Callable[[float, str], None],
    processes: int | None = None,
) -> list[float]:
    """Train the model in place and return the loss of every step, the same on one core and on two."""
    torch.set_num_threads(1)
    dtype = fastest_dtype()
    parameters = list(model.parameters())
    losses: list[float] = []

    def steps(half: Alone | Half) -> None:
        forward, optimizer = FastForward(model, dtype), Optimizer(model, recipe, dtype)
        batches = half_batches(samples, recipe.tokens_per_step, random.Random(recipe.seed))
        started, read = time.monotonic(), 0
        for number in range(recipe.steps):
            both = next(batches)
            count = sum(batch.count for batch in both)
            total = half.total([_gradients(model, forward, both[which], count) for which in half.halves])
            _hand_out(total, parameters)
            optimizer.step(number)
            losses.append(float(total[-1]))
            read += sum(batch.tokens.numel() for batch in both)
            if 0 in half.halves and (number + 1) % REPORT_EVERY == 0:
                speed = read / (time.monotonic() - started)
                on_progress((number + 1) / recipe.steps, _words(losses, speed, read, recipe))

    size = sum(parameter.numel() for parameter in parameters) + 1
    run_in_halves(steps, size, processes or available_cores())
    return losses


def fastest_dtype() -> torch.dtype:
    """bfloat16 is twice as fast where the processor computes in it, and far slower where it does not."""
    return torch.bfloat16 if torch.cpu._is_avx512_bf16_supported() else torch.float32


def available_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _gradients(model: Gemma3ForCausalLM, forward: FastForward, batch: Batch, count: int) -> torch.Tensor:
    """One flat row: the gradients of this half's share of the mean loss, then that share itself."""
    hidden = forward(batch.tokens, batch.keep)
    logits = F.linear(hidden, model.lm_head.weight.to(hidden.dtype)).float()
    loss = F.cross_entropy(logits, batch.targets, ignore_index=-100, reduction="sum") / count
    gradients = torch.autograd.grad(loss, list(model.parameters()))
    return torch.cat([*(gradient.flatten() for gradient in gradients), loss.detach().view(1)])


def _hand_out(total: torch.Tensor, parameters: Sequence[torch.Tensor]) -> None:
    sizes = [parameter.numel() for parameter in parameters]
    for parameter, gradient in zip(parameters, total[:-1].split(sizes), strict=True):
        parameter.grad = gradient.view_as(parameter)


def _words(losses: Sequence[float], speed: float, read: int, recipe: PocketRecipe) -> str:
    lately = losses[-REPORT_EVERY:]
    left = read / len(losses) * (recipe.steps - len(losses)) / speed
    return f"loss {sum(lately) / len(lately):.3f}, {speed:,.0f} tokens/s, {left:.0f} s left"
