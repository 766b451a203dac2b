"""May a candidate go live? A pure function of what was measured; every reason is a sentence.

Non-inferiority: on each axis (`axes.py`) the far end of the interval of (candidate - live), row by row on the
same rows, must lie within a limit. "Not shown to be worse" would pass whatever was measured on too little.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from learning.axes import Axis, Figures, axes_of
from learning.settings import GateSettings
from storage import tracing

# What a step away from the live one costs, even in the right direction; and what tells that it is right.
COST_OF_DISTANCE = frozenset(
    {"owner's words", "likeness", "length", "loops", "capability", "divergence", "recited"}
)
DIRECTION = frozenset({"preference", "thumbs"})


@dataclass(frozen=True, slots=True)
class Verdict:
    passed: bool
    reasons: tuple[str, ...]  # why not; what was found where it passed
    axes: tuple[Axis, ...]

    @property
    def too_far(self) -> bool:
        """The right way, as held-out feedback has it, and refused for nothing but how far it went."""
        failed = {axis.name for axis in self.axes if not axis.passed}
        ways = [axis.figure or 0.0 for axis in self.axes if axis.judged and axis.name in DIRECTION]
        right = bool(ways) and min(ways) >= 0 < max(ways)
        return bool(failed) and failed <= COST_OF_DISTANCE and right

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@tracing.span(tracing.GATE)
def judge(candidate: Figures, live: Figures, problems: Sequence[str], settings: GateSettings) -> Verdict:
    """Hold the candidate's figures against the live adapter's (or the base model's, where none is live)."""
    axes = tuple(
        axis if axis.passed or axis.name not in settings.advisory else _only_told(axis)
        for axis in axes_of(candidate, live, problems, settings)
    )
    failed = tuple(axis.words for axis in axes if not axis.passed)
    return Verdict(not failed, failed or tuple(axis.words for axis in axes if axis.judged), axes)


def _only_told(axis: Axis) -> Axis:
    return replace(axis, passed=True, judged=False, words=f"{axis.words} (Only reported, as it is set.)")
