"""How does a merged model get smaller? As fp8, AWQ or GPTQ for vLLM (llm-compressor), as GGUF for llama.cpp.

llm-compressor wants an older transformers than the one that is pinned here (which the trainers also run
with), so it is no dependency: it is asked for when it is needed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer

from learning.adapter_folder import MANIFEST, published, sha256
from learning.failures import TrainingFailed, explained
from learning.rows import Row, all_fitted, tokens_of

Format = Literal["fp8", "awq", "gptq", "gguf-q8", "gguf-q4"]
FORMATS: tuple[Format, ...] = get_args(Format)
CALIBRATED = ("awq", "gptq")  # these look at samples first
# Schemes of compressed-tensors.
SCHEMES: dict[Format, str] = {"fp8": "FP8_DYNAMIC", "awq": "W4A16_ASYM", "gptq": "W4A16"}
WHOLE = ["re:.*lm_head", "re:.*vision_tower.*", "re:.*multi_modal_projector.*"]  # these stay as they are
SAMPLES = 256  # for calibration
LENGTH = 1024  # tokens of each
MISSING = (
    "Writing {kind} needs llm-compressor, which wants an older transformers: 'pip install llmcompressor' in a"
    " copy of this environment, and give the same command there."
)
MISSING_GGUF = "Writing {kind} needs the gguf package: pip install 'twin[export]'."


def export(merged: Path, final: Path, kind: Format, rows: Sequence[Row] = ()) -> Path:
    """Write a merged model in fewer bits. `rows` are a corpus's samples, for "awq" and "gptq" to look at.

    Raises TrainingFailed in one sentence where llm-compressor is not installed, there is nothing to calibrate
    with, or the folder is there already.
    """
    if final.exists():
        raise TrainingFailed(f"{final} is there already: choose another folder.")
    must_be_installed(kind)
    if kind in CALIBRATED and not rows:
        raise TrainingFailed(f"{kind} needs samples to calibrate with: name the folder of a corpus snapshot.")
    try:
        with published(final) as folder:
            if kind.startswith("gguf"):
                _gguf(merged, folder, kind)
            else:
                _compressed(merged, folder, kind, rows)
            origin = json.loads((merged / MANIFEST).read_text(encoding="utf-8"))
            files = {file.name: sha256(file) for file in sorted(folder.iterdir())}
            manifest = {**origin, "format": kind, "files": files}
            (folder / MANIFEST).write_text(json.dumps(manifest, indent=2), encoding="utf-8")
    except Exception as error:
        if told := explained(error):
            raise told from error
        raise
    return final


def _gguf(merged: Path, folder: Path, kind: Format) -> None:
    from learning import export_gguf

    bits: export_gguf.Bits = "q8" if kind == "gguf-q8" else "q4"
    export_gguf.write(merged, folder / f"model-{bits}.gguf", bits)


def _compressed(merged: Path, folder: Path, kind: Format, rows: Sequence[Row]) -> None:
    from llmcompressor import oneshot

    tokenizer = AutoTokenizer.from_pretrained(str(merged))
    model = AutoModelForCausalLM.from_pretrained(str(merged), dtype="auto", device_map="auto")
    samples = _samples(rows, tokenizer) if kind in CALIBRATED else {}
    oneshot(model=model, recipe=_modifiers(kind), tokenizer=tokenizer, **samples)
    model.save_pretrained(str(folder), save_compressed=True)
    tokenizer.save_pretrained(str(folder))


def must_be_installed(kind: Format) -> None:
    """Raises TrainingFailed, which says what to install, where `export` could not write this format."""
    if kind.startswith("gguf"):
        if find_spec("gguf") is None:
            raise TrainingFailed(MISSING_GGUF.format(kind=kind))
        return
    if find_spec("llmcompressor") is None:
        raise TrainingFailed(MISSING.format(kind=kind))
    if kind == "awq" and not torch.cuda.is_available():
        raise TrainingFailed("Writing awq needs a GPU: take fp8 or gptq, or do it on a machine with one.")


def _samples(rows: Sequence[Row], tokenizer: Any) -> dict[str, Any]:
    fitting = all_fitted(rows[:SAMPLES], ["completion"], tokenizer, LENGTH)
    ids = [tokens_of(tokenizer, row["prompt"], row["completion"])[0] for row in fitting]
    masks = [[1] * len(one) for one in ids]
    return {
        "dataset": Dataset.from_dict({"input_ids": ids, "attention_mask": masks}),
        "max_seq_length": LENGTH,
        "num_calibration_samples": len(ids),
    }


def _modifiers(kind: Format) -> list[Any]:
    from llmcompressor.modifiers.quantization import GPTQModifier, QuantizationModifier

    scheme: dict[str, Any] = {"targets": "Linear", "scheme": SCHEMES[kind], "ignore": WHOLE}
    if kind == "awq":
        from llmcompressor.modifiers.transform.awq import AWQModifier

        return [AWQModifier(), QuantizationModifier(**scheme)]
    return [GPTQModifier(**scheme) if kind == "gptq" else QuantizationModifier(**scheme)]
