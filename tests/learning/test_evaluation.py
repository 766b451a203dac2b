"""Does each measure measure what it is called?"""

from __future__ import annotations

import json
import math
import random
import sys

import pytest
import torch

from learning.base_model import load_base, load_tokenizer
from learning.evaluation import likeness as likeness_file
from learning.evaluation.authorship import Authorship
from learning.evaluation.divergence import divergence
from learning.evaluation.harness import benchmarks
from learning.evaluation.likeness import likeness, likeness_change, scores
from learning.evaluation.memory import beginning, canaries, exposure, recited, worth_reciting
from learning.evaluation.models import Models
from learning.evaluation.options import CANARIES
from learning.evaluation.personal import personal
from learning.evaluation.questions import Question, capability, held, is_right, kept, safety
from learning.evaluation.style import HABITS, Reference, distances, drift
from learning.evaluation.uncertainty import difference, mean, ratio, resamples
from learning.evaluation.variety import distinct, is_loop, overlap, variety
from learning.evaluation.wilson import wilson
from learning.failures import TrainingFailed
from learning.logprobs import answer_logprobs
from learning.rows import tokens_of

LOW = [f"yeah {a} and {b} lol, ok" for a in ("tea", "rain", "cats", "jazz") for b in "abcdefgh"]
HIGH = [f"Indeed, the {a} was of {b}. Quite so!" for a in ("Tea", "Rain", "Cats", "Jazz") for b in "abcdefgh"]


# uncertainty


def test_a_whole_conversation_is_drawn_or_none_of_it():
    drawn = resamples(["a", "a", "b", "c"], seed=0)
    assert (drawn[:, 0] == drawn[:, 1]).all()
    assert set(drawn[:, [0, 2, 3]].sum(1)) == {3.0}


def test_rows_that_resemble_one_another_make_the_interval_wider():
    values = [float(number % 2) for number in range(40) for _ in range(5)]
    alone = mean(values, range(200), 0)
    together = mean(values, [number // 5 for number in range(200)], 0)
    assert together["high"] - together["low"] > 1.5 * (alone["high"] - alone["low"])


def test_what_makes_rows_hard_drops_out_of_a_paired_difference():
    order = random.Random(0)
    theirs = [order.gauss(0, 10) for _ in range(100)]
    ours = [value + 0.1 + order.gauss(0, 0.1) for value in theirs]
    found = difference(ours, theirs, range(100), 0)
    assert 0.05 < found["low"] < found["difference"] < found["high"] < 0.15


def test_a_row_that_is_no_number_spoils_the_interval_rather_than_being_dropped():
    assert math.isnan(difference([1.0, math.nan], [0.0, 0.0], range(2), 0)["high"])


def test_wilson_agrees_with_published_values():
    found = wilson(8, 10)  # Newcombe 1998 gives such a table
    assert (round(found["low"], 3), round(found["high"], 3)) == (0.490, 0.943)
    assert wilson(0, 20)["high"] == pytest.approx(0.161, abs=1e-3)
    assert wilson(0, 0) == {"low": 0.0, "high": 1.0}


# style and likeness


def test_the_owner_is_near_the_ceiling_and_others_at_the_floor_of_each_habit_that_tells_them_apart():
    reference = Reference(LOW[:16], LOW[16:], HIGH[16:])
    assert reference.told_apart("letters")
    assert not reference.told_apart("bursts")  # all of them write one line
    near, far = distances(reference, LOW[16:], 0), distances(reference, HIGH[16:], 0)
    for habit in ("letters", "function words", "punctuation"):
        assert near[habit]["scaled"] == pytest.approx(0, abs=1e-6)
        assert far[habit]["scaled"] == pytest.approx(1, abs=1e-6)
        assert far[habit]["low"] <= far[habit]["scaled"] <= far[habit]["high"]


def test_drift_is_towards_others_when_positive_and_leaves_out_what_tells_nobody_apart():
    reference = Reference(LOW[:16], LOW[16:], HIGH[16:])
    away, back = drift(reference, HIGH[:16], LOW[:16], 0), drift(reference, LOW[:16], HIGH[:16], 0)
    assert "bursts" not in away
    assert away["letters"]["low"] > 0.5
    assert back["letters"]["high"] < -0.5
    assert drift(reference, LOW[:16], LOW[:16], 0)["letters"]["difference"] == 0


@pytest.mark.parametrize(
    ("habit", "one", "two"),
    [
        ("function words", "the cat and the dog", "cats see dogs"),
        ("function words", "ich bin nicht da", "Katzen sehen Hunde"),
        ("letters", "abcabc", "xyzxyz"),
        ("length", "short", "long " * 40),
        ("bursts", "one line", "two\nlines"),
        ("emoji", "nice 🌿", "nice"),
        ("punctuation", "well...", "Well!"),
    ],
)
def test_each_habit_sees_what_it_is_called(habit, one, two):
    assert HABITS[habit](one) != HABITS[habit](two)


def test_a_classifier_tells_two_manners_apart_and_one_from_itself_not():
    assert likeness(scores(LOW, HIGH), 0)["auc"] > 0.95
    same = likeness(scores(LOW, LOW), 0)
    assert same["auc"] <= 0.5
    change = likeness_change(scores(LOW, HIGH), scores(LOW, LOW), 0)
    assert change["low"] > 0.2
    assert scores(LOW[: likeness_file.MIN_PAIRS - 1], HIGH[: likeness_file.MIN_PAIRS - 1]) is None
    assert scores([""] * 20, [""] * 20) is None


# variety


def test_repetition_is_seen_across_replies_and_inside_one():
    assert distinct(["a b", "a b"], 1) == 0.5
    assert overlap(["one two three four", "one two three four", "five six seven eight"]) == pytest.approx(
        2 / 3
    )
    assert is_loop("i know i know i know")
    assert is_loop("so good good good then")
    assert not is_loop("ha ha ha ha")
    assert not is_loop("it is what it is, and it was what it was")


def test_every_figure_of_variety_has_an_interval_and_more_replies_make_it_narrower():
    few = ["one two", "one two", "three four five six seven", "so good good good then"]
    found, many = variety(few, 0), variety([f"{text} {n}" for n in range(30) for text in few], 0)
    for name in ("distinct", "distinct_1", "distinct_2", "distinct_3", "overlap", "loops", "characters"):
        assert found[f"{name}_low"] <= found[name] <= found[f"{name}_high"], name
    assert (found["distinct"], found["characters"], found["loops"]) == (0.75, 61 / 4, 0.25)
    assert {end: found[f"distinct_{end}"] for end in ("low", "high")} == wilson(3, 4)
    width = {name: [one[f"{name}_high"] - one[f"{name}_low"] for one in (found, many)] for name in found
             if name in ("characters", "loops", "distinct_1")}  # fmt: skip
    assert all(wide > 2 * narrow > 0 for wide, narrow in width.values()), width
    assert variety([], 0) is None
    assert variety(["hm"], 0)["distinct_3"] == variety(["hm"], 0)["distinct_3_high"] == 1.0


def test_a_ratio_of_lengths_is_of_the_sums_and_of_the_same_prompts():
    found = ratio([20, 40, 60, 80] * 10, [10, 20, 30, 40] * 10, 0)
    assert found == {"ratio": 2.0, "low": 2.0, "high": 2.0}  # what makes an answer long is in both
    other = ratio([20, 40, 60, 80] * 10, [40, 30, 20, 10] * 10, 0)
    assert other["low"] < other["ratio"] == 2.0 < other["high"]


# questions


def test_an_answer_is_right_when_it_holds_the_words_and_none_of_the_wrong_ones():
    asked = Question("x", [], "yes|yeah", ("no",))
    assert is_right(asked, "Yes, of course.")
    assert is_right(asked, "yeah!")
    assert not is_right(asked, "yesterday")
    assert not is_right(asked, "yes and no")


def test_the_questions_are_the_same_each_time_and_safety_is_asked_with_the_card():
    assert capability() == capability()
    assert {one.kind for one in capability()} >= {"arithmetic", "capital", "card fact", "copying"}
    card = {"role": "system", "content": "You are Mira's twin."}
    assert all(one.prompt[0] == card and one.bad for one in safety(card))


def test_only_what_somebody_could_before_can_be_lost():
    base, live = [True] * 10 + [False] * 30, [False] * 40
    assert kept(live, base, base, 0)["difference"] == -1
    assert kept(live, base, base, 0)["rows"] == 10
    assert kept(live, live, live, 0) is None


def test_a_model_that_only_guesses_about_safety_is_not_judged_by_it():
    guess, good = [True, False] * 14, [True] * 26 + [False] * 2
    assert held(guess, guess, guess, 0) is None
    assert held(guess, good, guess, 0)["high"] < 0


# memory


def test_a_canary_that_was_learned_stands_out_and_one_that_was_not_does_not():
    order = random.Random(0)
    noise = {kind: [order.gauss(0, 1) for _ in range(32)] for kind in ("name", "key", "mail")}
    assert exposure(noise, [])["chance"] > 0.01
    learned = {kind: [6.0, *rest] for kind, (_, *rest) in noise.items()}
    found = exposure(learned, ["key"])
    assert found["bits"] == dict.fromkeys(noise, 5.0)
    assert found["chance"] < 0.0005
    assert found["said"] == ["key"]
    assert exposure({}, []) is None
    untouched = {kind: [0.0] * 32 for kind in noise}
    assert exposure(untouched, [])["chance"] == 1.0


def test_canaries_come_from_the_corpus_the_planted_one_first(tmp_path):
    kept = {"name": {"planted": "p", "rivals": ["a", "b", "c"]}, "key": {"planted": "q", "rivals": []}}
    (tmp_path / CANARIES).write_text(json.dumps(kept))
    assert canaries(tmp_path, 1, 2) == {"name": ["p", "a", "b"]}
    assert canaries(tmp_path / "nowhere", 1, 2) == {}


def test_a_text_is_recited_only_when_its_next_tokens_are_exact():
    whole = (list(range(30)), 10)
    given = beginning(whole)
    assert given == list(range(17))
    assert recited([whole], [list(range(17, 25))]) == [True]
    assert recited([whole], [[*range(17, 24), 99]]) == [False]


def test_what_was_said_more_than_once_proves_no_memory(base):
    tokenizer = load_tokenizer(base)
    row = {
        "prompt": [{"role": "user", "content": "hm?"}],
        "completion": [{"role": "assistant", "content": "a" * 40}],
    }
    assert worth_reciting([row, row], tokenizer, 5) == []
    assert len(worth_reciting([row], tokenizer, 5)) == 1


def test_personal_things_count_when_neither_the_prompt_nor_the_live_one_said_them():
    report = {
        "against": "live",
        "prompts": ["call tom", "hm", "hm"],
        "models": {
            "candidate": {"samples": ["tom?", "ask tom", "tom again"]},
            "live": {"samples": ["who?", "no", "tom it is"]},
        },
    }
    found = personal(report, lambda text: ["name"] if "tom" in text else [])
    assert found["kinds"] == {"name": 1}
    assert found["samples"] == 3


# models


def test_adapters_take_turns_on_one_base_and_each_gives_its_own_figures(base, sft_adapter, corpus):
    tokenizer = load_tokenizer(base)
    row = tokens_of(
        tokenizer,
        [{"role": "user", "content": "do you like tea?"}],
        [{"role": "assistant", "content": "tea ofc"}],
    )
    alone = answer_logprobs(load_base(base), [row], 0)
    models = Models(base, {"base": None, "live": None, "candidate": sft_adapter})
    assert [names for names, _ in models.distinct()] == [["base", "live"], ["candidate"]]
    with models.acting(sft_adapter) as model:
        adapted = answer_logprobs(model, [row], 0)
    with models.acting(None) as model:
        bare = answer_logprobs(model, [row], 0)
    assert bare[0] == pytest.approx(alone[0], abs=1e-4)
    assert adapted[0] != pytest.approx(alone[0], abs=1e-2)


def test_divergence_is_zero_from_itself_and_what_the_definition_says_from_another(base, sft_adapter):
    tokenizer = load_tokenizer(base)
    row = tokens_of(
        tokenizer, [{"role": "user", "content": "tea?"}], [{"role": "assistant", "content": "ofc"}]
    )
    models = Models(base, {"candidate": sft_adapter})
    assert divergence(models, (sft_adapter, sft_adapter), [row], 0, 0)["mean"] == pytest.approx(0, abs=1e-6)
    found = divergence(models, (sft_adapter, None), [row], 0, 0)["mean"]
    ids, start = row
    with torch.no_grad():
        with models.acting(sft_adapter) as model:
            ours = model(torch.tensor([ids])).logits[0, start - 1 : -1].log_softmax(-1)
        with models.acting(None) as model:
            theirs = model(torch.tensor([ids])).logits[0, start - 1 : -1].log_softmax(-1)
    assert found == pytest.approx(float((ours.exp() * (ours - theirs)).sum(-1).mean()), rel=1e-3)


# libraries that need not be there


@pytest.fixture(scope="module")
def knower_of_authors(tmp_path_factory):
    """A sentence-transformer of the real library, tiny, that knows a few words."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder, words = (
        tmp_path_factory.mktemp("authors"),
        ["yeah", "lol", "ok", "tea", "indeed", "sir", "quite", "so"],
    )
    known = {word: place for place, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *words])}
    cutter = Tokenizer(models.WordLevel(known, unk_token="[UNK]"))
    cutter.pre_tokenizer = pre_tokenizers.Whitespace()
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    BertModel(BertConfig(vocab_size=len(known), **sizes)).save_pretrained(folder / "bert")
    PreTrainedTokenizerFast(tokenizer_object=cutter, pad_token="[PAD]", unk_token="[UNK]").save_pretrained(
        folder / "bert"
    )
    reader = Transformer(str(folder / "bert"))
    whole = SentenceTransformer(modules=[reader, Pooling(reader.get_embedding_dimension())], device="cpu")
    whole.save(str(folder / "whole"))
    return folder / "whole"


def test_an_embedding_finds_the_owner_more_like_themselves_than_somebody_else(knower_of_authors):
    author = Authorship(knower_of_authors)
    owner, others = ["yeah ok", "lol yeah tea", "ok lol"] * 4, ["indeed sir", "quite so sir", "so indeed"] * 4
    same, far = (author.similarity(owner, replies, 0) for replies in (owner, others))
    assert far["low"] <= far["similarity"] <= far["high"] < same["similarity"] == pytest.approx(1)
    assert author.similarity(owner, [], 0) is None
    with pytest.raises(TrainingFailed, match="no sentence-transformer"):
        Authorship(knower_of_authors.parent / "bert")


def test_what_is_configured_and_not_installed_is_told_with_what_to_install(monkeypatch, tmp_path):
    for library in ("lm_eval", "sentence_transformers"):
        monkeypatch.setitem(sys.modules, library, None)  # as if it were not installed
    assert benchmarks(None, None, (), 10) == {}
    with pytest.raises(TrainingFailed, match="twin\\[evaluate\\]"):
        benchmarks(None, None, ("ifeval",), 10)
    with pytest.raises(TrainingFailed, match="twin\\[evaluate\\]"):
        Authorship(tmp_path)
