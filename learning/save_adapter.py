"""How does a trained adapter become a folder? Weights, what made them, and probes to check a server with."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from learning.adapter_folder import CONFIG, MANIFEST, WEIGHTS, base_identity, published, sha256
from learning.base_model import on_gpu
from learning.logprobs import answer_logprobs
from learning.recipes import InterpolationRecipe, Recipe
from learning.rows import all_fitted, tokens_of

LIBRARIES = ("torch", "transformers", "peft", "trl", "datasets", "accelerate", "tokenizers")
SOMETIMES = ("bitsandbytes", "liger_kernel")  # only on machines with a GPU
PROBES = 6
PROBE_CANDIDATES = 24
# Correct implementations differ by so much per token at most: 1e-5 was measured in float32, 0.18 in bf16.
# A server's base is not in 4 bits; what NF4 rounds away is a guess, taken high: that of bf16 four times over.
TOLERANCE = {"float32": 0.02, "bfloat16": 0.5, "nf4": 2.0}


def save_adapter(
    model: Any,
    tokenizer: Any,
    adapter_dir: Path,
    *,
    method: str,
    recipe: Recipe | InterpolationRecipe,
    base: str | Path,
    parent: Path | None,
    data_dir: Path,
    samples: Sequence[str],
    probe_rows: Sequence[Mapping[str, Any]],
    report: Mapping[str, Any],
    teacher: Mapping[str, Any] | None = None,
    beside: Mapping[str, Mapping[str, Any]] | None = None,
    parents: Sequence[Mapping[str, Any]] = (),
    replayed: Mapping[str, Any] | None = None,
) -> None:
    """Publish the adapter "default" of this model. The folder appears whole or not at all.

    `teacher`: the card of the teacher whose scores it also learned from; the manifest names it.
    `beside`: by name, more JSON files that belong to it; the manifest vouches for them, too.
    `parents`: of a mixture, all of them and their shares; `parent` is then the one it is listed under.
    `replayed`: the corpus of which rows came again (`snapshot_of`), where `data_dir` is another's.
    """
    dtype = "bfloat16" if on_gpu() else "float32"
    computed = "nf4" if getattr(model, "is_loaded_in_4bit", False) else dtype
    identity = base_identity(base)
    with published(adapter_dir) as folder:
        # Embeddings are never saved: no token was added, and vLLM refuses adapters that bring their own.
        model.save_pretrained(str(folder), selected_adapters=["default"], save_embedding_layers=False)
        (folder / "README.md").unlink(missing_ok=True)
        if on_gpu():
            halved = {name: tensor.bfloat16() for name, tensor in load_file(folder / WEIGHTS).items()}
            save_file(halved, folder / WEIGHTS, metadata={"format": "pt"})
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        _write(
            folder / CONFIG, {**config, "base_model_name_or_path": identity["name"], "inference_mode": True}
        )
        _write(folder / "recipe.json", {"method": method, **recipe.model_dump(mode="json")})
        _write(folder / "report.json", dict(report))
        _write(folder / "probe.json", _probes(model, tokenizer, probe_rows, recipe, computed))
        for name, content in (beside or {}).items():
            _write(folder / name, content)
        manifest = {
            "version": adapter_dir.name,
            "method": method,
            "base": identity,
            "parent": {"version": parent.name, "sha256": sha256(parent / WEIGHTS)} if parent else None,
            **({"teacher": dict(teacher)} if teacher else {}),
            **({"parents": list(parents)} if parents else {}),
            **snapshot_of(data_dir),
            **({"replayed": dict(replayed)} if replayed else {}),
            "samples": list(samples),
            "seed": recipe.seed,
            "dtype": dtype,
            "device": torch.cuda.get_device_name() if on_gpu() else "cpu",
            "libraries": _libraries(),
            "files": {file.name: sha256(file) for file in sorted(folder.iterdir())},
        }
        _write(folder / MANIFEST, manifest)


def snapshot_of(folder: Path) -> dict[str, Any]:
    """What was learned from, as a manifest names it."""
    return {
        "data": folder.name,
        "data_files": {file.name: sha256(file) for file in sorted(folder.glob("*.jsonl"))},
    }


def _probes(
    model: Any,
    tokenizer: Any,
    rows: Sequence[Mapping[str, Any]],
    recipe: Recipe | InterpolationRecipe,
    dtype: str,
) -> dict[str, Any]:
    """The answers on which adapter and base differ most: there a server that forgot the adapter shows."""
    usable = all_fitted(rows[:PROBE_CANDIDATES], ["completion"], tokenizer, recipe.max_length)
    encoded = [tokens_of(tokenizer, row["prompt"], row["completion"]) for row in usable]
    adapted = answer_logprobs(model, encoded, tokenizer.pad_token_id)
    with model.disable_adapter():
        bare = answer_logprobs(model, encoded, tokenizer.pad_token_id)
    probes = [
        {"token_ids": ids, "start": start, "adapter_logprobs": ours, "base_logprobs": theirs}
        for (ids, start), ours, theirs in zip(encoded, adapted, bare, strict=True)
    ]
    probes.sort(key=lambda probe: -_difference(probe))
    return {"dtype": dtype, "tolerance": TOLERANCE[dtype], "probes": probes[:PROBES]}


def _difference(probe: Mapping[str, Any]) -> float:
    pairs = zip(probe["adapter_logprobs"], probe["base_logprobs"], strict=True)
    return float(sum(abs(ours - theirs) for ours, theirs in pairs)) / len(probe["adapter_logprobs"])


def _libraries() -> dict[str, str]:
    """The versions of whatever may have had a say in the weights."""
    there = {name: version(name) for name in (*LIBRARIES, *SOMETIMES) if find_spec(name)}
    return {"python": platform.python_version(), **there}


def _write(file: Path, content: Mapping[str, Any]) -> None:
    file.write_text(json.dumps(content, indent=2, ensure_ascii=False), encoding="utf-8")
