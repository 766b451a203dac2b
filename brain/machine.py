"""What is this machine, as far as a model server cares? Looked up without torch, which we never import."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass

ASK = ("--query-gpu=name,memory.total,compute_cap", "--format=csv,noheader,nounits")


@dataclass(frozen=True, slots=True)
class Gpu:
    name: str
    memory: int  # bytes
    capability: float  # 8.0 Ampere, 8.9 Ada, 9.0 Hopper


@dataclass(frozen=True, slots=True)
class Machine:
    gpus: tuple[Gpu, ...] = ()


def this_machine() -> Machine:
    """Without nvidia-smi, or when it fails, there is no GPU."""
    smi = shutil.which("nvidia-smi")
    if smi is None:
        return Machine()
    try:
        asked = subprocess.run([smi, *ASK], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return Machine()
    return Machine(read_gpus(asked.stdout) if asked.returncode == 0 else ())


def read_gpus(lines: str) -> tuple[Gpu, ...]:
    """From nvidia-smi: a line each, "NVIDIA H100, 81559, 9.0"; lines that are no GPU are passed over."""
    found = []
    for line in lines.splitlines():
        name, *figures = [part.strip() for part in line.rsplit(",", 2)]
        try:
            mebibytes, capability = map(float, figures)
        except ValueError:
            continue
        found.append(Gpu(name, int(mebibytes * 2**20), capability))
    return tuple(found)
