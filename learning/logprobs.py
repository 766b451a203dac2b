"""How likely does a model find an answer? Log-probabilities per token, for probes and for evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

TOKENS_AT_ONCE = 4096  # rows are batched up to so many tokens, padding included

Encoded = tuple[list[int], int]  # all tokens, and where the answer begins


def answer_logprobs(model: Any, encoded: Sequence[Encoded], pad: int) -> list[list[float]]:
    """For each row the log-probability of every token of its answer, in the order given."""
    found: list[list[float]] = [[] for _ in encoded]
    waiting = sorted(range(len(encoded)), key=lambda index: len(encoded[index][0]))
    while waiting:
        width = len(encoded[waiting[-1]][0])
        batch, waiting = (
            waiting[-max(1, TOKENS_AT_ONCE // width) :],
            waiting[: -max(1, TOKENS_AT_ONCE // width)],
        )
        for index, values in zip(batch, _batch(model, [encoded[i] for i in batch], pad), strict=True):
            found[index] = values
    return found


@torch.no_grad()  # type: ignore[untyped-decorator]
def _batch(model: Any, rows: Sequence[Encoded], pad: int) -> list[list[float]]:
    width = max(len(ids) for ids, _ in rows)
    tokens = torch.full((len(rows), width), pad)
    mask = torch.zeros_like(tokens)
    for index, (ids, _) in enumerate(rows):
        tokens[index, : len(ids)] = torch.tensor(ids)
        mask[index, : len(ids)] = 1
    first = min(start for _, start in rows)  # before this nobody's answer begins: no logits needed there
    model.eval()
    logits = model(
        input_ids=tokens.to(model.device),
        attention_mask=mask.to(model.device),
        logits_to_keep=width - first + 1,
    ).logits
    found = []
    for index, (ids, start) in enumerate(rows):
        scores = logits[index, start - first : len(ids) - first].float().log_softmax(-1)
        answer = torch.tensor(ids[start:], device=scores.device)
        found.append(scores.gather(-1, answer[:, None])[:, 0].tolist())
    return found
