"""Does lm-eval itself, which is real here, measure the very model that serves?"""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from learning.base_model import load_base, load_tokenizer, with_adapter
from learning.evaluation.harness import benchmarks
from learning.failures import TrainingFailed
from learning.logprobs import answer_logprobs
from learning.rows import tokens_of

SAID = [
    ("hello", "hey"),
    ("how are you?", "fine, and you?"),
    ("what time is it?", "half past nine"),
    ("are you coming?", "yes, in an hour"),
]
TASK = """
task: small_talk
dataset_path: json
dataset_kwargs: {{data_files: {{test: {said}}}, cache_dir: {cache}}}
test_split: test
output_type: loglikelihood
doc_to_text: "{{{{said}}}}"
doc_to_target: "{{{{answer}}}}"
target_delimiter: ""
metric_list: [{{metric: perplexity, aggregation: perplexity, higher_is_better: false}}]
"""


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    said = tmp_path / "said.jsonl"
    said.write_text(
        "".join(f"{json.dumps({'said': one, 'answer': other})}\n" for one, other in SAID), encoding="utf-8"
    )
    task = TASK.format(said=said, cache=tmp_path / "cache")
    (tmp_path / "small_talk.yaml").write_text(task, encoding="utf-8")
    return tmp_path


def test_lm_eval_finds_the_answers_as_likely_as_we_do_with_an_adapter_and_looks_at_no_more_than_it_is_told(
    base, sft_adapter, tasks
):
    tokenizer, model = load_tokenizer(base), with_adapter(load_base(base), sft_adapter)
    encoded = [
        tokens_of(tokenizer, [{"role": "user", "content": one}], [{"role": "assistant", "content": other}])
        for one, other in SAID
    ]
    # Without what ends the turn, and with the line break that begins it: so lm-eval cuts it.
    cut = [(ids, start - 1) for ids, start in encoded]
    sums = [sum(row[:-1]) for row in answer_logprobs(model, cut, tokenizer.pad_token_id)]
    for rows in (len(SAID), 2):
        score = benchmarks(model, tokenizer, ("small_talk",), rows, tasks)["small_talk"]["score"]
        assert math.log(score) == pytest.approx(-sum(sums[:rows]) / rows, rel=1e-3)


def test_a_task_that_lm_eval_does_not_know_is_named_before_anything_is_measured(tasks):
    with pytest.raises(TrainingFailed, match="knows no task grand_talk"):
        benchmarks(None, None, ("small_talk", "grand_talk"), 10, tasks)
