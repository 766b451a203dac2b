"""What does a policy earn on prompts it was not trained on, and how far is it from its anchor?"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Any

import torch

from learning.failures import TrainingFailed
from learning.judge import Judge
from learning.kl_budget import HALVINGS, halfway_back, measured_kl
from learning.rewards.weighted import total
from learning.rlhf_prompts import Prompts
from learning.rlhf_recipe import RlhfRecipe
from learning.rows import tokens_of


def within_budget(
    model: Any, tokenizer: Any, judge: Judge, prompts: Prompts, recipe: RlhfRecipe
) -> tuple[dict[str, float], int]:
    """The figures after training, and how often it took half of the way back to the anchor to afford them."""
    model.set_adapter("default")
    for halvings in range(HALVINGS + 1):
        found = measured(model, tokenizer, judge, prompts, recipe)
        if found["kl"] <= recipe.kl_budget:
            return found, halvings
        halfway_back(model)
    raise TrainingFailed("The adapter left its anchor beyond return: lower the learning rate or raise beta.")


def measured(
    model: Any, tokenizer: Any, judge: Judge, prompts: Prompts, recipe: RlhfRecipe
) -> dict[str, float]:
    """Means of every reward, their weighted "total", and "kl": one sampled reply to each held-out prompt."""
    judge.forget()
    asked = [row["prompt"] for row in prompts.heldout]
    said = _sampled(model, tokenizer, asked, recipe)
    completions = [[{"role": "assistant", "content": text}] for text in said]
    found = judge.judged(asked, completions, [(row["source"], row["thread"]) for row in prompts.heldout])
    means = {name: round(fmean(terms[name] for terms in found), 4) for name in judge.names}
    encoded = [tokens_of(tokenizer, prompt, reply) for prompt, reply in zip(asked, completions, strict=True)]
    kl = measured_kl(model, encoded)
    return {**means, "total": round(total(means, recipe.weights.as_dict()), 4), "kl": round(kl, 5)}


@torch.no_grad()  # type: ignore[untyped-decorator]
def _sampled(model: Any, tokenizer: Any, prompts: Sequence[Any], recipe: RlhfRecipe) -> list[str]:
    """One reply to each prompt, at the recipe's temperature; the same seed gives the same replies."""
    model.eval()
    torch.manual_seed(recipe.seed)
    stops = [tokenizer.convert_tokens_to_ids("<end_of_turn>"), tokenizer.eos_token_id]
    replies = []
    for start in range(0, len(prompts), recipe.batch_size):
        batch = tokenizer.apply_chat_template(
            [[dict(turn) for turn in prompt] for prompt in prompts[start : start + recipe.batch_size]],
            add_generation_prompt=True,
            padding=True,
            padding_side="left",
            return_tensors="pt",
            return_dict=True,
        ).to(model.device)
        tokens = model.generate(
            **batch,
            max_new_tokens=recipe.max_new_tokens,
            do_sample=True,
            temperature=recipe.temperature,
            top_k=0,
            top_p=1.0,
            eos_token_id=stops,
            pad_token_id=tokenizer.pad_token_id,
        )
        replies += tokenizer.batch_decode(tokens[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)
    return replies
