"""Is what was measured before only believed of the very same model, question and kind?"""

from __future__ import annotations

import json
import shutil

import pytest

from learning.adapter_folder import CONFIG, WEIGHTS
from learning.evaluate import evaluate
from learning.evaluation import measured, remembered
from learning.evaluation.remembered import Remembered


def counting(answers):
    """Gives one answer after the other."""
    return lambda: answers.pop(0)


def test_the_same_question_is_measured_once(base, sft_adapter, tmp_path):
    answers = [[1.5, -0.1], [2.0]]
    first = Remembered(tmp_path, base, sft_adapter).of("logprobs", [[1, 2], 1], counting(answers))
    again = Remembered(tmp_path, base, sft_adapter).of("logprobs", ([1, 2], 1), counting(answers))
    assert first == again == [1.5, -0.1]


def test_another_model_question_or_kind_is_measured_anew(base, sft_adapter, tmp_path):
    changed = tmp_path / "changed" / sft_adapter.name
    shutil.copytree(sft_adapter, changed)
    config = json.loads((changed / CONFIG).read_text())
    (changed / CONFIG).write_text(json.dumps({**config, "lora_alpha": 1}))
    heavier = tmp_path / "heavier" / sft_adapter.name
    shutil.copytree(sft_adapter, heavier)
    (heavier / WEIGHTS).write_bytes((heavier / WEIGHTS).read_bytes()[:-1] + b"\x01")
    other = tmp_path / "other"
    shutil.copytree(base, other)
    weights = next(other.glob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    answers = [*range(7)]
    known = tmp_path / "known"
    found = [
        Remembered(known, base, sft_adapter).of("said", "a", counting(answers)),
        Remembered(known, base, sft_adapter).of("said", "b", counting(answers)),
        Remembered(known, base, sft_adapter).of("recited", "a", counting(answers)),
        Remembered(known, base, None).of("said", "a", counting(answers)),
        Remembered(known, base, changed).of("said", "a", counting(answers)),
        Remembered(known, base, heavier).of("said", "a", counting(answers)),
        Remembered(known, other, sft_adapter).of("said", "a", counting(answers)),
    ]
    assert found == [*range(7)]


def test_a_base_that_is_only_a_name_is_measured_each_time(tmp_path):
    answers = [1, 2]
    known = Remembered(tmp_path, "google/gemma-3-12b-it", None)
    assert [known.of("said", "a", counting(answers)) for _ in range(2)] == [1, 2]
    assert not [*tmp_path.iterdir()]


def test_a_file_that_is_cut_short_is_measured_anew(base, tmp_path):
    answers = ["one", "two"]
    known = Remembered(tmp_path, base, None)
    known.of("said", "a", counting(answers))
    [file] = tmp_path.iterdir()
    file.write_text('"on')
    assert known.of("said", "a", counting(answers)) == "two"
    assert known.of("said", "a", counting([])) == "two"


def test_the_newest_are_kept_and_no_more(base, tmp_path, monkeypatch):
    monkeypatch.setattr(remembered, "NEWEST", 3)
    known = Remembered(tmp_path, base, None)
    for number in range(5):
        known.of("said", number, lambda: 0)
    assert len([*tmp_path.iterdir()]) == 3


def test_a_second_evaluation_is_the_same_and_asks_the_models_nothing(
    base, corpus, preferences, sft_adapter, tmp_path, monkeypatch
):
    adapters = {"base": None, "live": sft_adapter}
    once, twice = (tmp_path / f"{number}.json" for number in range(2))
    first = evaluate(adapters, base, corpus, preferences, once, remembered=tmp_path / "known")

    def asked(*_):
        pytest.fail("a model was asked again")

    for name in ("answer_logprobs", "greedy", "continued"):
        monkeypatch.setattr(measured, name, asked)
    again = evaluate(adapters, base, corpus, preferences, twice, remembered=tmp_path / "known")
    assert again == first
