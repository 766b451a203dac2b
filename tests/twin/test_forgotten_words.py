"""Is somebody found in a text as they are named and quoted, and is nobody else's talk touched?"""

from __future__ import annotations

import pytest

from ingest.roster import Roster
from ingest.source import Owner, Person
from twin.forgotten_words import ForgottenWords

LONG = "the marmalade submarine leaves the harbour at dawn"


@pytest.fixture
def words():
    roster = Roster(b"k" * 32, Owner("Sam"))
    roster.learn(Person("telegram:7", ("Zorblina Quixworth",)))
    roster.learn(Person("telegram:8", ("Ana Kovač",)))
    return ForgottenWords(roster, roster.find("Zorblina Quixworth"), [f"hm\n{LONG}\nsee you then", "¿qué?"])


@pytest.mark.parametrize(
    ("text", "without"),
    [
        ("ask Zorblina and Ana", "ask somebody and Ana"),
        ("ZORBLINA QUIXWORTH!", "somebody!"),
        (f'she said "{LONG}", Bo', 'she said "[forgotten]", Bo'),
        (f"({LONG})", "([forgotten])"),
    ],
)
def test_names_and_quotes_go_and_the_rest_stays(words, text, without):
    assert words.clean(text) == without
    assert words.are_in(text)


@pytest.mark.parametrize("text", ["", "see you then", "hm", "the marmalade submarine", "Ana Kovač was here"])
def test_what_many_say_is_nobodys(words, text):
    assert words.clean(text) == text
    assert not words.are_in(text)
