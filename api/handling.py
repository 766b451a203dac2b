"""What happens around every route? Answers that did not change are not sent again (ETag), and a write that is
sent twice under one Idempotency-Key is done once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.routing import APIRoute

from api.rules import NOBODY, RULES, SAFE
from api.who import identify
from api.world import World

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
LONGEST_KEY = 200


class Handled(APIRoute):
    """The routes of `api/`. Writes are noted in the audit log, with how they ended."""

    def get_route_handler(self) -> Handler:
        handler = super().get_route_handler()

        depends: Any = self.dependant
        rule = next(filter(None, (RULES.get(one.call) for one in depends.dependencies)), None)

        async def known(request: Request) -> Response:
            """Before anything of a stranger's body is read."""
            if rule and rule.grade and await identify(request, request.app.state.world) is None:
                raise HTTPException(401, NOBODY, {"WWW-Authenticate": "Bearer"})
            return await handler(request)

        async def handle(request: Request) -> Response:
            if request.method in SAFE:
                return _tagged(request, await handler(request))
            return await _once(request, known, self.path)

        return handle


def _tagged(request: Request, response: Response) -> Response:
    body = getattr(response, "body", None)
    if response.status_code != 200 or not isinstance(body, bytes) or "set-cookie" in response.headers:
        return response
    tag = response.headers.setdefault("etag", f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"')
    known = {one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")}
    if tag in known or "*" in known:
        return Response(status_code=304, headers={"etag": tag})
    return response


async def _once(request: Request, handler: Handler, path: str) -> Response:
    world: World = request.app.state.world
    key = request.headers.get("idempotency-key")
    who = await identify(request, world)
    streamed = request.headers.get("content-type", "").startswith("application/octet-stream")
    if key is None or who is None or streamed:
        return await _noted(request, handler, path)
    if not 0 < len(key) <= LONGEST_KEY:
        raise HTTPException(422, f"an Idempotency-Key has 1 to {LONGEST_KEY} characters")
    asked = b"\x00".join([request.method.encode(), str(request.url).encode(), await request.body()])
    mine, digest = _hash(f"{who.id} {key}".encode()), _hash(asked)
    if known := await world.answered.begin(mine, digest):
        if known.request_hash != digest:
            raise HTTPException(422, "this Idempotency-Key was used for another request; take a new one")
        if not known.status:
            raise HTTPException(409, "a request with this Idempotency-Key is being worked on; ask again soon")
        headers = {"idempotent-replayed": "true"}
        return Response(known.body, known.status, headers, media_type="application/json")
    try:
        response = await _noted(request, handler, path)
    except BaseException:
        await world.answered.give_up(mine)
        raise
    body = getattr(response, "body", None)
    secret = "set-cookie" in response.headers or response.headers.get("cache-control") == "no-store"
    if response.status_code < 400 and isinstance(body, bytes) and not secret:
        await world.answered.finish(mine, response.status_code, body.decode())
    else:
        await world.answered.give_up(mine)
    return response


async def _noted(request: Request, handler: Handler, path: str) -> Response:
    """Never what was sent: ids and outcomes."""
    world: World = request.app.state.world
    about = " ".join(f"{name}={value}" for name, value in request.path_params.items())
    outcome = "500"
    try:
        response = await handler(request)
        outcome = str(response.status_code)
        return response
    except HTTPException as problem:
        outcome = str(problem.status_code)
        raise
    except Exception as problem:
        outcome = str(getattr(problem, "status", type(problem).__name__))
        raise
    finally:
        who = await identify(request, world)
        name = who.name if who else getattr(request.state, "tried", "nobody")
        if path not in QUIET:
            await world.access.note(name, f"{request.method} {path}", about, outcome)


QUIET = {"/v1/chat/completions"}  # talking is no administration; its messages are kept anyway


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
