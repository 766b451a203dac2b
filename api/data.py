"""The data page: records, sources, uploads, snapshots, and names to review."""

from __future__ import annotations

import asyncio
import re
import secrets
import shutil
from datetime import datetime
from pathlib import Path as FilePath
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query, Request
from starlette.requests import ClientDisconnect

from api.handling import Handled
from api.inbox import aware
from api.paging import Cursor, Limit, moment_at, paged
from api.problems import Refused, missing
from api.rules import Asking, allow
from api.shapes import data as shapes
from api.shapes.auth import Grade, Scope
from api.shapes.page import Done, Page
from api.shapes.training import Run
from api.training import run_shown
from api.world import TheWorld
from storage.records import Kind

router = APIRouter(route_class=Handled, prefix="/api", tags=["data"])

Name = Annotated[str, Path(max_length=300)]
SYNCED = "synced"  # the cursors that say how each source went the last time


@router.get("/records", dependencies=[allow(Grade.OWNER, Scope.READ)])
async def records(
    world: TheWorld,
    limit: Limit = 50,
    cursor: Cursor = None,
    source: Annotated[str | None, Query(max_length=60)] = None,
    tag: Annotated[str | None, Query(max_length=60)] = None,
    kind: Kind | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    by_owner: bool | None = None,
    audience: Annotated[str | None, Query(max_length=300)] = None,
    saying: Annotated[str | None, Query(max_length=200)] = None,
) -> Page[shapes.Record]:
    """What was ingested, newest first, pseudonymised."""
    found = await world.pages.records(
        limit + 1,
        moment_at(cursor),
        source=source,
        tag=tag,
        kind=kind,
        since=aware(since),
        until=aware(until),
        by_owner=by_owner,
        audience=audience,
        saying=saying,
    )
    return paged(found, limit, lambda one: [one.said_at, one.id], shapes.Record.model_validate)


@router.get("/records/{record_id}", dependencies=[allow(Grade.OWNER, Scope.READ)])
async def record(record_id: Name, world: TheWorld) -> shapes.Record:
    """One record."""
    found = await world.records.get(record_id)
    if found is None:
        raise missing("record", record_id)
    return shapes.Record.model_validate(found)


@router.put("/records/{record_id}/tags", dependencies=[allow(Grade.OWNER, Scope.MANAGE)])
async def tag(record_id: Name, given: shapes.Tags, world: TheWorld) -> Done:
    """Say what it is about; texts that nearly say the same follow it."""
    if await world.records.get(record_id) is None:
        raise missing("record", record_id)
    return Done(told=await world.workshop.tag(record_id, given.tags))


@router.get("/sources", dependencies=[allow(Grade.VIEWER, Scope.READ)])
async def sources(world: TheWorld) -> Page[shapes.Source]:
    """Where records come from, how far each was read, and how it went the last time."""
    counted = {one.name: one for one in await world.pages.sources()}
    configured = set(await world.workshop.configured_sources())
    outcomes = {one.container: one for one in await world.cursors.all(SYNCED)}
    items = []
    for name in sorted({*counted, *configured}):
        kept = counted.get(name)
        last = next((one for key, one in outcomes.items() if key.split(" ")[0] == name), None)
        items.append(
            shapes.Source(
                name=name,
                records=kept.records if kept else 0,
                first_at=kept.first_at if kept else None,
                last_at=kept.last_at if kept else None,
                configured=name in configured,
                cursors=[shapes.SourceCursor.model_validate(one) for one in await world.cursors.all(name)],
                last=dict(last.value) | {"at": last.updated_at.isoformat()} if last else None,
            )
        )
    return Page(items=items)


@router.get("/sources/kinds", dependencies=[allow(Grade.VIEWER, Scope.READ)])
async def source_kinds(world: TheWorld) -> Page[shapes.SourceKind]:
    """As what an export can be uploaded; "auto" finds out."""
    return Page(items=[shapes.SourceKind(name=name) for name in ("auto", *world.workshop.source_kinds())])


@router.post(
    "/uploads",
    dependencies=[allow(Grade.OWNER, Scope.MANAGE)],
    status_code=202,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/octet-stream": {
                    "schema": {"type": "string", "format": "binary"},
                    "example": '{"name": "Ana", "type": "personal_chat", "id": 8101, "messages": []}',
                }
            },
        }
    },
)
async def upload(
    request: Request,
    asking: Asking,
    world: TheWorld,
    name: Annotated[str, Query(min_length=1, max_length=200, description="the file's own, for its ending")],
    source: Annotated[str, Query(max_length=60)] = "auto",
) -> Run:
    """Send an export as the body itself; it is read as a run, whose metrics have the ledger."""
    if source != "auto" and source not in world.workshop.source_kinds():
        raise missing("source", source)
    folder = world.uploads / secrets.token_hex(8)
    file = folder / (re.sub(r"[^\w.() -]", "_", FilePath(name).name).strip(". ") or "export")
    try:
        await asyncio.to_thread(folder.mkdir, parents=True)
        size = 0
        with await asyncio.to_thread(file.open, "wb") as out:
            async for chunk in request.stream():
                size += len(chunk)
                if size > world.settings.upload_mb * 1_000_000:
                    raise HTTPException(413, f"at most {world.settings.upload_mb} MB; see [api] upload_mb")
                await asyncio.to_thread(out.write, chunk)
        if not size:
            raise Refused("the file is empty", status=422)
        return run_shown(world, await world.workshop.ingest(source, file, asking.name))
    except ClientDisconnect:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        raise HTTPException(400, "the upload broke off") from None
    except BaseException:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        raise


@router.get("/corpora", dependencies=[allow(Grade.VIEWER, Scope.READ)])
async def corpora(world: TheWorld) -> Page[shapes.Corpus]:
    """Training snapshots, newest first. `POST /api/runs` with kind `corpus` makes one."""
    return Page(items=list(await world.workshop.corpora())[::-1])


@router.get("/corpora/{corpus_id}", dependencies=[allow(Grade.VIEWER, Scope.READ)])
async def corpus(corpus_id: Name, world: TheWorld) -> shapes.OneCorpus:
    """Its data card."""
    found = next((one for one in await world.workshop.corpora() if one.id == corpus_id), None)
    if found is None:
        raise missing("snapshot", corpus_id)
    card = await world.workshop.data_card(corpus_id)
    return shapes.OneCorpus(**found.model_dump(), card=dict(card))


@router.get("/review", dependencies=[allow(Grade.OWNER, Scope.READ)])
async def review(world: TheWorld) -> Page[shapes.Stranger]:
    """Names that nobody known answers to, the most frequent first."""
    return Page(items=list(await world.workshop.strangers()))


@router.post("/review/{name}", dependencies=[allow(Grade.OWNER, Scope.MANAGE)])
async def decide(name: Name, given: shapes.Decide, world: TheWorld) -> Done:
    """A person: from now on they are pseudonymised, in what is kept, too."""
    return Done(told=await world.workshop.decide(name, given.verdict))
