"""How does an adapter become a model of its own? Merged into its base, for servers without adapters."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from transformers import AutoModelForCausalLM

from learning.adapter_folder import MANIFEST, WEIGHTS, base_identity, published, sha256
from learning.base_model import load_tokenizer, with_adapter
from learning.failures import TrainingFailed
from learning.training import guarded


def merge(base: str | Path, adapter: Path, final: Path) -> Path:
    """Write base plus adapter as one model to `final`: weights as safetensors, tokenizer, manifest.

    In the base's own number format. Raises TrainingFailed for an adapter of another base, for one that holds
    NaN, for a folder that is there already and for a full disk; then there is no new folder.
    """
    if final.exists():
        raise TrainingFailed(f"{final} is there already: choose another folder.")
    with guarded(), published(final) as folder:
        model = AutoModelForCausalLM.from_pretrained(str(base), dtype="auto")
        merged = _merged(with_adapter(model, adapter), adapter)
        merged.save_pretrained(str(folder))
        load_tokenizer(base).save_pretrained(str(folder))
        manifest = {
            "base": base_identity(base),
            "adapter": {"version": adapter.name, "sha256": sha256(adapter / WEIGHTS)},
            "format": "merged",
            "files": {file.name: sha256(file) for file in sorted(folder.iterdir())},
        }
        (folder / MANIFEST).write_text(json.dumps(manifest, indent=2), encoding="utf-8")
    return final


def _merged(model: Any, adapter: Path) -> Any:
    try:
        return model.merge_and_unload(safe_merge=True)
    except ValueError as broken:  # its weights are no numbers
        raise TrainingFailed(f"{adapter.name} cannot be merged: {broken}") from broken
