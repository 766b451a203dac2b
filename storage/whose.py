"""Whose twin is at work? Where several share one process, every task knows; here, because anybody may ask.

A context variable: what a task starts works for the same twin, and so does what it hands to a thread. Logs,
figures and traces carry the name. Alone in its process a twin has none, and nothing changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_WHOSE: ContextVar[str] = ContextVar("twin", default="")


def whose() -> str:
    """Its name among those of this process; empty: it is the only one, or this is everybody's."""
    return _WHOSE.get()


@contextmanager
def working_for(twin: str) -> Iterator[None]:
    before = _WHOSE.set(twin)
    try:
        yield
    finally:
        _WHOSE.reset(before)
