"""How far has a model moved from another? Kullback-Leibler divergence on the owner's prompts, token by token.

Exact over the whole vocabulary, where most people estimate it from samples. What is moved furthest is what is
forgotten (arXiv 2509.04259), so this is a budget.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from learning.evaluation.models import Models
from learning.evaluation.uncertainty import mean
from learning.logprobs import Encoded

AT_ONCE = 8


@torch.no_grad()  # type: ignore[untyped-decorator]
def divergence(
    models: Models, pair: tuple[Path | None, Path | None], rows: Sequence[Encoded], pad: int, seed: int
) -> dict[str, float] | None:
    """Mean KL(ours || theirs) in nats a token at the positions of the answers, with its 95 % interval.

    Memory: the log-probabilities of eight rows' answers, twice.
    """
    ours, theirs = pair
    found: list[float] = []
    order = sorted(rows, key=lambda row: len(row[0]))
    for start in range(0, len(order), AT_ONCE):
        batch = order[start : start + AT_ONCE]
        with models.acting(theirs) as model:
            before = _answers(model, batch, pad)
        with models.acting(ours) as model:
            after = _answers(model, batch, pad)
        for one, two in zip(after, before, strict=True):
            found.append(float((one.exp() * (one - two)).sum(-1).mean()))
    if not found:
        return None
    return {**mean(found, range(len(found)), seed), "rows": len(found)}


def _answers(model: Any, rows: Sequence[Encoded], pad: int) -> list[Any]:
    width, first = max(len(ids) for ids, _ in rows), min(start for _, start in rows)
    tokens = torch.full((len(rows), width), pad)
    mask = torch.zeros_like(tokens)
    for index, (ids, _) in enumerate(rows):
        tokens[index, : len(ids)] = torch.tensor(ids)
        mask[index, : len(ids)] = 1
    model.eval()
    logits = model(
        input_ids=tokens.to(model.device),
        attention_mask=mask.to(model.device),
        logits_to_keep=width - first + 1,
    ).logits
    return [
        logits[index, start - first : len(ids) - first].float().log_softmax(-1)
        for index, (ids, start) in enumerate(rows)
    ]
