"""What does benchmarks/learning.py compare? Our routes through feedback, and TRL's trainers as they come."""

from __future__ import annotations

import asyncio
import shutil
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import set_seed
from trl import DPOConfig, DPOTrainer, KTOConfig, KTOTrainer

from benchmarks._learning_measures import measured
from benchmarks._learning_owner import Owner, asked
from learning import train_dpo, train_hindsight, train_kto, train_sft
from learning.base_model import load_base, load_tokenizer, with_adapter
from learning.evaluation.replies import greedy
from learning.interpolate import interpolate
from learning.judged import Judged
from learning.preferences import Preferences, freeze
from learning.recipes import (
    DpoRecipe,
    HindsightRecipe,
    InterpolationRecipe,
    KtoRecipe,
    PreferenceRecipe,
    SftRecipe,
    for_base,
)
from learning.rows import as_jsonl, read_rows
from learning.settings import LearningSettings
from learning.training import as_dataset
from storage.records import Prompt, Signal

Began = tuple[float, float]  # by the clock on the wall, and by this process's own
SAMPLES = 3
ANY = {"min_rows": 1}  # the settings' lower limits are for people, not for a learning curve
OURS: Mapping[str, tuple[Signal, ...]] = {
    "thumbs": (Signal.UP,),  # the owner decides which way
    "corrections": (Signal.CORRECTION,),
    "both": (Signal.CORRECTION, Signal.UP),
    "complaints": (Signal.COMPLAINT,),
}
PLAIN: Mapping[str, tuple[Signal, ...]] = {
    "plain_dpo": (Signal.CORRECTION,),
    "plain_kto": (Signal.UP,),
}
EXAMPLES: Mapping[str, tuple[str, float]] = {  # the rates that TRL's scripts name for adapters
    "example_dpo": ("plain_dpo", 5e-6),
    "example_kto": ("plain_kto", 5e-7),
}


@dataclass(frozen=True, slots=True)
class Start:
    """What every method of one seed begins with."""

    base: Path
    folder: Path
    owner: Owner
    anchor: Path
    corpus: Path
    replies: list[str]  # the anchor's, to every prompt that feedback may be about
    samples: dict[str, list[str]]  # more of them, at temperature 1, by question
    before: dict[str, float]
    seconds: float  # of the supervised training

    async def sample(self, prompt: Prompt, count: int) -> list[str]:
        return self.samples[prompt[-1]["content"]][:count]


def begin(base: Path, folder: Path, seed: int, most: int) -> Start:
    """A supervised adapter on the owner's old messages, and its replies to the first `most` prompts."""
    owner = Owner(seed)
    corpus = folder / "corpus"
    corpus.mkdir(parents=True)
    for name, rows in owner.corpus.items():
        (corpus / f"{name}.jsonl").write_text(as_jsonl(rows), encoding="utf-8")
    anchor, started = folder / "sft-1", time.monotonic()
    recipe = for_base(SftRecipe, base, seed=seed)
    train_sft.train(corpus, recipe, base, anchor, folder / "work")
    seconds = time.monotonic() - started
    model, tokenizer = with_adapter(load_base(base), anchor), load_tokenizer(base)
    prompts = [asked(said) for said, _ in owner.taught[:most]]
    torch.manual_seed(seed)
    drawn = [_sampled(model, tokenizer, prompts) for _ in range(SAMPLES)]
    samples = {prompt[-1]["content"]: list(texts) for prompt, *texts in zip(prompts, *drawn, strict=True)}
    replies = greedy(model, tokenizer, prompts)
    before = measured(model, tokenizer, owner)
    return Start(base, folder, owner, anchor, corpus, replies, samples, before, seconds)


def ours(start: Start, method: str, count: int, **overrides: Mapping[str, Any]) -> dict[str, float]:
    """Freeze, train, interpolate, as a cycle does it; a fifth of the events is held out from training."""
    events = start.owner.events(OURS[method], count, start.replies)
    home, began = start.folder / f"{method}-{count}", _now()
    shutil.rmtree(home, ignore_errors=True)
    seed = start.owner.seed
    told = LearningSettings(samples_per_correction=SAMPLES, min_thumbs=2)
    pool = asyncio.run(freeze(events, home, told, start.sample))
    last = start.anchor
    steps: tuple[tuple[str, Callable[..., Any], type[PreferenceRecipe]], ...] = (
        ("pairs", train_dpo.train, DpoRecipe),
        ("hindsight", train_hindsight.train, HindsightRecipe),
        ("thumbs", train_kto.train, KtoRecipe),
    )
    for place, train, recipe in steps:
        if pool.counts[place] and _learnable(pool, place):
            chosen = for_base(recipe, start.base, **{**ANY, "seed": seed, **overrides.get(place, {})})
            target = home / place
            train(pool.path, chosen, start.base, target, home / "work", parent=last, replay_dir=start.corpus)
            last = target
    if last == start.anchor:
        return changes(start, last, began)
    limits = {"max_nll_rise": told.gate.max_nll_rise / 2, **overrides.get("interpolation", {})}
    mixture = InterpolationRecipe(seed=seed, **limits)
    found = home / "mixture"
    interpolate(start.anchor, last, mixture, start.base, start.corpus, pool.path, found, live=start.anchor)
    return changes(start, found, began)


def _learnable(pool: Preferences, place: str) -> bool:
    rows = read_rows(pool.path / f"{place}.jsonl")
    return place != "thumbs" or len({row["label"] for row in rows}) == 2


def plain(start: Start, method: str, count: int, learning_rate: float) -> dict[str, float]:
    """TRL's trainer with its own defaults, but for the rate: continuing the anchor, with it as reference."""
    events = start.owner.events(PLAIN[method], count, start.replies)
    began = _now()
    set_seed(start.owner.seed)
    config, trainer_class, rows = (
        (DPOConfig, DPOTrainer, [_pair(event) for event in events])
        if method == "plain_dpo"
        else (KTOConfig, KTOTrainer, [_thumb(event) for event in events])
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = trainer_class(
            model=with_adapter(load_base(start.base), start.anchor, trainable=True),
            args=config(
                output_dir=str(start.folder / "plain"),
                learning_rate=learning_rate,
                seed=start.owner.seed,
                use_cpu=not torch.cuda.is_available(),
                bf16=torch.cuda.is_available(),
                gradient_checkpointing=False,
                save_strategy="no",
                report_to="none",
                disable_tqdm=True,
                logging_strategy="no",
            ),
            processing_class=load_tokenizer(start.base),
            train_dataset=as_dataset(rows, list(rows[0])),
        )
        trainer.train()
    trainer.model.set_adapter("default")
    return _changes(start, trainer.model, began)


def _now() -> Began:
    return time.monotonic(), time.process_time()


def changes(start: Start, adapter: Path, began: Began) -> dict[str, float]:
    return _changes(start, with_adapter(load_base(start.base), adapter), began)


def _changes(start: Start, model: Any, began: Began) -> dict[str, float]:
    seconds, processor = time.monotonic() - began[0], time.process_time() - began[1]
    after = measured(model, load_tokenizer(start.base), start.owner)
    return {
        "pref_accuracy": after["pref_accuracy"],
        "heldout_nll_change": after["nll"] / start.before["nll"] - 1,
        "likeness_auc": after["likeness_auc"],
        "seconds": seconds,
        "processor_seconds": processor,
    }


def _pair(event: Judged) -> dict[str, Any]:
    return {
        "prompt": [dict(turn) for turn in event.prompt],
        "chosen": [{"role": "assistant", "content": event.feedback.text}],
        "rejected": [{"role": "assistant", "content": event.reply.text}],
    }


def _thumb(event: Judged) -> dict[str, Any]:
    return {
        "prompt": [dict(turn) for turn in event.prompt],
        "completion": [{"role": "assistant", "content": event.reply.text}],
        "label": event.feedback.kind is Signal.UP,
    }


@torch.no_grad()  # type: ignore[untyped-decorator]
def _sampled(model: Any, tokenizer: Any, prompts: Sequence[Prompt]) -> list[str]:
    tokenizer.padding_side = "left"
    batch = tokenizer.apply_chat_template(
        [[dict(turn) for turn in prompt] for prompt in prompts],
        add_generation_prompt=True,
        padding=True,
        return_tensors="pt",
        return_dict=True,
    ).to(model.device)
    tokens = model.generate(
        **batch,
        max_new_tokens=48,
        do_sample=True,
        eos_token_id=[tokenizer.convert_tokens_to_ids("<end_of_turn>"), tokenizer.eos_token_id],
        pad_token_id=tokenizer.pad_token_id,
    )
    tokenizer.padding_side = "right"
    said = tokenizer.batch_decode(tokens[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)
    return [text.strip() for text in said]
