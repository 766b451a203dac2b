"""How does a rare sample come up again without inventing a word? With less of what went before it.

Only whole exchanges at the beginning of the context go. The last words heard, and the owner's answer, stay to
the letter; such rows say `augmented` and are for training only.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from learning.splits import SHORT
from storage.records import stable_id

Row = dict[str, Any]


def shortened(rows: Sequence[Row], how_many: int, order: random.Random) -> list[Row]:
    """At most so many new rows, no two of the same one."""
    fit = [row for row in rows if row["kind"] == "answer" and len(_starts(row)) and _long(row)]
    return [_from(row, order.choice(_starts(row))) for row in order.sample(fit, min(how_many, len(fit)))]


def _long(row: Row) -> bool:
    return len(row["completion"][0]["content"]) > SHORT


def _starts(row: Row) -> range:
    """Where a shorter context may begin: at any later words of the others, after the card."""
    return range(3, len(row["prompt"]), 2)


def _from(row: Row, start: int) -> Row:
    prompt = [row["prompt"][0], *row["prompt"][start:]]
    return {**row, "id": stable_id("augmented", row["id"], str(start)), "augmented": True, "prompt": prompt}
