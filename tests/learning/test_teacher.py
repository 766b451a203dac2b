"""Are the teacher's scores its own, asked for once, and is what is wrong with a teacher one sentence?"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from learning_samples import owner_rows, turns, write_rows
from tiny_mistral import mistral_tokenizer
from transformers import AutoModelForCausalLM, AutoTokenizer, ByT5Tokenizer, MistralForCausalLM

from brain.model_server import ModelServer
from brain.vllm_server import find_vllm
from learning.distil_recipe import DistilRecipe
from learning.failures import TeacherRefused, explained
from learning.jobs import Job, TeacherStep
from learning.rows import read_rows
from learning.teacher import precompute
from learning.teacher_folder import CARD, SCORES, Unfinished, folder_for, read_card, read_scores

ROOT = Path(__file__).parents[2]

RECIPE = DistilRecipe(max_length=200, answers=0.25, answer_tokens=40)


@pytest.fixture
def scores(teacher, corpus, tmp_path):
    precompute(str(teacher), corpus, RECIPE, tmp_path / "scores")
    return tmp_path / "scores"


def by_hand(folder, prompt, answer):
    """What transformers makes of it: every token of the teacher's own chat template, no code of ours."""
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder)
    card, asked, *rest = prompt
    asked = {"role": "user", "content": f"{card['content']}\n\n{asked['content']}"}
    whole = tokenizer.apply_chat_template(
        [asked, *rest, {"role": "assistant", "content": answer}], return_dict=False
    )
    start = len(tokenizer.apply_chat_template([asked, *rest], return_dict=False))
    with torch.no_grad():
        told = model(torch.tensor([whole])).logits[0].log_softmax(-1)
    values = [float(told[at - 1, whole[at]]) for at in range(start, len(whole))]
    if tokenizer.decode(whole[start]) == " ":  # the template's, and nobody's word
        values = values[1:]
    return values


def test_the_scores_are_the_teachers_own_in_its_own_template(teacher, corpus, scores):
    rows = {row["id"]: row for name in ("train", "validation") for row in read_rows(corpus / f"{name}.jsonl")}
    found = read_scores(scores)
    assert [row["id"] for row in found if row["of"] == "owner"] == list(rows)
    for row in found[:8]:
        exact = by_hand(teacher, rows[row["id"]]["prompt"], rows[row["id"]]["completion"][0]["content"])
        assert row["logprobs"] == pytest.approx(exact, abs=1e-4)
        assert len(row["spans"]) == len(exact)
        assert sum(row["logprobs"]) == pytest.approx(sum(exact), abs=1e-4)


def answered(folder, prompt):
    """What transformers answers to the teacher's own rendering of this prompt."""
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder)
    card, asked = prompt
    asked = {"role": "user", "content": f"{card['content']}\n\n{asked['content']}"}
    ids = tokenizer.apply_chat_template([asked], return_dict=False, add_generation_prompt=True)
    said = model.generate(torch.tensor([ids]), do_sample=False, max_new_tokens=40, pad_token_id=0)
    return tokenizer.decode(said[0, len(ids) :], skip_special_tokens=True).strip()


def test_the_teacher_answers_a_share_of_the_training_prompts_in_its_own_way(teacher, corpus, scores):
    rows = {row["id"]: row for row in read_rows(corpus / "train.jsonl")}
    answers = [row for row in read_scores(scores) if row["of"] == "answer"]
    assert len(answers) == len(rows) // 4
    assert [row["text"] for row in answers] == [
        answered(teacher, rows[row["id"]]["prompt"]) for row in answers
    ]
    assert all(re.fullmatch(r"\w+ ofc, \w+ is meh", row["text"]) for row in answers)
    assert all(sum(row["logprobs"]) > -5 for row in answers)  # what it says itself it finds likely


def test_the_card_names_teacher_template_and_corpus(teacher, corpus, scores):
    card = read_card(scores)
    assert card["teacher"]["name"] == teacher.name
    assert card["corpus"] == corpus.name
    assert card["rows"] == {"owner": 30, "answer": 6}
    assert (len(card["template_sha256"]), card["asked_by"]) == (64, "transformers")


def test_an_answer_without_an_end_and_a_row_too_long_are_left_out_and_counted(teacher, tmp_path):
    rows = owner_rows(4, seed=8)
    rows[0] |= {"prompt": turns("words " * 200)}
    write_rows(tmp_path / "c" / "train.jsonl", rows)
    terse = DistilRecipe(max_length=200, answers=1, answer_tokens=2)
    card = precompute(str(teacher), tmp_path / "c", terse, tmp_path / "scores")
    assert card["rows"] == {"owner": 3}
    assert card["left_out"] == {"too long (max_length)": 1, "the teacher's answer has no words or no end": 4}


def test_a_frozen_folder_needs_no_teacher_any_more_and_tells_when_it_was_changed(corpus, scores):
    before = (scores / SCORES).read_bytes()
    card = precompute("/nowhere", corpus, RECIPE, scores)
    assert card == read_card(scores)
    assert (scores / SCORES).read_bytes() == before
    (scores / SCORES).write_bytes(before[:-2])
    with pytest.raises(TeacherRefused, match="were changed"):
        read_scores(scores)
    (scores / CARD).unlink()
    with pytest.raises(TeacherRefused, match="no scores of a teacher"):
        read_scores(scores)


def test_what_is_written_down_is_not_asked_again_and_a_torn_line_is(teacher, corpus, scores, tmp_path):
    whole = (scores / SCORES).read_text().splitlines(keepends=True)
    final = tmp_path / "again"
    folder = tmp_path / ".again.unfinished"
    folder.mkdir()
    marked = json.loads(whole[0]) | {"logprobs": [-123.0]}
    (folder / SCORES).write_text(json.dumps(marked) + "\n" + "".join(whole[1:9]) + whole[9][:20])
    told = []
    precompute(
        str(teacher), corpus, RECIPE, final, on_progress=lambda share, news: told.append((share, news))
    )
    found = read_rows(final / SCORES)
    assert found[0]["logprobs"] == [-123.0]
    assert [(row["of"], row["id"]) for row in found] == [(r["of"], r["id"]) for r in map(json.loads, whole)]
    assert not folder.exists()
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_killed_in_the_middle_it_goes_on_with_what_is_missing(teacher, tmp_path):
    write_rows(tmp_path / "c" / "train.jsonl", owner_rows(600, seed=3))
    final, run_dir = tmp_path / "teacher" / "c-1", tmp_path / "run"
    recipe = RECIPE.model_copy(update={"answers": 0.0})
    step = TeacherStep(base=str(teacher), data=tmp_path / "c", recipe=recipe, folder=final)
    run_dir.mkdir()
    (run_dir / "job.json").write_text(Job(steps=[step], work_dir=tmp_path / "w").model_dump_json())
    child = subprocess.Popen(
        [sys.executable, "-m", "learning.worker", str(run_dir / "job.json")],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    written, deadline = final.with_name(".c-1.unfinished") / SCORES, time.monotonic() + 300
    while not (written.exists() and written.stat().st_size):
        assert child.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert not final.exists()
    done = Unfinished(final).rows
    assert 0 < len(done) < 600
    told = []
    precompute(str(teacher), tmp_path / "c", recipe, final, on_progress=lambda _, news: told.append(news))
    assert told[0]["rows"] > len(done)
    assert read_rows(final / SCORES)[: len(done)] == done
    assert read_card(final)["rows"] == {"owner": 600}


def test_the_teacher_is_gone_from_memory_when_its_scores_are_there(scores):
    gc.collect()
    assert not [thing for thing in gc.get_objects() if type(thing) is MistralForCausalLM]


def test_another_teacher_template_corpus_or_question_has_a_folder_of_its_own(teacher, corpus, tmp_path):
    other = tmp_path / "other" / teacher.name
    shutil.copytree(teacher, other)
    (other / "chat_template.jinja").write_text("{{ messages[0]['content'] }}</s>")
    more = RECIPE.model_copy(update={"answers": 0.5})
    write_rows(tmp_path / corpus.name / "train.jsonl", owner_rows(2, seed=3))
    write_rows(tmp_path / corpus.name / "validation.jsonl", [])
    folders = {
        folder_for(tmp_path, str(teacher), corpus, RECIPE),
        folder_for(tmp_path, str(other), corpus, RECIPE),
        folder_for(tmp_path, str(teacher), corpus, more),
        folder_for(tmp_path, str(teacher), tmp_path / corpus.name, RECIPE),
    }
    assert len(folders) == 4
    assert all(folder.name.startswith(f"{corpus.name}-") for folder in folders)
    slower = RECIPE.model_copy(update={"learning_rate": 1e-6})
    assert folder_for(tmp_path, str(teacher), corpus, slower) in folders


def without_template(folder):
    tokenizer = mistral_tokenizer()
    tokenizer.chat_template = None
    tokenizer.save_pretrained(folder)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda folder: None, r"cannot be loaded: check \[learning\] teacher"),
        (lambda folder: ByT5Tokenizer().save_pretrained(folder), "no fast tokenizer"),
        (without_template, "no chat template"),
        (lambda folder: mistral_tokenizer().save_pretrained(folder), "cannot be loaded"),
    ],
)
def test_a_teacher_that_cannot_teach_is_one_sentence(corpus, tmp_path, make, words):
    make(tmp_path / "teacher")
    with pytest.raises(TeacherRefused, match=words) as refused:
        precompute(str(tmp_path / "teacher"), corpus, RECIPE, tmp_path / "scores")
    assert explained(refused.value) is refused.value
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "scores").exists()


@pytest.fixture(scope="module", params=["embedded", "vllm"])
def served(request, teacher, base, tmp_path_factory):
    """A real model server: vLLM with the tiny Mistral, the embedded one with a tiny Gemma as the teacher."""
    if request.param == "vllm" and find_vllm() is None:
        how = "vLLM is not installed: run deploy/vllm/install.sh .venv-vllm, or set TWIN_VLLM"
        if os.environ.get("CI"):
            pytest.fail(how)
        pytest.skip(f"THE TEACHER IS NOT ASKED THROUGH REAL VLLM. {how}")
    who = teacher if request.param == "vllm" else base
    log = tmp_path_factory.mktemp("served") / "server.log"
    server = ModelServer(who, name=who.name, engine=request.param, log_path=log)
    with asyncio.Runner() as runner:
        runner.run(server.start())
        yield who, server.url
        runner.run(server.stop())


def test_a_server_says_what_transformers_says(served, corpus, tmp_path):
    who, url = served
    one = precompute(str(who), corpus, RECIPE, tmp_path / "here")
    other = precompute(str(who), corpus, RECIPE, tmp_path / "there", url=url)
    assert other["asked_by"] == "server"
    assert one["left_out"] == other["left_out"]
    for here, there in zip(read_scores(tmp_path / "here"), read_scores(tmp_path / "there"), strict=True):
        assert there.get("text") == here.get("text")
        assert there["spans"] == here["spans"]
        assert there["logprobs"] == pytest.approx(here["logprobs"], abs=1e-3)


def test_a_server_that_is_down_or_serves_somebody_else_is_one_sentence(served, teacher, corpus, tmp_path):
    _, url = served
    other = tmp_path / "somebody-else"
    mistral_tokenizer().save_pretrained(other)
    with pytest.raises(TeacherRefused, match=r"and not the teacher .*somebody-else: correct"):
        precompute(str(other), corpus, RECIPE, tmp_path / "s", url=url)
    with pytest.raises(TeacherRefused, match="does not answer"):
        precompute(str(teacher), corpus, RECIPE, tmp_path / "s", url="http://127.0.0.1:9/v1")
