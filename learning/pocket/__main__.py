"""`python -m learning.pocket [CACHE_DIR]`: train the pocket model if it is missing, and say where it is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from learning.pocket import PocketUnavailable, default_cache_dir, ensure


def main() -> int:
    cache_dir = Path(sys.argv[1]) if len(sys.argv) > 1 else default_cache_dir()
    console = Console(stderr=True)
    try:
        with _progress(console) as tell:
            folder = ensure(cache_dir, tell)
    except PocketUnavailable as problem:
        console.print(str(problem), soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        return 130
    sys.stdout.write(f"{folder}\n")
    return 0


@contextmanager
def _progress(console: Console) -> Iterator[Callable[[float, str], None]]:
    """A bar; where nobody watches, a line at every tenth."""
    if console.is_terminal:
        name, words = TextColumn("pocket model"), TextColumn("{task.description}")
        with Progress(name, BarColumn(), TimeElapsedColumn(), words, console=console) as bar:
            task = bar.add_task("starting", total=1.0)
            yield lambda done, doing: bar.update(task, completed=done, description=doing)
            bar.update(task, completed=1.0, description="ready")
        return
    told = -1

    def tell(done: float, words: str) -> None:
        nonlocal told
        if int(10 * done) > told:
            told = int(10 * done)
            console.print(f"pocket model: {done:.0%} {words}", soft_wrap=True)

    yield tell


if __name__ == "__main__":
    sys.exit(main())
