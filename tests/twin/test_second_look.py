"""Does the second look find what the first one missed, and does a canary stop the build?"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from brain.prompt import Persona
from ingest.redact import Redactor
from ingest.roster import Roster
from ingest.source import Owner, Person
from learning.settings import CorpusSettings
from storage.records import Kind, Record, with_changes
from twin import second_look
from twin.errors import Told
from twin.home import Home
from twin.second_look import Finding, SecondLook, build_checked, plant_canaries


def roster() -> Roster:
    known = Roster(bytes(32), Owner(name="Mira"))
    known.learn(Person("chat:1", ("Tamsin Okonjo",)))
    known.learn(Person("chat:2", ("佐藤健太",)))
    return known


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("see you at eight", []),
        ("on 2024-03-10, 10.03.2024, in 1939-1945", []),
        ("<EMAIL_ab12> or <PHONE_12345678> or <PERSON_3f2a>", []),
        ("mail a.b@example.org", ["email"]),
        ("call 0151 234 5678", ["number"]),
        ("id 2011908841", ["number"]),
        ("tell TAMSIN", ["name"]),
        ("Okonjo's", ["name"]),
        ("健太さん", ["name"]),
        ("x f3Kq9ZpL0vX2mN8cR5tB7w x", ["secret"]),
        ("antidisestablishmentarianism2", []),
    ],
)
def test_crude_patterns_find_what_is_left(text: str, kinds: list[str]) -> None:
    assert SecondLook(roster().names()).kinds(text) == kinds


def test_a_row_is_scanned_but_not_its_card() -> None:
    row = {
        "id": "7",
        "prompt": [{"role": "system", "content": "call 0151 2345678"}, {"role": "user", "content": "hi"}],
        "completion": [{"role": "assistant", "content": "a.b@example.org"}],
    }
    assert SecondLook().scan([row]) == [Finding("7", "email")]


def chat() -> list[Record]:
    began, records = datetime(2024, 1, 1, tzinfo=UTC), []
    for number in range(80):
        at = began + timedelta(days=number // 2, minutes=number % 2)
        by_owner = bool(number % 2)
        author = "owner" if by_owner else "<PERSON_3f2a>"
        words = f"number {'abcdefghij'[number % 10]} of {'klmnopqrst'[number // 10]}"
        records.append(Record(str(number), "chat", Kind.MESSAGE, author, by_owner, "t", at, words))
    return records


def test_a_record_that_fails_is_left_out_and_reported_and_the_rest_is_built(tmp_path) -> None:
    records = chat()
    records[21] = with_changes(records[21], text="write to a.b@example.org")
    home = Home(tmp_path)
    snapshot, findings = build_checked(records, Persona("Mira"), home, CorpusSettings(), roster())
    assert findings == [Finding("21", "email")]
    assert second_look.in_words(findings) == ["left out record 21: it seems to hold a email"]
    shards = "".join(path.read_text() for path in snapshot.path.glob("*.jsonl"))
    assert shards
    assert "example.org" not in shards
    report = json.loads((snapshot.path / second_look.REPORT).read_text())
    assert report["left_out"] == [{"record": "21", "kind": "email"}]


def test_when_something_was_said_is_nothing_personal(tmp_path) -> None:
    home, zone = Home(tmp_path), timezone(timedelta(hours=2))
    snapshot, findings = build_checked(
        chat(), Persona("Mira"), home, CorpusSettings(), roster(), lambda at: at.astimezone(zone)
    )
    assert findings == []
    assert (
        "\u27e6"
        in json.loads((snapshot.path / "train.jsonl").read_text().splitlines()[0])["prompt"][-1]["content"]
    )


def test_a_sample_that_fails_is_built_without_and_its_snapshot_does_not_stay(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(SecondLook, "scan_records", lambda self, records: [])
    records = chat()
    records[20] = with_changes(records[20], text="call 0151 2345678")
    home = Home(tmp_path)
    snapshot, findings = build_checked(records, Persona("Mira"), home, CorpusSettings(), roster())
    assert Finding("21", "number") in findings
    assert [path.name for path in home.corpora.iterdir()] == [snapshot.id]
    assert "2345678" not in "".join(path.read_text() for path in snapshot.path.glob("*.jsonl"))


def test_canaries_hold_and_one_that_comes_through_stops_the_build(tmp_path, monkeypatch) -> None:
    for _ in range(50):
        plant_canaries(roster())
    monkeypatch.setattr(Redactor, "redact", lambda self, text: text)
    with pytest.raises(Told, match="planted name came through"):
        build_checked(chat(), Persona("Mira"), Home(tmp_path), CorpusSettings(), roster())
    assert not list(tmp_path.rglob("*.jsonl"))
