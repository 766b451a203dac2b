"""Is it alive, is it ready, and how is every part? For machines and for people."""

from __future__ import annotations

import asyncio
import time

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from api.figures_now import Counted, collected
from api.handling import Handled
from api.rules import allow, anybody
from api.shapes import pulse as shapes
from api.shapes.auth import Grade, Scope
from api.world import TheWorld
from storage.unavailable import DatabaseUnavailable

FIGURES = '# TYPE twin_replies_total counter\ntwin_replies_total{adapter="dpo-2"} 31.0\n'

router = APIRouter(route_class=Handled, tags=["health"])

PATIENCE_SECONDS = 3.0


@router.get("/healthz", dependencies=[anybody()])
async def live() -> shapes.Ready:
    """This process answers."""
    return shapes.Ready(ready=True)


@router.get("/readyz", dependencies=[anybody()], responses={503: {"model": shapes.Ready}})
async def ready(world: TheWorld, response: Response) -> shapes.Ready:
    """The database answers, and so does a model server where this process has one."""
    why = ""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await world.pulse.waiting()
            if world.talk.has_brain and not await world.talk.brain.awake():
                why = "no model server answers"
    except (DatabaseUnavailable, TimeoutError) as problem:
        why = str(problem) or "the database does not answer in time"
    response.status_code = 503 if why else 200
    return shapes.Ready(ready=not why, why=why)


@router.get("/api/health", dependencies=[allow(Grade.VIEWER, Scope.READ)])
async def deep(world: TheWorld) -> shapes.Health:
    """Every part, with what to do where one is not well. `twin doctor` says the same."""
    began = time.perf_counter()
    waiting, drafts = await world.pulse.waiting()
    took = round(1000 * (time.perf_counter() - began), 1)
    here = shapes.Component(
        name="database here", well=True, found=f"{waiting} waiting, {drafts} drafts", ms=took
    )
    components = [here, *await world.workshop.examine()]
    return shapes.Health(
        well=all(one.well for one in components),
        components=components,
        version=world.version,
        up_since=world.up_since,
    )


@router.get(
    "/metrics",
    dependencies=[allow(Grade.VIEWER, Scope.READ)],
    response_class=PlainTextResponse,
    responses={200: {"content": {"text/plain": {"example": FIGURES}}}},
)
async def metrics(world: TheWorld) -> Response:
    """Figures in Prometheus' format; it sends a token as its bearer. The model servers' too: nobody but the
    brain can reach them."""
    registry: CollectorRegistry = await collected(world)
    registry.register(Counted())
    servers = await world.talk.brain.figures_of_servers() if world.talk.has_brain else ""
    return Response(generate_latest(registry) + servers.encode(), media_type=CONTENT_TYPE_LATEST)
