"""What is made quickly is what the dataclass would have made."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, dataclass, replace
from datetime import UTC, datetime

import pytest

from storage.records import Kind, Record, with_changes
from storage.slots import changer, quickly_made

RECORD = Record("1", "s", Kind.NOTE, "owner", True, "t", datetime(2024, 1, 1, tzinfo=UTC), "hi", lang="en")


@quickly_made
@dataclass(frozen=True, slots=True)
class Pair:
    one: int
    other: str = "usual"


def test_fields_come_by_place_by_name_or_as_usual() -> None:
    assert (Pair(1).other, Pair(1, "x").other, Pair(one=2).one) == ("usual", "x", 2)
    assert Pair(1) == Pair(one=1, other="usual")
    assert repr(Pair(3)).endswith("Pair(one=3, other='usual')")


def test_what_is_missing_or_too_much_is_an_error() -> None:
    with pytest.raises(TypeError, match="one"):
        Pair()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="third"):
        Pair(1, third=3)  # type: ignore[call-arg]


def test_it_is_as_frozen_as_before() -> None:
    with pytest.raises(FrozenInstanceError):
        Pair(1).one = 2  # type: ignore[misc]


def test_a_change_leaves_the_first_one_as_it_was() -> None:
    change = changer(Pair)
    pair = Pair(1, "x")
    assert (change(pair, one=2), pair) == (Pair(2, "x"), Pair(1, "x"))
    with pytest.raises(KeyError):
        change(pair, third=3)


def test_a_changed_record_is_what_replace_makes_of_it() -> None:
    changes = {"text": "ho", "tags": ("a",), "lang": None}
    assert with_changes(RECORD, **changes) == replace(RECORD, **changes)
    assert with_changes(RECORD) == RECORD
