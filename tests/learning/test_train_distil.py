"""Does the student come nearer the teacher, by the loss it says it has, and is the teacher named?"""

from __future__ import annotations

import json
import random

import pytest
import torch
from learning_samples import owner_rows, write_rows
from tiny_gemma import load_tiny, make_tiny_gemma

from learning import teacher_folder, train_distil
from learning.adapter_folder import check, sha256
from learning.alm import alm
from learning.base_model import load_base, load_tokenizer, with_adapter
from learning.distil_recipe import DistilRecipe
from learning.distil_rows import IGNORED, lessons
from learning.distiller import Collator
from learning.failures import TeacherRefused, TrainingFailed
from learning.logprobs import answer_logprobs
from learning.rows import read_rows
from learning.teacher import precompute
from learning.train_distil import distance, trainer_for

WEIGHTS = "adapter_model.safetensors"
RECIPE = DistilRecipe(
    learning_rate=3e-3,
    epochs=3,
    batch_size=4,
    effective_batch=8,
    lora_rank=8,
    lora_dropout=0.0,
    warmup=0.0,
    max_length=256,
    min_rows=4,
    gradient_checkpointing=False,
    evaluations_per_epoch=1,
    answer_tokens=40,
)


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    """A Gemma that talks about these things and has no opinion yet: either answer is as good as the other."""
    folder = make_tiny_gemma(tmp_path_factory.mktemp("models") / "undecided", steps=1)
    model, tokenizer = load_tiny(folder)
    order, optimizer = random.Random(0), torch.optim.AdamW(model.train().parameters(), lr=1e-2)
    for step in range(120):
        rows = []
        for row in owner_rows(8, seed=1000 + step):
            one, other = row["completion"][0]["content"].removesuffix(" is meh").split(" ofc, ")
            if order.random() < 0.5:
                one, other = other, one
            said = {"role": "assistant", "content": f"{one} ofc, {other} is meh"}
            rows.append(list(tokenizer.apply_chat_template([*row["prompt"], said], return_dict=False)))
        batch = tokenizer.pad({"input_ids": rows}, return_tensors="pt")
        labels = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100)
        optimizer.zero_grad()
        model(**batch, labels=labels).loss.backward()
        optimizer.step()
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def lesson_book(tmp_path_factory, teacher):
    """A corpus and the teacher's scores of it; and of rows that nobody trains on or chooses by."""
    folder = tmp_path_factory.mktemp("distil")
    write_rows(folder / "c0ffee" / "train.jsonl", owner_rows(40, seed=1))
    write_rows(folder / "c0ffee" / "validation.jsonl", owner_rows(8, seed=2))
    write_rows(folder / "unseen" / "train.jsonl", owner_rows(24, seed=9))
    precompute(str(teacher), folder / "c0ffee", RECIPE, folder / "scores")
    precompute(
        str(teacher), folder / "unseen", RECIPE.model_copy(update={"answers": 0.0}), folder / "unseen-scores"
    )
    return folder


def train(book, student, folder, recipe, **more):
    adapter = folder / "distil-1"
    report = train_distil.train(
        book / "c0ffee", recipe, student, adapter, folder / "work", teacher_dir=book / "scores", **more
    )
    return adapter, report


def held_out(book, student):
    rows, scores = (
        read_rows(book / "unseen" / "train.jsonl"),
        teacher_folder.read_scores(book / "unseen-scores"),
    )
    return lessons(rows, scores, load_tokenizer(student), RECIPE)


def test_soft_and_hard_come_nearer_the_teacher_than_hard_alone_on_text_nobody_trained_on(
    lesson_book, student, tmp_path
):
    held, tokenizer = held_out(lesson_book, student), load_tokenizer(student)
    before = distance(load_base(student), held, tokenizer, RECIPE.temperature)
    apart = {"hard": [], "both": []}
    for seed in range(3):
        for name, weight in (("hard", 0.0), ("both", 1.0)):
            recipe = RECIPE.model_copy(update={"seed": seed, "soft_weight": weight})
            adapter, report = train(lesson_book, student, tmp_path / f"{name}-{seed}", recipe)
            model = with_adapter(load_base(student), adapter)
            apart[name].append(distance(model, held, tokenizer, RECIPE.temperature))
            if weight:
                soft = [entry["eval_soft_loss"] for entry in report["history"] if "eval_soft_loss" in entry]
                assert report["teacher_before"]["alm"] > soft[0] > soft[-1]
                assert report["teacher_after"]["alm"] == pytest.approx(min(soft), rel=0.1)

    def mean(name, figure):
        return sum(found[figure] for found in apart[name]) / len(apart[name])

    for figure in ("alm", "nats"):
        assert mean("both", figure) < 0.8 * mean("hard", figure)
        assert mean("both", figure) < before[figure]


@pytest.fixture(scope="module")
def distilled(lesson_book, student, tmp_path_factory):
    heard = []
    adapter, report = train(
        lesson_book,
        student,
        tmp_path_factory.mktemp("distilled"),
        RECIPE,
        on_progress=lambda share, figures: heard.append((share, figures)),
    )
    return adapter, report, heard


def test_the_folder_is_sound_and_names_the_teacher_in_its_lineage(lesson_book, student, teacher, distilled):
    adapter, report, heard = distilled
    assert check(adapter, student) == []
    manifest = json.loads((adapter / "manifest.json").read_text())
    assert (manifest["method"], manifest["data"], manifest["parent"]) == ("distil", "c0ffee", None)
    assert manifest["teacher"]["teacher"]["name"] == teacher.name
    assert manifest["teacher"]["scores_sha256"] == sha256(lesson_book / "scores" / "scores.jsonl")
    assert manifest["samples"] == [row["id"] for row in read_rows(lesson_book / "c0ffee" / "train.jsonl")]
    assert report["rows"] == 40 + 10
    assert not (adapter.parent / "work").exists()
    assert heard[-1][0] == 1.0
    steps = [figures for _, figures in heard if "soft_loss" in figures]
    assert steps
    for figures in steps:  # each of two batches of four rows
        assert figures["loss"] == pytest.approx(figures["hard_loss"] + figures["soft_loss"], rel=1e-2)


def test_interrupted_it_goes_on_from_the_checkpoint_and_ends_with_the_very_same_weights(
    lesson_book, student, distilled, tmp_path
):
    class Killed(BaseException):
        pass

    def kill(share, figures):
        if share > 0.6:
            raise Killed

    with pytest.raises(Killed):
        train(lesson_book, student, tmp_path, RECIPE, on_progress=kill)
    assert not (tmp_path / "distil-1").exists()
    adapter, report = train(lesson_book, student, tmp_path, RECIPE)
    assert report["history"][0]["step"] > 3
    assert sha256(adapter / WEIGHTS) == sha256(distilled[0] / WEIGHTS)


def test_the_loss_is_the_one_that_is_promised(lesson_book, student, tmp_path):
    recipe = RECIPE.model_copy(update={"owner_weight": 0.7, "answer_weight": 0.3, "soft_weight": 0.4})
    tokenizer, scores = load_tokenizer(student), teacher_folder.read_scores(lesson_book / "scores")
    rows = read_rows(lesson_book / "c0ffee" / "train.jsonl")
    learned = sorted(lessons(rows, scores, tokenizer, recipe), key=lambda one: one["weight"])[7:13]
    assert {one["weight"] for one in learned} == {0.3, 0.7}
    unscored = {**learned[-1], "piece": [-1] * len(learned[-1]["piece"]), "teacher": []}
    batch = [*learned, unscored]
    trainer = trainer_for(batch, [], recipe, student, tmp_path, tokenizer)
    got = trainer.compute_loss(trainer.model, Collator(tokenizer.pad_token_id)(batch)).item()

    starts = [sum(label == IGNORED for label in one["labels"]) for one in batch]
    encoded = [(one["input_ids"], start) for one, start in zip(batch, starts, strict=True)]
    words = answer_logprobs(load_base(student), encoded, tokenizer.pad_token_id)
    hard = -sum(one["weight"] * sum(said) for one, said in zip(batch, words, strict=True)) / sum(
        map(len, words)
    )
    soft = []
    for one, start, said in zip(batch, starts, words, strict=True):
        whole = [0.0] * len(one["teacher"])
        for piece, value in zip(one["piece"][start:], said, strict=True):
            if piece >= 0:
                whole[piece] += value
        assert not whole or sum(whole) == pytest.approx(sum(said), abs=1e-4)  # nothing lost, nothing twice
        soft += alm(torch.tensor(whole), torch.tensor(one["teacher"]), recipe.temperature).tolist()
    assert got == pytest.approx(hard + 0.4 * sum(soft) / len(soft), rel=1e-4)


def test_the_teachers_pieces_add_up_to_all_it_said(lesson_book, student):
    scores = teacher_folder.read_scores(lesson_book / "scores")
    rows = read_rows(lesson_book / "c0ffee" / "train.jsonl")
    told = {(score["of"], score["id"]): sum(score["logprobs"]) for score in scores}
    learned = lessons(rows, scores, load_tokenizer(student), RECIPE)
    for one in learned:
        of = "owner" if one["weight"] == RECIPE.owner_weight else "answer"
        assert sum(one["teacher"]) == pytest.approx(told[of, one["id"]], abs=1e-4)
    assert len(learned) == 50


def test_a_student_that_is_its_own_teacher_has_nothing_to_learn(lesson_book, student, tmp_path):
    precompute(str(student), lesson_book / "unseen", RECIPE, tmp_path / "scores")
    tokenizer, rows = load_tokenizer(student), read_rows(lesson_book / "unseen" / "train.jsonl")
    learned = lessons(rows, teacher_folder.read_scores(tmp_path / "scores"), tokenizer, RECIPE)
    found = distance(load_base(student), learned, tokenizer, RECIPE.temperature)
    assert found["alm"] < 1e-6
    assert found["nats"] < 1e-4
    soft_only = RECIPE.model_copy(update={"owner_weight": 0.0, "answer_weight": 0.0})
    trainer = trainer_for(learned, [], soft_only, student, tmp_path / "work", tokenizer)
    trainer.compute_loss(
        trainer.model, Collator(tokenizer.pad_token_id)([{**one, "weight": 0.0} for one in learned[:8]])
    ).backward()
    grads = [weight.grad.abs().max() for weight in trainer.model.parameters() if weight.grad is not None]
    assert grads
    assert max(grads) < 1e-3


def test_owner_and_teacher_are_learned_from_as_the_weights_say(lesson_book, student):
    rows, scores = (
        read_rows(lesson_book / "c0ffee" / "train.jsonl"),
        teacher_folder.read_scores(lesson_book / "scores"),
    )

    def weights(**changed):
        recipe = RECIPE.model_copy(update=changed)
        return [one["weight"] for one in lessons(rows, scores, load_tokenizer(student), recipe)]

    assert sorted(weights()) == [0.5] * 10 + [1.0] * 40
    assert weights(owner_weight=0.0, soft_weight=0.0) == [0.5] * 10
    assert weights(answer_weight=0.0, soft_weight=0.0) == [1.0] * 40
    assert len(weights(owner_weight=0.0)) == 50
    with pytest.raises(ValueError, match="nothing would be learned"):
        DistilRecipe(owner_weight=0, answer_weight=0, soft_weight=0)


def test_without_scores_or_with_too_little_there_is_one_sentence_and_no_folder(
    lesson_book, student, tmp_path
):
    with pytest.raises(TeacherRefused, match="no scores of a teacher"):
        train_distil.train(
            lesson_book / "c0ffee",
            RECIPE,
            student,
            tmp_path / "distil-1",
            tmp_path / "work",
            teacher_dir=tmp_path / "none",
        )
    with pytest.raises(TrainingFailed, match="50 samples, and 1000 are needed"):
        train(lesson_book, student, tmp_path, RECIPE.model_copy(update={"min_rows": 1000}))
    assert not (tmp_path / "distil-1").exists()
