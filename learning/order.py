"""In which order does training see its rows, and which lie on the device together? No torch here.

Every update sees the mixture that the whole corpus is: its rows follow the strata in proportion. The rows of
one update are then dealt out over its micro-batches, so that each holds about as many tokens as the others.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeVar

from learning.rows import Row, due_by_epoch
from learning.strata import stratum_of

T = TypeVar("T")


def kind_of(row: Row) -> Hashable:
    """The row's stratum; rows that were made elsewhere and say nothing about themselves are all of one."""
    return stratum_of(dict(row)) if "scores" in row else ()


def interleaved(rows: Sequence[T], kind: Callable[[T], Hashable], order: random.Random) -> list[T]:
    """The rows in an order in which every stretch holds the kinds in their proportions.

    Systematic sampling with a random start for each kind: among the first share t of all, a kind of n rows
    has come up n * t times, give or take less than one. The same rows and generator give the same order.
    """
    kinds: defaultdict[Hashable, list[T]] = defaultdict(list)
    for row in rows:
        kinds[kind(row)].append(row)
    placed: list[tuple[float, int, T]] = []
    for of_one_kind in kinds.values():
        order.shuffle(of_one_kind)
        start = order.random()
        placed += [
            ((number + start) / len(of_one_kind), len(placed) + number, row)
            for number, row in enumerate(of_one_kind)
        ]
    return [row for _, _, row in sorted(placed, key=lambda place: place[:2])]


def schedule(rows: Sequence[Row], epochs: float, seed: int) -> list[Row]:
    """Every epoch's rows one after the other, each epoch interleaved anew."""
    order = random.Random(seed)
    return [row for due in due_by_epoch(rows, epochs) for row in interleaved(due, kind_of, order)]


def updates(rows: Sequence[T], effective_batch: int, at_least: int = 1) -> list[Sequence[T]]:
    """The rows behind each update: as many as the recipe says, so far as they divide evenly.

    Fewer where there would not be `at_least` so many updates: however small a corpus is, it takes steps.
    """
    count = min(len(rows), max(at_least, round(len(rows) / effective_batch)))
    cuts = [len(rows) * number // count for number in range(count + 1)]
    return [rows[start:end] for start, end in pairwise(cuts)]


@dataclass(frozen=True, slots=True)
class Dealt:
    """For each update its micro-batches, always as many, each a list of places in the schedule."""

    micro_batches: list[list[int]]  # of all updates, one after the other; an empty one where rows are short
    accumulation: int  # micro-batches behind one update, of all processes together


def dealt(
    lengths: Sequence[int], effective_batch: int, budget: int, processes: int = 1, at_least: int = 1
) -> Dealt:
    """Deal every update's rows out over as few micro-batches of at most `budget` tokens as will do.

    `lengths` are the scheduled rows' tokens, none above the budget. The number of processes changes how many
    micro-batches there are, and never which rows stand behind an update. (Longest row first to the emptiest
    micro-batch: R. L. Graham 1969, at most a third above the best possible balance.)
    """
    assert max(lengths) <= budget
    windows = updates(range(len(lengths)), effective_batch, at_least)
    parts = max(1, *(math.ceil(sum(lengths[index] for index in window) / budget) for window in windows))
    while True:
        found = [_balanced(window, lengths, parts) for window in windows]
        if all(sum(lengths[index] for index in part) <= budget for dealing in found for part in dealing):
            break
        parts += 1
    if parts % processes:
        parts += processes - parts % processes
        found = [_balanced(window, lengths, parts) for window in windows]
    return Dealt([part for dealing in found for part in dealing], parts)


def _balanced(window: Sequence[int], lengths: Sequence[int], parts: int) -> list[list[int]]:
    dealing: list[list[int]] = [[] for _ in range(parts)]
    full = [0] * parts
    for index in sorted(window, key=lambda index: (-lengths[index], index)):
        emptiest = min(range(parts), key=lambda part: full[part])
        dealing[emptiest].append(index)
        full[emptiest] += lengths[index]
    return dealing


def mixture(rows: Sequence[Row]) -> dict[str, Any]:
    """How many rows there are of each kind, the commonest first; for the report."""
    counts: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        counts[" / ".join(map(str, kind_of(row))) or "(no kind told)"] += 1  # type: ignore[call-overload]
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
