"""How do frozen rows become what a trainer reads? No torch: a tokenizer is handed in."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

Row = Mapping[str, Any]


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a JSONL file; none when there is no such file."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]


def as_jsonl(rows: Iterable[Row]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False, sort_keys=True) + "\n" for row in rows)


def tokens_of(tokenizer: Any, prompt: Sequence[Any], answer: Sequence[Any]) -> tuple[list[int], int]:
    """The conversation's tokens up to the end of its last turn, and where the answer begins."""
    asked = _template(tokenizer, prompt, add_generation_prompt=True)
    whole = _template(tokenizer, [*prompt, *answer], add_generation_prompt=False)
    start = next((i for i, (a, b) in enumerate(zip(asked, whole, strict=False)) if a != b), len(asked))
    end = tokenizer.convert_tokens_to_ids("<end_of_turn>")
    if end in whole[start:]:  # the template writes a newline after it, which nobody has to predict
        whole = whole[: len(whole) - whole[::-1].index(end)]
    return whole, start


def fitted(row: Row, answers: Sequence[str], tokenizer: Any, max_length: int) -> dict[str, Any] | None:
    """The row with as many of its latest turns as fit, or None if even the last turn alone is too long.

    The trainers would cut at the end instead, and that is where the answer is.
    """
    prompt = list(row["prompt"])
    while any(len(tokens_of(tokenizer, prompt, row[answer])[0]) >= max_length for answer in answers):
        if (shorter := without_oldest(prompt)) is None:
            return None
        prompt = shorter
    return {**row, "prompt": prompt}


def without_oldest(prompt: Sequence[Any]) -> list[Any] | None:
    """The prompt without its oldest user turn and the answer to it, so that roles keep alternating.

    None if only the last turn is left.
    """
    card = 1 if prompt and prompt[0]["role"] == "system" else 0
    return [*prompt[:card], *prompt[card + 2 :]] if len(prompt) > card + 2 else None


def all_fitted(
    rows: Iterable[Row], answers: Sequence[str], tokenizer: Any, max_length: int
) -> list[dict[str, Any]]:
    return [short for row in rows if (short := fitted(row, answers, tokenizer, max_length))]


def unrolled(rows: Sequence[Row], epochs: float, seed: int) -> list[Row]:
    """Every epoch's rows one after the other, each epoch shuffled anew; never empty while there are rows.

    A row of weight w comes up w times an epoch on average: the trainers know no weights, but they do count.
    What one row lacks to come up is handed to the next, so that many light rows still count by their sum.
    """
    order = random.Random(seed)
    ahead = 0.5  # so that a single light row still comes up in its first epoch
    schedule: list[Row] = []
    for start in range(math.ceil(epochs)):
        share = min(1.0, epochs - start)
        due: list[Row] = []
        for row in order.sample(rows, len(rows)):
            ahead += float(row.get("weight", 1.0)) * share
            due += [row] * int(ahead)
            ahead -= int(ahead)
        order.shuffle(due)
        schedule += due
    return schedule or list(rows[:1])


def due_by_epoch(rows: Sequence[Row], epochs: float) -> Iterator[list[Row]]:
    """The rows of each epoch in the order given, as often as they weigh; of a part of one, its share."""
    seen = [0.0] * len(rows)
    for start in range(math.ceil(epochs)):
        share = min(1.0, epochs - start)
        due = []
        for index, row in enumerate(rows):
            before = seen[index]
            seen[index] += float(row.get("weight", 1.0)) * share
            # Half a row ahead, so that a single epoch still sees the half-weighted ones.
            due += [row] * (int(seen[index] + 0.5) - int(before + 0.5))
        yield due


def total_weight(rows: Sequence[Row]) -> float:
    """How many rows that is in one epoch."""
    return sum(float(row.get("weight", 1.0)) for row in rows)


def _template(tokenizer: Any, turns: Sequence[Any], add_generation_prompt: bool) -> list[int]:
    ids = tokenizer.apply_chat_template(
        [dict(turn) for turn in turns],
        tokenize=True,
        add_generation_prompt=add_generation_prompt,
        return_dict=False,
    )
    return list(ids)
