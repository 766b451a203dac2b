"""What does a training on real shapes run on? A Gemma 3 of random weights, tokenizer and rows, made here."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import torch
from transformers import Gemma3ForCausalLM, Gemma3TextConfig

from learning.pocket.tokenizer import learn_tokenizer

# google/gemma-3-12b-it's text model, as in its config.json
TWELVE: dict[str, Any] = {
    "vocab_size": 262208,
    "hidden_size": 3840,
    "intermediate_size": 15360,
    "num_hidden_layers": 48,
    "num_attention_heads": 16,
    "num_key_value_heads": 8,
    "head_dim": 256,
    "sliding_window": 1024,
    "query_pre_attn_scalar": 256,
    "max_position_embeddings": 131072,
}
TINY: dict[str, Any] = {
    "vocab_size": 700,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 32,
    "sliding_window": 64,
    "max_position_embeddings": 2048,
}
SYLLABLES = [first + second for first in "bdfgklmnprstvz" for second in "aeiou"]


def make_model(folder: Path, shape: dict[str, Any], device: str) -> Path:
    """Write a model of this shape with random bfloat16 weights, and a tokenizer like Gemma's, to `folder`.

    The trainers then load it as they load any base. 24 GB for the twelve billion.
    """
    torch.manual_seed(0)
    order = random.Random(0)
    tokenizer = learn_tokenizer((_text(order, 200) for _ in range(200)), 600, 2048)
    tokenizer.padding_side = "right"
    config = Gemma3TextConfig(
        **shape,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.device(device):
            model = Gemma3ForCausalLM(config)
    finally:
        torch.set_default_dtype(before)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_rows(folder: Path, count: int, words: int) -> Path:
    """`count` rows as in a corpus, and as many pairs; lengths vary as those of chats do (log-normal)."""
    order = random.Random(1)
    rows, pairs = [], []
    for number in range(count):
        length = max(2, min(4 * words, round(words * order.lognormvariate(-0.3, 0.8))))
        prompt = [{"role": "user", "content": _text(order, length)}]
        answers = [[{"role": "assistant", "content": _text(order, max(2, length // 3))}] for _ in range(2)]
        rows.append({"id": f"row-{number}", "prompt": prompt, "completion": answers[0]})
        pairs.append(
            {
                "id": f"pair-{number}",
                "prompt": prompt,
                "chosen": answers[0],
                "rejected": answers[1],
                "weight": 1.0,
            }
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name, found in (("train", rows), ("validation", []), ("pairs", pairs)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in found))
    return folder


def _text(order: random.Random, words: int) -> str:
    return " ".join("".join(order.choices(SYLLABLES, k=order.randint(1, 4))) for _ in range(words))
