"""Is a text's language found where it can be, and taken from its thread where it cannot?"""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.language import UNKNOWN, Languages
from storage.records import Kind, Record, with_changes

ROOT = Path(__file__).parents[2]
NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)
LINES = {
    "en": [
        "hey how are you",
        "i think the oven is broken again",
        "can you bring the big tent on saturday",
        "my train is late, sorry",
    ],
    "de": [
        "hallo wie geht es dir",
        "ich glaube der ofen ist wieder kaputt",
        "kannst du am samstag das große zelt mitbringen",
        "mein zug hat verspätung, sorry",
    ],
    "sl": [
        "zdravo kako si kaj",
        "mislim da je pečica spet pokvarjena",
        "lahko v soboto prineseš velik šotor",
        "moj vlak zamuja, oprosti",
    ],
}


def record(text, thread="t", lang=None, source="telegram"):
    return Record("id", source, Kind.MESSAGE, "owner", True, thread, NOON, text, lang=lang)


def langs(languages, *texts, thread="t"):
    return [one.lang for one in languages.label([record(text, thread) for text in texts])]


def test_each_line_is_in_its_own_language():
    languages = Languages(["en", "de", "sl"])
    for lang, lines in LINES.items():
        assert langs(languages, *lines, thread=lang) == [lang] * len(lines)


def test_every_line_is_told_even_where_the_owner_named_no_language():
    for lang, lines in LINES.items():
        assert langs(Languages(), *lines, thread=lang) == [lang] * len(lines)


def test_short_words_take_after_their_thread_before_and_after_it_is_known():
    languages = Languages(["en", "de"])
    assert langs(languages, "ok", *LINES["de"], "na ja") == ["de"] * 6
    assert langs(languages, "lol") == ["de"]
    langs(languages, *LINES["de"])
    assert langs(languages, *LINES["en"], "lol", thread="other")[-1] == "en"
    assert langs(languages, "ok", thread="third") == ["de"]  # as most of what was read
    assert langs(Languages(["en", "de"]), "ok") == ["en"]  # nothing to go by: as the owner names them


def test_two_words_never_speak_against_their_thread():
    assert langs(Languages(["en", "sl"]), *LINES["en"], "kakšen dan")[-1] == "en"


def test_a_german_line_in_an_english_thread_stays_german():
    languages = Languages(["en", "de"])
    found = langs(languages, *LINES["en"] * 5, "kannst du am samstag das große zelt mitbringen", "ok")
    assert found[-2:] == ["de", "en"]


def test_what_the_thread_is_weighs_in_where_the_words_alone_are_unsure():
    english, german = Languages(["en", "de"]), Languages(["en", "de"])
    langs(english, *LINES["en"] * 3)
    langs(german, *LINES["de"] * 3)
    assert (langs(english, "war in arm"), langs(german, "war in arm")) == (["en"], ["de"])


WORDLESS = ["🎉🎉", "42, 7!", "https://a.example/path", "<PERSON_3f2a> <PHONE_11aa>", "@sam"]


@pytest.mark.parametrize("text", WORDLESS)
def test_where_there_are_no_words_there_is_no_language(text):
    assert langs(Languages(["en", "de"]), *LINES["en"], text)[-1] == UNKNOWN
    assert langs(Languages(["en"]), text) == [UNKNOWN]


@pytest.mark.parametrize(
    ("text", "spoken", "lang"),
    [
        ("доброе утро", ["en", "ru"], "ru"),
        ("доброе утро", ["en"], UNKNOWN),
        ("καλημέρα", ["en"], "el"),
        ("おはよう世界", ["en"], "ja"),
        ("안녕", ["en", "ru"], "ko"),
        ("good morning", ["en", "ru"], "en"),
        ("good morning", ["ru"], UNKNOWN),
        ("naïve café", ["en"], "en"),
    ],
)
def test_the_script_is_asked_first(text, spoken, lang):
    assert langs(Languages(spoken), text) == [lang]


def test_what_a_source_says_is_believed_and_counts_for_the_thread():
    languages = Languages(["en", "de"])
    told = [record("x", lang="de"), record("ok")]
    assert [one.lang for one in languages.label(told)] == ["de", "de"]


def test_codes_with_a_country_are_understood_and_unknown_ones_harmless():
    assert langs(Languages(["en-GB", "de_AT"]), *LINES["de"]) == ["de"] * 4
    assert langs(Languages(["en", "qq"]), *LINES["en"]) == ["en"] * 4
    assert langs(Languages(["qq", "qz"]), "three words here") == ["qq"]


def test_only_the_language_is_set():
    before = record("hey how are you")
    (after,) = Languages(["en", "de"]).label([before])
    assert with_changes(after, lang=None) == before


def test_an_owner_of_one_language_never_loads_the_model():
    code = (
        "import sys; from datetime import UTC, datetime; from ingest.language import Languages;"
        "from storage.records import Kind, Record;"
        "said = Record('1', 's', Kind.MESSAGE, 'o', True, 't', datetime.now(UTC), 'good morning to you all');"
        "sys.exit(Languages(['en']).label([said])[0].lang + str('py3langid' in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stderr.strip() == "enFalse"


def test_a_hundred_thousand_lines_take_seconds():
    languages = Languages(["en", "de", "sl"])
    every = [line for lines in LINES.values() for line in lines]
    lines = [record(f"{line} {number % 500}") for number in range(1000) for line in every]
    languages.label(lines[:500])
    began = time.process_time()
    for start in range(0, len(lines), 500):
        languages.label(lines[start : start + 500])
    assert len(lines) / (time.process_time() - began) > 15_000  # 70,000 on one core with nothing beside it


@settings(deadline=None)
@given(st.lists(st.text(max_size=30), max_size=8), st.lists(st.sampled_from(["en", "de", "ru", "ja"])))
def test_any_text_gets_a_language_the_owner_speaks_or_its_script_tells(texts, spoken):
    told = {"el", "he", "ko", "ja", "hi", "th", "ka", "hy", "ta", "te", "gu", "kn", "ml"}
    for lang in langs(Languages(spoken or ["en"]), *texts):
        assert lang in {*(spoken or ["en"]), UNKNOWN, *told}
