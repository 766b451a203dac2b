"""How is real vLLM started? Where it is, its command line and its environment."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from brain.serving_choice import NEEDS, Choice

PROJECT = Path(__file__).parents[1]
WHAT_TRACING_NEEDS = """
import opentelemetry.exporter.otlp.proto.grpc.trace_exporter
import opentelemetry.exporter.otlp.proto.http.trace_exporter
import opentelemetry.sdk.trace.export
"""  # vLLM's own list, in its tracing/otel.py: without any of them it refuses to start
WHERE = {"vllm-bnb-plugin": "vllm_bnb_plugin", "arctic-inference": "arctic_inference"}  # what is imported
WHICH_ARE_MISSING = """
import importlib.util, sys
print(*(name for name in sys.argv[1:] if importlib.util.find_spec(name) is None))
"""


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


async def can_trace(executable: Path) -> bool:
    """Whether that vLLM has what it needs for spans of its own. Takes a second: a Python is started."""
    try:
        process = await asyncio.create_subprocess_exec(
            *(str(python_of(executable)), "-c", WHAT_TRACING_NEEDS),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError:
        return False
    return await process.wait() == 0


def lacks(executable: Path) -> frozenset[str]:
    """What that vLLM cannot do, of what needs another package beside it. Starts a Python, for a moment."""
    asked = [str(python_of(executable)), "-c", WHICH_ARE_MISSING, *WHERE.values()]
    try:
        told = subprocess.run(asked, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return frozenset()  # then vLLM itself says so when it starts
    missing = told.stdout.split()
    return frozenset(method for method, package in NEEDS.items() if WHERE[package] in missing)


def python_of(executable: Path) -> Path:
    """vLLM's own Python: the one in its first line, else the one beside it."""
    with executable.open("rb") as script:
        first = script.readline(512)
    named = first.removeprefix(b"#!").decode(errors="replace").split()
    if first.startswith(b"#!") and named and "python" in Path(named[0]).name:
        return Path(named[0])
    return executable.resolve().with_name("python")


def vllm_command(
    executable: Path, weights: str, *, name: str, port: int, choice: Choice, traces: str | None = None
) -> list[str]:
    """vLLM has no authentication worth the name, so it listens to this machine only, always.

    `traces`: who collects them, over HTTP.
    """
    command = [str(executable), "serve", weights, "--served-model-name", name]
    command += ["--host", "127.0.0.1", "--port", str(port), "--generation-config", "vllm"]
    command += ["--otlp-traces-endpoint", traces] if traces else []
    return [*command, *choice.flags]


def vllm_environment(choice: Choice, gpus: Sequence[int | str] = (), traces: bool = False) -> dict[str, str]:
    """What is added to the environment. VLLM_CPU_KVCACHE_SPACE must stay unset: it overrides the flag."""
    added = {"VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True", "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
    if traces:  # vLLM would speak gRPC, and our own collector's address is one for HTTP
        added |= {"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf", "OTEL_SERVICE_NAME": "vllm"}
    added |= dict(choice.environment)
    if gpus:
        added["CUDA_VISIBLE_DEVICES"] = ",".join(map(str, gpus))
    if not choice.gpus_each:
        # One process and one thread; and no compiler, which the first request would wait for.
        added |= {"VLLM_ENABLE_V1_MULTIPROCESSING": "0", "OMP_NUM_THREADS": "1", "TORCHDYNAMO_DISABLE": "1"}
    return added
