"""How does a complaint in words change the model? It becomes its own teacher, having read the complaint.

What the model would have thought of its reply with the complaint before it is the target for the same reply
without it (self-distillation from user interactions, arXiv 2603.12273): each token moves by the difference of
the two log-probabilities, and stops where they meet, because the teacher here is the parent, frozen.
"""

from __future__ import annotations

import shutil
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import Trainer, TrainerCallback, TrainingArguments, set_seed
from trl.trainer.utils import add_fused_lm_head

from learning.base_model import load_base, load_tokenizer, with_adapter
from learning.failures import TrainingFailed
from learning.logprobs import answer_logprobs
from learning.recipes import HindsightRecipe
from learning.replay import replayed, scheduled
from learning.routing import complained_about
from learning.rows import Row, all_fitted, read_rows, tokens_of, total_weight
from learning.save_adapter import save_adapter, snapshot_of
from learning.training import (
    OnProgress,
    arguments,
    enough,
    fingerprint,
    guarded,
    ignored,
    must_have_changed,
    must_train,
    report_of,
    watched,
)

IGNORED = -100
WINDOW = 5  # updates over which it is told whether a training goes astray: a single one is noise
HINDSIGHT = "{asked}\n\n(About your answer they will say: {complaint})"


def train(
    data_dir: Path,
    recipe: HindsightRecipe,
    base: str | Path,
    adapter_dir: Path,
    work_dir: Path,
    *,
    parent: Path | None,
    replay_dir: Path | None = None,
    on_progress: OnProgress = ignored,
) -> dict[str, Any]:
    """Continue the parent adapter on complaints and publish `adapter_dir`; return the report.

    Owner rows from the corpus at `replay_dir` are mixed in. Never resumed. Raises TrainingFailed, and then
    leaves no folder.
    """
    started = time.monotonic()
    if parent is None:
        raise TrainingFailed("Hindsight continues an adapter: run `twin train sft` first.")
    with guarded():
        tokenizer = load_tokenizer(base)
        rows = [with_hindsight(row) for row in read_rows(data_dir / "hindsight.jsonl")]
        rows = all_fitted(rows, ["completion"], tokenizer, recipe.max_length)
        enough(rows, recipe, "complaints in words")
        replay = replayed(rows, replay_dir, recipe.replay, recipe, tokenizer)
        shutil.rmtree(work_dir, ignore_errors=True)
        set_seed(recipe.seed)
        trainer = trainer_for([*rows, *replay], recipe, base, parent, work_dir)
        must_train(trainer.model)
        before, watch = fingerprint(trainer.model), watched(trainer, on_progress)
        trainer.train()
        must_have_changed(trainer.model, before)
        report = report_of(
            watch, started, rows=len(rows), replayed=round(total_weight(replay)), kl=trainer.kl
        )
        save_adapter(
            trainer.model,
            tokenizer,
            adapter_dir,
            method="hindsight",
            recipe=recipe,
            base=base,
            parent=parent,
            data_dir=data_dir,
            samples=[row["id"] for row in [*rows, *replay]],
            probe_rows=rows,
            report=report,
            replayed=snapshot_of(replay_dir) if replay and replay_dir else None,
        )
        shutil.rmtree(work_dir, ignore_errors=True)
        on_progress(1.0, {})
        return report


def with_hindsight(row: Row) -> dict[str, Any]:
    """The row, and the prompt its teacher reads as `hindsight`: the complaint stands in the last turn."""
    *before, asked = row["prompt"]
    told = HINDSIGHT.format(asked=asked["content"], complaint=row["complaint"])
    return {**row, "hindsight": [*before, {**asked, "content": told}]}


def trainer_for(
    rows: Sequence[Row], recipe: HindsightRecipe, base: str | Path, parent: Path, work_dir: Path
) -> HindsightTrainer:
    tokenizer, bare = load_tokenizer(base), load_base(base)
    add_fused_lm_head(bare)  # before the adapter is put on
    model = with_adapter(bare, parent, trainable=True)
    items = {row["id"]: item for row, item in zip(rows, _items(model, tokenizer, rows, recipe), strict=True)}
    told = arguments(recipe, work_dir) | {"num_train_epochs": 1, "save_strategy": "no"}
    del told["max_length"]
    return HindsightTrainer(
        recipe,
        model=model,
        args=TrainingArguments(**told, remove_unused_columns=False, train_sampling_strategy="sequential"),
        train_dataset=[items[row["id"]] for row in scheduled(rows, recipe)],
        data_collator=_padded,
    )


def _items(
    model: Any, tokenizer: Any, rows: Sequence[Row], recipe: HindsightRecipe
) -> list[dict[str, list[Any]]]:
    """What one step reads of each row: tokens, and for each token of the answer what the parent thinks of it
    (`parent`) and what it is to be thought of (`wanted`; infinity in a replayed row: as likely as can be).
    """
    plain = [tokens_of(tokenizer, row["prompt"], row["completion"]) for row in rows]
    told = [tokens_of(tokenizer, row.get("hindsight", row["prompt"]), row["completion"]) for row in rows]
    now = answer_logprobs(model, plain, tokenizer.pad_token_id)
    then = answer_logprobs(model, told, tokenizer.pad_token_id)
    items: list[dict[str, list[Any]]] = []
    for row, (ids, start), parent, taught in zip(rows, plain, now, then, strict=True):
        if "hindsight" in row:
            named = _named(tokenizer, ids[start:], row)
            # Whatever the teacher makes of a complaint: words that it quotes are to be said less.
            wanted = [
                old - recipe.clip if quoted else min(max(new, old - recipe.clip), old + recipe.clip)
                for old, new, quoted in zip(parent, taught, named, strict=True)
            ]
        else:
            wanted = [torch.inf] * len(parent)
        padding = [0.0] * (start - 1)  # the figures stand where the fused head puts theirs: one to the left
        labels = [IGNORED] * start + ids[start:]
        items.append(
            {"input_ids": ids, "labels": labels, "wanted": padding + wanted, "parent": padding + parent}
        )
    return items


def _named(tokenizer: Any, answer: Sequence[int], row: Row) -> list[bool]:
    """Which tokens of the answer overlap with words that the complaint quotes?"""
    text, named = "", []
    spans = complained_about(row["complaint"], tokenizer.decode(answer))
    for count in range(1, len(answer) + 1):
        begin, text = len(text), tokenizer.decode(answer[:count])
        named.append(any(begin < end and first < len(text) for first, end in spans))
    return named


def _padded(items: Sequence[dict[str, list[Any]]]) -> dict[str, Any]:
    """(rows, width) of tokens and labels, (rows, width - 1) of what is wanted and what the parent thinks."""
    width = max(len(item["input_ids"]) for item in items)

    def stacked(name: str, wide: int, filler: float) -> Any:
        return torch.tensor([item[name] + [filler] * (wide - len(item[name])) for item in items])

    items = [{**item, "attended": [1] * len(item["input_ids"])} for item in items]
    return {
        "input_ids": stacked("input_ids", width, 0),
        "attention_mask": torch.tensor(
            [[i < len(item["input_ids"]) for i in range(width)] for item in items]
        ),
        "labels": stacked("labels", width, IGNORED),
        "wanted": stacked("wanted", width - 1, 0.0),
        "parent": stacked("parent", width - 1, 0.0),
    }


class HindsightTrainer(Trainer):  # type: ignore[misc]
    def __init__(self, recipe: HindsightRecipe, **more: Any) -> None:
        super().__init__(**more)
        self.kl = 0.0  # of the last batch, nats a token
        self._astray: deque[tuple[float, int]] = deque(maxlen=WINDOW * recipe.accumulation)
        self.model_accepts_loss_kwargs = False  # the loss is a mean already
        self._recipe = recipe
        self.add_callback(_StopFarFromParent(self))

    def compute_loss(self, model: Any, inputs: Any, *_: Any, **__: Any) -> Any:
        """Mean over the answers' tokens of -advantage * log-probability, and the distance from the parent."""
        wanted, parent = inputs.pop("wanted"), inputs.pop("parent")
        mask = inputs["labels"][:, 1:] != IGNORED
        now = model(**inputs, fused_lm_head=True).log_probs[mask].float()
        wanted, parent = wanted[mask], parent[mask]
        replayed = wanted.isinf()
        clip = self._recipe.clip
        advantage = torch.where(replayed, 1.0, (wanted - now).clamp(-clip, clip)).detach()
        # Half the squared log-ratio estimates the divergence. A replayed row pays none: it is the owner's.
        distance = torch.where(replayed, 0.0, (now - parent).square() / 2)
        told = ~replayed
        self.kl = float(distance.detach().sum() / told.sum().clamp(min=1))
        between = now.detach().clamp(torch.minimum(parent, wanted), torch.maximum(parent, wanted))
        self._astray.append((float((now.detach() - between)[told].square().sum() / 2), int(told.sum())))
        return (-advantage * now + self._recipe.kl_weight * distance).mean()

    @property
    def astray(self) -> float:
        """Nats a token from the parent, in the last updates, beyond where a complaint wants the token.

        What is wanted does not count: where half of a short reply is quoted, that alone is a nat.
        """
        return sum(far for far, _ in self._astray) / max(1, sum(tokens for _, tokens in self._astray))


class _StopFarFromParent(TrainerCallback):  # type: ignore[misc]
    def __init__(self, trainer: HindsightTrainer) -> None:
        self._trainer = trainer

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if self._trainer.astray > self._trainer._recipe.max_kl:
            control.should_training_stop = True
