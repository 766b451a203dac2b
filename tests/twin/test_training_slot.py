"""Do twins on one machine train one at a time, in the order they asked, whoever dies?"""

from __future__ import annotations

from twin.training_slot import STALE_SECONDS, TrainingSlot


class Hours:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def asked(slot: TrainingSlot, twin: str) -> bool:
    """As a runner does it that has something to train."""
    if slot.claim(twin):
        return True
    slot.wait(twin)
    return False


def test_one_trains_at_a_time_and_who_asked_first_is_next() -> None:
    slot = TrainingSlot(Hours())
    assert asked(slot, "ann")
    assert [asked(slot, twin) for twin in ("bo", "cat", "bo")] == [False] * 3
    slot.give_back("bo")  # who has it not gives nothing back
    assert not asked(slot, "cat")
    slot.give_back("ann")
    assert not asked(slot, "ann")  # the others have waited
    assert not asked(slot, "cat")
    assert asked(slot, "bo")
    slot.give_back("bo")
    assert [asked(slot, twin) for twin in ("ann", "cat")] == [False, True]
    slot.give_back("cat")
    assert asked(slot, "ann")


def test_one_that_died_while_it_waited_does_not_keep_the_others_from_it() -> None:
    hours = Hours()
    slot = TrainingSlot(hours)
    assert asked(slot, "ann")
    assert [asked(slot, twin) for twin in ("dead", "bo")] == [False, False]
    slot.give_back("ann")
    hours.now = STALE_SECONDS - 1
    assert not asked(slot, "bo")
    hours.now = STALE_SECONDS + 1
    assert asked(slot, "bo")
