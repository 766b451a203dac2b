"""Are friends' picks counted fairly, and does the page keep its secret?"""

from __future__ import annotations

import json
import random
import re

import pytest
from playwright.sync_api import sync_playwright

from twin.blind_test import CAP, Pair, count_picks, friends_of, write_test
from twin.errors import Told

PAIRS = [Pair(f"question {n}?", f"ours {n}", f"theirs {n}") for n in range(40)]


@pytest.fixture
def sent_page(tmp_path):
    page = write_test(PAIRS, "dpo-2", "sft-1", tmp_path / "out", tmp_path / "keys", random.Random(1))
    shown = json.loads(re.search(r'application/json">(.*?)</script>', page.read_text())[1])
    return page, shown, tmp_path / "keys"


def ballot(tmp_path, shown, name, chooses, count=40):
    picks = {}
    for number, question in enumerate(shown["questions"][:count]):
        side = "left" if question["left"].startswith(chooses) else "right"
        picks[str(number)] = side if chooses != "same" else "same"
    file = tmp_path / f"{name}-{chooses}.json"
    file.write_text(json.dumps({"test": shown["test"], "person": name, "picks": picks}))
    return file


def test_the_page_needs_nothing_from_outside_and_does_not_say_whose_answer_is_whose(sent_page):
    page, shown, keys = sent_page
    html = page.read_text()
    assert "http" not in html.replace("application/json", "")
    sides = {question["left"].split()[0] for question in shown["questions"]}
    assert sides == {"ours", "theirs"}
    (key,) = keys.iterdir()
    told = json.loads(key.read_text())["left"]
    assert told == [question["left"].startswith("ours") for question in shown["questions"]]
    assert "made up" in html


def test_an_answer_cannot_end_the_page_or_run_there(tmp_path):
    evil = [Pair("hm?", "</script><script>alert(1)</script>", "no")]
    page = write_test(evil, "dpo-2", None, tmp_path, tmp_path / "keys", random.Random(1)).read_text()
    assert "alert(1)</script>" not in page
    assert page.count("</script>") == 2


def test_what_a_friend_chooses_in_a_browser_is_what_is_counted(chromium, tmp_path, sent_page):
    page, shown, keys = sent_page
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        sheet = browser.new_page()
        sheet.goto(page.as_uri())
        asked = sheet.locator("fieldset")
        assert asked.count() == len(shown["questions"])
        for place in range(20):
            asked.nth(place).get_by_label("ours").check()
        asked.nth(20).get_by_label("no difference").check()
        sheet.get_by_role("button").click()  # without a name nothing is saved
        assert "a name first" in sheet.locator("#told").inner_text()
        sheet.locator("#person").fill("Ana")
        with sheet.expect_download() as saved:
            sheet.get_by_role("button").click()
        file = tmp_path / saved.value.suggested_filename
        saved.value.save_as(file)
        browser.close()
    found = count_picks([file], keys)["dpo-2"]
    assert (found["share"], found["picks"]) == (pytest.approx(20.5 / 21), 21)


def test_picks_count_for_the_candidate_whichever_side_it_was_on(tmp_path, sent_page):
    _, shown, keys = sent_page
    found = count_picks([ballot(tmp_path, shown, "ana", "ours", 20)], keys)["dpo-2"]
    assert (found["share"], found["picks"], found["people"]) == (1.0, 20, 1)
    assert 0.8 < found["low"] < 1.0
    against = count_picks([ballot(tmp_path, shown, "ana", "theirs", 20)], keys)["dpo-2"]
    assert against["share"] == 0.0
    same = count_picks([ballot(tmp_path, shown, "ana", "same", 20)], keys)["dpo-2"]
    assert same["share"] == 0.5


def test_picks_that_come_one_after_the_other_add_up(tmp_path, sent_page):
    _, shown, keys = sent_page
    count_picks([ballot(tmp_path, shown, "ana", "ours", 20)], keys)
    found = count_picks([ballot(tmp_path, shown, "ben", "theirs", 10)], keys)["dpo-2"]
    assert (found["share"], found["picks"], found["people"]) == (pytest.approx(20 / 30), 30, 2)
    assert friends_of(keys, "dpo-2", "sft-1") == found
    assert count_picks([ballot(tmp_path, shown, "eve", "ours", 0)], keys)["dpo-2"]["people"] == 2
    assert "ana" not in "".join(file.read_text() for file in keys.iterdir())


def test_who_was_compared_with_another_one_is_evidence_about_that_one_alone(tmp_path, sent_page):
    _, shown, keys = sent_page
    count_picks([ballot(tmp_path, shown, "ana", "ours")], keys)
    page = write_test(PAIRS, "dpo-2", "kto-3", tmp_path / "out", keys, random.Random(2))
    other = json.loads(re.search(r'application/json">(.*?)</script>', page.read_text())[1])
    found = count_picks([ballot(tmp_path, other, "ben", "theirs", 5)], keys)["dpo-2"]
    assert (found["against"], found["share"], found["picks"]) == ("kto-3", 0.0, 5)
    assert friends_of(keys, "dpo-2", "sft-1")["share"] == 1.0
    assert friends_of(keys, "dpo-2", None) is None


def test_where_one_file_is_wrong_none_is_counted(tmp_path, sent_page):
    _, shown, keys = sent_page
    wrong = tmp_path / "wrong.json"
    wrong.write_text("no picks")
    with pytest.raises(Told):
        count_picks([ballot(tmp_path, shown, "ana", "ours"), wrong], keys)
    assert friends_of(keys, "dpo-2", "sft-1") is None


def test_one_person_counts_once_and_up_to_a_cap(tmp_path, sent_page):
    _, shown, keys = sent_page
    twice = [ballot(tmp_path, shown, "ana", "ours"), ballot(tmp_path, shown, "Ana ", "theirs")]
    found = count_picks(twice, keys)["dpo-2"]
    assert (found["share"], found["picks"], found["people"]) == (0.0, CAP, 1)
    page = write_test(PAIRS, "dpo-2", "sft-1", tmp_path / "out", keys, random.Random(2))  # and one more page
    again = json.loads(re.search(r'application/json">(.*?)</script>', page.read_text())[1])
    found = count_picks([ballot(tmp_path, again, "ana", "theirs")], keys)["dpo-2"]
    assert (found["picks"], found["people"]) == (CAP, 1)


def test_what_is_no_picks_of_ours_is_told_and_no_path_is_followed(tmp_path, sent_page):
    _, _, keys = sent_page
    for content in ("not json", "[]", '{"test": "../../x", "person": "a", "picks": {}}', '{"test": "a"}'):
        file = tmp_path / "picks.json"
        file.write_text(content)
        with pytest.raises(Told, match="no file of picks"):
            count_picks([file], keys)
    file.write_text('{"test": "other-1", "person": "a", "picks": {}}')
    with pytest.raises(Told, match="no test other-1"):
        count_picks([file], keys)


def test_answers_that_are_the_same_are_not_asked_about(tmp_path):
    with pytest.raises(Told, match="answer everything alike"):
        write_test([Pair("hm?", "yes", "yes ")], "dpo-2", None, tmp_path, tmp_path / "keys", random.Random(1))
