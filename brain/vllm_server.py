"""How is real vLLM started? Where it is, its command line and its environment."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from brain.serving_choice import Choice

PROJECT = Path(__file__).parents[1]


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


def vllm_command(executable: Path, weights: str, *, name: str, port: int, choice: Choice) -> list[str]:
    """vLLM has no authentication worth the name, so it listens to this machine only, always."""
    command = [str(executable), "serve", weights, "--served-model-name", name]
    command += ["--host", "127.0.0.1", "--port", str(port), "--generation-config", "vllm"]
    return [*command, *choice.flags]


def vllm_environment(choice: Choice, gpus: Sequence[int] = ()) -> dict[str, str]:
    """What is added to the environment. VLLM_CPU_KVCACHE_SPACE must stay unset: it overrides the flag."""
    added = {"VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True", "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
    added |= dict(choice.environment)
    if gpus:
        added["CUDA_VISIBLE_DEVICES"] = ",".join(map(str, gpus))
    if not choice.gpus_each:
        # One process and one thread; and no compiler, which the first request would wait for.
        added |= {"VLLM_ENABLE_V1_MULTIPROCESSING": "0", "OMP_NUM_THREADS": "1", "TORCHDYNAMO_DISABLE": "1"}
    return added
