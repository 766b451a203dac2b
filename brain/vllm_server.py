"""How is real vLLM started? Its flags and environment, on a GPU and on a CPU."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[1]
LORA_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)  # what vLLM has kernels for
USUAL_RANK = 16  # what the recipes train unless told otherwise
LONGEST = 8192  # tokens in prompt and answer together: plenty for a chat, and the cache stays small
CPU_CACHE_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What the flags depend on."""

    max_length: int = LONGEST
    float32: bool = False


def has_gpu() -> bool:
    """Looked up without torch, which this process never imports."""
    return Path("/proc/driver/nvidia/version").exists()


def find_vllm(environment: Mapping[str, str] = os.environ, project: Path = PROJECT) -> Path | None:
    """TWIN_VLLM, else the virtual environment beside the project, else the PATH."""
    beside = project / ".venv-vllm" / "bin" / "vllm"
    if chosen := environment.get("TWIN_VLLM"):
        return Path(chosen) if Path(chosen).is_file() else None
    if beside.is_file():
        return beside
    found = shutil.which("vllm", path=environment.get("PATH"))
    return Path(found) if found else None


def facts_of(weights: str) -> ModelFacts:
    """Read from a model folder; a hub id is taken for a usual Gemma."""
    file = Path(weights) / "config.json"
    if not file.is_file():
        return ModelFacts()
    config = json.loads(file.read_text(encoding="utf-8"))
    text = config.get("text_config") or config
    dtype = config.get("dtype") or config.get("torch_dtype") or text.get("dtype")
    return ModelFacts(min(LONGEST, text.get("max_position_embeddings", LONGEST)), dtype == "float32")


def highest_rank(adapters: Path | None) -> int:
    """The rank vLLM must make room for, so that every adapter below this folder can be loaded."""
    ranks = [USUAL_RANK]
    for file in sorted(adapters.glob("*/adapter_config.json")) if adapters else []:
        try:
            ranks.append(int(json.loads(file.read_text(encoding="utf-8"))["r"]))
        except (ValueError, KeyError, TypeError):
            continue  # a broken folder is refused when somebody wants to load it
    return next((rank for rank in LORA_RANKS if rank >= max(ranks)), LORA_RANKS[-1])


def vllm_command(
    executable: Path,
    weights: str,
    *,
    name: str,
    port: int,
    gpu: bool,
    facts: ModelFacts,
    max_lora_rank: int,
    max_loras: int = 8,
) -> list[str]:
    command = [str(executable), "serve", weights, "--served-model-name", name]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    command += ["--max-model-len", str(facts.max_length), "--generation-config", "vllm"]
    command += ["--enable-lora", "--max-lora-rank", str(max_lora_rank)]
    # Adapters beyond the slots wait in memory. On a CPU there must be a slot for each: once the last slot is
    # taken, vLLM 0.32 answers requests for the base with that adapter when others are in the same batch.
    waiting = 8 * max_loras
    command += ["--max-loras", str(max_loras if gpu else waiting), "--max-cpu-loras", str(waiting)]
    if facts.float32:
        command += ["--dtype", "float32"]
    if not gpu:
        command += ["--enforce-eager", "--max-num-seqs", "32"]
        command += ["--kv-cache-memory-bytes", str(CPU_CACHE_BYTES)]
    return command


def vllm_environment(*, gpu: bool) -> dict[str, str]:
    """What is added to the environment. VLLM_CPU_KVCACHE_SPACE must stay unset: it overrides the flag."""
    added = {"VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True", "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
    if not gpu:
        # One process and one thread; and no compiler, which the first request would wait for.
        added |= {"VLLM_ENABLE_V1_MULTIPROCESSING": "0", "OMP_NUM_THREADS": "1", "TORCHDYNAMO_DISABLE": "1"}
    return added
