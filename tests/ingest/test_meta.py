"""Are the strings of Instagram and Facebook mended, and only those that were broken?"""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.meta import Names, mended
from ingest.source import Owner


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_what_meta_breaks_is_mended_exactly(text: str) -> None:
    assert mended(text.encode().decode("latin-1")) == text


@pytest.mark.parametrize("text", ["plain", "café", "“curly”", "Agnė", "naïve — yes", "👍", "half \ud83d"])
def test_what_was_never_broken_stays(text: str) -> None:
    assert mended(text) == text


def test_the_owner_is_named_by_the_profile_or_is_the_one_in_every_chat() -> None:
    names = Names(Counter({"Ola Brandt": 2, "Tam": 1, "Jorrit": 1}), chats=2)
    assert names.owners(Owner(), "facebook", set()) == {"Ola Brandt"}
    assert names.owners(Owner(name="tam"), "facebook", set()) == {"Tam"}
    assert names.owners(Owner(), "facebook", {"Jorrit"}) == {"Jorrit"}
    assert Names(Counter({"Ola": 1, "Tam": 1}), chats=1).owners(Owner(), "facebook", set()) == set()
    assert Names(Counter({"Tam": 1}), chats=1).owners(Owner(), "facebook", set()) == set()
