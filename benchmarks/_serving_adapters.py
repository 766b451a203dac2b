"""Where do adapters for a benchmark come from? Random ones, made by a process of its own: torch stays there.

python -m benchmarks._serving_adapters FOLDER BASE NAME...     BASE may be a folder without weights
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
RANK = 16


def random_adapters(folder: Path, base: Path, names: Sequence[str]) -> None:
    """Each makes the base say something else altogether."""
    command = [sys.executable, "-m", "benchmarks._serving_adapters", str(folder), str(base), *names]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def _make(folder: Path, base: Path, seed: int) -> None:
    """Only the base's shape matters, so its weights are never read: peft names the layers, we fill them."""
    import torch
    import transformers
    from peft import LoraConfig, get_peft_model, get_peft_model_state_dict
    from safetensors.torch import save_file

    torch.manual_seed(seed)
    config = transformers.AutoConfig.from_pretrained(base)
    kind = json.loads((base / "config.json").read_text(encoding="utf-8"))["architectures"][0]
    with torch.device("meta"):
        model = getattr(transformers, kind)(config)
        lora = LoraConfig(r=RANK, lora_alpha=2 * RANK, target_modules=r"(?!.*vision).*_proj")
        shapes = get_peft_model_state_dict(get_peft_model(model, lora))
    weights = {name: torch.randn(one.shape) * 0.9 / one.shape[1] ** 0.5 for name, one in shapes.items()}
    folder.mkdir(parents=True, exist_ok=True)
    save_file(weights, folder / "adapter_model.safetensors")
    lora.base_model_name_or_path = str(base)
    lora.save_pretrained(str(folder))


if __name__ == "__main__":
    for seed, name in enumerate(sys.argv[3:]):
        _make(Path(sys.argv[1]) / name, Path(sys.argv[2]), seed)
