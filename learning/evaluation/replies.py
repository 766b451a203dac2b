"""What would a model say? Its most likely reply to each prompt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

AT_ONCE = 48  # prompts in one batch


@torch.no_grad()  # type: ignore[untyped-decorator]
def continued(model: Any, tokenizer: Any, beginnings: Sequence[Sequence[int]], most: int) -> list[list[int]]:
    """The tokens that the model finds likeliest after each beginning, at most so many, the end included."""
    found: dict[int, list[int]] = {}
    order = sorted(range(len(beginnings)), key=lambda index: len(beginnings[index]))  # little padding
    stops = [tokenizer.convert_tokens_to_ids("<end_of_turn>"), tokenizer.eos_token_id]
    model.eval()
    for start in range(0, len(order), AT_ONCE):
        batch = order[start : start + AT_ONCE]
        width = max(len(beginnings[index]) for index in batch)
        tokens = torch.full((len(batch), width), tokenizer.pad_token_id)
        mask = torch.zeros_like(tokens)
        for row, index in enumerate(batch):
            tokens[row, width - len(beginnings[index]) :] = torch.tensor(beginnings[index])
            mask[row, width - len(beginnings[index]) :] = 1
        written = model.generate(
            input_ids=tokens.to(model.device),
            attention_mask=mask.to(model.device),
            max_new_tokens=most,
            do_sample=False,
            top_k=None,
            top_p=None,
            eos_token_id=stops,
            pad_token_id=tokenizer.pad_token_id,
        )[:, width:].tolist()
        found |= {index: _ended(row, stops) for index, row in zip(batch, written, strict=True)}
    return [found[index] for index in range(len(beginnings))]


def greedy(model: Any, tokenizer: Any, prompts: Sequence[Any], most: int = 48) -> list[str]:
    """What the model would say at temperature 0, one reply for each prompt."""
    asked = [
        list(
            tokenizer.apply_chat_template(
                [dict(turn) for turn in prompt], add_generation_prompt=True, return_dict=False
            )
        )
        for prompt in prompts
    ]
    said = continued(model, tokenizer, asked, most)
    return [reply.strip() for reply in tokenizer.batch_decode(said, skip_special_tokens=True)]


def _ended(tokens: list[int], stops: Sequence[int]) -> list[int]:
    end = next((place for place, token in enumerate(tokens) if token in stops), len(tokens) - 1)
    return tokens[: end + 1]
