"""How much memory does a model take: its weights, an adapter, what it keeps of a conversation?"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

LORA_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)  # what vLLM has kernels for
USUAL_RANK = 16  # what the recipes train unless told otherwise
BITS = {None: 16, "fp8": 8, "compressed-tensors": 8, "bitsandbytes": 4, "awq": 4, "gptq": 4, "w4a16": 4}


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """A Gemma 3's shape, from its config.json. `window`: tokens that all but the full layers look back."""

    layers: int
    full_layers: int
    window: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    max_length: int
    vision_parameters: int = 0
    float32: bool = False
    quantised: str | None = None  # the checkpoint itself: fp8, w4a16, awq, ...

    @property
    def linear_parameters(self) -> int:
        return self.layers * sum(rows * columns for rows, columns in self._projections)

    @property
    def parameters(self) -> int:
        return self.linear_parameters + self.vocabulary * self.hidden + self.vision_parameters

    @property
    def _projections(self) -> tuple[tuple[int, int], ...]:
        attention, key_value = self.heads * self.head_dim, self.kv_heads * self.head_dim
        return (
            (self.hidden, attention),
            (self.hidden, key_value),
            (self.hidden, key_value),
            (attention, self.hidden),
            (self.hidden, self.intermediate),
            (self.hidden, self.intermediate),
            (self.intermediate, self.hidden),
        )

    def weight_bytes(self, quantisation: str | None) -> int:
        """Only the linear layers are quantised; embeddings and the vision tower stay as they are."""
        whole = 4 if self.float32 else 2
        bits = BITS[quantisation] if quantisation else 8 * whole
        return self.linear_parameters * bits // 8 + (self.parameters - self.linear_parameters) * whole

    def lora_bytes(self, rank: int) -> int:
        """One adapter on every projection, in 16 bits."""
        return 2 * rank * self.layers * sum(rows + columns for rows, columns in self._projections)

    def kv_bytes(self, tokens: int, gpus: int = 1) -> int:
        """Of one conversation this long, on each of the GPUs that share it, in 16 bits."""
        a_token = 2 * 2 * math.ceil(self.kv_heads / gpus) * self.head_dim
        sliding = (self.layers - self.full_layers) * min(tokens, self.window or tokens)
        return a_token * (self.full_layers * tokens + sliding)


# From the config.json of google/gemma-3-*; a hub id is not on this disk yet when we must choose.
GEMMA_1B = ModelFacts(26, 4, 512, 1152, 6912, 4, 1, 256, 262_144, 32_768)
GEMMA_4B = ModelFacts(34, 5, 1024, 2560, 10_240, 8, 4, 256, 262_208, 131_072, 420_000_000)
GEMMA_12B = ModelFacts(48, 8, 1024, 3840, 15_360, 16, 8, 256, 262_208, 131_072, 420_000_000)
GEMMA_27B = ModelFacts(62, 10, 1024, 5376, 21_504, 32, 16, 128, 262_208, 131_072, 420_000_000)
SIZES = {"1b": GEMMA_1B, "4b": GEMMA_4B, "12b": GEMMA_12B, "27b": GEMMA_27B}


def facts_of(weights: str) -> ModelFacts:
    """Read from a model folder; a hub id is taken for the Gemma 3 whose size is in its name, else for 12B."""
    file = Path(weights) / "config.json"
    if not file.is_file():
        name = weights.lower()
        quantised = next((method for method in ("awq", "gptq", "fp8") if method in name), None)
        size = next((facts for size, facts in SIZES.items() if f"-{size}" in name), GEMMA_12B)
        return replace(size, quantised=quantised)
    config = json.loads(file.read_text(encoding="utf-8"))
    text = config.get("text_config") or config
    dtype = config.get("dtype") or config.get("torch_dtype") or text.get("dtype")
    layers = text.get("num_hidden_layers", GEMMA_12B.layers)
    kinds = text.get("layer_types") or []
    return ModelFacts(
        layers=layers,
        full_layers=kinds.count("full_attention") if kinds else max(1, layers // 6),
        window=text.get("sliding_window") or 0,
        hidden=text.get("hidden_size", GEMMA_12B.hidden),
        intermediate=text.get("intermediate_size", GEMMA_12B.intermediate),
        heads=text.get("num_attention_heads", GEMMA_12B.heads),
        kv_heads=text.get("num_key_value_heads", GEMMA_12B.kv_heads),
        head_dim=text.get("head_dim", GEMMA_12B.head_dim),
        vocabulary=text.get("vocab_size", GEMMA_12B.vocabulary),
        max_length=text.get("max_position_embeddings", GEMMA_12B.max_length),
        vision_parameters=420_000_000 if config.get("vision_config") else 0,
        float32=dtype == "float32",
        quantised=_quantised(config.get("quantization_config") or {}),
    )


def _quantised(how: Mapping[str, Any]) -> str | None:
    """compressed-tensors holds many kinds: `twin adapters export` writes fp8, and w4a16 for AWQ and GPTQ."""
    method = how.get("quant_method")
    if method == "compressed-tensors":
        groups = [group.get("weights") or {} for group in (how.get("config_groups") or {}).values()]
        kinds = {(weights.get("type"), weights.get("num_bits")) for weights in groups}
        if kinds == {("float", 8)}:
            return "fp8"
        return "w4a16" if kinds == {("int", 4)} else "compressed-tensors"
    return method if method in BITS else None


def highest_rank(adapters: Path | None) -> int:
    """The rank vLLM must make room for, so that every adapter below this folder can be loaded."""
    ranks = [USUAL_RANK]
    for file in sorted(adapters.glob("*/adapter_config.json")) if adapters else []:
        try:
            ranks.append(int(json.loads(file.read_text(encoding="utf-8"))["r"]))
        except (ValueError, KeyError, TypeError):
            continue  # a broken folder is refused when somebody wants to load it
    return next((rank for rank in LORA_RANKS if rank >= max(ranks)), LORA_RANKS[-1])
