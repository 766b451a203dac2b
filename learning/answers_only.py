"""How does a preference training compute no more than its loss looks at? Each row once, and only the answers.

Three things are left out of TRL's forward, and none changes a number that its losses see. A row twice in
a batch (words to imitate are both sides of a pair) goes through the model once; and where there is no
Triton, the head scores the words of the answers, and not every position of prompts and padding, and long
rows go through the model apart from short ones, which would be padded to their length.
"""

from __future__ import annotations

from functools import wraps
from types import MethodType
from typing import Any

import torch
from trl.trainer.utils import FusedCausalLMOutput

from learning.base_model import on_gpu

ROWS = {"input_ids", "attention_mask"}  # with anything else, rows are more than their tokens
HARMLESS = {"use_cache", "return_dict"}  # say nothing of the rows
PER_TOKEN = ("log_probs", "entropy", "log_sum_sq_probs", "mean_logits", "is_top1", "label_mask")
IGNORED = -100
WORTH = 256  # padded tokens; for fewer, a second pass through the model costs more than it saves


def score_answers_only(model: Any) -> None:
    """In place of the forward that a trainer of TRL has given this causal model (not one wrapped by PEFT)."""
    theirs = model.forward
    lean = not on_gpu() and not getattr(model.config.get_text_config(), "final_logit_softcapping", None)

    @wraps(type(model).forward)
    def forward(self: Any, *args: Any, fused_lm_head: bool = False, labels: Any = None, **given: Any) -> Any:
        more = {name for name, value in given.items() if value is not None} - HARMLESS  # PEFT names them all
        if not fused_lm_head or labels is None or args or more != ROWS:
            told = {} if labels is None else {"labels": labels}
            return theirs(*args, fused_lm_head=fused_lm_head, **told, **given)
        (ids, mask, wanted), where = _different(given["input_ids"], given["attention_mask"], labels)
        if lean:
            found = _scored(self, ids, mask, wanted)
        else:
            found = theirs(input_ids=ids, attention_mask=mask, labels=wanted, fused_lm_head=True)
        values = {name: getattr(found, name) for name in PER_TOKEN}
        return FusedCausalLMOutput(
            **{name: None if value is None else value[where] for name, value in values.items()}
        )

    model.forward = MethodType(forward, model)


def _different(ids: Any, mask: Any, labels: Any) -> tuple[tuple[Any, ...], Any]:
    """The rows of a batch without those that come again, and which of them each row is."""
    rows, where = torch.unique(torch.cat([ids, mask, labels], dim=1), dim=0, return_inverse=True)
    return rows.split(ids.shape[1], dim=1), where


def _scored(model: Any, ids: Any, mask: Any, labels: Any) -> Any:
    """What TRL's head says of each token, for those that have a label; 0 elsewhere."""
    hidden = _hidden(model.base_model, ids, mask)[:, :-1]
    counts = labels[:, 1:] != IGNORED
    targets = labels[:, 1:][counts]
    logits = model.get_output_embeddings()(hidden[counts]).float()
    logs = logits.log_softmax(-1)

    def placed(values: Any) -> Any:
        return values.new_zeros(counts.shape).masked_scatter(counts, values)

    with torch.no_grad():
        entropy = -(logs.exp() * logs).sum(-1)
        means, likeliest = logits.mean(-1), logits.argmax(-1) == targets
    return FusedCausalLMOutput(
        log_probs=placed(logs.gather(-1, targets[:, None])[:, 0]),
        entropy=placed(entropy),
        mean_logits=placed(means),
        is_top1=placed(likeliest),
        label_mask=counts,
    )


def _hidden(model: Any, ids: Any, mask: Any) -> Any:
    """The last hidden states (rows, tokens, width), zeros where a row's group has ended."""
    ends = (mask * torch.arange(1, mask.shape[1] + 1, device=mask.device)).amax(1)
    groups = _by_length(ends)
    found = []
    for rows in groups:
        width = int(ends[rows].max())
        given = {"input_ids": ids[rows, :width], "attention_mask": mask[rows, :width]}
        states = model(**given, use_cache=False).last_hidden_state
        found.append(torch.nn.functional.pad(states, (0, 0, 0, ids.shape[1] - width)))
    return torch.cat(found)[torch.cat(groups).argsort()]


def _by_length(ends: Any) -> list[Any]:
    """The places of the rows, short ones and long ones apart if that spares enough padding.

    `ends`: how many tokens each row has, padding before it included.
    """
    ends, places = ends.sort()
    spared = (ends[-1] - ends) * torch.arange(1, len(ends) + 1, device=ends.device)
    most = int(spared.argmax())
    return list(places.tensor_split([most + 1])) if spared[most] > WORTH else [places]
