"""Where do adapters for a benchmark come from? Random ones, made by a process of its own: torch stays there.

python -m benchmarks._serving_adapters FOLDER BASE NAME...
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]


def random_adapters(folder: Path, base: Path, names: Sequence[str]) -> None:
    """Each changes what the base says, in its own way."""
    command = [sys.executable, "-m", "benchmarks._serving_adapters", str(folder), str(base), *names]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "tests"))
    from tiny_gemma import make_adapter

    for seed, name in enumerate(sys.argv[3:]):
        make_adapter(Path(sys.argv[1]) / name, Path(sys.argv[2]), seed=seed, strength=0.3)
