"""Whatever a glance passes over, the closer look would have left alone."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import example, given
from hypothesis import strategies as st

from ingest.clean import clean
from ingest.glance import LONG, Glance
from ingest.redact import ASK, LOOK, Redactor, says_more
from ingest.roster import Roster
from ingest.screen import CAPITAL, TELLING, Screen
from ingest.source import Owner, Person
from ingest.tag import tags, usual
from storage.records import Kind, Record

WORDS = (
    *("call", "me", "at", "seven", "two", "one", "double", "dot", "arroba", "home", "com", "Tamsin"),
    *("okonjo", "+44", "7700", "900123", "12", "Juniper", "Lane", "born", "password", "is", "hunter2"),
    *("def", "import x", "a-b-c", "a,b,c,", "x@example.org", "www.example.org/a", "Ида", "花子さん", "naïve"),
    *("``` y", "kernel", "guitar,", "4-8-15", "#tamsinforever", "u/somebody", "d.o.b.", "<b>", "eight"),
    *("\ue000person:discord:9\ue001", "Σίσυφος", "İstanbul", "kelvin K", "\n    x = {};\n", "<PERSON_12ab>"),
    "pneumonoultramicroscopic",
)
GLUED = st.lists(st.sampled_from((*WORDS, "https://example.org/x?y=1", "@tam_92", "/", ".")), max_size=5)
GLUED_LINES = GLUED.map("".join).map(clean)
LINES = st.lists(st.sampled_from(WORDS) | st.text(max_size=6), max_size=14).map(" ".join).map(clean)


def someones() -> Roster:
    roster = Roster(bytes(range(32)), Owner("Mira"))
    roster.learn(Person("discord:1", ("Tamsin Okonjo",), ("tam_92",)))
    roster.learn(Person("discord:2", ("花子さん", "Ида Фомина")))
    return roster


@example(["me arroba example punkt com", "call double seven seven two one one eight nine", "ask tamsin"])
@given(st.lists(LINES.filter(bool), max_size=5))
def test_a_text_that_is_passed_over_has_nothing_to_hide_and_the_usual_tags(lines: list[str]) -> None:
    roster = someones()
    redactor = Redactor(roster)
    for text, bits in zip(lines, Screen(roster).glance.at(lines)[0], strict=True):
        if not (bits & LOOK or (bits & ASK and says_more(text))):
            assert redactor.redact(text) == text
        if not bits & TELLING and (as_usual := usual(text, Kind.MESSAGE, ())):
            assert tags(text, Kind.MESSAGE) == as_usual
        assert bool(bits & CAPITAL) == (text != text.lower())


@example(
    [
        "花子さんhttps://example.org/x?y=1",
        "guitar,.@tam_92u/somebody",
        "is.花子さんu/somebody/4-8-15.7700u/else.",
    ]
)
@given(st.lists((LINES | GLUED_LINES).filter(bool), max_size=5))
def test_what_a_glance_leaves_after_a_round_has_nothing_more_to_hide(lines: list[str]) -> None:
    screen, redactor = Screen(someones()), Redactor(someones())
    for text in lines:
        kept = screen.fit_to_keep(said(text), text, LOOK)
        assert isinstance(kept, Record)
        assert kept.text == redactor.redact(text)


def said(text: str) -> Record:
    return Record("1", "s", Kind.MESSAGE, "owner", True, "t", datetime(2026, 5, 1, tzinfo=UTC), text)


def test_a_glance_says_of_each_text_what_any_look_said_of_any_word() -> None:
    glance = Glance(lambda word: word == "a", lambda word: 2 * (word == "b"))
    assert glance.at(["a x", "x", "b a", "b"]) == ([1, 0, 3, 2], [["a", "x"], ["x"], ["b", "a"], ["b"]])
    assert glance.at([]) == ([], [])


def test_each_word_is_looked_at_once_unless_it_is_too_long_to_come_again() -> None:
    asked: list[str] = []
    glance = Glance(lambda word: asked.append(word) or 0)
    long = "x" * (LONG + 1)
    glance.at([f"a b a {long}"])
    glance.at([f"b {long}"])
    assert asked == ["a", "b", long, long]
