"""Will this training fit? Memory and disk worked out from config.json and the recipe, before anything starts.

Per token and layer the bytes that wait for the backward pass were measured (saved-tensor hooks, LoRA on all
projections, two shapes apart): so many for each unit of hidden, intermediate, query and key/value width.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import torch
from transformers import AutoConfig

from learning.base_model import on_gpu
from learning.failures import TrainingFailed
from learning.recipes import SftRecipe

GB = 1e9
KEPT = {2: (24.0, 8.0, 14.0, 6.0), 4: (19.0, 15.0, 18.0, 7.0)}  # bytes, by the bytes of a weight
KEPT_FOR_DROPOUT = (15.0, 3.0, 3.0)  # hidden, intermediate, query: each projection's input once more
LOGITS_AT_ONCE = 4096 * 32768  # TRL's fused loss: tokens x vocabulary in one tile
TRAINED = 16  # bytes of a trained parameter in float32: itself, its gradient, two moments of AdamW
IN_FOUR_BITS = 0.516  # bytes of a weight in NF4 with its doubly quantised scales (QLoRA, section 3)
STARTED = 0.6 * GB  # what a process holds before it has a model, CUDA's context included
CHECKPOINTS = 3  # on the disk at once: two are kept while the next one is written
CONFIDENCE = 0.9  # refuse only when the estimate, which may be too high, is clearly above what is free


@dataclass(frozen=True, slots=True)
class Shape:
    """What of config.json the memory depends on; parameters are numbers of weights."""

    hidden: int
    intermediate: int
    layers: int
    query: int  # heads * head_dim
    key_value: int
    vocabulary: int
    other: int  # parameters beside the text layers and the embedding: the vision tower's

    @property
    def in_layers(self) -> int:
        attention = 2 * self.hidden * (self.query + self.key_value)
        return self.layers * (attention + 3 * self.hidden * self.intermediate)

    @property
    def embedding(self) -> int:
        return self.vocabulary * self.hidden

    def adapter(self, rank: int) -> int:
        """Parameters of a LoRA on all seven projections of each layer."""
        attention = 2 * (self.hidden + self.query) + 2 * (self.hidden + self.key_value)
        return rank * self.layers * (attention + 3 * (self.hidden + self.intermediate))


@dataclass(frozen=True, slots=True)
class Need:
    """Bytes of one process, at most."""

    weights: float
    adapter: float
    activations: float

    @property
    def total(self) -> float:
        return STARTED + self.weights + self.adapter + self.activations


def shape_of(config: Mapping[str, Any]) -> Shape:
    """From a parsed config.json of Gemma 3, text-only or multimodal."""
    text = config.get("text_config") or config
    eyes = config.get("vision_config") or {}
    width, depth = eyes.get("hidden_size", 0), eyes.get("num_hidden_layers", 0)
    return Shape(
        hidden=text["hidden_size"],
        intermediate=text["intermediate_size"],
        layers=text["num_hidden_layers"],
        query=text["num_attention_heads"] * text["head_dim"],
        key_value=text["num_key_value_heads"] * text["head_dim"],
        vocabulary=text["vocab_size"],
        other=depth * (4 * width * width + 2 * width * eyes.get("intermediate_size", 0)),
    )


def memory_for(shape: Shape, recipe: SftRecipe, weight_bytes: int) -> Need:
    """What one process needs; `weight_bytes` is 2 for bfloat16 on a GPU and 4 for float32."""
    in_layers = shape.in_layers * (IN_FOUR_BITS if recipe.qlora else weight_bytes)
    weights = in_layers + (shape.embedding + shape.other) * weight_bytes
    hidden, intermediate, query, key_value = KEPT[weight_bytes]
    a_layer = (
        hidden * shape.hidden
        + intermediate * shape.intermediate
        + query * shape.query
        + key_value * shape.key_value
    )
    if recipe.lora_dropout:
        hidden, intermediate, query = KEPT_FOR_DROPOUT
        a_layer += hidden * shape.hidden + intermediate * shape.intermediate + query * shape.query
    if recipe.gradient_checkpointing:  # each layer's input, and all of the one that is done again
        a_token = a_layer + shape.layers * shape.hidden * weight_bytes
    else:
        a_token = a_layer * shape.layers
    logits = 2 * 4 * min(LOGITS_AT_ONCE, recipe.token_budget * shape.vocabulary)
    return Need(weights, shape.adapter(recipe.lora_rank) * TRAINED, recipe.token_budget * a_token + logits)


def disk_for(shape: Shape, recipe: SftRecipe) -> float:
    """Bytes for the checkpoints (adapter and both moments, in float32) and the adapter in the end."""
    return shape.adapter(recipe.lora_rank) * 4 * (3 * CHECKPOINTS + 1)


def refusal(
    need: Need, free_memory: float, disk: float, free_disk: float, recipe: SftRecipe, where: str
) -> str | None:
    """In words with numbers, if this does not fit; None if it does. Bytes; `where` is "GPU memory", say."""
    if need.total * CONFIDENCE > free_memory:
        cures = ["a shorter max_length", "a smaller batch_size"]
        cures += [] if recipe.gradient_checkpointing else ["gradient_checkpointing = true"]
        cures += ["QLoRA (qlora = true)"] if where.startswith("GPU") and not recipe.qlora else []
        return (
            f"The training needs about {_gb(need.total)} of {where} (base weights {_gb(need.weights)},"
            f" adapter with its optimiser {_gb(need.adapter)}, activations {_gb(need.activations)});"
            f" {_gb(free_memory)} are free: use {', '.join(cures[:-1])} or {cures[-1]}."
        )
    if disk > free_disk:
        return (
            f"The training needs about {_gb(disk)} of disk for its checkpoints, and {_gb(free_disk)} are"
            " free: free some space, or use a smaller lora_rank."
        )
    return None


def must_fit(base: str | Path, recipe: SftRecipe, work_dir: Path) -> None:
    """Raises TrainingFailed with the numbers when memory or disk will not do. Call it before loading."""
    shape = shape_of(AutoConfig.from_pretrained(str(base)).to_dict())
    free_disk = shutil.disk_usage(work_dir).free
    if on_gpu():
        need, where = memory_for(shape, recipe, 2), "GPU memory"
        free: float = torch.cuda.mem_get_info()[0]
    else:
        need, where = memory_for(shape, recipe, 4), "memory"
        free = psutil.virtual_memory().available / recipe.processes
        where += f" for each of {recipe.processes} processes" if recipe.processes > 1 else ""
    if told := refusal(need, free, disk_for(shape, recipe), free_disk, recipe, where):
        raise TrainingFailed(told)


def _gb(size: float) -> str:
    return f"{size / GB:.0f} GB" if size >= 10 * GB else f"{size / GB:.1f} GB"
