"""Which one of several equal messages is this? Exports without ids need to know, to make ids of their own."""

from __future__ import annotations

from collections import Counter, OrderedDict

_MOMENTS = 1_000  # equal messages stand close together; memory stays flat


class Ordinals:
    """Counts equal messages of one file. A later export that overlaps it counts the same way."""

    def __init__(self) -> None:
        self._moments: OrderedDict[str, Counter[tuple[str, str]]] = OrderedDict()

    def next(self, moment: str, sender: str, text: str) -> str:
        """ "0" for the first that this sender said so at this moment, "1" for the second, and so on."""
        counts = self._moments.setdefault(moment, Counter())
        if len(self._moments) > _MOMENTS:
            self._moments.popitem(last=False)
        counts[sender, text] += 1
        return str(counts[sender, text] - 1)
