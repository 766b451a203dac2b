"""Is this folder an adapter for this model? Checked before loading, because a bad one may load and lie."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftConfig
from peft.tuners.tuners_utils import check_target_module_exists
from safetensors import SafetensorError
from safetensors.torch import load_file

Shape = tuple[int, int]  # what goes in, what comes out
PREFIX = "base_model.model."


class AdapterRefused(Exception):
    """The folder is no adapter for this model; the message says why."""


@dataclass(frozen=True, slots=True)
class AdapterFolder:
    """A folder that passed the checks."""

    path: Path
    config: LoraConfig


def linear_layers(model: torch.nn.Module) -> dict[str, Shape]:
    """The layers an adapter may lie over."""
    return {
        name: (layer.in_features, layer.out_features)
        for name, layer in model.named_modules()
        if isinstance(layer, torch.nn.Linear)
    }


def read_adapter_folder(
    path: Path, *, layers: Mapping[str, Shape], base_names: Iterable[str]
) -> AdapterFolder:
    config = _config(path)
    _check_base(config, list(base_names))
    _check_weights(_weights(path), config, layers)
    return AdapterFolder(path, config)


def _config(path: Path) -> LoraConfig:
    file = path / "adapter_config.json"
    if not file.is_file():
        raise AdapterRefused(f"{path} is not an adapter: it holds no adapter_config.json.")
    try:
        kind = json.loads(file.read_text(encoding="utf-8")).get("peft_type")
        config = PeftConfig.from_pretrained(str(path))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise AdapterRefused(f"{file} cannot be read: {error}.") from error
    if not isinstance(config, LoraConfig):
        raise AdapterRefused(f"{path} is a {kind} adapter; only LoRA is served.")
    # vLLM serves none of these either, and an adapter must say the same on both servers.
    beyond = [name for name in ("use_dora", "modules_to_save") if getattr(config, name)]
    if config.bias != "none":
        beyond.append("bias")
    if beyond:
        raise AdapterRefused(f"{path} uses {', '.join(beyond)}, which is not served; train plain LoRA.")
    return config


def _check_base(config: LoraConfig, base_names: list[str]) -> None:
    trained_on = config.base_model_name_or_path
    if not trained_on:
        return
    known = {name.rstrip("/") for name in base_names}
    # A model's folder may have moved; its own name stays.
    known |= {Path(name).name for name in known} | {str(Path(name).resolve()) for name in known}
    if trained_on.rstrip("/") not in known and Path(trained_on).name not in known:
        raise AdapterRefused(f"It was trained on {trained_on}, but this server serves {base_names[0]}.")


def _weights(path: Path) -> dict[str, torch.Tensor]:
    file = path / "adapter_model.safetensors"
    if not file.is_file():
        raise AdapterRefused(f"{path} is incomplete: it holds no adapter_model.safetensors.")
    try:
        weights: dict[str, torch.Tensor] = load_file(file)
    except SafetensorError as error:
        raise AdapterRefused(f"{file} is damaged or cut short: {error}.") from error
    return weights


def _check_weights(weights: dict[str, torch.Tensor], config: LoraConfig, layers: Mapping[str, Shape]) -> None:
    found: dict[str, dict[str, torch.Tensor]] = {}
    for key, weight in weights.items():
        layer, _, half = key.removeprefix(PREFIX).removesuffix(".weight").rpartition(".")
        if not key.startswith(PREFIX) or half not in ("lora_A", "lora_B") or layer not in layers:
            raise AdapterRefused(f"It was made for another kind of model: this one has no layer for {key}.")
        if not torch.isfinite(weight).all():
            raise AdapterRefused(f"{key} holds numbers that are not finite; the training went wrong.")
        found.setdefault(layer, {})[half] = weight
    complete = {name for name, halves in found.items() if len(halves) == 2}
    wanted = {name for name in layers if check_target_module_exists(config, name)}
    if missing := sorted((wanted | found.keys()) - complete):
        raise AdapterRefused(
            f"It is incomplete: no weights for {missing[0]} and {len(missing) - 1} more layers."
        )
    if not wanted or complete != wanted:
        raise AdapterRefused("Its adapter_config.json and its weights do not name the same layers.")
    for layer, halves in found.items():
        _check_shape(layer, halves, layers[layer])


def _check_shape(layer: str, halves: dict[str, Any], shape: Shape) -> None:
    down, up = halves["lora_A"].shape, halves["lora_B"].shape
    if len(down) != 2 or len(up) != 2 or (down[1], up[0]) != shape or down[0] != up[1]:
        raise AdapterRefused(f"It was made for a model of another size: {layer} does not fit.")
