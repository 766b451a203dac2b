"""The training page: runs, what they say, and recipes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Annotated

from fastapi import APIRouter, Path, Query

from api.handling import Handled
from api.paging import Cursor, Limit, moment_at, paged
from api.rules import Asking, allow
from api.shapes import training as shapes
from api.shapes.auth import Grade, Scope
from api.shapes.page import Page
from api.world import TheWorld, World
from storage.records import Run, RunState
from storage.runs import UnknownRun

router = APIRouter(route_class=Handled, prefix="/api", tags=["training"])

RunId = Annotated[str, Path(max_length=100)]
MOST_BYTES = 64_000  # of a log, at once
MOST_POINTS = 2_000  # of a curve
OVER = (RunState.PASSED, RunState.FAILED, RunState.CANCELLED)


@router.get("/runs", dependencies=[allow(Grade.VIEWER, Scope.READ)])
async def runs(
    world: TheWorld,
    limit: Limit = 50,
    cursor: Cursor = None,
    kind: Annotated[str | None, Query(max_length=40)] = None,
) -> Page[shapes.Run]:
    """Newest first."""
    found = await world.pages.runs(limit + 1, moment_at(cursor), kind)
    return paged(found, limit, lambda one: [one.created_at, one.id], lambda one: run_shown(world, one))


@router.get("/runs/kinds", dependencies=[allow(Grade.VIEWER, Scope.READ)])
async def kinds(world: TheWorld) -> Page[shapes.RunKind]:
    """What can be started."""
    return Page(items=list(world.workshop.kinds()))


@router.post("/runs", dependencies=[allow(Grade.TRAINER, Scope.TRAIN)], status_code=202)
async def start(new: shapes.NewRun, asking: Asking, world: TheWorld) -> shapes.Run:
    """Start one. It goes on whether anybody watches or not."""
    return run_shown(world, await world.workshop.start(new.kind, new.parameters, asking.name))


@router.get("/runs/{run_id}", dependencies=[allow(Grade.VIEWER, Scope.READ)])
async def one_run(run_id: RunId, world: TheWorld) -> shapes.Run:
    """How far is it, and what does it do?"""
    return run_shown(world, await _known(world, run_id))


@router.post("/runs/{run_id}/cancel", dependencies=[allow(Grade.TRAINER, Scope.TRAIN)])
async def cancel(run_id: RunId, asking: Asking, world: TheWorld) -> shapes.Run:
    """Stop it; nothing half-done is left behind."""
    await _known(world, run_id)
    return run_shown(world, await world.workshop.cancel(run_id, asking.name))


@router.get("/runs/{run_id}/log", dependencies=[allow(Grade.TRAINER, Scope.READ)])
async def log(
    run_id: RunId,
    world: TheWorld,
    after: Annotated[int | None, Query(ge=0, lt=2**53, description="`next` of the answer before")] = None,
) -> shapes.Log:
    """The end of its log; then, again and again, what has come since."""
    run = await _known(world, run_id)
    file = _log_of(world, run)
    text, end, size = await asyncio.to_thread(_tail, file, after) if file else ("", 0, 0)
    return shapes.Log(text=text, next=end, size=size, ended=run.state in OVER and end >= size)


@router.get("/runs/{run_id}/series", dependencies=[allow(Grade.VIEWER, Scope.READ)])
async def series(run_id: RunId, world: TheWorld) -> Page[shapes.Series]:
    """Its curves so far: loss, margins, whatever it measured on the way."""
    run = await _known(world, run_id)
    return Page(items=await asyncio.to_thread(_curves, world.runs_dir / run.id / "progress.jsonl"))


@router.get("/recipes", dependencies=[allow(Grade.VIEWER, Scope.READ)])
async def recipes(world: TheWorld) -> Page[shapes.Recipe]:
    """How each method trains here, and what can be set."""
    return Page(items=list(await world.workshop.recipes()))


def run_shown(world: World, run: Run) -> shapes.Run:
    shown = shapes.Run.model_validate(run)
    shown.has_log = _log_of(world, run) is not None
    return shown


async def _known(world: World, run_id: str) -> Run:
    run = await world.runs.get(run_id)
    if run is None:
        raise UnknownRun(run_id)
    return run


def _log_of(world: World, run: Run) -> FilePath | None:
    for path in (FilePath(run.log_path or ""), world.runs_dir / run.id / "worker.log"):
        if path.is_file():
            return path
    return None


def _tail(path: FilePath, after: int | None) -> tuple[str, int, int]:
    """Text, where it ends, and how large the file is; whole lines where it begins in the middle."""
    size = path.stat().st_size
    begin = max(0, size - MOST_BYTES) if after is None or after > size else after
    with path.open("rb") as file:
        file.seek(begin)
        data = file.read(MOST_BYTES)
    if after is None and begin:
        begin, data = begin + data.find(b"\n") + 1, data[data.find(b"\n") + 1 :]
    return data.decode("utf-8", "replace"), begin + len(data), size


def _curves(path: FilePath) -> list[shapes.Series]:
    curves: dict[str, list[shapes.Point]] = {}
    for number, metrics in enumerate(_metrics(path)):
        step = metrics.get("update", metrics.get("step_number", number))
        for name, value in metrics.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                at = int(step) if isinstance(step, int | float) else number
                curves.setdefault(name, []).append(shapes.Point(step=at, value=float(value)))
    return [shapes.Series(name=name, points=_thinned(points)) for name, points in curves.items()]


def _metrics(path: FilePath) -> Iterator[dict[str, object]]:
    if not path.is_file():
        return
    with path.open("rb") as lines:
        for line in lines:
            try:
                yield dict(json.loads(line)["metrics"])
            except (ValueError, KeyError, TypeError):
                continue  # a line that is being written


def _thinned(points: list[shapes.Point]) -> list[shapes.Point]:
    step = -(-len(points) // MOST_POINTS)
    return points[::step] if step > 1 else points
