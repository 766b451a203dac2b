"""How is Python kept from looking for garbage all the time? A large import makes hardly any that needs it.

Records are freed as soon as nobody holds them; only cycles wait for the collector, and looking for those
every 700 objects, as usual, takes more than a tenth of the time of an import.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

SELDOM = 200_000  # new objects
_USUAL = gc.get_threshold()


@contextmanager
def collected_seldom() -> Iterator[None]:
    """Of the whole process. Whoever leaves first ends it for all: it is about speed, no more."""
    gc.set_threshold(SELDOM, *_USUAL[1:])
    try:
        yield
    finally:
        gc.set_threshold(*_USUAL)
