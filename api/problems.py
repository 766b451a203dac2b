"""What does a client get when something is wrong? problem+json with what to do; OpenAI's shape under /v1."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from api.shapes.page import Problem
from brain.live_adapter import AdapterUnusable
from brain.model_client import ModelBusy, ModelRefused, ModelUnavailable
from storage.access import NameTaken
from storage.adapters import NothingToRollBack, UnknownAdapter
from storage.runs import AlreadyRunning, UnknownRun
from storage.unavailable import DatabaseUnavailable

log = logging.getLogger(__name__)

PROBLEM_JSON = "application/problem+json"
OPENAI_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    422: "invalid_request_error",
    429: "rate_limit_error",
}
OF_THE_WORLD: dict[type[Exception], int] = {
    UnknownAdapter: 404,
    UnknownRun: 404,
    NothingToRollBack: 409,
    AlreadyRunning: 409,
    NameTaken: 409,
    ModelBusy: 503,
    ModelUnavailable: 503,
    ModelRefused: 502,
    AdapterUnusable: 503,
    DatabaseUnavailable: 503,
}


class Refused(Exception):
    """It is not done, and why; `advice` says what to do instead."""

    def __init__(self, what: str, advice: str = "", *, status: int = 409) -> None:
        super().__init__(f"{what.rstrip('.')}. {advice}" if advice else what)
        self.status = status


def missing(what: str, name: str) -> Refused:
    return Refused(f"there is no {what} {name!r}", status=404)


def answer_problems(app: FastAPI) -> None:
    @app.exception_handler(HTTPException)
    async def of_http(request: Request, problem: HTTPException) -> JSONResponse:
        return told(request, problem.status_code, str(problem.detail), headers=problem.headers)

    @app.exception_handler(RequestValidationError)
    async def of_validation(request: Request, problem: RequestValidationError) -> JSONResponse:
        errors = [
            {"where": ".".join(map(str, one["loc"])), "what": str(one["msg"]), "type": str(one["type"])}
            for one in problem.errors()
        ]
        detail = "; ".join(f"{one['where']}: {one['what']}" for one in errors)
        status = 400 if request.url.path.startswith("/v1") else 422
        return told(request, status, detail, errors=errors)

    @app.exception_handler(Refused)
    async def of_refusal(request: Request, problem: Refused) -> JSONResponse:
        return told(request, problem.status, str(problem))

    async def of_the_world(request: Request, problem: Exception) -> JSONResponse:
        status = next(code for kind, code in OF_THE_WORLD.items() if isinstance(problem, kind))
        headers = {"Retry-After": "5"} if status == 503 else None
        return told(request, status, str(problem), headers=headers)

    for kind in OF_THE_WORLD:
        app.add_exception_handler(kind, of_the_world)

    @app.exception_handler(Exception)
    async def of_ours(request: Request, problem: Exception) -> JSONResponse:
        log.error("a request failed: %s %s", request.method, request.scope["path"], exc_info=problem)
        return told(request, 500, "that is a bug in the twin; the log has its traceback")


def told(
    request: Request,
    status: int,
    detail: str,
    *,
    errors: list[dict[str, Any]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    if request.scope["path"].startswith("/v1"):
        body: Any = {"error": openai_error(status, detail)}
        return JSONResponse(body, status, dict(headers or {}))
    try:
        title = HTTPStatus(status).phrase.capitalize()
    except ValueError:
        title = "Error"
    path = request.scope["path"]
    problem = Problem(title=title, status=status, detail=detail, instance=path, errors=errors or [])
    return JSONResponse(jsonable_encoder(problem), status, dict(headers or {}), media_type=PROBLEM_JSON)


def openai_error(status: int, detail: str) -> dict[str, Any]:
    code = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}.get(status)
    kind = OPENAI_TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    return {"message": detail, "type": kind, "param": None, "code": code}


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For `responses=`: these may come as a problem."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {PROBLEM_JSON: {"schema": schema}}}
        for status in statuses
    }
