"""Does every row show what was to be seen before the owner spoke, and only the owner's words as an answer?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as some
from records_said import FRIEND, MIRA, OTHER, START, said

from brain.prompt import Situation, Turn, compose, heard
from learning.formality import formality
from learning.names import Names
from learning.samples import GOES_ON, SampleMaker
from learning.sessions import threads
from learning.settings import CorpusSettings
from storage.records import Kind

THIRD = "<PERSON_aaaa>"
NAMES = Names([FRIEND, OTHER, THIRD])


def rows_of(records, until=10**6, local=None, **changes):
    """Rows (without silences) and silences of these records; the export ends `until` minutes later."""
    ends = START + timedelta(minutes=until)
    sources = {record.source for record in records}
    settings = CorpusSettings(**changes)
    maker = SampleMaker(MIRA, NAMES, settings, dict.fromkeys(sources, ends), local)
    rows, silences = [], []
    for thread in threads(records, settings):
        for session in thread.sessions():
            rows += maker.answers(thread, session)
            silences += [row for row in [maker.silence(thread, session)] if row]
    return rows, silences


def seen(row):
    return [turn["content"] for turn in row["prompt"][1:]]


def answer(row):
    return row["completion"][0]["content"]


def test_a_late_reply_brings_what_it_answers_into_sight_and_last():
    rows, _ = rows_of(
        [
            said(1, FRIEND, "did you find the key?", 0),
            said(2, FRIEND, "milk is out", 2000),
            said(3, "owner", "i buy some", 2001),
            said(4, "owner", "found it, under the cat", 4000, reply_to="r1"),
        ]
    )
    assert seen(rows[0]) == ["milk is out"]
    assert (seen(rows[1]), rows[1]["kind"]) == (["did you find the key?"], "answer")
    assert rows[1]["context_ids"] == ["r1"]


def test_a_prompt_says_when_and_where_as_serving_would_have_said_it():
    records = [said(1, FRIEND, "did you find the key?", 0), said(2, "owner", "found it", 3)]
    plain, _ = rows_of(records)
    zone = timezone(timedelta(hours=5))
    told, _ = rows_of(records, local=lambda at: at.astimezone(zone))
    turns = [Turn(NAMES.of(FRIEND), "did you find the key?", ours=False)]
    there = Situation(records[1].said_at.astimezone(zone), True, records[1].source)
    assert told[0]["prompt"] == compose(MIRA, turns, situation=there)
    assert heard(told[0]["prompt"]) == plain[0]["prompt"][-1]["content"]
    assert told[0]["id"] == plain[0]["id"]


def test_a_reply_after_a_day_does_not_make_one_conversation_of_two():
    records = [said(1, FRIEND, "a?", 0), said(2, "owner", "b", 3000, reply_to="r1")]
    (thread,) = threads(records, CorpusSettings())
    assert [len(session) for session in thread.sessions()] == [1, 1]
    joined = [said(1, FRIEND, "a?", 0), said(2, "owner", "b", 900, reply_to="r1")]
    (thread,) = threads(joined, CorpusSettings())
    assert [len(session) for session in thread.sessions()] == [2]


def test_in_a_group_whom_the_owner_answers_has_the_last_word():
    rows, _ = rows_of(
        [
            said(1, FRIEND, "who has the tent?", 0),
            said(2, OTHER, "it rains", 3),
            said(3, "owner", "i do", 4, reply_to="r1"),
            said(4, OTHER, "and the stove?", 7),
            said(5, FRIEND, "great", 8),
            said(6, "owner", f"@{OTHER} broken", 9),
        ]
    )
    assert seen(rows[0])[-1].splitlines()[-1].endswith("who has the tent?")
    assert seen(rows[1])[-1].splitlines()[-1].endswith("and the stove?")


def test_what_is_answered_is_shown_even_when_the_window_is_full():
    chatter = [said(f"c{number}", OTHER, f"line {number}", 1 + 3 * number) for number in range(30)]
    ask = said(0, FRIEND, "which oven?", 0)
    rows, _ = rows_of([ask, *chatter, said(99, "owner", "the big one", 95, reply_to="r0")], max_turns=4)
    lines = seen(rows[0])[-1].splitlines()
    assert lines[-1].endswith("which oven?")
    assert len(lines) == 5


def test_nobody_is_answered_across_threads():
    rows, _ = rows_of(
        [
            said(1, FRIEND, "secret of the kitchen?", 0, thread="kitchen"),
            said(2, OTHER, "hello", 0, thread="garden"),
            said(3, "owner", "yes", 1, thread="garden", reply_to="r1"),
        ]
    )
    assert [seen(row) for row in rows] == [["hello"]]


def test_speaking_first_and_going_on_are_initiatives_and_say_so():
    rows, _ = rows_of(
        [
            said(1, "owner", "guess what", 0),
            said(2, FRIEND, "what?", 1),
            said(3, "owner", "i baked", 2),
            said(4, "owner", "and it is good", 9),
        ]
    )
    assert [row["kind"] for row in rows] == ["initiative", "answer", "initiative"]
    assert seen(rows[0]) == ["(you write first, on telegram)"]
    assert (rows[0]["context"], rows[0]["context_ids"]) == ("none", [])
    assert seen(rows[2]) == ["what?", "i baked", GOES_ON]
    assert answer(rows[2]) == "and it is good"


def test_a_question_that_waited_for_hours_is_what_the_owner_answers_in_a_private_chat():
    asked = [said(1, FRIEND, "are you coming?", 0), said(2, "owner", "yes", 200)]
    (row,) = rows_of(asked)[0]
    assert (row["kind"], seen(row)) == ("answer", ["are you coming?"])
    told = [said(1, FRIEND, "good night", 0), said(2, "owner", "look at this", 200)]
    assert [row["kind"] for row in rows_of(told)[0]] == ["initiative"]
    late = [said(1, FRIEND, "are you coming?", 0), said(2, "owner", "new topic", 60 * 13)]
    assert [row["kind"] for row in rows_of(late)[0]] == ["initiative"]
    group = [said(0, OTHER, "hi", 0), *asked]
    assert [row["kind"] for row in rows_of(group)[0]] == ["initiative"]


def test_a_silence_is_being_spoken_to_and_saying_nothing():
    _, (silence,) = rows_of([said(1, "owner", "hi", 0), said(2, FRIEND, "call me", 1)])
    assert (silence["kind"], silence["addressed"], seen(silence)) == ("silence", "private", ["call me"])
    assert "completion" not in silence
    assert set(silence["context_ids"]) == {"r1", "r2"}


@pytest.mark.parametrize(
    ("text", "reply_to", "how"),
    [("what do you say, Mira?", None, "name"), ("really?", "r1", "reply"), ("anybody?", None, None)],
)
def test_in_a_group_only_a_name_or_a_reply_speaks_to_the_owner(text, reply_to, how):
    _, silences = rows_of(
        [
            said(1, "owner", "hi", 0),
            said(2, OTHER, "hey", 1),
            said(3, FRIEND, text, 2, reply_to=reply_to),
        ]
    )
    assert [silence["addressed"] for silence in silences] == ([how] if how else [])


def test_an_answer_in_time_or_an_export_that_ends_is_no_silence():
    chat = [said(1, "owner", "hi", 0), said(2, FRIEND, "call me", 1)]
    assert rows_of([*chat, said(3, "owner", "now", 300)])[1] == []
    assert rows_of(chat, until=300)[1] == []
    (silence,) = rows_of([*chat, said(3, "owner", "now", 60 * 20 + 1)])[1]
    assert silence["hours_until_owner_spoke"] == 20.0


def test_a_row_knows_language_topics_and_length_by_the_share_of_its_words():
    records = [
        said(1, FRIEND, "so?", 0),
        said(2, "owner", "ja", 1, lang="de", tags=("personal",)),
        said(3, "owner", "the kernel hangs at boot", 1.5, lang="en", tags=("technical", "mine")),
    ]
    ((row,), _) = rows_of(records)
    assert (row["lang"], row["length"], row["tags"]) == ("en", "medium", ["mine", "personal", "technical"])
    assert row["scores"]["technical"] > 0.9 > 0.1 > row["scores"]["personal"] > 0 == row["scores"]["creative"]


def test_formality_goes_from_a_chat_to_a_letter():
    ladder = ["lol u coming??", "are you coming", "are you coming?", "Are you coming? I would like to know."]
    scores = [formality(text) for text in ladder]
    assert scores == sorted(scores)
    assert (scores[0], scores[-1], formality("🎉")) == (0.25, 1.0, 0.5)


people = some.sampled_from(["owner", FRIEND, OTHER, THIRD])
line = some.tuples(
    people,
    some.text("ab ?<>", max_size=6) | some.sampled_from(["Mira?", f"@{OTHER} hm", f"{FRIEND} what"]),
    some.integers(0, 4000),
    some.sampled_from(["a", "b"]),
    some.none() | some.integers(0, 40),
    some.sampled_from([Kind.MESSAGE, Kind.MESSAGE, Kind.COMMENT, Kind.NOTE]),
)


@effort(max_examples=150, deadline=None)
@given(some.lists(line, max_size=40), some.integers(1, 6))
def test_whatever_is_said_rows_stay_in_their_thread_and_before_their_time(chat, max_turns):
    records = [
        said(n, who, text or "x", at, thread=thread, reply_to=f"r{to}" if to is not None else None, kind=kind)
        for n, (who, text, at, thread, to, kind) in enumerate(chat)
    ]
    by_id = {record.id: record for record in records}
    rows, silences = rows_of(records, max_turns=max_turns)
    for row in [*rows, *silences]:
        roles = [turn["role"] for turn in row["prompt"]]
        assert roles == ["system", *["user", "assistant"] * len(roles)][: len(roles)]
        assert roles[-1] == "user"
        context = [by_id[id] for id in row["context_ids"]]
        assert {record.thread_id for record in context} <= {row["thread"]}
        if row["kind"] != "silence":
            spoken = [by_id[id] for id in row["record_ids"]]
            assert all(record.by_owner for record in spoken)
            said_then = "\n".join(record.text.strip() for record in spoken)
            assert answer(row) == NAMES.spelled_out(said_then).strip()
            began = datetime.fromisoformat(row["said_at"]).astimezone(UTC)
            assert all((one.said_at, one.id) < (began, spoken[0].id) for one in context)
            assert not set(row["context_ids"]) & set(row["record_ids"])
