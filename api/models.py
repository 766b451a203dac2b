"""The models page: adapters and their lineage, what was measured, and what answers."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query

from api.figures import evaluation_of, side_by_side
from api.handling import Handled
from api.paging import Cursor, Limit, moment_at, number_at, paged
from api.preview import preview
from api.problems import Refused
from api.rules import Asking, allow
from api.shapes import models as shapes
from api.shapes.auth import Grade, Scope
from api.shapes.page import Done, Page
from api.shapes.training import Run
from api.training import run_shown
from api.world import TheWorld, World
from storage.adapters import UnknownAdapter
from storage.records import Adapter

router = APIRouter(route_class=Handled, prefix="/api", tags=["models"])

Version = Annotated[str, Path(max_length=100)]


@router.get("/adapters", dependencies=[allow(Grade.VIEWER, Scope.READ)])
async def adapters(world: TheWorld, limit: Limit = 200, cursor: Cursor = None) -> Page[shapes.Adapter]:
    """Newest first; `parent` makes them a tree."""
    found = await world.pages.adapters(limit + 1, moment_at(cursor))
    return paged(found, limit, lambda one: [one.created_at, one.version], _shown)


@router.get("/adapters/answering", dependencies=[allow(Grade.VIEWER, Scope.READ)])
async def answering(world: TheWorld) -> shapes.Answering:
    """Who answers people now?"""
    live, canary = await world.adapters.answering()
    return shapes.Answering(
        live=live.version if live else None,
        canary=canary.version if canary else None,
        share=canary.share if canary else None,
        base_model=world.base_model,
        sees=world.talk.sees,
    )


@router.get("/adapters/{version}", dependencies=[allow(Grade.VIEWER, Scope.READ)])
async def one_adapter(version: Version, world: TheWorld) -> shapes.OneAdapter:
    """Everything about one adapter, its evaluation too."""
    adapter = await _known(world, version)
    children = [one.version for one in await world.adapters.all() if one.parent == version]
    return shapes.OneAdapter(
        **_shown(adapter).model_dump(),
        path=adapter.path,
        sha256=adapter.sha256,
        recipe=dict(adapter.recipe),
        evaluation=evaluation_of(adapter),
        children=children,
    )


@router.get("/evaluations", dependencies=[allow(Grade.VIEWER, Scope.READ)])
async def evaluations(
    world: TheWorld,
    versions: Annotated[list[str], Query(min_length=1, max_length=10, description="repeat it")],
) -> shapes.SideBySide:
    """What was measured of several adapters, beside each other."""
    return side_by_side([await _known(world, version) for version in versions])


@router.post(
    "/adapters/{version}/evaluate", dependencies=[allow(Grade.TRAINER, Scope.TRAIN)], status_code=202
)
async def evaluate(version: Version, given: shapes.Against, asking: Asking, world: TheWorld) -> Run:
    """Measure it thoroughly, as a run."""
    await _known(world, version)
    parameters = {"version": version} | ({"against": given.against} if given.against else {})
    run = await world.workshop.start("evaluate", parameters, asking.name)
    return run_shown(world, run)


@router.get("/changes/preview", dependencies=[allow(Grade.VIEWER, Scope.READ)])
async def change(
    world: TheWorld,
    action: Literal["promote", "canary", "rollback"],
    version: Annotated[str | None, Query(max_length=100)] = None,
    share: Annotated[float | None, Query(gt=0, lt=1, description="none: what the settings say")] = None,
) -> shapes.Change:
    """What would change? To be shown before it is done."""
    if action != "rollback" and version is None:
        raise Refused(f"which adapter is to be the {action}?", "send `version`", status=422)
    adapter = await _known(world, version) if version and action != "rollback" else None
    return await preview(world, action, adapter, share or world.trial_share)


@router.post("/adapters/{version}/promote", dependencies=[allow(Grade.OWNER, Scope.TRAIN)])
async def promote(version: Version, asking: Asking, world: TheWorld) -> Done:
    """Let this one answer, after checking its folder and probing it on the servers."""
    await _known(world, version)
    return Done(told=await world.workshop.promote(version, None, asking.name))


@router.post("/adapters/{version}/canary", dependencies=[allow(Grade.OWNER, Scope.TRAIN)])
async def canary(version: Version, given: shapes.Canary, asking: Asking, world: TheWorld) -> Done:
    """Let this one answer some of the chats, always the same ones."""
    await _known(world, version)
    return Done(told=await world.workshop.promote(version, given.share or world.trial_share, asking.name))


@router.post("/rollback", dependencies=[allow(Grade.OWNER, Scope.TRAIN)])
async def roll_back(given: shapes.Why, world: TheWorld) -> shapes.Promotion:
    """End the canary; without one, back to what answered before. It counts from the next message on."""
    return shapes.Promotion.model_validate(await world.adapters.roll_back(given.why))


@router.get("/promotions", dependencies=[allow(Grade.VIEWER, Scope.READ)])
async def promotions(world: TheWorld, limit: Limit = 50, cursor: Cursor = None) -> Page[shapes.Promotion]:
    """Every change of what answers, newest first."""
    found = await world.pages.promotions(limit + 1, number_at(cursor))
    return paged(found, limit, lambda one: one.id, shapes.Promotion.model_validate)


async def _known(world: World, version: str) -> Adapter:
    adapter = await world.adapters.get(version)
    if adapter is None:
        raise UnknownAdapter(version)
    return adapter


def _shown(adapter: Adapter) -> shapes.Adapter:
    verdict = (adapter.report or {}).get("verdict") or {}
    return shapes.Adapter(
        version=adapter.version,
        base_model=adapter.base_model,
        method=adapter.method,
        created_at=adapter.created_at,
        parent=adapter.parent,
        state=adapter.state,
        reasons=list(adapter.reasons),
        canary_share=adapter.canary_share,
        canary_since=adapter.canary_since,
        corpus=adapter.corpus,
        samples=len(adapter.lineage),
        evaluated=bool((adapter.report or {}).get("models")),
        passed=verdict.get("passed"),
    )
