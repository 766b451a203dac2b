"""Is an adapter better than another? Measured side by side on what none of them was trained on."""

from __future__ import annotations

import json
import math
import os
import random
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from learning.base_model import load_base, load_tokenizer, release, with_adapter
from learning.logprobs import answer_logprobs
from learning.rows import Row, all_fitted, read_rows, tokens_of
from learning.training import OnProgress, guarded, ignored

RESAMPLES = 500
SAMPLED_REPLIES = 48
REPLY_TOKENS = 48
EMOJI = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf]")

Figures = dict[str, Any]


def evaluate(
    adapters: Mapping[str, Path | None],
    base: str | Path,
    corpus: Path,
    preferences: Path | None,
    report: Path,
    *,
    max_length: int = 1024,
    seed: int = 0,
    on_progress: OnProgress = ignored,
) -> dict[str, Any]:
    """Measure each adapter (None: the bare base) on the same held-out rows; write and return the report.

    `adapters` maps a role such as "base", "live" or "candidate" to a folder.
    """
    with guarded():
        tokenizer = load_tokenizer(base)
        test = all_fitted(read_rows(corpus / "test.jsonl"), ["completion"], tokenizer, max_length)
        held = preferences or Path("nowhere")
        pairs = read_rows(held / "heldout_pairs.jsonl")
        pairs = all_fitted(pairs, ["chosen", "rejected"], tokenizer, max_length)
        thumbs = all_fitted(read_rows(held / "heldout_thumbs.jsonl"), ["completion"], tokenizer, max_length)
        measured: dict[str, Figures] = {}
        known: dict[Path | None, Figures] = {}  # live and base may be one and the same
        for role, adapter in adapters.items():
            if adapter not in known:
                model = load_base(base)
                model = with_adapter(model, adapter) if adapter else model
                known[adapter] = _figures(model, tokenizer, test, pairs, thumbs, seed)
                del model
                release()
            measured[role] = {"adapter": adapter.name if adapter else None, **known[adapter]}
            on_progress(len(measured) / (len(adapters) + 1), {})
        found = {
            "corpus": corpus.name,
            "preferences": preferences.name if preferences else None,
            "owner": _style([row["completion"][0]["content"] for row in test], []),
            "models": measured,
        }
        report.parent.mkdir(parents=True, exist_ok=True)
        unfinished = report.with_suffix(f".{os.getpid()}")
        unfinished.write_text(json.dumps(found, indent=2, ensure_ascii=False), encoding="utf-8")
        unfinished.rename(report)
        on_progress(1.0, {})
        return found


def _figures(
    model: Any, tokenizer: Any, test: Sequence[Row], pairs: Sequence[Row], thumbs: Sequence[Row], seed: int
) -> Figures:
    def logprobs(rows: Sequence[Row], answer: str) -> list[list[float]]:
        encoded = [tokens_of(tokenizer, row["prompt"], row[answer]) for row in rows]
        return answer_logprobs(model, encoded, tokenizer.pad_token_id)

    replies = greedy(
        model, tokenizer, [row["prompt"] for row in test[:: max(1, len(test) // SAMPLED_REPLIES)]]
    )
    return {
        "nll": nll(logprobs(test, "completion"), seed),
        "preference": preference(logprobs(pairs, "chosen"), logprobs(pairs, "rejected"), seed),
        "thumbs": separation(logprobs(thumbs, "completion"), [bool(row["label"]) for row in thumbs]),
        "style": _style(replies, [row["completion"][0]["content"] for row in test]),
    }


def nll(logprobs: Sequence[Sequence[float]], seed: int) -> Figures | None:
    """Mean negative log-likelihood of a token of the owner's own words, with a 95 % interval over rows.

    Without the token that ends a turn: a correction that adds a word at the end is not forgetting the owner.
    """
    rows = [(-sum(row[:-1]), len(row) - 1) for row in logprobs if len(row) > 1]
    if not rows:
        return None
    ratio = [_ratio(drawn) for drawn in _resampled(rows, seed)]
    return {
        "mean": _ratio(rows),
        **_interval(ratio),
        "rows": len(rows),
        "tokens": sum(count for _, count in rows),
    }


def preference(
    chosen: Sequence[Sequence[float]], rejected: Sequence[Sequence[float]], seed: int
) -> Figures | None:
    """How often the better words are likelier, per token, than the reply they correct; and by how much."""
    margins = [_mean(good) - _mean(bad) for good, bad in zip(chosen, rejected, strict=True)]
    if not margins:
        return None
    accuracy = [_mean([margin > 0 for margin in drawn]) for drawn in _resampled(margins, seed)]
    return {
        "accuracy": _mean([margin > 0 for margin in margins]),
        **_interval(accuracy),
        "margin": _mean(margins),
        "pairs": len(margins),
    }


def separation(logprobs: Sequence[Sequence[float]], liked: Sequence[bool]) -> Figures | None:
    """How often a liked reply is likelier, per token, than a disliked one (0.5: cannot tell them apart)."""
    ups = [_mean(row) for row, up in zip(logprobs, liked, strict=True) if up]
    downs = [_mean(row) for row, up in zip(logprobs, liked, strict=True) if not up]
    if not ups or not downs:
        return None
    return {
        "auc": _mean([(up > down) + (up == down) / 2 for up in ups for down in downs]),
        "thumbs": len(liked),
    }


@torch.no_grad()  # type: ignore[untyped-decorator]
def greedy(model: Any, tokenizer: Any, prompts: Sequence[Any]) -> list[str]:
    """What the model would say at temperature 0, one reply for each prompt."""
    if not prompts:
        return []
    tokenizer.padding_side = "left"
    batch = tokenizer.apply_chat_template(
        [[dict(turn) for turn in prompt] for prompt in prompts],
        add_generation_prompt=True,
        padding=True,
        return_tensors="pt",
        return_dict=True,
    ).to(model.device)
    stops = [tokenizer.convert_tokens_to_ids("<end_of_turn>"), tokenizer.eos_token_id]
    model.eval()
    tokens = model.generate(
        **batch,
        max_new_tokens=REPLY_TOKENS,
        do_sample=False,
        top_k=None,
        top_p=None,
        eos_token_id=stops,
        pad_token_id=tokenizer.pad_token_id,
    )
    tokenizer.padding_side = "right"
    said = tokenizer.batch_decode(tokens[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)
    return [reply.strip() for reply in said]


def _style(replies: Sequence[str], owner: Sequence[str]) -> Figures | None:
    """Habits that can be counted; letters_distance from the owner is 0 for the same, 1 for nothing shared."""
    if not replies:
        return None
    return {
        "characters": _mean([len(reply) for reply in replies]),
        "lower_case": _mean([reply == reply.lower() for reply in replies]),
        "full_stop": _mean([reply.endswith(".") for reply in replies]),
        "emoji": _mean([bool(EMOJI.search(reply)) for reply in replies]),
        "distinct": len(set(replies)) / len(replies),
        "letters_distance": _letters_distance(replies, owner) if owner else 0.0,
    }


def _letters_distance(some: Sequence[str], others: Sequence[str]) -> float:
    """Cosine distance of the frequencies of three letters in a row."""
    one, two = (
        Counter(text[i : i + 3] for text in texts for i in range(len(text) - 2)) for texts in (some, others)
    )
    shared = sum(count * two[letters] for letters, count in one.items())
    norms = math.sqrt(sum(count**2 for count in one.values()) * sum(count**2 for count in two.values()))
    return 1 - shared / norms if norms else 1.0


def _resampled(items: Sequence[Any], seed: int) -> list[list[Any]]:
    order = random.Random(seed)
    return [order.choices(items, k=len(items)) for _ in range(RESAMPLES)]


def _interval(values: list[float]) -> dict[str, float]:
    values = sorted(values)
    return {"low": values[int(0.025 * len(values))], "high": values[int(0.975 * len(values))]}


def _ratio(rows: Sequence[tuple[float, int]]) -> float:
    return sum(value for value, _ in rows) / sum(count for _, count in rows)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
