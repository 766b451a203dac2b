"""Are names that nobody answers to put before the owner, once, and only those?"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from ingest.strangers import Strangers
from storage.records import Kind, Record


def said(number: int, text: str, source: str = "chat") -> Record:
    at = datetime(2024, 1, 1, tzinfo=UTC)
    return Record(str(number), source, Kind.MESSAGE, "owner", True, "t", at, text)


def names(strangers: Strangers) -> list[str]:
    return [one.name for one in strangers.waiting()]


def test_an_unknown_name_waits_with_its_count_and_where_it_was_said() -> None:
    strangers = Strangers()
    for number in range(3):
        strangers.meet(said(number, "lunch with Tamsin tomorrow?"))
    strangers.meet(said(9, "ask Tamsin, <PERSON_3f2a> said", source="journal"))
    [one] = strangers.waiting()
    assert (one.name, one.count) == ("Tamsin", 4)
    assert one.as_json()["sources"] == {"chat": 3, "journal": 1}
    assert one.contexts[0] == "lunch with Tamsin tomorrow?"


def test_reading_the_same_again_counts_nothing_twice() -> None:
    strangers = Strangers()
    for _ in range(2):
        strangers.meet(said(1, "with Tamsin"))
    assert strangers.waiting()[0].count == 1


def test_what_is_no_name_does_not_wait() -> None:
    strangers = Strangers()
    strangers.meet(said(1, "we go on Monday to Berlin with Python. Sure. Maybe! The end"))
    strangers.meet(said(2, "he likes Climbing and i like climbing"))
    strangers.meet(said(3, "in May i Will do it"))
    strangers.meet(said(4, "ok <PERSON_3f2a> and <EMAIL_ab12>"))
    assert names(strangers) == []


def test_likelier_names_come_first() -> None:
    strangers = Strangers()
    for number in range(3):
        strangers.meet(said(number, "the Zweibel was great"))
    strangers.meet(said(7, "dinner with Jorrit"))
    assert names(strangers) == ["Jorrit", "Zweibel"]


def test_a_decision_is_remembered_and_only_the_owner_may_read_it(tmp_path: Path) -> None:
    strangers, path = Strangers(), tmp_path / "review.json"
    strangers.meet(said(1, "with Tamsin and Jorrit"))
    strangers.decide("tamsin")
    strangers.save(path)
    again = Strangers()
    again.load(path)
    again.meet(said(2, "with Tamsin again"))
    assert names(again) == ["Jorrit"]
    assert path.stat().st_mode & 0o777 == 0o600
