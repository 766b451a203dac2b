"""Is supervised fine-tuning repeatable, resumable, the same on several processes; does it keep the best?"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from learning_samples import owner_rows, write_rows
from safetensors.torch import load_file

from learning import train_sft
from learning.adapter_folder import check, sha256
from learning.base_model import load_base, load_tokenizer
from learning.logprobs import answer_logprobs
from learning.rows import read_rows, tokens_of
from learning.sft_data import SftData, read

ROOT = Path(__file__).parents[2]

WEIGHTS = "adapter_model.safetensors"


@pytest.fixture(scope="module")
def mixed_corpus(tmp_path_factory):
    """Rows of several strata, of several lengths, as a snapshot holds them."""
    folder = tmp_path_factory.mktemp("mixed") / "beef"
    rows = owner_rows(30, seed=1)
    for number, row in enumerate(rows):
        topic = "technical" if number % 3 == 0 else "personal"
        row |= {
            "kind": "answer", "scores": {topic: 1.0}, "lang": "en", "source": "discord", "length": "short",
            "said_at": f"202{number % 2 + 3}-05-01T00:00:00",
        }  # fmt: skip
        row["prompt"][1]["content"] *= 1 + number % 4
    write_rows(folder / "train.jsonl", rows)
    write_rows(folder / "validation.jsonl", owner_rows(6, seed=2))
    return folder


@pytest.fixture(scope="module")
def many_sided(sft_recipe):
    """Everything on at once: several micro-batches behind an update, dropout, weighted tokens."""
    return sft_recipe.model_copy(
        update={"batch_size": 1, "max_length": 300, "lora_dropout": 0.1, "own_tokens": 0.5, "epochs": 2}
    )


def losses(report):
    return [(entry["step"], entry["loss"]) for entry in report["history"] if "loss" in entry]


def test_two_trainings_with_one_seed_give_the_same_weights(base, mixed_corpus, many_sided, tmp_path):
    found = [
        train_sft.train(mixed_corpus, many_sided, base, tmp_path / name / "sft-1", tmp_path / "work")
        for name in ("one", "two")
    ]
    assert losses(found[0]) == losses(found[1])
    first, second = (sha256(tmp_path / name / "sft-1" / WEIGHTS) for name in ("one", "two"))
    assert first == second
    assert found[0]["steps"] == round(30 * 2 / 8)
    assert sum(found[0]["strata"].values()) == 30


def test_another_seed_gives_another_order_and_other_weights(base, mixed_corpus, many_sided, tmp_path):
    orders = [
        read(mixed_corpus, many_sided.model_copy(update={"seed": seed}), load_tokenizer(base)).training[0]
        for seed in (0, 1)
    ]
    assert orders[0]["input_ids"] != orders[1]["input_ids"]
    for seed in (0, 1):
        recipe = many_sided.model_copy(update={"seed": seed, "epochs": 0.5})
        train_sft.train(mixed_corpus, recipe, base, tmp_path / f"{seed}" / "sft-1", tmp_path / "work")
    assert sha256(tmp_path / "0" / "sft-1" / WEIGHTS) != sha256(tmp_path / "1" / "sft-1" / WEIGHTS)


PROGRAM = """
import json, pathlib, sys
from learning import train_sft
from learning.recipes import SftRecipe
base, data, final, work, recipe = sys.argv[1:]
paths = (pathlib.Path(data), SftRecipe(**json.loads(recipe)), base, pathlib.Path(final), pathlib.Path(work))
def tell(share, metrics):
    print(json.dumps([share, metrics]), flush=True)
if __name__ == "__main__":
    print(json.dumps(train_sft.train(*paths, on_progress=tell)), flush=True)
"""


def started(base, corpus, recipe, home):
    arguments = [str(base), str(corpus), str(home / "sft-1"), str(home / "work"), recipe.model_dump_json()]
    (home / "program.py").write_text(PROGRAM)
    return subprocess.Popen(
        [sys.executable, str(home / "program.py"), *arguments],
        env={"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PATH": "", "HOME": str(home)},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_killed_in_the_middle_it_goes_on_with_the_same_loss_curve_and_the_same_weights(
    base, mixed_corpus, many_sided, tmp_path
):
    recipe = many_sided.model_copy(update={"epochs": 9, "evaluations_per_epoch": 1})
    (tmp_path / "broken").mkdir()
    broken = started(base, mixed_corpus, recipe, tmp_path / "broken")
    work = tmp_path / "broken" / "work"
    deadline = time.monotonic() + 120
    while len(list(work.glob("checkpoint-*/trainer_state.json"))) < 1:
        assert broken.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    broken.send_signal(signal.SIGKILL)
    broken.communicate()
    assert not (tmp_path / "broken" / "sft-1").exists()
    rest = train_sft.train(mixed_corpus, recipe, base, tmp_path / "broken" / "sft-1", work)
    whole = train_sft.train(mixed_corpus, recipe, base, tmp_path / "whole" / "sft-1", tmp_path / "work")
    assert losses(rest)[0][0] > 1  # it did go on, and did not start anew
    assert losses(rest) == losses(whole)[-len(losses(rest)) :]
    assert sha256(tmp_path / "broken" / "sft-1" / WEIGHTS) == sha256(tmp_path / "whole" / "sft-1" / WEIGHTS)


def test_two_processes_have_the_loss_curve_of_one_and_publish_once(base, mixed_corpus, many_sided, tmp_path):
    plain = many_sided.model_copy(update={"lora_dropout": 0.0})  # dropout draws per process
    alone = train_sft.train(mixed_corpus, plain, base, tmp_path / "one" / "sft-1", tmp_path / "work")
    heard = []
    both = train_sft.train(
        mixed_corpus,
        plain.model_copy(update={"processes": 2}),
        base,
        tmp_path / "two" / "sft-1",
        tmp_path / "work",
        on_progress=lambda share, metrics: heard.append(share),
    )
    assert both["processes"] == 2
    assert [step for step, _ in losses(both)] == [step for step, _ in losses(alone)]
    for (_, ours), (_, theirs) in zip(losses(both), losses(alone), strict=True):
        assert ours == pytest.approx(theirs, abs=1e-3)
    assert check(tmp_path / "two" / "sft-1", base) == []
    ours, theirs = (load_file(tmp_path / name / "sft-1" / WEIGHTS) for name in ("two", "one"))
    assert all(torch.allclose(ours[name], theirs[name], atol=1e-3) for name in theirs)
    assert heard == sorted(heard)
    assert heard.count(1.0) == 1


def test_the_weights_published_are_those_of_the_best_evaluation(base, mixed_corpus, sft_recipe, tmp_path):
    overdone = sft_recipe.model_copy(
        update={"learning_rate": 3e-2, "epochs": 6, "evaluations_per_epoch": 4, "patience": 2}
    )
    data = read(mixed_corpus, overdone, load_tokenizer(base))
    trainer = train_sft.trainer_for(data, overdone, load_base(base), tmp_path / "work", None)
    trainer.train()
    evaluated = {e["step"]: e["eval_loss"] for e in trainer.state.log_history if "eval_loss" in e}
    best = min(evaluated, key=evaluated.get)
    assert best < max(evaluated)  # it got worse again
    assert trainer.state.global_step < len(data.training[0]) // data.training[1].accumulation  # and stopped
    trainer.model.save_pretrained(tmp_path / "kept", selected_adapters=["default"])
    kept = load_file(tmp_path / "kept" / WEIGHTS)
    stored = load_file(tmp_path / "work" / f"checkpoint-{best}" / WEIGHTS)
    assert all(torch.equal(kept[name], stored[name]) for name in stored)


def test_the_first_loss_is_the_mean_over_all_tokens_behind_the_update(
    base, mixed_corpus, sft_recipe, tmp_path
):
    recipe = sft_recipe.model_copy(
        update={"batch_size": 1, "max_length": 300, "effective_batch": 30, "epochs": 1}
    )
    tokenizer, rows = load_tokenizer(base), read_rows(mixed_corpus / "train.jsonl")
    data = SftData(rows, [], recipe, tokenizer)
    assert data.training[1].accumulation > 4
    trainer = train_sft.trainer_for(data, recipe, load_base(base), tmp_path / "work", None)
    trainer.train()
    newline = tokenizer("\n", add_special_tokens=False).input_ids  # the template's, after each turn
    parts = [tokens_of(tokenizer, row["prompt"], row["completion"]) for row in rows]
    alone = answer_logprobs(load_base(base), [(ids + newline, start) for ids, start in parts], 0)
    told = next(entry["loss"] for entry in trainer.state.log_history if "loss" in entry)
    assert told == pytest.approx(-sum(map(sum, alone)) / sum(map(len, alone)), abs=1e-4)


def test_a_handful_of_rows_still_teaches_something(base, sft_recipe, tmp_path):
    write_rows(tmp_path / "data" / "train.jsonl", owner_rows(5, seed=1))
    write_rows(tmp_path / "data" / "validation.jsonl", [])
    recipe = sft_recipe.model_copy(update={"effective_batch": 32, "warmup": 0.1, "epochs": 1})
    report = train_sft.train(tmp_path / "data", recipe, base, tmp_path / "sft-1", tmp_path / "work")
    assert report["steps"] == 1
    assert check(tmp_path / "sft-1", base) == []


def test_the_manifest_says_what_the_weights_were_made_of(base, mixed_corpus, sft_recipe, tmp_path):
    short = sft_recipe.model_copy(update={"epochs": 0.5})
    train_sft.train(mixed_corpus, short, base, tmp_path / "sft-1", tmp_path / "work")
    manifest = json.loads((tmp_path / "sft-1" / "manifest.json").read_text())
    assert manifest["data"] == "beef"
    assert manifest["data_files"]["train.jsonl"] == sha256(mixed_corpus / "train.jsonl")
    assert manifest["samples"] == [row["id"] for row in read_rows(mixed_corpus / "train.jsonl")]
    assert manifest["seed"] == 0
    assert {"torch", "transformers", "peft", "trl", "python"} <= set(manifest["libraries"])
    assert manifest["device"] == "cpu"
    for name in ("recipe.json", "report.json", WEIGHTS):
        assert manifest["files"][name] == sha256(tmp_path / "sft-1" / name)
