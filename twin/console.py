"""What does every command need? The home and its settings, and problems told in words."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from twin import show
from twin.build import Stores, open_stores
from twin.errors import in_words
from twin.home import Home
from twin.settings import Settings, read_settings

T = TypeVar("T")
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of words.")]
Limit = Annotated[int, typer.Option(min=0, max=1_000_000_000, help="How many at the most.")]
Since = Annotated[datetime | None, typer.Option(help="Only what was said from then on (UTC).")]
Until = Annotated[datetime | None, typer.Option(help="Only what was said before then (UTC).")]
Recipe = Annotated[Path | None, typer.Option("--recipe", help="A TOML file that overrides the defaults.")]

_home = Home(Path("data"))


def at_home(
    home: Annotated[
        Path, typer.Option(envvar="TWIN_HOME", help="The folder that holds everything this twin owns.")
    ] = Path("data"),
) -> None:
    global _home
    _home = Home(home.expanduser().absolute())


def home() -> Home:
    return _home


def settings() -> Settings:
    with problems_in_words():
        _home.make()
        return read_settings(_home)
    raise AssertionError("unreachable")


@contextmanager
def problems_in_words() -> Iterator[None]:
    """What goes wrong in the world is told in words, exit code 1 or 2; a bug keeps its traceback."""
    try:
        yield
    except (KeyboardInterrupt, asyncio.CancelledError):
        show.sentence("stopped; what was done so far is kept")
        raise typer.Exit(130) from None
    except Exception as problem:
        if (told := in_words(problem)) is None:
            raise
        show.people.print(f"[bold red]✗[/] {show.escape(told.what)}")
        if told.advice:
            show.people.print(f"  {show.escape(told.advice)}")
        raise typer.Exit(told.exit_code) from None


def run(work: Coroutine[Any, Any, T]) -> T:
    with problems_in_words():
        return asyncio.run(_until_stopped(work))
    raise AssertionError("unreachable")


async def _until_stopped(work: Coroutine[Any, Any, T]) -> T:
    """SIGTERM stops it as Ctrl-C does, so that whatever it has begun is tidied up."""
    if task := asyncio.current_task():
        with suppress(RuntimeError, ValueError):  # signals are for a program's main thread only
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await work


def stored(work: Callable[[Stores], Awaitable[T]]) -> T:
    """What somebody wants of the database of this home."""

    async def opened() -> T:
        async with open_stores(_home, settings()) as stores:
            return await work(stores)

    return run(opened())


def wrote(count: int, what: str, path: Path, json: bool) -> None:
    if json:
        show.as_json({"written": count, "path": path})
    else:
        show.sentence(f"wrote {count} {what} to {path}")
