"""Which samples does training see how often? No topic, language, source, length, year, pattern drowns others.

A stratum of n samples is wanted in proportion to n ** exponent. The exponent is 1 (leave all as it is) for a
small corpus, which has nothing to give away, and nears the settings' temperature as the corpus grows.
Where the settings name a share for a pattern of conversation, its strata are stretched towards that share.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from learning.augment import shortened
from learning.patterns import OTHER
from learning.settings import CorpusSettings

Row = dict[str, Any]

DIMENSIONS = ("topic", "language", "source", "length", "year", "pattern")
PATTERN = DIMENSIONS.index("pattern")


@dataclass(frozen=True, slots=True)
class Stratum:
    """One kind of sample before and after balancing; the `augmented` ones come on top of the `kept`."""

    name: tuple[str, ...]  # one value for each of DIMENSIONS
    rows: int
    wanted: int
    kept: int
    augmented: int

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"name": list(self.name)}


def stratum_of(row: Row) -> tuple[str, ...]:
    scores: dict[str, float] = row["scores"]
    topic = max(scores, key=lambda name: (scores[name], name))
    pattern = row.get("pattern", OTHER)  # snapshots were frozen before patterns were told apart
    return topic, row["lang"], row["source"], row["length"], row["said_at"][:4], pattern


def exponent(rows: int, settings: CorpusSettings) -> float:
    return 1 - (1 - settings.temperature) * _reach(rows, settings)


def _reach(rows: int, settings: CorpusSettings) -> float:
    """How much of balancing a corpus of this size can bear: 0 up to `balance_from` rows, then towards 1."""
    return max(0.0, 1 - settings.balance_from / max(1, rows))


def _wanted(groups: Mapping[tuple[str, ...], Sequence[Row]], settings: CorpusSettings) -> dict[Any, int]:
    """Rows of each stratum: by temperature, then each targeted pattern stretched towards its share."""
    rows = sum(map(len, groups.values()))
    power, reach = exponent(rows, settings), _reach(rows, settings)
    weights = {name: len(group) ** power for name, group in groups.items()}
    total = sum(weights.values())
    shares: dict[str, float] = defaultdict(float)
    for name, weight in weights.items():
        shares[name[PATTERN]] += weight / total
    there = {pattern: share for pattern, share in settings.pattern_targets.items() if pattern in shares}
    rest = sum(share for pattern, share in shares.items() if pattern not in there)
    others = (1 - sum(there.values())) / rest if rest else 1.0
    stretch = {
        pattern: (there[pattern] / share if pattern in there else others) ** reach
        for pattern, share in shares.items()
    }
    stretched = {name: weight * stretch[name[PATTERN]] for name, weight in weights.items()}
    unit = rows / max(1e-9, sum(stretched.values()))
    return {name: round(unit * weight) for name, weight in stretched.items()}


def balanced(
    rows: Sequence[Row], settings: CorpusSettings, left_out: Counter[str]
) -> tuple[list[Row], list[Stratum]]:
    """The rows to train on and the table of what changed; the same rows and seed give the same choice."""
    groups: defaultdict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[stratum_of(row)].append(row)
    wishes = _wanted(groups, settings)
    room = int(settings.augment_share * len(rows))
    chosen: list[Row] = []
    table = []
    for name, group in sorted(groups.items(), key=lambda item: (len(item[1]), item[0])):
        group.sort(key=lambda row: row["id"])
        wanted = wishes[name]
        order = random.Random(f"{settings.seed} {name}")
        most = max(wanted, settings.stratum_floor)
        kept = group if len(group) <= most else order.sample(group, most)
        missing = min(wanted - len(group), room)
        new = shortened(kept, missing, order) if missing > 0 else []
        room -= len(new)
        left_out["more of its kind than its share"] += len(group) - len(kept)
        chosen += [*kept, *new]
        table.append(Stratum(name, len(group), wanted, len(kept), len(new)))
    return chosen, sorted(table, key=lambda one: (-one.rows, one.name))


def by_dimension(table: Iterable[Stratum]) -> dict[str, dict[str, list[int]]]:
    """For each value of each dimension, how many rows before and after."""
    found: dict[str, dict[str, list[int]]] = {dimension: {} for dimension in DIMENSIONS}
    for stratum in table:
        for dimension, value in zip(DIMENSIONS, stratum.name, strict=True):
            counts = found[dimension].setdefault(value, [0, 0])
            counts[0] += stratum.rows
            counts[1] += stratum.kept + stratum.augmented
    return {dimension: dict(sorted(values.items())) for dimension, values in found.items()}
