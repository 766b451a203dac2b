"""Does the data card count everything once, repeat nobody's words, and need nothing but itself?"""

from __future__ import annotations

import json
import sys
from html.parser import HTMLParser

import pytest
from records_said import FRIEND, MIRA, START, said, years_of_chat

from learning import card_picture
from learning.card_page import page
from learning.corpus import build
from learning.rows import read_rows
from learning.settings import CorpusSettings

VOID = {"meta", "br"}
OPEN_ENDED = {"td", "th", "tr"}


@pytest.fixture
def snapshot(tmp_path):
    records = [
        *years_of_chat(40),
        said("d", "owner", "gone", 7, deleted_at=START),
        said("e", "owner", "  ", 8),
        said("p", FRIEND, "call <PHONE_11aa> or <EMAIL_22bb>, <PERSON_3f2a>", 50_000, "hall"),
        said("q", "owner", "hm", 40_000, "hall", lang="de"),
    ]
    return build(records, MIRA, tmp_path, CorpusSettings())


def card_of(snapshot):
    return json.loads((snapshot.path / "card.json").read_text())


def test_the_counts_are_those_of_the_files(snapshot):
    card = card_of(snapshot)
    rows = {name: read_rows(snapshot.path / f"{name}.jsonl") for name in ("train", "validation", "test")}
    assert {name: card["counts"][name] for name in rows} == {name: len(found) for name, found in rows.items()}
    assert card["counts"]["silences"] == len(read_rows(snapshot.path / "silences.jsonl")) == 1
    assert card["counts"]["initiatives"] == sum(row["kind"] == "initiative" for row in rows["train"]) == 1
    assert card["silences"] == {"private": 1}
    assert card["records"]["given"] == 164
    assert (card["records"]["deleted"], card["records"]["without words"]) == (1, 1)
    assert card["placeholders"] == {"EMAIL": 1, "PERSON": 1, "PHONE": 1}
    assert sum(sum(months.values()) for months in card["months"].values()) == sum(map(len, rows.values()))
    after = sum(after for _, after in card["balance"]["topic"].values())
    assert after == len(rows["train"])
    assert sum(one["kept"] + one["augmented"] for one in card["strata"]) == after
    assert card["languages"]["train"]["de"] == 1
    for name, found in rows.items():
        assert sum(card["patterns"][name].values()) == len(found)
    assert sum(after for _, after in card["balance"]["pattern"].values()) == len(rows["train"])


def test_what_comes_again_is_counted(tmp_path):
    eager = CorpusSettings(balance_from=0, stratum_floor=1, augment_share=0.4)
    rare = []
    for day in range(9):
        rare.append(said(f"q{day}", FRIEND, "and in german?", day * 1440 + 8))
        rare.append(said(f"d{day}", "owner", f"eine ziemlich lange antwort {day}", day * 1440 + 9, lang="de"))
    snapshot = build([*years_of_chat(40), *rare], MIRA, tmp_path, eager)
    again = [row for row in read_rows(snapshot.path / "train.jsonl") if "augmented" in row]
    assert card_of(snapshot)["counts"]["augmented"] == len(again) > 0


def test_every_owner_burst_is_a_row_or_was_left_out_for_a_reason(snapshot):
    card = card_of(snapshot)
    kept = sum(card["counts"][name] for name in ("train", "validation", "test")) - card["counts"]["augmented"]
    assert kept + sum(card["left_out"].values()) == 81


class Checked(HTMLParser):
    """Fails on anything that leads elsewhere, runs, or is not closed."""

    def __init__(self):
        super().__init__()
        self.open, self.text = [], ""

    def handle_starttag(self, tag, attributes):
        assert tag not in {"script", "img", "link", "iframe", "a"}
        assert not {name for name, _ in attributes} - {"class", "style", "lang", "charset", "title"}
        if tag not in VOID | OPEN_ENDED:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_the_page_is_whole_and_leads_nowhere(snapshot):
    written = (snapshot.path / "card.html").read_text()
    checked = Checked()
    checked.feed(written)
    assert checked.open == []
    assert "url(" not in written
    assert "http" not in written
    for word in (
        snapshot.id,
        "Training before and after balancing",
        "telegram",
        "PHONE",
        "private",
        "Patterns",
    ):
        assert word in checked.text


def test_names_from_outside_are_escaped(snapshot):
    card = card_of(snapshot)
    card["sources"] = {"<script>x</script>": 3}
    assert "<script>" not in page(card)


def test_an_empty_corpus_has_a_card_and_a_picture_too(tmp_path):
    empty = build([], MIRA, tmp_path, CorpusSettings())
    assert "nothing" in (empty.path / "card.html").read_text()
    assert card_picture.add_picture(empty.path)


def test_nobodys_words_are_on_the_card(snapshot):
    words = {
        word
        for row in read_rows(snapshot.path / "train.jsonl")
        for word in row["completion"][0]["content"].split()
    }
    shown = (snapshot.path / "card.html").read_text() + (snapshot.path / "card.json").read_text()
    assert not [word for word in words if len(word) == 9 and word in shown]


def test_the_picture_is_the_same_whenever_it_is_drawn(snapshot):
    picture = card_picture.add_picture(snapshot.path)
    first = picture.read_bytes()
    assert first.startswith(b"\x89PNG")
    assert card_picture.add_picture(snapshot.path).read_bytes() == first
    assert [path.name for path in snapshot.path.glob("*.png")] == ["card.png"]


def test_without_matplotlib_there_is_a_card_and_no_picture(snapshot, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setattr(card_picture, "find_spec", lambda name: None)
    assert card_picture.add_picture(snapshot.path) is None
    assert not (snapshot.path / "card.png").exists()
