"""Does nobody wait for a search through what is no garbage, and is garbage found all the same?"""

from __future__ import annotations

import gc
import weakref

import pytest

from twin.garbage import YOUNG, keep_for_good


@pytest.fixture
def as_before():
    threshold = gc.get_threshold()
    yield
    gc.set_threshold(*threshold)
    gc.unfreeze()


def test_what_was_there_at_the_start_is_not_looked_through_again(as_before):
    keep_for_good()
    assert gc.get_freeze_count() > 10_000
    assert len(gc.get_objects()) < gc.get_freeze_count()


def test_what_refers_to_itself_still_goes(as_before):
    class Ring:
        def __init__(self):
            self.me = self

    keep_for_good()
    gone = weakref.ref(Ring())
    young = [[] for _ in range(YOUNG + 1000)]
    assert gone() is None
    assert len(young) > YOUNG
