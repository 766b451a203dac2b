"""Do the rare kinds of samples count for more, the small corpora stay as they are, and no word change?"""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from learning.settings import CorpusSettings
from learning.strata import balanced, by_dimension, exponent, stratum_of

EAGER = CorpusSettings(balance_from=0, stratum_floor=5)


def row(
    number,
    topic="personal",
    lang="en",
    year=2024,
    turns=5,
    words="a rather long answer, number",
    pattern="other",
):
    others = [{"role": "user" if n % 2 == 0 else "assistant", "content": f"turn {n}"} for n in range(turns)]
    return {
        "id": f"{topic}{lang}{year}{pattern}-{number}",
        "kind": "answer",
        "scores": dict.fromkeys(("technical", "personal", "creative"), 0.0) | {topic: 1.0},
        "lang": lang,
        "source": "telegram",
        "length": "medium",
        "pattern": pattern,
        "said_at": f"{year}-03-01T10:00:00+00:00",
        "prompt": [{"role": "system", "content": "card"}, *others],
        "completion": [{"role": "assistant", "content": f"{words} {topic} {number}"}],
    }


def rows(**sizes):
    return [row(number, topic) for topic, size in sizes.items() for number in range(size)]


def test_a_kind_is_wanted_like_the_root_of_its_size():
    kept, table = balanced(rows(personal=900, technical=100), EAGER, Counter())
    assert {one.name[0]: one.wanted for one in table} == {"personal": 750, "technical": 250}
    assert by_dimension(table)["topic"] == {"personal": [900, 750], "technical": [100, 200]}
    assert len(kept) == 950


def test_what_is_left_out_is_counted_and_small_kinds_lose_nothing():
    left_out = Counter()
    floor = EAGER.model_copy(update={"stratum_floor": 880})
    balanced(rows(personal=900, technical=100), floor, left_out)
    assert left_out == {"more of its kind than its share": 20}


def test_a_small_corpus_stays_as_it_is_and_so_does_any_at_temperature_one():
    usual = CorpusSettings()
    assert exponent(0, usual) == exponent(5000, usual) == 1 > exponent(6000, usual) > 0.9
    assert 0.6 > exponent(100_000, usual) > 0.5
    ids = sorted(one["id"] for one in rows(personal=900, technical=100))
    for settled in (usual, EAGER.model_copy(update={"temperature": 1})):
        same, _ = balanced(rows(personal=900, technical=100), settled, Counter())
        assert sorted(one["id"] for one in same) == ids


def test_a_row_comes_again_with_less_before_it_and_the_very_same_words():
    kept, _ = balanced(rows(personal=900, technical=100), EAGER, Counter())
    originals = {one["completion"][0]["content"]: one for one in kept if "augmented" not in one}
    again = [one for one in kept if one.get("augmented")]
    assert len(again) == 100
    for one in again:
        original = originals[one["completion"][0]["content"]]
        assert stratum_of(one) == stratum_of(original)
        assert one["id"] != original["id"]
        assert one["prompt"][0] == original["prompt"][0]
        assert 1 < len(one["prompt"]) < len(original["prompt"])
        assert one["prompt"][1:] == original["prompt"][-len(one["prompt"]) + 1 :]
        assert one["prompt"][1]["role"] == one["prompt"][-1]["role"] == "user"


def test_short_refrains_unasked_words_and_bare_questions_do_not_come_again():
    some_rows = [
        *rows(personal=400),
        *(row(n, "technical", words="o") for n in range(20)),
        *(row(n, "creative", turns=1) for n in range(20)),
        *(row(n, "creative", "de") | {"kind": "initiative"} for n in range(20)),
    ]
    kept, _ = balanced(some_rows, EAGER, Counter())
    assert not [one for one in kept if "augmented" in one]


def test_no_more_comes_again_than_its_share():
    kept, _ = balanced(
        rows(personal=900, technical=100), EAGER.model_copy(update={"augment_share": 0.02}), Counter()
    )
    assert sum("augmented" in one for one in kept) == 20


def of_patterns(**sizes):
    return [row(number, pattern=name) for name, size in sizes.items() for number in range(size)]


def test_a_pattern_is_sampled_to_its_target_and_the_others_keep_their_proportions():
    given_rows = of_patterns(planning=400, greeting=400, other=800)
    plain = EAGER.model_copy(update={"temperature": 1.0, "augment_share": 0.5})
    _, untouched = balanced(given_rows, plain, Counter())
    assert {one.name[5]: one.wanted for one in untouched} == {"planning": 400, "greeting": 400, "other": 800}
    aimed = plain.model_copy(update={"pattern_targets": {"planning": 0.5}})
    left_out = Counter()
    kept, table = balanced(given_rows, aimed, left_out)
    assert {one.name[5]: one.wanted for one in table} == {"planning": 800, "greeting": 267, "other": 533}
    assert by_dimension(table)["pattern"] == {
        "greeting": [400, 267],
        "other": [800, 533],
        "planning": [400, 800],
    }
    assert len(kept) == 1600
    assert left_out["more of its kind than its share"] == 400


def test_a_target_spares_the_small_corpora_and_the_floor():
    given_rows = of_patterns(planning=400, other=800)
    aim = {"pattern_targets": {"planning": 0.9}}
    same, _ = balanced(given_rows, CorpusSettings(**aim), Counter())
    assert len(same) == 1200
    kept, _ = balanced(given_rows, EAGER.model_copy(update={**aim, "stratum_floor": 700}), Counter())
    assert sum(one["pattern"] == "other" for one in kept) == 700


def test_a_target_that_no_sample_has_changes_nothing():
    given_rows = of_patterns(planning=40, other=80)
    aimed = EAGER.model_copy(update={"pattern_targets": {"arguing": 0.5}})
    assert balanced(given_rows, aimed, Counter()) == balanced(given_rows, EAGER, Counter())
    plain = EAGER.model_copy(update={"temperature": 1.0, "stratum_floor": 1})
    both = plain.model_copy(update={"pattern_targets": {"planning": 0.25, "arguing": 0.5}})
    _, table = balanced(given_rows, both, Counter())
    assert {one.name[5]: one.wanted for one in table} == {"planning": 30, "other": 90}


def test_targets_are_shares_of_patterns_that_exist():
    with pytest.raises(ValueError, match="no pattern flirting"):
        CorpusSettings(pattern_targets={"flirting": 0.1})
    with pytest.raises(ValueError, match="leave room for the others"):
        CorpusSettings(pattern_targets={"planning": 0.6, "greeting": 0.4})
    with pytest.raises(ValueError, match="between 0 and 1"):
        CorpusSettings(pattern_targets={"planning": 0.0})


@settings(max_examples=60, deadline=None)
@given(
    some.dictionaries(
        some.tuples(some.sampled_from(["technical", "personal"]), some.sampled_from(["en", "de"])),
        some.integers(1, 60),
    ),
    some.integers(0, 5),
)
def test_the_same_rows_and_seed_give_the_same_choice_in_any_order(sizes, seed):
    given_rows = [row(n, topic, lang) for (topic, lang), size in sizes.items() for n in range(size)]
    chosen = EAGER.model_copy(update={"seed": seed})
    one, table = balanced(given_rows, chosen, Counter())
    two, same = balanced(random.Random(seed).sample(given_rows, len(given_rows)), chosen, Counter())
    assert one == two
    assert table == same
    assert len({found["id"] for found in one}) == len(one)
    assert sum(found.rows for found in table) == len(given_rows)
    assert len(one) == sum(found.kept + found.augmented for found in table)
