"""Does Ray bear what it is there for: a worker that dies in a training, a node that dies under load?

    python -m benchmarks.ray [--quick] [--json]

Two nodes on this machine; deploy/ray/install.sh .venv-ray makes what they need, and nothing of them is left.
The very same supervised training and evaluation is done here and as a Ray Job over both nodes, where one of
the two workers is killed (-9) once a checkpoint is written. Compared with: the adapter and the gate's verdict
from here. Then two model servers answer many chats by one OpenAI URL while one of the nodes is killed whole.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import _ray_serving, _ray_training
from benchmarks._ray_cluster import NoRay
from twin import show

PARTS = ("training", "serving")


async def measure(
    folder: Path, quick: bool, on_progress: show.OnProgress, parts: tuple[str, ...] = PARTS
) -> dict[str, Any]:
    """The figures of both parts. Raises NoRay."""
    figures: dict[str, Any] = {}
    adapter = None
    if "training" in parts:
        figures |= await _ray_training.measure(folder, quick, on_progress)
        adapter = folder / "there" / "sft-1"
    if "serving" in parts:
        figures |= await _ray_serving.measure(adapter, quick, on_progress)
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ray", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less text, fewer chats")
    parser.add_argument("--only", choices=PARTS, help="one of the two parts")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    parts = (options.only,) if options.only else PARTS
    try:
        with tempfile.TemporaryDirectory() as folder, show.progress("Ray") as on_progress:
            figures = asyncio.run(measure(Path(folder), options.quick, on_progress, parts))
    except NoRay as missing:
        print(missing, file=sys.stderr)
        return 1
    conditions = {
        "machine": f"{platform.machine()}, {platform.system()}, {os.cpu_count()} CPUs, "
        f"Python {platform.python_version()}; load {os.getloadavg()[0]:.1f}",
        "cluster": "two nodes of two processors each by their own account, on one machine; Ray 2.60.0",
        "model": "pocket, on the embedded server",
        "quick": options.quick,
    }
    if options.json:
        print(json.dumps({"figures": figures, "conditions": conditions}))
    else:
        show.table("on Ray", ("what", "is"), list(figures.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
