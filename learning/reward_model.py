"""How does a trained reward model score a reply? As one more adapter on the policy's own base model.

Its folder holds LoRA weights, a score head and a manifest, and is never served: it does not answer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from trl.trainer.utils import use_adapter

from learning.adapter_folder import MANIFEST, other_base
from learning.failures import TrainingFailed
from learning.rows import tokens_of

HEAD = "score.safetensors"
ADAPTER = "reward"  # its name beside "default" and "ref"
AT_ONCE = 16  # replies


class RewardModel:
    """Scores replies from 0 to 1; half of the replies it was trained on lie above 1/2."""

    def __init__(self, policy: Any, tokenizer: Any, folder: Path, max_length: int) -> None:
        """Loads it into the policy, a PEFT model. Raises TrainingFailed where it is of another base model."""
        if wrong := other_base(folder, policy.get_base_model().name_or_path):
            raise TrainingFailed(f"The reward model {folder.name} cannot be used: {wrong}.")
        policy.load_adapter(str(folder), adapter_name=ADAPTER, is_trainable=False)
        policy.set_adapter("default")  # loading another one froze it
        for name, weight in policy.named_parameters():
            weight.requires_grad_(".default." in name)
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        self.version: str = manifest["version"]
        self._centre, self._spread = manifest["scale"]["centre"], manifest["scale"]["spread"]
        self._policy, self._tokenizer, self._max_length = policy, tokenizer, max_length
        self._head = load_file(folder / HEAD)["weight"].float().to(policy.device)

    def scores(self, prompts: Sequence[Any], completions: Sequence[Any]) -> list[float]:
        """From 0 to 1, by a logistic curve about the middle of what it scored in training."""
        encoded = [
            tokens_of(self._tokenizer, prompt, said)[0][-self._max_length :]
            for prompt, said in zip(prompts, completions, strict=True)
        ]
        raw = [
            score
            for start in range(0, len(encoded), AT_ONCE)
            for score in self._raw(encoded[start : start + AT_ONCE])
        ]
        found: list[float] = torch.sigmoid((torch.tensor(raw) - self._centre) / self._spread).tolist()
        return found

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def _raw(self, rows: Sequence[list[int]]) -> list[float]:
        width = max(map(len, rows))
        tokens = torch.full((len(rows), width), self._tokenizer.pad_token_id)
        mask = torch.zeros_like(tokens)
        for number, ids in enumerate(rows):
            tokens[number, : len(ids)] = torch.tensor(ids)
            mask[number, : len(ids)] = 1
        device = self._policy.device
        with use_adapter(self._policy, ADAPTER):
            hidden = (
                self._policy.get_base_model()
                .model(input_ids=tokens.to(device), attention_mask=mask.to(device))
                .last_hidden_state
            )
        last = hidden[torch.arange(len(rows)), mask.sum(1).to(device) - 1].float()
        found: list[float] = (last @ self._head.T)[:, 0].tolist()
        return found


def scale_of(scores: Sequence[float]) -> Mapping[str, float]:
    """The median of raw scores and how far they lie about it, so that other scores fall between 0 and 1."""
    found = torch.tensor(list(scores)).float()
    return {"centre": float(found.median()), "spread": max(1e-3, float(found.std()))}
