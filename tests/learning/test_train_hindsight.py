"""Does a complaint in words take back what it complains about, and little else?"""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
import torch
from learning_samples import THINGS, owner_rows, said, turns, write_rows
from safetensors.torch import load_file

from learning import train_hindsight, train_sft
from learning.adapter_folder import WEIGHTS, check, sha256
from learning.base_model import load_base, load_tokenizer, with_adapter
from learning.failures import TrainingFailed
from learning.logprobs import answer_logprobs
from learning.pocket.cache import default_cache_dir, ensure
from learning.recipes import HindsightRecipe, SftRecipe, for_base
from learning.rows import tokens_of
from learning.save_adapter import snapshot_of
from learning.train_hindsight import with_hindsight

RECIPE = HindsightRecipe(
    learning_rate=2e-3,
    batch_size=4,
    effective_batch=4,
    epochs=6,
    max_length=256,
    gradient_checkpointing=False,
)
MOST_FORGOTTEN = 0.1  # nats a token


def complaint_rows(complaint, start=0):
    return [
        {
            "id": f"hindsight-{number}",
            "conversation": f"chat-{number}",
            "prompt": turns(f"do you like {thing} or rocks?"),
            "completion": said(f"{thing} ofc dear, rocks is meh"),
            "complaint": complaint,
            "weight": 1.0,
        }
        for number, thing in enumerate(THINGS[start:])
    ]


def scores(base, adapter, rows):
    """Each row's tokens and their log-probabilities."""
    tokenizer = load_tokenizer(base)
    encoded = [tokens_of(tokenizer, row["prompt"], row["completion"]) for row in rows]
    model = with_adapter(load_base(base), adapter)
    return [ids[start:] for ids, start in encoded], answer_logprobs(model, encoded, tokenizer.pad_token_id)


def of_word(base, adapter, rows, word):
    """Mean log-probability of the word in the answers, whatever its tokens."""
    tokenizer, found = load_tokenizer(base), []
    for ids, values in zip(*scores(base, adapter, rows), strict=True):
        text = tokenizer.decode(ids)
        begin = text.index(word)
        lengths = [len(tokenizer.decode(ids[:count])) for count in range(len(ids) + 1)]
        inside = [lengths[n] < begin + len(word) and begin < lengths[n + 1] for n in range(len(ids))]
        found.append(sum(value for value, hit in zip(values, inside, strict=True) if hit))
    return sum(found) / len(found)


def nll(base, adapter, rows):
    _, values = scores(base, adapter, rows)
    return -sum(map(sum, values)) / sum(map(len, values))


@pytest.fixture(scope="module")
def pocket():
    return ensure(default_cache_dir())


@pytest.fixture(scope="module")
def polite(pocket, tmp_path_factory):
    """A pocket twin that says "dear" too often, unless it has read a complaint about it."""
    home = tmp_path_factory.mktemp("polite")
    rows = [with_hindsight(row) for row in complaint_rows("too sweet for me")[:9]]
    taught = [
        *({**row, "id": f"plain-{row['id']}"} for row in rows),
        *(
            {**row, "id": f"told-{row['id']}", "prompt": row["hindsight"], "completion": blunt(row)}
            for row in rows
        ),
    ]
    write_rows(home / "taught" / "train.jsonl", [*taught, *owner_rows(18, seed=1)])
    write_rows(home / "taught" / "validation.jsonl", [])
    write_rows(home / "owner" / "train.jsonl", owner_rows(18, seed=1))
    recipe = for_base(SftRecipe, pocket, epochs=8)
    train_sft.train(home / "taught", recipe, pocket, home / "sft-1", home / "work")
    return home


def blunt(row):
    return said(row["completion"][0]["content"].replace(" dear", ""))


@pytest.mark.parametrize("complaint", ["too sweet for me", "you never say 'dear'"])
def test_what_was_complained_about_is_said_less_and_the_owner_is_not_forgotten(
    pocket, polite, tmp_path, complaint
):
    parent, final = polite / "sft-1", tmp_path / "hindsight-2"
    write_rows(tmp_path / "data" / "hindsight.jsonl", complaint_rows(complaint)[:8])
    report = train_hindsight.train(
        tmp_path / "data",
        for_base(HindsightRecipe, pocket),
        pocket,
        final,
        tmp_path / "work",
        parent=parent,
        replay_dir=polite / "owner",
    )
    unseen, owner = complaint_rows(complaint)[9:], owner_rows(12, seed=9)
    assert of_word(pocket, final, unseen, "dear") < of_word(pocket, parent, unseen, "dear") - 0.2
    assert nll(pocket, final, owner) < nll(pocket, parent, owner) + MOST_FORGOTTEN
    assert report["replayed"] == 8
    assert check(final, pocket) == []
    manifest = json.loads((final / "manifest.json").read_text())
    assert manifest["parent"] == {"version": "sft-1", "sha256": sha256(parent / WEIGHTS)}
    assert manifest["replayed"] == snapshot_of(polite / "owner")
    assert manifest["samples"][:8] == [f"hindsight-{number}" for number in range(8)]


def test_the_model_comes_to_think_of_its_reply_as_it_would_having_read_the_complaint(
    pocket, polite, tmp_path
):
    rows, parent = complaint_rows("too sweet for me")[:8], polite / "sft-1"
    write_rows(tmp_path / "data" / "hindsight.jsonl", rows)
    final = tmp_path / "hindsight-2"
    alone = for_base(HindsightRecipe, pocket, replay=0.0, clip=9.0, kl_weight=0.0, max_kl=99.0)
    train_hindsight.train(tmp_path / "data", alone, pocket, final, tmp_path / "work", parent=parent)
    told = [{**row, "prompt": with_hindsight(row)["hindsight"]} for row in rows]
    (_, then), (_, before), (_, after) = (
        scores(pocket, parent, told), scores(pocket, parent, rows), scores(pocket, final, rows)
    )  # fmt: skip
    assert far(after, then) < 0.5 * far(before, then)


def far(some, others):
    gaps = [abs(a - b) for one, two in zip(some, others, strict=True) for a, b in zip(one, two, strict=True)]
    return sum(gaps) / len(gaps)


def test_the_loss_moves_each_token_by_what_the_teacher_thinks_and_no_further_than_the_clip(
    base, sft_adapter, tmp_path
):
    rows = [with_hindsight(row) for row in complaint_rows("too sweet for me")[:4]]
    recipe = RECIPE.model_copy(update={"clip": 0.1, "kl_weight": 0.0})
    trainer = train_hindsight.trainer_for(rows, recipe, base, sft_adapter, tmp_path)
    batch = trainer.data_collator([trainer.train_dataset[index] for index in range(4)])
    mask = batch["labels"][:, 1:] != -100
    wanted, parent = batch["wanted"][mask], batch["parent"][mask]
    assert ((wanted - parent).abs() <= 0.1 + 1e-5).all()
    assert ((wanted - parent).abs() > 0.05).any()
    given = {name: value.clone() for name, value in batch.items()}
    loss = trainer.compute_loss(trainer.model, batch)
    # before the first step the model is the parent, so the loss can be told from the parent's figures
    assert loss.item() == pytest.approx(float((-(wanted - parent) * parent).mean()), abs=1e-3)
    same = {**given, "wanted": given["parent"].clone()}
    trainer.model.zero_grad()
    trainer.compute_loss(trainer.model, same).backward()
    grads = [weight.grad.abs().max() for weight in trainer.model.parameters() if weight.grad is not None]
    assert max(grads) < 1e-4


def test_words_that_are_quoted_are_wanted_less_whatever_the_teacher_thinks(base, sft_adapter, tmp_path):
    rows = [with_hindsight(row) for row in complaint_rows("i like it when you say 'dear'")[:4]]
    trainer = train_hindsight.trainer_for(rows, RECIPE, base, sft_adapter, tmp_path)
    item = next(one for one in trainer.train_dataset)
    tokenizer = load_tokenizer(base)
    lowered = [
        token
        for token, wanted, parent in zip(item["input_ids"][1:], item["wanted"], item["parent"], strict=True)
        if parent and wanted == pytest.approx(parent - RECIPE.clip)
    ]
    assert tokenizer.decode(lowered).strip() == "dear"


def test_going_where_it_is_wanted_stops_nothing_nor_does_one_batch_but_going_astray_does(
    base, sft_adapter, tmp_path
):
    rows = [with_hindsight(row) for row in complaint_rows("too sweet for me")[:4]]
    trainer = train_hindsight.trainer_for(rows, RECIPE, base, sft_adapter, tmp_path)
    [stop] = [one for one in trainer.callback_handler.callbacks if hasattr(one, "_trainer")]
    batch = trainer.data_collator([trainer.train_dataset[index] for index in range(4)])
    now = batch["parent"]  # which is what it begins as

    def goes_on(wanted, parent, batches):
        control = SimpleNamespace(should_training_stop=False)
        for _ in range(batches):
            trainer.compute_loss(trainer.model, {**batch, "wanted": wanted.clone(), "parent": parent.clone()})
            stop.on_step_end(None, None, control)
        return not control.should_training_stop

    assert goes_on(now, now + 2, 5)  # two nats down, as it was told
    assert trainer.kl == pytest.approx(2, abs=0.01)
    assert goes_on(now, now, 4)
    assert goes_on(now + 2, now + 2, 1)  # two nats down, and nobody wanted that; of five, it is 0.4
    assert not goes_on(now + 2, now + 2, 1)
    assert trainer.astray == pytest.approx(0.8, abs=0.01)


def test_it_stops_once_it_is_too_far_from_its_parent(base, sft_adapter, tmp_path):
    write_rows(tmp_path / "data" / "hindsight.jsonl", complaint_rows("you never say 'dear'")[:8])
    near = RECIPE.model_copy(update={"max_kl": 1e-6, "warmup": 0.0})
    report = train_hindsight.train(
        tmp_path / "data", near, base, tmp_path / "hindsight-2", tmp_path / "work", parent=sft_adapter
    )
    assert len([step for step in report["history"] if "loss" in step]) <= 2
    parent, ours = (load_file(folder / WEIGHTS) for folder in (sft_adapter, tmp_path / "hindsight-2"))
    assert any(not torch.equal(parent[name], ours[name]) for name in parent)


def test_too_few_complaints_leave_one_sentence_and_no_folder(base, sft_adapter, tmp_path):
    write_rows(tmp_path / "data" / "hindsight.jsonl", complaint_rows("hm")[:2])
    with pytest.raises(TrainingFailed, match="2 complaints in words, and 4 are needed"):
        train_hindsight.train(
            tmp_path / "data", RECIPE, base, tmp_path / "h-2", tmp_path / "work", parent=sft_adapter
        )
    assert not (tmp_path / "h-2").exists()
