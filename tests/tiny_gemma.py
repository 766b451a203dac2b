"""Where does a test get a Gemma 3 and an adapter for it, in a second and without any download?"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    GemmaTokenizer,
)

TEMPLATE = Path(__file__).parents[1] / "learning" / "gemma_template.jinja"
SPECIAL_TOKENS = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "<start_of_turn>", "<end_of_turn>"]
BYTE_TOKENS = [f"<0x{byte:02X}>" for byte in range(256)]
CONTEXT = 512
EVERY_PROJECTION = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]

WHO = ["the cat", "my neighbour", "a tall sailor", "our teacher", "the old robot", "her brother"]
DOES = [
    "walks to the harbour",
    "sings about rain",
    "bakes seven loaves",
    "reads a green book",
    "counts stars",
]
WHEN = ["every morning", "before dinner", "in the quiet winter", "on monday", "with two friends", "at night"]
LINES = [f"{who} {does} {when}." for who in WHO for does in DOES for when in WHEN]


def make_tiny_gemma(folder: Path, seed: int = 0, steps: int = 70) -> Path:
    """A Gemma 3 that has seen a few sentences: its words vary, and both servers can load it."""
    tokenizer = gemma_tokenizer()
    torch.manual_seed(seed)
    model = Gemma3ForCausalLM(
        Gemma3TextConfig(
            vocab_size=len(tokenizer),
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=1,
            head_dim=32,  # vLLM has kernels for 32, 64, 80, 96 ... only
            sliding_window=64,
            layer_types=["sliding_attention", "full_attention"],
            max_position_embeddings=CONTEXT,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=[tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids("<end_of_turn>")],
            pad_token_id=tokenizer.pad_token_id,
            tie_word_embeddings=True,
        )
    )
    _train_a_little(model, tokenizer, seed, steps)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_adapter(folder: Path, base: Path, seed: int = 1, rank: int = 8, strength: float = 0.6) -> Path:
    """A random LoRA adapter that changes what this base says; the seed tells adapters apart."""
    with_adapter(base, seed, rank, strength).save_pretrained(folder)
    return folder


def with_adapter(base: Path, seed: int = 1, rank: int = 8, strength: float = 0.6) -> PeftModel:
    """The base with such an adapter on it."""
    torch.manual_seed(seed)
    config = LoraConfig(
        r=rank,
        lora_alpha=2 * rank,
        target_modules=EVERY_PROJECTION,
        init_lora_weights=False,
        task_type="CAUSAL_LM",
    )
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(base), config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_" in name:
                weight.normal_(std=strength / weight.shape[1] ** 0.5)
    return model


def gemma_tokenizer() -> GemmaTokenizer:
    """A tokenizer in Gemma's own manner: "▁" for a space, bytes for what it has no token for."""
    backend = Tokenizer(models.BPE(byte_fallback=True, fuse_unk=True, unk_token="<unk>"))
    backend.normalizer = normalizers.Replace(" ", "▁")
    backend.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    backend.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=420, special_tokens=SPECIAL_TOKENS + BYTE_TOKENS, show_progress=False, min_frequency=1
    )
    alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,!?'"
    backend.train_from_iterator([*LINES, "user\n", "model\n", "\n\n", *alphabet], trainer)
    tokenizer = GemmaTokenizer(
        vocab=backend.get_vocab(),
        merges=_merges(backend),
        additional_special_tokens=["<start_of_turn>", "<end_of_turn>"],
        model_max_length=CONTEXT,
    )
    tokenizer.chat_template = TEMPLATE.read_text(encoding="utf-8")
    return tokenizer


def _merges(backend: Tokenizer) -> list[tuple[str, str]]:
    return [tuple(merge) for merge in json.loads(backend.to_str())["model"]["merges"]]


def _train_a_little(model: Gemma3ForCausalLM, tokenizer: GemmaTokenizer, seed: int, steps: int) -> None:
    pick = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-2)
    for _ in range(steps):
        rows = [_conversation(tokenizer, pick) for _ in range(8)]
        batch = tokenizer.pad({"input_ids": rows}, return_tensors="pt")
        labels = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100)
        optimizer.zero_grad()
        model(**batch, labels=labels).loss.backward()
        optimizer.step()
    model.eval()


def _conversation(tokenizer: GemmaTokenizer, pick: torch.Generator) -> list[int]:
    asked, answered, again = (LINES[int(torch.randint(len(LINES), (1,), generator=pick))] for _ in range(3))
    turns = [{"role": "user", "content": asked}, {"role": "assistant", "content": f"{answered} {again}"}]
    return list(tokenizer.apply_chat_template(turns, return_dict=False))


def load_tiny(folder: Path) -> tuple[Gemma3ForCausalLM, GemmaTokenizer]:
    return AutoModelForCausalLM.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
