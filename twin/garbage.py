"""When does Python look for garbage, and through what? Whoever waits for an answer waits for that, too.

Measured with 32 answers under way: 0.1 s for a look through everything, and one through the young for every
twentieth answer.
"""

from __future__ import annotations

import gc

YOUNG = 10_000  # objects more than at the last look; 32 answers under way are some thousands


def keep_for_good() -> None:
    """What has been imported so far is no garbage, and what is under way is none either."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG)
