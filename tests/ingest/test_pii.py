"""Does the redactor keep what it has been measured at? The labelled lines, both halves."""

from __future__ import annotations

import runpy

import pytest

from benchmarks.pii import KEY, LABELLED, LANGUAGES, Half, is_gone, read_half, replaced, wilson_low
from ingest.redact import Redactor
from ingest.roster import Roster
from ingest.source import Owner


def redactor(half: Half) -> Redactor:
    roster = Roster(KEY, Owner(name="Noor", languages=LANGUAGES))
    for person in half.people:
        roster.learn(person)
    return Redactor(roster)


@pytest.mark.parametrize(("name", "at_least"), [("development", 0.995), ("held_out", 0.97)])
def test_recall_and_precision_do_not_sink(name: str, at_least: float) -> None:
    half = read_half(name)
    found, hits, spans, changed, plain = redactor(half), 0, 0, 0, 0
    for case in half.cases:
        clean = found.redact(case.text)
        gone = {at for start, end in replaced(case.text, clean) for at in range(start, end)}
        hits += sum(is_gone(case.text, start, end, gone) for _, start, end in case.told)
        spans += len(case.told)
        plain += not case.told
        changed += not case.told and clean != case.text
    assert spans > 600
    assert hits / spans >= at_least
    assert changed / plain <= 0.04


@pytest.mark.parametrize("name", ["development", "held_out"])
def test_redacting_twice_changes_nothing_more(name: str) -> None:
    half = read_half(name)
    found = redactor(half)
    for text in half.texts:
        once = found.redact(text)
        assert found.redact(once) == once


def test_the_lines_are_what_the_templates_make() -> None:
    maker = runpy.run_path(str(LABELLED / "make.py"))
    for half in maker["HALVES"]:
        assert (LABELLED / half / "made.txt").read_text(encoding="utf-8").splitlines() == maker["make"](half)


@pytest.mark.parametrize("file", ["people.txt", "formats.txt", "templates.txt", "by_hand.txt", "plain.txt"])
def test_the_halves_share_no_line(file: str) -> None:
    one, other = (
        set((LABELLED / half / file).read_text(encoding="utf-8").splitlines())
        for half in ("development", "held_out")
    )
    shared = {line for line in one & other if not line.startswith("//")}
    assert shared <= {"id", "{dob}", "{id}", "coordinates: !place x"}


def test_a_share_of_a_small_sample_is_less_sure() -> None:
    assert wilson_low(9, 10) < wilson_low(90, 100) < wilson_low(900, 1000) < 0.9
    assert wilson_low(0, 10) == pytest.approx(0, abs=1e-9)
