"""How sure is a share? Wilson's score interval (Wilson 1927). No numpy: the chat service imports it, too."""

from __future__ import annotations

import math

FIGURE, DIFFERENCE = 0.95, 0.90  # levels: of a figure, and of what the gate holds against a limit


def wilson(successes: float, trials: int, level: float = FIGURE) -> dict[str, float]:
    """Wilson's score interval of a share (Wilson 1927); half a success for a tie is fine."""
    if not trials:
        return {"low": 0.0, "high": 1.0}
    z = {FIGURE: 1.959964, DIFFERENCE: 1.644854}[level]
    share, scale = successes / trials, 1 + z * z / trials
    centre = share + z * z / (2 * trials)
    spread = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    return {"low": max(0.0, (centre - spread) / scale), "high": min(1.0, (centre + spread) / scale)}
