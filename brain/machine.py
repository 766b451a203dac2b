"""What is this machine, as far as a model server cares? Looked up without torch, which we never import."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

ASK = ("--query-gpu=name,memory.total,compute_cap", "--format=csv,noheader,nounits")


@dataclass(frozen=True, slots=True)
class Gpu:
    name: str
    memory: int  # bytes
    capability: float  # 8.0 Ampere, 8.9 Ada, 9.0 Hopper


@dataclass(frozen=True, slots=True)
class Machine:
    """`ids`: what CUDA_VISIBLE_DEVICES calls them; empty: 0, 1, 2 ..."""

    gpus: tuple[Gpu, ...] = ()
    ids: tuple[str, ...] = ()

    def some(self, first: int, count: int) -> tuple[str, ...]:
        """The ids of so many of them."""
        return (self.ids or tuple(map(str, range(len(self.gpus)))))[first : first + count]


def this_machine(environment: Mapping[str, str] = os.environ) -> Machine:
    """The GPUs we may use. Without nvidia-smi, or when it fails, there is none."""
    smi, allowed = shutil.which("nvidia-smi"), environment.get("CUDA_VISIBLE_DEVICES")
    ids = tuple(one.strip() for one in (allowed or "").split(",") if one.strip())
    if smi is None or (allowed is not None and (not ids or "-1" in ids)):
        return Machine()
    which = ["--id=" + ",".join(ids)] if ids else []  # nvidia-smi by itself shows all there are
    try:
        asked = subprocess.run([smi, *ASK, *which], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return Machine()
    return Machine(read_gpus(asked.stdout), ids) if asked.returncode == 0 else Machine()


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
