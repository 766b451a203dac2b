"""How does an adapter become a model of its own? Merged into its base, and cut down for servers if asked.

For serving without adapters at run time: a merged folder loads like any model; fp8, AWQ and GPTQ are written
by llm-compressor in the format that vLLM reads.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM

from learning.adapter_folder import MANIFEST, WEIGHTS, base_identity, published, sha256
from learning.base_model import load_tokenizer, on_gpu, with_adapter
from learning.failures import TrainingFailed
from learning.rows import Row, all_fitted, tokens_of
from learning.training import guarded

Format = Literal["fp8", "awq", "gptq"]
# Schemes of compressed-tensors: fp8 is rounded without any data, the others look at samples first.
SCHEMES: dict[str, str] = {"fp8": "FP8_DYNAMIC", "awq": "W4A16_ASYM", "gptq": "W4A16"}
WHOLE = ["re:.*lm_head", "re:.*vision_tower.*", "re:.*multi_modal_projector.*"]  # these stay as they are
SAMPLES = 256  # for calibration
LENGTH = 1024  # tokens of each
COMPRESSOR = (
    "Writing {kind} needs llm-compressor, which wants other versions of torch and transformers than training:"
    " merge here with 'twin adapters merge', then 'pip install llmcompressor' in an environment of its own and"
    " run 'python -m learning.merge MERGED FOLDER {kind}' there."
)


def merge(base: str | Path, adapter: Path, final: Path) -> Path:
    """Write base plus adapter as one model to `final`: weights as safetensors, tokenizer, manifest.

    In the base's own number format. Raises TrainingFailed for an adapter of another base or a full disk.
    """
    if final.exists():
        raise TrainingFailed(f"{final} is there already: choose another folder.")
    with guarded(), published(final) as folder:
        model = AutoModelForCausalLM.from_pretrained(str(base), dtype="auto")
        merged = with_adapter(model, adapter).merge_and_unload(safe_merge=True)  # refuses to merge NaN
        merged.save_pretrained(str(folder))
        load_tokenizer(base).save_pretrained(str(folder))
        _sign(folder, base_identity(base), {"version": adapter.name, "sha256": sha256(adapter / WEIGHTS)})
    return final


def export(merged: Path, final: Path, kind: Format, rows: Sequence[Row] = ()) -> Path:
    """Write a merged model in fewer bits. `rows` are samples to calibrate "awq" and "gptq" with.

    Raises TrainingFailed in one sentence where llm-compressor is not installed, or there is nothing to
    calibrate with.
    """
    if final.exists():
        raise TrainingFailed(f"{final} is there already: choose another folder.")
    if find_spec("llmcompressor") is None:
        raise TrainingFailed(COMPRESSOR.format(kind=kind))
    if kind != "fp8" and not rows:
        raise TrainingFailed(f"{kind} needs samples to calibrate with: name a corpus snapshot's folder.")
    from llmcompressor import oneshot

    with guarded(), published(final) as folder:
        tokenizer = load_tokenizer(merged)
        model = AutoModelForCausalLM.from_pretrained(
            str(merged), dtype="auto", device_map="cuda" if on_gpu() else "cpu"
        )
        samples = {}
        if kind != "fp8":
            fitting = all_fitted(rows[:SAMPLES], ["completion"], tokenizer, LENGTH)
            ids = [tokens_of(tokenizer, row["prompt"], row["completion"])[0] for row in fitting]
            samples = {
                "dataset": Dataset.from_dict({"input_ids": ids, "attention_mask": [[1] * len(i) for i in ids]}),
                "max_seq_length": LENGTH,
                "num_calibration_samples": len(ids),
            }
        with torch.enable_grad():  # AWQ and GPTQ switch it off themselves where they must
            oneshot(model=model, recipe=_modifiers(kind), tokenizer=tokenizer, **samples)
        model.save_pretrained(str(folder), save_compressed=True)
        tokenizer.save_pretrained(str(folder))
        told = json.loads((merged / MANIFEST).read_text(encoding="utf-8"))
        _sign(folder, told["base"], told["adapter"], kind)
    return final


def _modifiers(kind: Format) -> list[Any]:
    from llmcompressor.modifiers.quantization import GPTQModifier, QuantizationModifier

    scheme: dict[str, Any] = {"targets": "Linear", "scheme": SCHEMES[kind], "ignore": WHOLE}
    match kind:
        case "fp8":
            return [QuantizationModifier(**scheme)]
        case "gptq":
            return [GPTQModifier(**scheme)]
        case "awq":
            from llmcompressor.modifiers.awq import AWQModifier

            return [AWQModifier(**scheme)]


def _sign(folder: Path, base: dict[str, Any], adapter: dict[str, Any], kind: str | None = None) -> None:
    files = {file.name: sha256(file) for file in sorted(folder.iterdir())}
    manifest = {"base": base, "adapter": adapter, "format": kind or "merged", "files": files}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2), encoding="utf-8")
