"""Is one name known however it is written, and no other word taken for it?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.spellings import Spellings, fold
from ingest.words import COMMON


def knowing(*names: str, languages: tuple[str, ...] = ()) -> Spellings:
    spellings = Spellings(languages)
    for name in names:
        spellings.add(fold(name), foreign=not name.isascii() and name[0] > "\u0400")
    return spellings


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Wolfgang", "Wolfgangs"),
        ("Müller", "Mueller"),
        ("Дмитрий", "Dmitry"),
        ("Дмитрий", "Дмитрию"),
        ("Соколов", "Соколову"),
        ("Aleksandra", "Александра"),
        ("Aleksandra", "Alexandra"),
        ("Krzysiek", "Krzyśkiem"),
        ("Wiśniewski", "Wiśniewskiego"),
        ("Nowakowska", "Nowakowskiej"),
        ("Γιάννης", "Giannis"),
        ("Benedikt", "Benedict"),
        ("Charlotte", "Charlote"),
        ("Benjamin", "Benjmain"),
        ("Benjamin", "Benjaminn"),
        ("Benjamin", "Banjamin"),
        ("Łukasz", "lukasz"),
    ],
)
def test_one_name_in_other_letters_and_endings(name: str, written: str) -> None:
    found = knowing(name).find(written)
    assert found is not None
    assert found[0] == fold(name)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Martin", "martini"),
        ("Sam", "Same"),
        ("Tim", "Time"),
        ("Ana", "Any"),
        ("Carl", "Carlo"),
        ("Jonas", "Jones"),
        ("Benjamin", "Benedict"),
        ("Benjamin", "Bemjamim"),
        ("Benjamin", "Bnjamine"),
        ("Rose", "Rosy"),
        ("Will", "Willy"),
    ],
)
def test_another_word_is_not_the_name(name: str, written: str) -> None:
    assert knowing(name).find(written) is None


def test_short_names_are_declined_only_where_the_owner_declines_or_the_name_is_written_so() -> None:
    assert knowing("Ola").find("Oli") is None
    assert knowing("Ola", languages=("pl",)).find("Oli") == ("ola", "")
    assert knowing("Дима").find("Диме") == ("dima", "")


@given(st.sampled_from(sorted(COMMON)))
def test_a_common_word_is_never_a_misspelt_name(word: str) -> None:
    spellings = knowing("Marina", "Charlotte", "Benjamin", "Katerina", "Johanna", languages=("pl", "ru"))
    assert word in spellings or spellings.find(word) is None


# Letters that are no part of a sound written with two: "cch" is heard otherwise than "ch".
@given(st.text("abdfgiklmnprtvz", min_size=7, max_size=12), st.data())
def test_a_long_name_is_known_with_any_one_letter_doubled(name: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(1, len(name) - 1))
    assert knowing(name).find((name[:at] + name[at] + name[at:]).title()) is not None
