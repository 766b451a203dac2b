"""The commands about what happens by itself: the schedule, and the runs that come of it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from storage.records import Run
from twin import show
from twin.console import Limit, home, problems_in_words, settings, stored
from twin.errors import Told

runs_app = typer.Typer(help="What was done and is to be done by itself.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of words.")]


@runs_app.command("list")
def runs_list(
    kind: Annotated[str | None, typer.Option(help="learn, retrain, evaluate, sync, backup, forget.")] = None,
    limit: Limit = 20,
    json: AsJson = False,
) -> None:
    """What was done and what waits, newest first."""

    found = stored(lambda stores: stores.runs.all(limit=limit, kind=kind))
    if json:
        show.as_json(found)
        return
    rows = [
        (run.id, run.key or run.kind, run.state, f"{run.progress:.0%}", _minute(run), _about(run))
        for run in found
    ]
    show.table("runs", ("id", "what", "state", "", "since (UTC)", "about"), rows)


@runs_app.command("show")
def runs_show(
    run_id: Annotated[str, typer.Argument(help="The id, from 'twin runs list'.")], json: AsJson = False
) -> None:
    """Everything about one run."""

    run = _known(stored(lambda stores: stores.runs.get(run_id)), run_id)
    if json:
        show.as_json(run)
    else:
        rows = [(name, getattr(run, name)) for name in run.__slots__ if getattr(run, name) not in (None, {})]
        show.table(run.id, ("what", "is"), rows)


@runs_app.command("cancel")
def runs_cancel(
    run_id: Annotated[str, typer.Argument(help="The id, from 'twin runs list'.")], json: AsJson = False
) -> None:
    """Stop one that runs, within seconds, or take one that waits out of the queue."""
    from storage.runs import UnknownRun

    async def work(stores: Any) -> Run | None:
        try:
            run: Run = await stores.runs.cancel(run_id, "terminal")
            return run
        except UnknownRun:
            return None

    run = _known(stored(work), run_id)
    if json:
        show.as_json(run)
    elif run.cancelled_by and run.finished_at is None:
        show.sentence(f"{run.id} stops in a moment")
    else:
        show.sentence(f"{run.id} is {run.state}")


def schedule(json: AsJson = False) -> None:
    """What happens next by the clock, how it went last, and why nothing is learned now."""
    from twin.schedule_status import status_of

    status = stored(lambda stores: status_of(home(), settings(), stores))
    if json:
        show.as_json(status.as_json())
        return
    rows = [(line.job, status.when(line.next_at), status.last(line)) for line in status.lines]
    show.table("schedule, in the owner's time", ("job", "next", "last"), rows)
    if not status.alive:
        show.sentence("no 'twin up' keeps the schedule now")
    show.sentence(status.learning())


def _known(run: Run | None, run_id: str) -> Run:

    with problems_in_words():
        if run is None:
            raise Told(f"there is no run '{run_id}'", "'twin runs list' names them", exit_code=2)
    assert run is not None
    return run


def _minute(run: Run) -> str:
    return f"{run.started_at or run.created_at:%Y-%m-%d %H:%M}"


def _about(run: Run) -> str:
    return (
        run.error or "; ".join(map(str, run.metrics.get("reasons", ()))) or str(run.metrics.get("doing", ""))
    )
