"""How do several rows share one sequence without seeing each other? By positions that start again at each.

Rows are laid end to end, nothing is padded. transformers makes a block-diagonal causal mask out of the
restarting positions (masking_utils.find_packed_sequence_indices) for every attention that takes a mask;
flash attention takes the boundaries from cu_seq_lens. tests/learning/test_sft_packing.py holds them to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy
import pyarrow
import torch
from datasets import Dataset
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

from learning.order import Dealt
from learning.rows import Row, tokens_of

IGNORED = -100  # a label that nobody has to predict


@dataclass(frozen=True, slots=True)
class Encoded:
    """One row as the model reads it: token ids, labels that are IGNORED up to the answer, loss weights."""

    ids: numpy.ndarray[Any, Any]  # int32 (tokens,)
    labels: numpy.ndarray[Any, Any]  # int32 (tokens,)
    weights: numpy.ndarray[Any, Any]  # float32 (tokens,); 1 everywhere unless the recipe weights tokens


def encoded(row: Row, tokenizer: Any, token_weights: Mapping[int, float]) -> Encoded:
    """The conversation, of which only the answer is learned from.

    Its turn ends as in the preference trainers: with the newline that the template writes after it.
    """
    found, start = tokens_of(tokenizer, row["prompt"], row["completion"])
    found = [*found, *tokenizer("\n", add_special_tokens=False).input_ids]
    ids = numpy.array(found, dtype=numpy.int32)
    labels = ids.copy()
    labels[:start] = IGNORED
    weights = numpy.array([token_weights.get(token, 1.0) for token in found], dtype=numpy.float32)
    return Encoded(ids, labels, weights)


def packed(rows: Sequence[Encoded], dealt: Dealt) -> Dataset:
    """One row for each micro-batch: `input_ids`, `labels`, `loss_weights`, and `seq_lengths` of the parts.

    A micro-batch that has no row of its own repeats the first row with nothing to learn in it: every update
    has to have as many as the others, and every process as many as the others.
    """
    idle = Encoded(rows[0].ids, numpy.full_like(rows[0].labels, IGNORED), rows[0].weights)
    parts = [[rows[index] for index in places] or [idle] for places in dealt.micro_batches]
    columns = {
        "input_ids": [numpy.concatenate([row.ids for row in part]) for part in parts],
        "labels": [numpy.concatenate([row.labels for row in part]) for part in parts],
        "loss_weights": [numpy.concatenate([row.weights for row in part]) for part in parts],
        "seq_lengths": [numpy.array([len(row.ids) for row in part], dtype=numpy.int32) for part in parts],
    }
    return Dataset(pyarrow.table({name: pyarrow.array(values) for name, values in columns.items()}))


class Flat(DataCollatorForLanguageModeling):  # type: ignore[misc]
    """TRL's padding-free collator, which marks the boundaries, with the loss weights beside the labels."""

    def __init__(self, pad: int) -> None:
        super().__init__(pad_token_id=pad, padding_free=True)

    def torch_call(self, examples: list[dict[str, Any]]) -> dict[str, Any]:
        """input_ids, labels, position_ids and loss_weights: (1, tokens); boundaries for varlen kernels."""
        batch: dict[str, Any] = super().torch_call(examples)
        batch["loss_weights"] = torch.tensor([[weight for one in examples for weight in one["loss_weights"]]])
        return batch
