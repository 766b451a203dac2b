"""`python -m learning.pocket [CACHE_DIR]`: train the pocket model if it is missing, and say where it is."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from learning.pocket import PocketUnavailable, default_cache_dir, ensure


def main() -> int:
    cache_dir = Path(sys.argv[1]) if len(sys.argv) > 1 else default_cache_dir()
    columns = TextColumn("pocket model"), BarColumn(), TimeElapsedColumn(), TextColumn("{task.description}")
    try:
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task("starting", total=1.0)
            folder = ensure(
                cache_dir, lambda done, words: bar.update(task, completed=done, description=words)
            )
            bar.update(task, completed=1.0, description="ready")
    except PocketUnavailable as problem:
        Console(stderr=True).print(str(problem), soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        return 130
    sys.stdout.write(f"{folder}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
