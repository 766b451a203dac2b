"""How is a teacher asked that fits into this machine's memory? By transformers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from learning.chunks import Encoded
from learning.logprobs import answer_logprobs


class LocalTeacher:
    """A teacher in this process's memory, for as long as it is asked."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self._model, self._tokenizer = model.eval(), tokenizer
        stops = model.generation_config.eos_token_id or tokenizer.eos_token_id
        self._stops = stops if isinstance(stops, list) else [stops]

    def score(self, rows: Sequence[Encoded]) -> list[list[float]]:
        return answer_logprobs(self._model, [(row.ids, row.start) for row in rows], self._stops[0])

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def answer(self, prompts: Sequence[list[int]], most: int) -> list[str | None]:
        width = max(len(ids) for ids in prompts)
        pad = self._stops[0]
        tokens = torch.tensor(
            [[pad] * (width - len(ids)) + ids for ids in prompts], device=self._model.device
        )
        mask = torch.tensor(
            [[0] * (width - len(ids)) + [1] * len(ids) for ids in prompts], device=self._model.device
        )
        said = self._model.generate(
            tokens, attention_mask=mask, do_sample=False, max_new_tokens=most, pad_token_id=pad
        )
        return [self._until_the_end(row) for row in said[:, width:].tolist()]

    def _until_the_end(self, ids: list[int]) -> str | None:
        end = next((at for at, token in enumerate(ids) if token in self._stops), None)
        if end is None:
            return None
        return str(self._tokenizer.decode(ids[:end], skip_special_tokens=True)).strip()
