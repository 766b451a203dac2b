"""Which samples come out of which records, and does nothing of the test leak into training?"""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as some
from records_said import FRIEND, MIRA, OTHER, START, said, years_of_chat

from learning.corpus import build, load
from learning.duplicates import Duplicates
from learning.rows import read_rows
from learning.settings import CorpusSettings
from learning.splits import exchange
from learning.strata import stratum_of
from storage.records import Kind, with_changes


def rows_of(snapshot):
    return {name: read_rows(snapshot.path / f"{name}.jsonl") for name in ("train", "validation", "test")}


def every_row(snapshot):
    return [row for rows in rows_of(snapshot).values() for row in rows]


def test_a_burst_is_one_answer_and_what_went_before_is_its_context(tmp_path):
    records = [
        said(1, FRIEND, "are you in?", 0),
        said(2, FRIEND, "the cake is here", 1),
        said(3, "owner", "yes", 2),
        said(4, "owner", "coming", 3),
        said(5, FRIEND, "great", 4),
        said(6, "owner", "sec", 9),
    ]
    rows = every_row(build(records, MIRA, tmp_path, CorpusSettings()))
    assert [(row["record_ids"], row["completion"][0]["content"]) for row in rows] == [
        (["r3", "r4"], "yes\ncoming"),
        (["r6"], "sec"),
    ]
    assert [turn["content"] for turn in rows[1]["prompt"]] == [
        MIRA.card(),
        "are you in?\nthe cake is here",
        "yes\ncoming",
        "great",
    ]


def test_a_long_silence_ends_a_conversation_unless_somebody_answers_across_it(tmp_path):
    records = [
        said(1, FRIEND, "did the oven work?", 0),
        said(2, "owner", "no idea yet", 200, reply_to="r1"),
        said(3, FRIEND, "unrelated: milk?", 500),
        said(4, "owner", "one litre", 501),
    ]
    first, second = every_row(build(records, MIRA, tmp_path, CorpusSettings()))
    assert first["prompt"][-1]["content"] == "did the oven work?"
    assert second["prompt"][1:] == [{"role": "user", "content": "unrelated: milk?"}]


def test_in_a_group_each_pseudonym_is_spoken_of_by_one_readable_name(tmp_path):
    records = [
        said(1, FRIEND, f"ask {OTHER} about it", 0),
        said(2, OTHER, "ask me what?", 5),
        said(3, "owner", f"nothing, {OTHER}", 6),
    ]
    (row,) = every_row(build(records, MIRA, tmp_path, CorpusSettings()))
    first, second = row["prompt"][1]["content"].splitlines()
    name = second.partition(":")[0]
    assert name.isalpha()
    assert first.endswith(f"ask {name} about it")
    assert row["completion"][0]["content"] == f"nothing, {name}"


def test_a_reply_that_holds_a_redacted_secret_is_left_out(tmp_path):
    records = [said(1, FRIEND, "your number?", 0), said(2, "owner", "it is <PHONE_9a1c>", 1)]
    snapshot = build(records, MIRA, tmp_path, CorpusSettings())
    assert every_row(snapshot) == []
    assert "placeholder in the reply" in (snapshot.path / "card.json").read_text()


def test_deleted_records_teach_nothing(tmp_path):
    records = [said(1, FRIEND, "hi", 0), with_changes(said(2, "owner", "hey", 1), deleted_at=START)]
    assert every_row(build(records, MIRA, tmp_path, CorpusSettings())) == []


def test_what_the_owner_wrote_alone_is_a_capped_share_of_training_and_never_tested_on(tmp_path):
    journal = [
        said(
            f"j{day}",
            "owner",
            f"entry {day}: quiet, {day * 7} loaves",
            day * 60,
            f"d{day}",
            kind=Kind.JOURNAL,
        )
        for day in range(200)
    ]
    snapshot = build([*years_of_chat(), *journal], MIRA, tmp_path, CorpusSettings(style_share=0.25))
    rows = rows_of(snapshot)
    alone = [row for row in rows["train"] if row["context"] == "none"]
    assert 0.2 < len(alone) / len(rows["train"]) <= 0.25
    assert alone[0]["prompt"][1] == {"role": "user", "content": "(a journal on telegram)"}
    assert all(row["context"] == "thread" for name in ("validation", "test") for row in rows[name])


def test_what_stands_in_code_is_never_an_answer_in_a_chat_and_comes_after_all_other_writing(tmp_path):
    code = [
        said(f"c{n}", "owner", f"walk the {n} trees twice", n, "repo", source="git", kind=Kind.COMMENT)
        for n in range(40)
    ]
    commits = [
        said(f"m{n}", "owner", f"Fix tree {n}", 2000 * n, "repo", source=source, kind=Kind.COMMIT)
        for n, source in enumerate(["git", "github"])
    ]
    somebody = said("c99", FRIEND, "why twice?", 5, "repo", source="git", kind=Kind.COMMENT)
    diary = [said(f"d{n}", "owner", f"moss day {n}", n, "diary", kind=Kind.JOURNAL) for n in range(9)]
    records = [*years_of_chat(40), *code, *commits, somebody]
    rows = rows_of(build(records, MIRA, tmp_path, CorpusSettings()))
    of_code = [row for row in rows["train"] if row["source"] == "git"]
    assert of_code
    assert {row["kind"] for row in of_code} == {"style"}
    assert {row["prompt"][-1]["content"] for row in of_code} == {"(a comment in code)"}
    assert {stratum_of(row) for row in of_code}.isdisjoint(
        stratum_of(row) for row in rows["train"] if row["source"] != "git"
    )
    assert not [row for row in rows["validation"] + rows["test"] if row["source"] == "git"]
    assert not {id for split in rows.values() for row in split for id in row["record_ids"]} & {"rm0", "rm1"}
    full = CorpusSettings(style_share=0.05)  # the diary alone takes that
    rows = rows_of(build([*records, *diary], MIRA, tmp_path, full))
    assert [row for row in rows["train"] if row["thread"] == "diary"]
    assert not [row for row in rows["train"] if row["source"] == "git"]
    assert every_row(build(code, MIRA, tmp_path, CorpusSettings())) == []  # no voice is made of code alone


def test_later_splits_are_later_and_a_gap_lies_before_them(tmp_path):
    rows = rows_of(build(years_of_chat(), MIRA, tmp_path, CorpusSettings(embargo_hours=30)))
    assert all(len(rows[name]) >= 12 for name in rows)
    for earlier, later in (("train", "validation"), ("validation", "test")):
        last = max(datetime.fromisoformat(row["ended_at"]) for row in rows[earlier])
        first = min(datetime.fromisoformat(row["said_at"]) for row in rows[later])
        assert first - last >= timedelta(hours=30)


def test_no_session_is_cut_in_two(tmp_path):
    rows = rows_of(build(years_of_chat(), MIRA, tmp_path, CorpusSettings()))
    days = {name: {row["said_at"][:10] for row in found} for name, found in rows.items()}
    assert not days["train"] & days["validation"]
    assert not days["validation"] & days["test"]


def test_an_exchange_of_the_test_is_purged_from_training_even_when_slightly_reworded(tmp_path):
    records = years_of_chat()
    question, answer = records[-2].text, records[-1].text
    leaks = [
        said("x1", FRIEND, question, 3 * 1440 + 300),
        said("x2", "owner", answer, 3 * 1440 + 301),
        said("y1", FRIEND, f"{question.upper()} :)", 5 * 1440 + 300),
        said("y2", "owner", f"{answer}!!", 5 * 1440 + 301),
        said("z1", FRIEND, question, 7 * 1440 + 300),
        said("z2", "owner", answer.replace("again", "agan"), 7 * 1440 + 301),
    ]
    ids = {
        row["record_ids"][0]
        for row in rows_of(build([*records, *leaks], MIRA, tmp_path, CorpusSettings()))["train"]
    }
    assert ids
    assert not ids & {"rx2", "ry2", "rz2"}


def test_what_is_tested_on_is_not_chosen_by_either(tmp_path):
    records = years_of_chat()
    leak = [
        said("x1", FRIEND, records[-2].text, 50 * 1440 + 600),
        said("x2", "owner", records[-1].text, 50 * 1440 + 601),
    ]
    rows = rows_of(build([*records, *leak], MIRA, tmp_path, CorpusSettings()))
    days = [row["said_at"] for row in rows["validation"]]
    assert min(days) < leak[1].said_at.isoformat() < max(days)
    assert "rx2" not in {row["record_ids"][0] for row in rows["validation"]}


def test_what_the_owner_says_unasked_is_a_capped_share_of_training_and_never_tested_on(tmp_path):
    unasked = [said(f"u{day}", "owner", f"look, {day * 7} loaves", day * 1440 + 700) for day in range(60)]
    snapshot = build([*years_of_chat(), *unasked], MIRA, tmp_path, CorpusSettings(initiative_share=0.2))
    rows = rows_of(snapshot)
    initiatives = [row for row in rows["train"] if row["kind"] == "initiative"]
    assert 0.15 < len(initiatives) / len(rows["train"]) <= 0.2
    assert initiatives[0]["prompt"][-1]["content"] == "(you write first, on telegram)"
    assert all(row["kind"] == "answer" for name in ("validation", "test") for row in rows[name])


def test_the_same_short_reply_is_learned_from_a_few_times_only(tmp_path):
    records = years_of_chat()
    for day in range(30):
        records += [
            said(f"k{day}q", FRIEND, f"is number {day * 31} fine with you?", day * 1440 + 400),
            said(f"k{day}a", "owner", "ok!", day * 1440 + 401),
        ]
    train = rows_of(build(records, MIRA, tmp_path, CorpusSettings(repeat_cap=4)))["train"]
    assert sum(row["completion"][0]["content"] == "ok!" for row in train) == 4


def test_the_same_records_in_any_order_give_the_same_bytes(tmp_path):
    records = years_of_chat(20)
    one = build(records, MIRA, tmp_path / "one", CorpusSettings())
    two = build(random.Random(3).sample(records, len(records)), MIRA, tmp_path / "two", CorpusSettings())
    assert one.id == two.id
    for file in sorted(one.path.iterdir()):
        assert file.read_bytes() == (two.path / file.name).read_bytes()
    assert build(records, MIRA, tmp_path / "one", CorpusSettings()) == one == load(one.path)


def test_other_records_give_another_snapshot(tmp_path):
    records = years_of_chat(20)
    changed = [*records[:-1], with_changes(records[-1], text="something else entirely")]
    assert (
        build(records, MIRA, tmp_path, CorpusSettings()).id
        != build(changed, MIRA, tmp_path, CorpusSettings()).id
    )


@settings(max_examples=40, deadline=None)
@given(
    some.lists(
        some.tuples(
            some.sampled_from(["owner", FRIEND, OTHER]),
            some.text(max_size=20),
            some.integers(0, 100_000),
            some.sampled_from(["a", "b"]),
        ),
        max_size=40,
    )
)
def test_whatever_was_said_prompts_take_turns_and_end_with_somebody_else(tmp_path_factory, chat):
    records = [said(number, *spoken) for number, spoken in enumerate(chat)]
    snapshot = build(records, MIRA, tmp_path_factory.mktemp("corpora"), CorpusSettings())
    for row in every_row(snapshot):
        roles = [turn["role"] for turn in row["prompt"]]
        assert roles == ["system", *["user", "assistant"] * (len(roles) // 2)][: len(roles)]
        assert roles[-1] == "user"
        assert row["completion"][0]["content"].strip()


@settings(max_examples=40, deadline=None)
@given(
    some.lists(
        some.tuples(
            some.sampled_from(["owner", "owner", FRIEND, OTHER]),
            some.sampled_from([f"{word} on day {n}" for word in ("oven", "tent") for n in range(6)]),
            some.integers(0, 60 * 24 * 90),
            some.sampled_from(["a", "b", "c"]),
            some.none() | some.integers(0, 80),
        ),
        min_size=20,
        max_size=80,
    ),
    some.integers(0, 3),
)
def test_whatever_was_said_nothing_of_a_later_split_is_known_in_an_earlier_one(tmp_path_factory, chat, seed):
    records = [
        said(number, who, text, at, thread, reply_to=f"r{to}" if to is not None else None)
        for number, (who, text, at, thread, to) in enumerate(chat)
    ]
    eager = CorpusSettings(balance_from=0, stratum_floor=1, augment_share=0.5, seed=seed)
    snapshot = build(records, MIRA, tmp_path_factory.mktemp("corpora"), eager)
    rows, by_id = rows_of(snapshot), {record.id: record for record in records}
    order = ("train", "validation", "test")
    for earlier, later in (order[:2], order[1:], (order[0], order[2])):
        if not rows[earlier] or not rows[later]:
            continue
        begins = min(datetime.fromisoformat(row["said_at"]) for row in rows[later])
        for row in rows[earlier]:
            assert datetime.fromisoformat(row["ended_at"]) < begins
            assert all(by_id[id].said_at <= begins for id in row["context_ids"])
        known = Duplicates(exchange(row) for row in rows[later])
        assert not [row for row in rows[earlier] if exchange(row) in known]
    assert all(
        row["kind"] == "answer" and "augmented" not in row for row in rows["validation"] + rows["test"]
    )
    assert all(by_id[id].by_owner for row in every_row(snapshot) for id in row["record_ids"])
    again = build(reversed(records), MIRA, tmp_path_factory.mktemp("again"), eager)
    for file in sorted(snapshot.path.iterdir()):
        assert file.read_bytes() == (again.path / file.name).read_bytes()


def test_a_word_more_or_less_does_not_make_a_long_text_new():
    asked = "shall we take the early train to the lake on saturday?"
    known = Duplicates([f"{asked}\nyes, i bring bread and the big tent"])
    assert f"{asked}\nyes! i bring bread and a big tent" in known
    assert "shall we take the early train to the lake on saturday?\nno, work" not in known


def test_different_exchanges_are_no_duplicates():
    row = {"prompt": [{"content": "when is dinner?"}], "completion": [{"content": "at seven, bring bread"}]}
    assert exchange(row) in Duplicates(["when is dinner\nat seven bring bread"])
    assert exchange(row) not in Duplicates(["when is lunch?\nnever, i am on a train"])
