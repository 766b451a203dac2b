"""Which token comes next, and how likely was it?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

GREEDY_BELOW = 1e-5


@dataclass(frozen=True, slots=True)
class Wanted:
    """How one request wants its answers made."""

    max_tokens: int
    n: int = 1
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0  # 0: all
    seed: int | None = None
    stop: tuple[str, ...] = ()
    ignore_end: bool = False
    logprobs: int | None = None  # how many alternatives to report; None: no logprobs at all
    prompt_logprobs: bool = False


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """A token, its logprob under the bare model (before temperature), and the likeliest alternatives."""

    token_id: int
    logprob: float
    top: tuple[tuple[int, float], ...]


def random_source(wanted: Wanted, index: int) -> torch.Generator:
    """The same seed gives the same answers, and each of the n answers a different one."""
    generator = torch.Generator()
    if wanted.seed is None:
        generator.seed()
    else:
        generator.manual_seed((wanted.seed + index) % 2**63)
    return generator


def next_token(logits: torch.Tensor, wanted: Wanted, generator: torch.Generator) -> int:
    """One token from one row of logits."""
    if wanted.temperature < GREEDY_BELOW:
        return int(logits.argmax())
    likelihood = torch.softmax(logits / wanted.temperature, dim=-1)
    if wanted.top_k == 0 and wanted.top_p == 1.0:
        return int(torch.multinomial(likelihood, 1, generator=generator))
    likelihood, order = likelihood.sort(descending=True)
    if wanted.top_k:
        likelihood[wanted.top_k :] = 0
    # A token stays if those before it do not reach top_p yet; the likeliest always stays.
    likelihood[likelihood.cumsum(-1) - likelihood >= wanted.top_p * likelihood.sum()] = 0
    return int(order[torch.multinomial(likelihood, 1, generator=generator)])


def logprobs_of(logits: torch.Tensor, tokens: Sequence[int], alternatives: int) -> list[TokenLogprob]:
    """What each row of logits thought of the token that followed it."""
    logprobs = torch.log_softmax(logits, dim=-1)
    chosen = logprobs.gather(-1, torch.tensor(tokens).unsqueeze(-1)).squeeze(-1).tolist()
    values, ids = logprobs.topk(alternatives, dim=-1)
    tops = [tuple(zip(*row, strict=True)) for row in zip(ids.tolist(), values.tolist(), strict=True)]
    return [TokenLogprob(*row) for row in zip(tokens, chosen, tops, strict=True)]
