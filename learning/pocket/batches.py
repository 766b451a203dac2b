"""In which portions does the model read the dialogues? Cut to tokens, sorted by length, two halves a step."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from transformers import GemmaTokenizer

from storage.records import ChatTurn

BLOCK = 16  # lengths are padded to a multiple: few distinct shapes, so that oneDNN can reuse its kernels
KEPT_BLOCK = 128


@dataclass(frozen=True, slots=True)
class Sample:
    """One dialogue as tokens; `wanted` marks the model's own words, the end of its turn included."""

    tokens: list[int]
    wanted: list[bool]


@dataclass(frozen=True, slots=True)
class Batch:
    """Right-padded tokens [rows, length], and what to learn from them.

    `keep` are the flat positions just before the wanted tokens, `targets` those tokens; both are padded to a
    multiple of a block, the targets with -100. `count` is how many are real.
    """

    tokens: torch.Tensor
    keep: torch.Tensor
    targets: torch.Tensor
    count: int


class Encoder:
    """The chat template without Jinja: the same tokens, several times faster. A test compares the two."""

    def __init__(self, tokenizer: GemmaTokenizer) -> None:
        self._tokenizer = tokenizer.backend_tokenizer
        self._known: dict[str, list[int]] = {}
        self._bos = tokenizer.bos_token_id
        start, self._end = tokenizer.convert_tokens_to_ids(["<start_of_turn>", "<end_of_turn>"])
        self._newline = self._ids("\n")
        self._user = [start, *self._ids("user"), *self._newline]
        self._model = [start, *self._ids("model"), *self._newline]

    def sample(self, dialogue: Sequence[ChatTurn]) -> Sample:
        tokens, wanted, card = [self._bos], [False], ""
        for turn in dialogue:
            if turn["role"] == "system":
                card = turn["content"] + "\n\n"
                continue
            ours = turn["role"] == "assistant"
            frame = self._model if ours else self._user
            # In one piece, as the tokenizer sees it: newlines at a seam may merge with those of the text.
            words = self._ids(turn["content"] if ours else card + turn["content"])
            body = [*words, self._end, *self._newline]
            tokens += frame + body
            wanted += [False] * len(frame) + [ours] * len(body)
            card = ""
        return Sample(tokens, wanted)

    def _ids(self, text: str) -> list[int]:
        if text not in self._known:
            self._known[text] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return self._known[text]


def half_batches(
    samples: Sequence[Sample], tokens_per_step: int, chance: random.Random
) -> Iterator[tuple[Batch, Batch]]:
    """Endless pairs of halves, each about half a step's tokens, of similar length; a sample once a round.

    Raises ValueError when the samples do not fill a single step.
    """
    while True:
        order = list(range(len(samples)))
        chance.shuffle(order)
        groups: list[list[int]] = []
        window = tokens_per_step * 50 // 80
        for start in range(0, len(order), window):
            groups += _of_similar_length(samples, order[start : start + window], tokens_per_step)
        if not groups:
            raise ValueError(f"{len(samples)} dialogues do not fill a step of {tokens_per_step} tokens")
        chance.shuffle(groups)
        for group in groups:
            yield _batch([samples[at] for at in group[::2]]), _batch([samples[at] for at in group[1::2]])


def _of_similar_length(samples: Sequence[Sample], window: list[int], tokens_per_step: int) -> list[list[int]]:
    groups: list[list[int]] = [[]]
    for at in sorted(window, key=lambda at: len(samples[at].tokens)):
        length = _round_up(len(samples[at].tokens), BLOCK)
        if (len(groups[-1]) + 1) * length > tokens_per_step and len(groups[-1]) > 1:
            groups.append([])
        groups[-1].append(at)
    return groups[:-1]  # the last one is rarely full


def _batch(samples: Sequence[Sample]) -> Batch:
    length = _round_up(max(len(sample.tokens) for sample in samples), BLOCK)
    tokens = torch.zeros(len(samples), length, dtype=torch.long)
    keep: list[int] = []
    targets: list[int] = []
    for row, sample in enumerate(samples):
        tokens[row, : len(sample.tokens)] = torch.tensor(sample.tokens)
        wanted = [at for at, ours in enumerate(sample.wanted) if ours]
        keep += [row * length + at - 1 for at in wanted]
        targets += [sample.tokens[at] for at in wanted]
    count = len(targets)
    padding = _round_up(count, KEPT_BLOCK) - count
    return Batch(tokens, torch.tensor(keep + [0] * padding), torch.tensor(targets + [-100] * padding), count)


def _round_up(number: int, block: int) -> int:
    return -(-number // block) * block
