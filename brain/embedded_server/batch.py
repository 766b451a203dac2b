"""How do answers of different length take their next step in one forward pass?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch.nn.functional import pad
from transformers import DynamicCache

from brain.embedded_server.model import LanguageModel


@dataclass(slots=True)
class Prefix:
    """A prompt being read, a chunk at a time: what it left in the cache so far."""

    cache: DynamicCache = field(default_factory=DynamicCache)
    length: int = 0

    def read(
        self, model: LanguageModel, adapter: str | None, tokens: Sequence[int], keep: int
    ) -> torch.Tensor:
        """Logits of the last `keep` tokens (0: of all of them)."""
        end = self.length + len(tokens)
        logits = model.logits(
            adapter,
            torch.tensor([tokens]),
            mask=torch.ones(1, end, dtype=torch.long),
            positions=torch.arange(self.length, end).unsqueeze(0),
            cache=self.cache,
            keep=keep,
        )
        self.length = end
        return logits[0]


class Batch:
    """Rows under one adapter, padded on the left so that all of them end together."""

    def __init__(self, model: LanguageModel, adapter: str | None) -> None:
        self._model = model
        self._adapter = adapter
        self._cache = DynamicCache()
        self._mask = torch.zeros(0, 0, dtype=torch.long)

    def __len__(self) -> int:
        return len(self._mask)

    def join(self, prefix: Prefix, rows: int) -> None:
        """Add so many rows at the end, all of them going on from this prefix."""
        width = max(self._mask.shape[1], prefix.length)
        newcomers = torch.ones(rows, prefix.length, dtype=torch.long)
        joined = []
        for index, new in enumerate(prefix.cache.layers):
            keys, values = new.keys.expand(rows, -1, -1, -1), new.values.expand(rows, -1, -1, -1)
            if len(self):
                old = self._cache.layers[index]
                keys = torch.cat([_widen(old.keys, width), _widen(keys, width)])
                values = torch.cat([_widen(old.values, width), _widen(values, width)])
            joined.append((keys, values))
        self._cache = DynamicCache(joined)
        self._mask = torch.cat([_left(self._mask, width), _left(newcomers, width)])

    def leave(self, gone: set[int]) -> None:
        """Drop these rows, and the padding that only they needed."""
        stay = [row for row in range(len(self)) if row not in gone]
        mask = self._mask[stay]
        unused = int((mask.sum(dim=0) == 0).sum()) if stay else 0
        self._mask = mask[:, unused:]
        kept = [
            (layer.keys[stay, :, unused:], layer.values[stay, :, unused:]) for layer in self._cache.layers
        ]
        self._cache = DynamicCache(kept) if stay else DynamicCache()

    def step(self, last_tokens: Sequence[int]) -> torch.Tensor:
        """Feed every row its latest token; the logits of what follows, one line per row."""
        positions = self._mask.sum(dim=1, keepdim=True)
        self._mask = pad(self._mask, (0, 1), value=1)
        logits = self._model.logits(
            self._adapter,
            torch.tensor(last_tokens).unsqueeze(1),
            mask=self._mask,
            positions=positions,
            cache=self._cache,
            keep=1,
        )
        return logits[:, -1]


def _left(mask: torch.Tensor, width: int) -> torch.Tensor:
    return pad(mask, (width - mask.shape[1], 0)) if len(mask) else mask.new_zeros(0, width)


def _widen(states: torch.Tensor, width: int) -> torch.Tensor:
    return pad(states, (0, 0, width - states.shape[2], 0))
