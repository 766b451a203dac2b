"""How far has a policy gone from its anchor, and what if that is too far? The brake of RLHF.

Rewards are proxies: beyond some distance they go on rising while the replies get worse (Gao et al. 2023,
arXiv 2210.10760). So a run stops when the measured KL exceeds its budget, and what is published lies
within it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from statistics import fmean
from typing import Any

import torch
from transformers import TrainerCallback
from trl.trainer.utils import use_adapter

WINDOW = 5  # updates over which the noisy estimate is averaged
HALVINGS = 10  # of the way back to the anchor, at the most

Encoded = tuple[list[int], int]  # all tokens, and where the reply begins


class KlBudget(TrainerCallback):  # type: ignore[misc]
    """Stops a training once the mean KL of the last updates, in nats a token, exceeds the budget."""

    def __init__(self, budget: float) -> None:
        self.stopped_at: int | None = None
        self.highest = 0.0
        self._budget = budget
        self._last: deque[float] = deque(maxlen=WINDOW)

    def on_log(
        self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any
    ) -> None:
        measured = (logs or {}).get("kl")
        if measured is None:
            return
        self._last.append(measured)
        mean = fmean(self._last)
        self.highest = max(self.highest, mean)
        if len(self._last) > 1 and mean > self._budget and self.stopped_at is None:
            self.stopped_at = state.global_step
            control.should_training_stop = True


@torch.no_grad()  # type: ignore[untyped-decorator]
def measured_kl(model: Any, rows: Sequence[Encoded]) -> float:
    """Mean nats a token between "default" and "ref" along replies of the former, over all the vocabulary."""
    model.eval()
    total, tokens = 0.0, 0
    for ids, start in rows:
        asked = torch.tensor([ids], device=model.device)
        keep = len(ids) - start + 1
        ours = model(input_ids=asked, logits_to_keep=keep).logits[0, :-1].float().log_softmax(-1)
        with use_adapter(model, "ref"):
            theirs = model(input_ids=asked, logits_to_keep=keep).logits[0, :-1].float().log_softmax(-1)
        total += float((ours.exp() * (ours - theirs)).sum())
        tokens += len(ids) - start
    return total / max(1, tokens)


@torch.no_grad()  # type: ignore[untyped-decorator]
def halfway_back(model: Any) -> None:
    """Moves every weight of "default" half of its way back to "ref"."""
    weights = dict(model.named_parameters())
    for name, weight in weights.items():
        if ".default." in name:
            weight.lerp_(weights[name.replace(".default.", ".ref.")], 0.5)
