"""`python -m benchmarks [--quick] [--json]`: every benchmark, one after the other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main() -> int:
    names = sorted(file.stem for file in HERE.glob("*.py") if not file.stem.startswith("_"))
    codes = [
        subprocess.call([sys.executable, "-m", f"benchmarks.{name}", *sys.argv[1:]], cwd=HERE.parent)
        for name in names
    ]
    return max(codes, default=0)


if __name__ == "__main__":
    sys.exit(main())
