"""How does a twin get better where nobody showed it how? Reinforcement learning from the personality rewards.

RLOO (arXiv 2402.14740): several replies to one prompt, each compared with the mean of the others. The anchor
adapter goes on learning; a frozen copy of it, "ref", is what the drift is measured from.
"""

from __future__ import annotations

import shutil
import time
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from transformers import set_seed
from trl import RLOOConfig, RLOOTrainer

from learning.adapter_folder import WEIGHTS, sha256
from learning.base_model import load_base, load_tokenizer, with_adapter
from learning.failures import TrainingFailed
from learning.judge import Judge
from learning.kl_budget import KlBudget
from learning.reward_model import RewardModel
from learning.rewards.profile import learned
from learning.rlhf_measure import measured, within_budget
from learning.rlhf_prompts import PROFILE, prompts_of
from learning.rlhf_recipe import RlhfRecipe
from learning.rows import Row, read_rows
from learning.save_adapter import save_adapter
from learning.training import (
    OnProgress,
    arguments,
    as_dataset,
    enough,
    fingerprint,
    guarded,
    ignored,
    must_have_changed,
    must_train,
    report_of,
    watched,
)

COLUMNS = ("prompt", "source", "thread")


def train(
    data_dir: Path,
    recipe: RlhfRecipe,
    base: str | Path,
    adapter_dir: Path,
    work_dir: Path,
    *,
    parent: Path | None,
    preferences_dir: Path | None = None,
    reward_dir: Path | None = None,
    on_progress: OnProgress = ignored,
) -> dict[str, Any]:
    """Continue the parent adapter on the prompts of a corpus snapshot and publish `adapter_dir`.

    Prompts of the preference snapshot come on top; the reward model in `reward_dir` is one more reward. The
    report tells every reward's mean on held-out prompts before and after, and the KL in nats a token.
    Raises TrainingFailed, and then leaves no folder. A killed training starts anew.
    """
    started = time.monotonic()
    if parent is None:
        raise TrainingFailed("RLHF continues an adapter: run `twin train sft` first.")
    with guarded():
        tokenizer = load_tokenizer(base)
        prompts = prompts_of(data_dir, preferences_dir, tokenizer, recipe)
        enough(prompts.train, recipe, "prompts")
        profile = learned(read_rows(data_dir / "train.jsonl"))
        shutil.rmtree(work_dir, ignore_errors=True)
        set_seed(recipe.seed)
        policy = with_adapter(load_base(base), parent, trainable=True)
        model = RewardModel(policy, tokenizer, reward_dir, recipe.max_length) if reward_dir else None
        judge = Judge(profile, model.scores if model else None)
        trainer = trainer_for(prompts.train, judge, recipe, base, policy, work_dir)
        must_train(trainer.model)
        before = measured(trainer.model, tokenizer, judge, prompts, recipe)
        start, watch, budget = (
            fingerprint(trainer.model),
            watched(trainer, on_progress),
            KlBudget(recipe.kl_budget),
        )
        trainer.add_callback(budget)
        judge.forget()
        trainer.train()
        must_have_changed(trainer.model, start)
        after, halvings = within_budget(trainer.model, tokenizer, judge, prompts, recipe)
        report = report_of(
            watch,
            started,
            prompts=len(prompts.train),
            heldout_prompts=len(prompts.heldout),
            rewards={
                name: {"before": before[name], "after": after[name]} for name in [*judge.names, "total"]
            },
            kl={"after": after["kl"], "highest": budget.highest, "budget": recipe.kl_budget},
            stopped_at=budget.stopped_at,
            halvings=halvings,
            reward_model=_about(reward_dir),
        )
        save_adapter(
            trainer.model,
            tokenizer,
            adapter_dir,
            method="rlhf",
            recipe=recipe,
            base=base,
            parent=parent,
            data_dir=data_dir,
            samples=prompts.samples,
            probe_rows=read_rows(data_dir / "validation.jsonl") or read_rows(data_dir / "train.jsonl"),
            report=report,
            beside={PROFILE: profile.as_json()},
        )
        shutil.rmtree(work_dir, ignore_errors=True)
        on_progress(1.0, {})
        return report


def trainer_for(
    prompts: Sequence[Row], judge: Judge, recipe: RlhfRecipe, base: str | Path, policy: Any, work_dir: Path
) -> Any:
    """A trainer whose reference is the adapter that `policy` came with.

    As in DPO: given a loaded adapter and no peft_config, TRL itself adds a frozen copy named "ref".
    """
    told = arguments(recipe, work_dir)
    del told["max_length"]  # the prompts are cut already, and replies have a length of their own
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = RLOOTrainer(
            model=policy,
            reward_funcs=judge.rewards(),
            args=RLOOConfig(
                **told,
                max_steps=recipe.steps,
                num_generations=recipe.num_generations,
                max_completion_length=recipe.max_new_tokens,
                temperature=recipe.temperature,
                beta=recipe.beta,
                reward_weights=judge.shares(recipe.weights.as_dict()),
                save_strategy="no",
            ),
            processing_class=load_tokenizer(base),
            train_dataset=as_dataset(prompts, COLUMNS),
        )
    if "ref" not in trainer.model.peft_config:
        raise TrainingFailed("The reference would be the bare base model: this version of TRL does not fit.")
    trainer.model.set_adapter("default")
    for name, weight in trainer.model.named_parameters():
        weight.requires_grad_(".default." in name)
    return trainer


def _about(reward_dir: Path | None) -> Mapping[str, str] | None:
    if reward_dir is None:
        return None
    return {"version": reward_dir.name, "sha256": sha256(reward_dir / WEIGHTS)}
