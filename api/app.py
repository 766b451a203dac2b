"""Puts the pages together: routes, problems, headers, and the description of it all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.openapi.utils import get_openapi
from fastapi.routing import iter_route_contexts

from api import (
    auth,
    chat,
    dashboard,
    data,
    discord,
    health,
    inbox,
    live,
    models,
    openai_chat,
    people,
    pictures,
    pulse,
    training,
)
from api.examples import add_examples
from api.headers import Headed
from api.problems import answer_problems, documented
from api.rules import RULES, Rule, allow
from api.settings import ApiSettings
from api.shapes.auth import Grade, Scope
from api.shapes.chat import Growing
from api.shapes.page import Problem
from api.who import COOKIE, cookie_of
from api.world import World

PAGES = (
    auth,
    discord,
    chat,
    pictures,
    inbox,
    models,
    training,
    data,
    people,
    pulse,
    health,
    live,
    openai_chat,
)


def create_app(settings: ApiSettings, world: World | None = None) -> FastAPI:
    """`world` None: only to be described."""
    app = FastAPI(
        title="twin",
        summary="See the twin, steer it, talk to it.",
        version=world.version if world else "0.1.0",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        responses=documented(401, 403, 404, 409, 422, 429, 503),
        generate_unique_id_function=lambda route: f"{(route.tags or ['root'])[0]}_{route.name.strip('_')}",
    )
    app.state.world = world
    answer_problems(app)
    for page in PAGES:
        app.include_router(page.router)

    @app.get("/api/openapi.json", dependencies=[allow(Grade.VIEWER, Scope.READ)], include_in_schema=False)
    async def description() -> dict[str, Any]:
        """All of this, for machines."""
        return describe(app)

    app.include_router(dashboard.router)
    if settings.allow_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.allow_origins,
            allow_methods=["*"],
            allow_headers=[
                "authorization",
                "content-type",
                "idempotency-key",
                "last-event-id",
                "if-none-match",
            ],
            expose_headers=["etag", "idempotent-replayed", "retry-after"],
        )
    app.add_middleware(
        Headed, https=settings.origin.startswith("https:"), upload_bytes=settings.upload_mb * 1_000_000
    )
    return app


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, with each route's rule in it."""
    if app.openapi_schema:
        return app.openapi_schema
    cookie = cookie_of(app.state.world.settings) if app.state.world else COOKIE
    schema = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
    schemas = schema["components"]["schemas"]
    for shape in (Problem, Growing):
        whole = shape.model_json_schema(ref_template="#/components/schemas/{model}", mode="serialization")
        for name, inner in whole.pop("$defs", {}).items():
            schemas.setdefault(name, inner)
        schemas[shape.__name__] = whole
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schema["components"]["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer"},
        "session": {"type": "apiKey", "in": "cookie", "name": cookie},
    }
    rules = {
        (path, method): rule
        for path, methods, rule in rules_of(app)
        if rule and rule.grade
        for method in methods
    }
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            if rule := rules.get((path, method.upper())):
                operation["security"] = [{"token": []}, {"session": []}]
                operation["x-role"], operation["x-scope"] = rule.grade, rule.scope
    add_examples(schema["paths"], schemas)
    app.openapi_schema = schema
    return schema


def rules_of(app: FastAPI) -> Iterator[tuple[str, set[str], Rule | None]]:
    """Path, methods and rule of every route there is; None: it has none, which must not be."""
    for route in iter_route_contexts(app.routes):
        depends = getattr(route.original_route, "dependant", None)
        found = (RULES.get(one.call) for one in (depends.dependencies if depends else ()))
        yield str(route.path_format or route.path), set(route.methods or ()), next(filter(None, found), None)
