"""How fast is Gemma 3 12B on this machine's GPU, with and without adapters?

    python -m benchmarks.gpu_serving [--quick] [--json]

Real vLLM with the flags that `twin serve` chooses, the model's true shape and weights made up on the spot
(--load-format dummy): speed does not depend on what the numbers are. Needs a GPU, vLLM (TWIN_VLLM) and a
folder with the model's config.json and tokenizer (TWIN_GEMMA). Compared with: the same without LoRA, bf16
with fp8.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks._serving_adapters import random_adapters
from brain.machine import Machine, this_machine
from brain.model_client import ModelClient, Sampling
from brain.model_facts import facts_of
from brain.model_server import ModelServer
from brain.serving_choice import choose
from brain.settings import ServingSettings
from brain.vllm_server import find_vllm
from twin import show

AT_ONCE = (1, 8, 32)
PROMPT = [{"role": "user", "content": "Tell me about a walk along the harbour. " * 50}]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu_serving", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter answers")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args()
    machine, weights = this_machine(), os.environ.get("TWIN_GEMMA", "")
    if not (machine.gpus and find_vllm() and (Path(weights) / "config.json").is_file()):
        show.sentence(
            "this needs an NVIDIA GPU, vLLM (deploy/vllm/install.sh, or TWIN_VLLM) and TWIN_GEMMA, a folder "
            "with the config.json and the tokenizer of google/gemma-3-12b-it; at least one is not here"
        )
        return 1
    figures: dict[str, float] = {}
    for quantisation in ("none", "fp8"):
        figures |= asyncio.run(measure(machine, weights, quantisation, quick=options.quick))
    conditions = {"gpu": machine.gpus[0].name, "model": weights, "weights": "dummy", "quick": options.quick}
    if options.json:
        print(json.dumps({"figures": figures, "conditions": conditions}))
    else:
        show.table("Gemma 3 on a GPU", ("figure", ""), list(figures.items()))
    return 0


async def measure(machine: Machine, weights: str, quantisation: str, *, quick: bool) -> dict[str, float]:
    settings = ServingSettings(quantisation=quantisation)
    figures: dict[str, float] = {}
    choice = choose(machine, facts_of(weights), settings, rank=16, replicas=1)
    choice = replace(choice, flags=(*choice.flags, "--load-format", "dummy"))
    with tempfile.TemporaryDirectory() as folder, show.progress(f"vLLM, {quantisation}") as on_progress:
        base = _without_weights(Path(weights), Path(folder) / "base")
        random_adapters(Path(folder), base, ["lora"])
        log = Path(folder) / "log"
        server = ModelServer(base, name="gemma", engine="vllm", log_path=log, choice=choice)
        client: ModelClient | None = None
        try:
            await server.start(on_progress)
            client = ModelClient(server.url)
            await client.load_adapter("lora", Path(folder) / "lora")
            for count in AT_ONCE[:2] if quick else AT_ONCE:
                for model in ("gemma", "lora"):
                    name = f"{'bf16' if quantisation == 'none' else quantisation}_{model}_c{count}"
                    figures |= await _at_once(client, model, count, name, 64 if quick else 256)
        finally:
            if client:
                await client.aclose()
            await server.stop()
    return figures


def _without_weights(model: Path, folder: Path) -> Path:
    """The same model, as far as vLLM looks when it makes the weights up; no file of weights is read."""
    folder.mkdir()
    for file in model.glob("*"):
        if file.is_file() and file.suffix != ".safetensors" and "index" not in file.name:
            (folder / file.name).symlink_to(file.resolve())
    (folder / "model.safetensors").touch()
    return folder


async def _at_once(client: ModelClient, model: str, count: int, name: str, tokens: int) -> dict[str, Any]:
    sampling = Sampling(temperature=1.0, max_tokens=tokens)
    await client.chat(model, PROMPT, sampling)  # warm
    began = time.perf_counter()
    done = await asyncio.gather(*(client.chat(model, PROMPT, sampling) for _ in range(2 * count)))
    took = time.perf_counter() - began
    return {
        f"tokens_per_s_{name}": round(sum(one.completion_tokens for one in done) / took, 1),
        f"ttft_ms_{name}": round(statistics.median(one.first_token_ms for one in done), 1),
    }


if __name__ == "__main__":
    sys.exit(main())
