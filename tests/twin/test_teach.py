"""Does what the owner answers to /teach become a sample that the trainers get?"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from brain.prompt import Persona, Turn, compose
from ingest.roster import Roster
from ingest.source import Owner, Person
from learning.corpus import build
from learning.rows import read_rows
from learning.settings import CorpusSettings
from storage.records import Kind, Record
from storage.records_store import RecordStore
from twin.teach import keep_lesson

KEY = b"sixteen bytes or more"
SAM = Owner("Sam Reed", accounts={"telegram": ("1",)})
PERSONA = Persona("Sam")


@pytest.fixture
def teach(database, tmp_path):
    records = RecordStore(database)

    async def teach(question, answer):
        return await keep_lesson(
            question, answer, records=records, owner=SAM, key=KEY, roster_path=tmp_path / "roster.json"
        )

    teach.records = records
    return teach


def chat(days):
    """A chat a day, long before today."""
    start = datetime(2024, 1, 1, tzinfo=UTC)
    for day in range(days):
        for who, minute, words in (("<PERSON_3f2a>", 0, "how about"), ("owner", 1, "no thanks to")):
            at = start + timedelta(days=day, minutes=minute)
            text, thread = f"{words} the {day}th of {day}s?", f"chat {day}"
            yield Record(f"{day}-{who}", "telegram", Kind.MESSAGE, who, who == "owner", thread, at, text)


async def test_a_taught_answer_becomes_a_training_sample_with_the_question_as_its_context(teach, tmp_path):
    await teach.records.add_all(chat(40))
    assert await teach("hey, what's up?", "  nm, you? ")
    snapshot = build(await teach.records.find(), PERSONA, tmp_path / "corpora", CorpusSettings())
    assert snapshot.counts["test"] > 0
    [row] = [row for row in read_rows(snapshot.path / "train.jsonl") if row["source"] == "teach"]
    assert row["completion"] == [{"role": "assistant", "content": "nm, you?"}]
    assert row["prompt"] == compose(PERSONA, [Turn("", "hey, what's up?", ours=False)])
    assert row["context"] == "thread"


async def test_the_newest_answer_to_a_question_is_the_one_that_counts(teach, tmp_path):
    await teach("hey, what's up?", "nm")
    await teach("hey, what's up?", "not much!")
    snapshot = build(await teach.records.find(), PERSONA, tmp_path / "corpora", CorpusSettings())
    rows = read_rows(snapshot.path / "train.jsonl")
    assert [row["completion"][0]["content"] for row in rows] == ["not much!"]


@pytest.mark.parametrize(
    ("languages", "question", "answer", "told"),
    [
        ((), "how was the weekend for you?", "we walked along the river all day and it was lovely", "en"),
        (("de", "en"), "wie war dein Wochenende?", "wir sind den ganzen Tag am Fluss entlang gelaufen", "de"),
        (("lt",), "kaip savaitgalis?", "gerai", "lt"),
    ],
)
async def test_a_taught_answer_has_its_language_as_every_record_has(
    database, tmp_path, languages, question, answer, told
):
    records, owner = RecordStore(database), Owner("Sam Reed", languages=languages)
    await keep_lesson(
        question, answer, records=records, owner=owner, key=KEY, roster_path=tmp_path / "roster.json"
    )
    assert [record.lang for record in await records.find()] == [told, told]


async def test_names_that_the_exports_know_are_hidden_in_taught_answers_too(teach, tmp_path):
    roster = Roster(KEY, SAM)
    roster.learn(Person("telegram:7", ("Klaudia Berg",)))
    roster.save(tmp_path / "roster.json")
    await teach("coming on friday?", "only if Klaudia comes, call me at 00386 40 123 456")
    kept = json.dumps([record.text for record in await teach.records.find()])
    assert roster.placeholder("telegram:7") in kept
    assert "Klaudia" not in kept
    assert "123" not in kept


async def test_an_answer_without_words_is_not_kept(teach):
    assert not await teach("hey, what's up?", " \u200b ")
    assert await teach.records.find() == []
