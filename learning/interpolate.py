"""How far should a twin go the way that training points? Some of it, all or further: the best that it may.

Candidates are previous + share x (trained - previous), factor by factor. For two adapters of one lineage the
factors differ little, and their mean is near the mean of their products (WARP, arXiv 2406.16768); every
candidate is measured, so nothing rests on that.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from learning.adapter_folder import CONFIG, MANIFEST, WEIGHTS, sha256
from learning.base_model import load_tokenizer, release
from learning.evaluation.models import Models
from learning.failures import TrainingFailed
from learning.logprobs import answer_logprobs
from learning.recipes import InterpolationRecipe
from learning.rows import Row, all_fitted, read_rows, tokens_of
from learning.save_adapter import save_adapter
from learning.training import OnProgress, guarded, ignored

NEARLY = 0.03  # of the margin: what is gained by the last steps, which cost most elsewhere


@dataclass(frozen=True, slots=True)
class Measured:
    """One candidate on the held-out rows. NaN: there were no such rows."""

    share: float
    nll: float  # nats a token of the owner's own words; NaN too where the weights are out of all bounds
    margin: float  # nats a token by which the better words are likelier


def interpolate(
    previous: Path,
    trained: Path,
    recipe: InterpolationRecipe,
    base: str | Path,
    corpus: Path,
    preferences: Path,
    adapter_dir: Path,
    *,
    live: Path | None,
    on_progress: OnProgress = ignored,
) -> dict[str, Any]:
    """Publish the best candidate between two adapters as `adapter_dir`; return the report.

    Owner's words are measured on the corpus's validation split (its test split is the gate's), against the
    `live` adapter (None: the bare base). Raises TrainingFailed for adapters of different shape.
    """
    with guarded():
        tokenizer = load_tokenizer(base)
        words, pairs = _held_out(corpus, preferences, recipe, tokenizer)
        models = Models(base, {"trained": trained, "live": live})  # the first one's name there is "default"
        with models.acting(live) as model:
            limit = _nll(model, tokenizer, words) * (1 + recipe.max_nll_rise)
        with models.acting(trained) as model:  # and stays so
            start, end = (_weights(model, path) for path in (previous, trained))
        if {name: w.shape for name, w in start.items()} != {name: w.shape for name, w in end.items()}:
            raise TrainingFailed(f"{previous.name} and {trained.name} differ in shape: nothing lies between.")
        measured: list[Measured] = []
        for share, to_go in _candidates(recipe, pairs, measured, limit):
            _put(model, start, end, share)
            nll, margin = _nll(model, tokenizer, words), _margin(model, tokenizer, pairs)
            measured.append(Measured(share, nll, margin))
            on_progress(len(measured) / (len(measured) + to_go + 1), {"share": share})
        chosen = best(measured, limit)
        _put(model, start, end, chosen.share)
        manifest = json.loads((trained / MANIFEST).read_text(encoding="utf-8"))
        report = {
            "share": chosen.share,
            "nll_limit": _number(limit),
            "candidates": [
                {"share": one.share, "nll": _number(one.nll), "margin": _number(one.margin)}
                for one in measured
            ],
        }
        save_adapter(
            model,
            tokenizer,
            adapter_dir,
            method="interpolation",
            recipe=recipe,
            base=base,
            parent=trained,
            data_dir=preferences,
            samples=manifest["samples"],
            probe_rows=[{**pair, "completion": pair["chosen"]} for pair in pairs] or words,
            report=report,
            parents=[
                {"version": one.name, "sha256": sha256(one / WEIGHTS), "share": part}
                for one, part in ((previous, 1 - chosen.share), (trained, chosen.share))
            ],
            replayed=manifest.get("replayed"),
        )
        del model, models
        release()
        on_progress(1.0, {})
        return report


def best(measured: Sequence[Measured], limit: float) -> Measured:
    """Of those whose NLL is within the limit the one that prefers the better words most, or goes less far
    and does so nearly as much.

    Where there are no held-out pairs, the one that goes furthest. Is none within the limit, the one that is
    closest to it: the gate says the rest.
    """
    within = [one for one in measured if math.isnan(limit) or one.nll <= limit]
    if not within:
        return min(measured, key=lambda one: (math.isnan(one.nll), one.nll))
    most = max((one.margin for one in within if not math.isnan(one.margin)), default=math.nan)
    if math.isnan(most):
        return max(within, key=lambda one: one.share)
    return min((one for one in within if one.margin >= most - NEARLY * abs(most)), key=lambda one: one.share)


def halfway(measured: Sequence[Measured], limit: float) -> float | None:
    """Between the furthest that is within the limit (at worst the start) and the next one, which is not.

    None: all are within the limit, or there is none.
    """
    if math.isnan(limit):
        return None
    within = max((one.share for one in measured if one.nll <= limit), default=0.0)
    beyond = min((one.share for one in measured if one.share > within), default=None)
    return None if beyond is None else (within + beyond) / 2


def _candidates(
    recipe: InterpolationRecipe, pairs: Sequence[Row], measured: Sequence[Measured], limit: float
) -> Iterator[tuple[float, int]]:
    """The shares to measure, and how many come after each at most; `measured` grows meanwhile.

    Further than training went only where held-out corrections say whether that is better: elsewhere it would
    always go there, and talk in circles.
    """
    shares = [share for share in recipe.shares if share <= 1 or pairs] or [1.0]
    for number, share in enumerate(shares, 1):
        yield share, len(shares) - number + recipe.halvings
    for to_go in reversed(range(recipe.halvings)):
        between = halfway(measured, limit)
        if between is None:
            return
        yield between, to_go


def _held_out(
    corpus: Path, preferences: Path, recipe: InterpolationRecipe, tokenizer: Any
) -> tuple[list[Row], list[Row]]:
    words = read_rows(corpus / "validation.jsonl") or read_rows(corpus / "test.jsonl")
    pairs = read_rows(preferences / "heldout_pairs.jsonl")
    return (
        list(all_fitted(words, ["completion"], tokenizer, recipe.max_length)),
        list(all_fitted(pairs, ["chosen", "rejected"], tokenizer, recipe.max_length)),
    )


def _weights(model: Any, adapter: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    if json.loads((adapter / CONFIG).read_text(encoding="utf-8"))["peft_type"] != "LORA":
        raise TrainingFailed(f"{adapter.name} is no LoRA adapter: nothing lies between it and another.")
    return {name: tensor.to(model.device) for name, tensor in load_file(adapter / WEIGHTS).items()}


@torch.no_grad()  # type: ignore[untyped-decorator]
def _put(model: Any, start: Mapping[str, Any], end: Mapping[str, Any], share: float) -> None:
    """Make the model's adapter "default" the candidate of this share."""
    mine = dict(model.named_parameters())
    for name, first in start.items():
        weight = mine[name.removesuffix(".weight") + ".default.weight"]
        weight.copy_(torch.lerp(first.float(), end[name].float(), share))


def _nll(model: Any, tokenizer: Any, rows: Sequence[Row]) -> float:
    """Mean over tokens, without the one that ends a turn, as in the gate's measure."""
    found = [row[:-1] for row in _logprobs(model, tokenizer, rows, "completion")]
    count = sum(map(len, found))
    return -sum(map(sum, found)) / count if count else math.nan


def _margin(model: Any, tokenizer: Any, pairs: Sequence[Row]) -> float:
    both = [_logprobs(model, tokenizer, pairs, side) for side in ("chosen", "rejected")]
    margins = [sum(good) / len(good) - sum(bad) / len(bad) for good, bad in zip(*both, strict=True)]
    # A pair that is clearly told apart has nothing left to gain: what counts is how many are.
    return sum(math.tanh(margin) for margin in margins) / len(margins) if margins else math.nan


def _logprobs(model: Any, tokenizer: Any, rows: Sequence[Row], answer: str) -> list[list[float]]:
    encoded = [tokens_of(tokenizer, row["prompt"], row[answer]) for row in rows]
    return answer_logprobs(model, encoded, tokenizer.pad_token_id)


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
