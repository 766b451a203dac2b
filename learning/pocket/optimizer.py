"""How are the weights moved? Muon for the matrices, AdamW for embeddings and norms, one schedule for both."""

from __future__ import annotations

import math
from typing import Any

import torch
from transformers import Gemma3ForCausalLM

from learning.pocket.recipe import PocketRecipe

MOMENTUM = 0.95
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # Muon's own coefficients: five rounds bring singular values near 1
ROUNDS = 5


class BatchedMuon:
    """Muon with all matrices of one shape moved together: torch's own spends its time on dispatch here."""

    def __init__(self, matrices: list[torch.Tensor], rate: float, decay: float, dtype: torch.dtype) -> None:
        self.rate = rate
        self._decay = decay
        self._dtype = dtype
        shapes = dict.fromkeys(tuple(matrix.shape) for matrix in matrices)
        self._groups = [[matrix for matrix in matrices if tuple(matrix.shape) == shape] for shape in shapes]
        self._momenta = [torch.zeros(len(group), *group[0].shape) for group in self._groups]

    def step(self) -> None:
        with torch.no_grad():
            for group, momentum in zip(self._groups, self._momenta, strict=True):
                gradients = torch.stack([matrix.grad for matrix in group])
                momentum.lerp_(gradients, 1 - MOMENTUM)
                moves = self._orthogonal(gradients.lerp_(momentum, MOMENTUM)).float()
                rows, columns = group[0].shape
                for matrix, move in zip(group, moves, strict=True):
                    matrix.mul_(1 - self.rate * self._decay)
                    matrix.add_(move, alpha=-self.rate * max(1.0, rows / columns) ** 0.5)

    def _orthogonal(self, stack: torch.Tensor) -> torch.Tensor:
        """The nearest (semi-)orthogonal matrix of each, roughly, by Newton-Schulz."""
        tall = stack.shape[1] > stack.shape[2]
        x = (stack.mT if tall else stack).to(self._dtype)
        x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
        a, b, c = NEWTON_SCHULZ
        for _ in range(ROUNDS):
            square = x @ x.mT
            x = torch.baddbmm(x, torch.baddbmm(square, square, square, beta=b, alpha=c), x, beta=a)
        return x.mT if tall else x


class Optimizer:
    """Both optimizers under one schedule: a linear warm-up, then a cosine down to the lowest rate."""

    def __init__(self, model: Gemma3ForCausalLM, recipe: PocketRecipe, dtype: torch.dtype) -> None:
        self._recipe = recipe
        self._parameters: list[Any] = list(model.parameters())
        matrices = [
            weight for name, weight in model.named_parameters() if weight.ndim == 2 and "embed" not in name
        ]
        moved = {id(matrix) for matrix in matrices}
        others = [weight for weight in self._parameters if id(weight) not in moved]
        self._muon = BatchedMuon(matrices, recipe.matrix_rate, recipe.matrix_decay, dtype)
        rate = recipe.embedding_rate
        self._adam = torch.optim.AdamW(others, lr=rate, betas=(0.9, 0.98), weight_decay=0.0, fused=True)

    def step(self, number: int) -> None:
        """Move the weights along their gradients, at the rate of this step."""
        torch.nn.utils.clip_grad_norm_(self._parameters, 1.0)
        share = schedule(number, self._recipe)
        self._muon.rate = self._recipe.matrix_rate * share
        self._adam.param_groups[0]["lr"] = self._recipe.embedding_rate * share
        self._muon.step()
        self._adam.step()


def schedule(step: int, recipe: PocketRecipe) -> float:
    """Share of the full rate at a step."""
    done = step / recipe.steps
    if done < recipe.warm_up:
        return max(done / recipe.warm_up, 0.02)
    cosine = 0.5 * (1 + math.cos(math.pi * (done - recipe.warm_up) / (1 - recipe.warm_up)))
    return recipe.lowest_rate + (1 - recipe.lowest_rate) * cosine
