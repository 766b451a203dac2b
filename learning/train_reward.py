"""What would people rather read? A reward model: a score head and a LoRA, from preference pairs."""

from __future__ import annotations

import json
import shutil
import time
import warnings
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model_state_dict
from safetensors.torch import save_file
from transformers import AutoModelForSequenceClassification, set_seed
from trl import RewardConfig, RewardTrainer
from trl.trainer.reward_trainer import suppress_seqcls_warning

from learning.adapter_folder import CONFIG, MANIFEST, WEIGHTS, base_identity, published, sha256
from learning.base_model import load_tokenizer, on_gpu
from learning.recipes import TEXT_LAYERS
from learning.reward_model import HEAD, scale_of
from learning.rlhf_recipe import RewardRecipe
from learning.rows import Row, all_fitted, read_rows, tokens_of, unrolled
from learning.save_adapter import LIBRARIES
from learning.training import (
    OnProgress,
    arguments,
    as_dataset,
    enough,
    guarded,
    ignored,
    report_of,
    watched,
)

ANSWERS = ("chosen", "rejected")
COLUMNS = ("chosen_ids", "rejected_ids")


def train(
    data_dir: Path,
    recipe: RewardRecipe,
    base: str | Path,
    reward_dir: Path,
    work_dir: Path,
    *,
    on_progress: OnProgress = ignored,
) -> dict[str, Any]:
    """Train on a preference snapshot's pairs and publish `reward_dir`; return the report.

    The report tells the share of held-out pairs put in the right order, before (a head of noise) and after.
    Raises TrainingFailed, and then leaves no folder. A killed training starts anew.
    """
    started = time.monotonic()
    with guarded():
        tokenizer = load_tokenizer(base)
        pairs = _encoded(read_rows(data_dir / "pairs.jsonl"), tokenizer, recipe)
        heldout = _encoded(read_rows(data_dir / "heldout_pairs.jsonl"), tokenizer, recipe)
        enough(pairs, recipe, "pairs")
        shutil.rmtree(work_dir, ignore_errors=True)
        set_seed(recipe.seed)
        trainer = _trainer(unrolled(pairs, recipe.epochs, recipe.seed), recipe, base, work_dir)
        before, watch = _accuracy(trainer.model, heldout), watched(trainer, on_progress)
        trainer.train()
        report = report_of(
            watch,
            started,
            pairs=len(pairs),
            heldout_pairs=len(heldout),
            heldout_accuracy={"before": before, "after": _accuracy(trainer.model, heldout)},
        )
        scores = [
            score for name in COLUMNS for score in _scores(trainer.model, [pair[name] for pair in pairs])
        ]
        manifest = {
            "version": reward_dir.name,
            "method": "reward",
            "base": base_identity(base),
            "data": data_dir.name,
            "samples": [pair["id"] for pair in pairs],
            "seed": recipe.seed,
            "scale": scale_of(scores),
            "libraries": {name: version(name) for name in LIBRARIES},
        }
        _publish(trainer.model, reward_dir, recipe, report, manifest)
        shutil.rmtree(work_dir, ignore_errors=True)
        on_progress(1.0, {})
        return report


def _encoded(rows: Sequence[Row], tokenizer: Any, recipe: RewardRecipe) -> list[dict[str, Any]]:
    return [
        {**row, **{f"{name}_ids": tokens_of(tokenizer, row["prompt"], row[name])[0] for name in ANSWERS}}
        for row in all_fitted(rows, ANSWERS, tokenizer, recipe.max_length)
    ]


def _trainer(rows: Sequence[Row], recipe: RewardRecipe, base: str | Path, work_dir: Path) -> Any:
    with warnings.catch_warnings(), suppress_seqcls_warning():
        warnings.simplefilter("ignore")
        model = AutoModelForSequenceClassification.from_pretrained(
            str(base),
            num_labels=1,
            dtype=torch.bfloat16 if on_gpu() else torch.float32,
            attn_implementation="sdpa",
        )
        return RewardTrainer(
            model=model,
            args=RewardConfig(
                **arguments(recipe, work_dir) | {"num_train_epochs": 1},  # the rows are unrolled already
                center_rewards_coefficient=recipe.centring or None,
                train_sampling_strategy="sequential",
                save_strategy="no",
            ),
            processing_class=load_tokenizer(base),
            train_dataset=as_dataset(rows, COLUMNS),
            peft_config=LoraConfig(
                r=recipe.lora_rank,
                lora_alpha=recipe.lora_alpha,
                target_modules=TEXT_LAYERS,
                modules_to_save=["score"],
                task_type="SEQ_CLS",
            ),
        )


@torch.no_grad()  # type: ignore[untyped-decorator]
def _scores(model: Any, rows: Sequence[list[int]]) -> list[float]:
    model.eval()
    return [float(model(input_ids=torch.tensor([ids], device=model.device)).logits[0, 0]) for ids in rows]


def _accuracy(model: Any, pairs: Sequence[Row]) -> float | None:
    """The share of pairs whose better reply scores higher; None without pairs."""
    chosen, rejected = (_scores(model, [pair[name] for pair in pairs]) for name in COLUMNS)
    wins = [better > worse for better, worse in zip(chosen, rejected, strict=True)]
    return sum(wins) / len(wins) if wins else None


def _publish(
    model: Any, reward_dir: Path, recipe: RewardRecipe, report: dict[str, Any], manifest: dict[str, Any]
) -> None:
    """LoRA and head as files of their own: so a policy can load the LoRA, and brings no head for it."""
    weights = {name: tensor.contiguous().cpu() for name, tensor in get_peft_model_state_dict(model).items()}
    head = {name: tensor for name, tensor in weights.items() if "score" in name}
    lora = {name: tensor for name, tensor in weights.items() if name not in head}
    config = model.peft_config["default"].to_dict()
    config |= {
        "modules_to_save": None,
        "inference_mode": True,
        "base_model_name_or_path": manifest["base"]["name"],
    }
    with published(reward_dir) as folder:
        save_file(lora, folder / WEIGHTS, metadata={"format": "pt"})
        save_file({"weight": next(iter(head.values())).float()}, folder / HEAD)
        for name, content in (
            (CONFIG, config),
            ("recipe.json", recipe.model_dump(mode="json")),
            ("report.json", report),
        ):
            (folder / name).write_text(json.dumps(content, indent=2, default=sorted), encoding="utf-8")
        files = {file.name: sha256(file) for file in sorted(folder.iterdir())}
        (folder / MANIFEST).write_text(json.dumps({**manifest, "files": files}, indent=2), encoding="utf-8")
