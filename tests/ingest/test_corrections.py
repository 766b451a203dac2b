"""Does the owner's word on a record last, reach its likes, and tell nobody what was said?"""

from __future__ import annotations

import stat
from datetime import UTC, datetime

import pytest

from ingest.corrections import Corrections, with_topics
from ingest.labels import Labels
from ingest.tag import scores, tags
from storage.records import Kind, Record, with_changes

NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)


def record(id, text, *own):
    return Record(id, "telegram", Kind.MESSAGE, "owner", True, "t", NOON, text, tags=(*own, "personal"))


TUNED = record("r1", "tuned the left string a bit lower tonight")
OTHERS = [
    record("r2", "tuned the left string a bit lower today", "mine"),
    record("r3", "see you tonight, a bit later"),
    record("r4", "🎉"),
]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "corrections.json"


def test_a_correction_counts_for_its_record_and_its_likes_and_is_remembered(path):
    Corrections(path).add(TUNED, ["creative", "music"])
    found = Corrections(path).apply([TUNED, *OTHERS])
    assert [one.tags for one in found] == [
        ("creative", "music"),
        ("mine", "creative", "music"),
        ("personal",),
        ("personal",),
    ]


def test_a_record_whose_words_changed_keeps_the_owners_tags(path):
    corrections = Corrections(path)
    corrections.add(TUNED, ["creative"])
    assert corrections.apply([with_changes(TUNED, text="never mind")])[0].tags == ("creative",)


def test_the_last_word_counts_and_a_forgotten_one_does_not(path):
    corrections = Corrections(path)
    corrections.add(TUNED, ["creative"])
    corrections.add(TUNED, ["technical"])
    assert Corrections(path).apply(OTHERS)[0].tags == ("mine", "technical")
    assert corrections.forget(["r1", "r9"]) == 1
    assert Corrections(path).apply([TUNED, *OTHERS]) == [TUNED, *OTHERS]


def test_the_nearest_of_several_counts(path):
    corrections = Corrections(path)
    corrections.add(record("a", "one two three four five six seven"), ["technical"])
    corrections.add(record("b", "one two three four five six eight"), ["creative"])
    assert corrections.apply([record("c", "six eight one two three four five")])[0].tags == ("creative",)


def test_the_file_is_the_owners_alone_and_holds_no_words(path):
    Corrections(path).add(TUNED, ["creative"])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "string" not in path.read_text()


def test_labels_are_the_language_and_the_owners_tags(path):
    Corrections(path).add(TUNED, ["creative"])
    (found,) = Labels(["en"], path).put([OTHERS[0]])
    assert (found.lang, found.tags) == ("en", ("mine", "creative"))
    assert Labels(["en"]).put([OTHERS[0]])[0].tags == ("mine", "personal")


def test_topics_are_replaced_and_a_sources_own_tags_stay():
    assert with_topics(("trip", "personal", "technical"), ("creative", "trip")) == ("trip", "creative")


def test_scores_say_how_sure_the_rules_are():
    assert scores("see you at five", Kind.MESSAGE) == {"technical": 0.0, "personal": 1.0, "creative": 0.0}
    texts = ("the router", "router, server and kernel")
    one, two = (scores(text, Kind.MESSAGE)["technical"] for text in texts)
    assert 0.5 <= one < two < 1 == scores("tidy up", Kind.COMMIT)["technical"]
    for text in ("my router needs a reboot", "a song", "ok", "import this"):
        for kind in Kind:
            labels = tags(text, kind)
            assert all(found >= 0.5 for topic, found in scores(text, kind).items() if topic in labels)
