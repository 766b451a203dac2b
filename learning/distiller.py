"""What is lost when the student disagrees? Cross-entropy by row and ALM by piece, in TRL's trainer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.nn.utils.rnn import pad_sequence
from trl import SFTTrainer

from learning.alm import alm
from learning.distil_recipe import DistilRecipe
from learning.distil_rows import IGNORED
from learning.rows import Row


class Distiller(SFTTrainer):  # type: ignore[misc]
    """TRL's trainer, with cross-entropy weighted by row and ALM by piece instead of its loss."""

    def __init__(self, recipe: DistilRecipe, **trl: Any) -> None:
        super().__init__(**trl)
        self._recipe = recipe
        self.model_accepts_loss_kwargs = False  # the loss is a mean: accumulation has to divide it

    def compute_loss(
        self,
        model: Any,
        inputs: Mapping[str, torch.Tensor],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> torch.Tensor:
        output = model(
            input_ids=inputs["input_ids"],
            attention_mask=inputs["attention_mask"],
            labels=inputs["labels"],
            fused_lm_head=True,
        )
        said = output.log_probs.float()  # [rows, tokens - 1]; zero where nothing is learned from
        hard = -(inputs["weight"] * said.sum(-1)).sum() / output.label_mask.sum()
        piece, teacher = inputs["piece"][:, 1:], inputs["teacher"]
        student = torch.zeros_like(teacher).scatter_add(1, piece.clamp(min=0), said * (piece >= 0))
        there = torch.arange(teacher.shape[1], device=piece.device) <= piece.amax(-1, keepdim=True)
        soft = (alm(student, teacher, self._recipe.temperature) * there).sum() / there.sum().clamp(min=1)
        mode = "train" if model.training else "eval"
        self._metrics[mode]["hard_loss"].append(hard.item())
        self._metrics[mode]["soft_loss"].append(soft.item())
        return hard + self._recipe.soft_weight * soft


class Collator:
    """Lessons -> one batch: tokens padded on the right, pieces padded to the most that a row has."""

    def __init__(self, pad: int) -> None:
        self._fill = {"input_ids": pad, "labels": IGNORED, "piece": -1, "attention_mask": 0}

    def __call__(self, rows: Sequence[Row]) -> dict[str, torch.Tensor]:
        whole = [{**row, "attention_mask": [1] * len(row["input_ids"])} for row in rows]
        batch = {
            name: pad_sequence(
                [torch.tensor(row[name]) for row in whole], batch_first=True, padding_value=fill
            )
            for name, fill in self._fill.items()
        }
        batch["teacher"] = pad_sequence(
            [torch.tensor([*row["teacher"], 0.0]) for row in whole], batch_first=True
        )
        batch["weight"] = torch.tensor([float(row["weight"]) for row in whole])
        return batch
