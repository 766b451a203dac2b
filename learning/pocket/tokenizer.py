"""How is text cut into tokens? In Gemma's own manner, with a vocabulary learned from invented dialogues."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from importlib.resources import files

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import GemmaTokenizer

from learning.pocket.recipe import TEMPLATE

TURN_MARKS = ["<start_of_turn>", "<end_of_turn>"]
IMAGE_MARKS = ["<start_of_image>", "<end_of_image>", "<image_soft_token>"]
SPECIAL = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", *TURN_MARKS, *IMAGE_MARKS]
BYTES = [f"<0x{value:02X}>" for value in range(256)]
LONGEST_NEWLINE_RUN = 4  # vLLM's image path wants "\n" to "\n\n\n\n" to be tokens


def learn_tokenizer(texts: Iterable[str], vocabulary: int, context: int) -> GemmaTokenizer:
    """A Gemma tokenizer: "▁" for spaces, bytes for what it never saw, so any text comes back as it was."""
    learner = Tokenizer(models.BPE(byte_fallback=True, fuse_unk=True, unk_token="<unk>"))
    learner.normalizer = normalizers.Replace(" ", "▁")
    # Only while learning: keeps a merge inside one word. Gemma cuts nothing at run time and needs nothing.
    learner.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"\n+"), "isolated"),
            pre_tokenizers.Split("▁", "merged_with_next"),
            pre_tokenizers.Split(Regex(r"[.,!?;:()\"]+|'[a-z]+|▁?[^\w\s'.,!?;:()\"▁]+"), "isolated"),
        ]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[*SPECIAL, *BYTES],
        min_frequency=2,
        limit_alphabet=400,
        show_progress=False,
    )
    learner.train_from_iterator(_with_frame(texts), trainer)
    model = json.loads(learner.to_str())["model"]
    tokenizer = GemmaTokenizer(
        vocab=model["vocab"],
        merges=[tuple(merge) for merge in model["merges"]],
        additional_special_tokens=[*TURN_MARKS, *IMAGE_MARKS],
        padding_side="left",
        model_max_length=context,
    )
    tokenizer.chat_template = files("learning").joinpath(TEMPLATE).read_text(encoding="utf-8")
    return tokenizer


def _with_frame(texts: Iterable[str]) -> Iterator[str]:
    """The texts, and often enough to become tokens the words that frame every turn."""
    yield from texts
    runs = ["\n" * length for length in range(1, LONGEST_NEWLINE_RUN + 1)]
    for _ in range(60):
        yield from ["user", "model", *runs]
