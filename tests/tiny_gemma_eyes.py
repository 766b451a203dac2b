"""Where does a test get a Gemma 3 that sees? Random weights, one layer of eyes, four tokens a picture."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tiny_gemma import CONTEXT, gemma_tokenizer
from transformers import Gemma3Config, Gemma3ForConditionalGeneration

SIDE, PATCH, TOKENS = 56, 14, 4  # pixels, pixels, tokens of a picture
MARKS = {"boi_token": "<start_of_image>", "eoi_token": "<end_of_image>", "image_token": "<image_soft_token>"}
NEW_LINES = ["\n" * count for count in range(1, 5)]


def make_seeing_gemma(folder: Path, seed: int = 0) -> Path:
    tokenizer = gemma_tokenizer()
    tokenizer.add_special_tokens(
        {"additional_special_tokens": list(MARKS.values())}, replace_extra_special_tokens=False
    )
    tokenizer.add_tokens(NEW_LINES)
    tokens = {name: tokenizer.convert_tokens_to_ids(mark) for name, mark in MARKS.items()}
    torch.manual_seed(seed)
    config = Gemma3Config(
        text_config={
            "vocab_size": len(tokenizer),
            "hidden_size": 64,
            "intermediate_size": 128,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "num_key_value_heads": 1,
            "head_dim": 32,
            "sliding_window": 64,
            "layer_types": ["sliding_attention", "full_attention"],
            "max_position_embeddings": CONTEXT,
        },
        vision_config={
            "hidden_size": 64,
            "intermediate_size": 64,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "image_size": SIDE,
            "patch_size": PATCH,
            "model_type": "siglip_vision_model",
            "vision_use_head": False,
        },
        mm_tokens_per_image=TOKENS,
        boi_token_index=tokens["boi_token"],
        eoi_token_index=tokens["eoi_token"],
        image_token_index=tokens["image_token"],
        image_token_id=tokens["image_token"],
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=[tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids("<end_of_turn>")],
        pad_token_id=tokenizer.pad_token_id,
    )
    model = Gemma3ForConditionalGeneration(config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() > 1:
                weight.normal_(std=0.2)
            if "mm_input_projection" in name:
                weight.normal_(std=1.0)
    model.save_pretrained(folder)
    _as_vllm_names_them(folder / "model.safetensors")
    tokenizer.save_pretrained(folder)
    _tokenizer_knows_the_marks(folder / "tokenizer_config.json")
    _describe_the_processor(folder)
    return folder


def _as_vllm_names_them(file: Path) -> None:
    """transformers 5 saves `vision_tower.*`, vLLM reads the older `vision_tower.vision_model.*`."""
    weights = load_file(file)
    old, new = "vision_tower.", "vision_tower.vision_model."
    save_file(
        {
            name if new in name else name.replace(old, new): weight.contiguous()
            for name, weight in weights.items()
        },
        file,
        metadata={"format": "pt"},
    )


def _tokenizer_knows_the_marks(file: Path) -> None:
    config = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(config | MARKS | {"extra_special_tokens": MARKS}), encoding="utf-8")


def _describe_the_processor(folder: Path) -> None:
    image = {
        "image_processor_type": "Gemma3ImageProcessor",
        "do_convert_rgb": True,
        "do_normalize": True,
        "do_pan_and_scan": False,
        "do_rescale": True,
        "do_resize": True,
        "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.5, 0.5, 0.5],
        "image_seq_length": TOKENS,
        "resample": 2,
        "rescale_factor": 1 / 255,
        "size": {"height": SIDE, "width": SIDE},
        "processor_class": "Gemma3Processor",
    }
    processor = {"image_seq_length": TOKENS, "processor_class": "Gemma3Processor"}
    (folder / "preprocessor_config.json").write_text(json.dumps(image), encoding="utf-8")
    (folder / "processor_config.json").write_text(json.dumps(processor), encoding="utf-8")
