"""What does each request and answer look like? Made from the shapes: a field's own example, or one by name.

So no shape is without an example, and none can say something that its shape does not allow.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

Schema = Mapping[str, Any]

AT = "2026-11-28T18:30:00Z"
BY_NAME: dict[str, Any] = {
    "about": "fact_id=5f2c",
    "action": "POST /api/facts",
    "adapter": "dpo-3",
    "after": "dpo-3",
    "asked_at": AT,
    "audience": "telegram:8101",
    "author_id": "8101",
    "author_name": "Ana",
    "base_model": "google/gemma-3-12b-it",
    "better": "web:~5f2c",
    "canary_share": 0.2,
    "chat_id": "8101",
    "children": ["rlhf-5"],
    "code": "f3a91c0b2d4e5f60",
    "completion_tokens": 12,
    "content": "At seven, I am cooking.",
    "contexts": ["then Sorrel came by with the drill"],
    "corpus": "20261128-mira",
    "csrf": "9b1d",
    "data": "the card of that snapshot",
    "delta": "At seven",
    "detail": "there is no adapter 'dpo-9'",
    "discord_id": "80351110224678912",
    "disliked": 3,
    "error": "The disk is full: 1.2 GB are needed, 0.4 GB are free.",
    "feedback": ["up"],
    "file": "/home/mira/data/twin.toml",
    "first_token_ms": 140.5,
    "found": "12 ms",
    "given_by": "mira",
    "id": "5f2c90ab",
    "key": "web:~5f2c",
    "kind": "image",
    "lang": "en",
    "last_text": "At seven, I am cooking.",
    "liked": 12,
    "live": "dpo-2",
    "log_path": "runs/5f2c/worker.log",
    "memory_hits": 0.41,
    "messages": 24,
    "method": "dpo",
    "mime": "image/jpeg",
    "model": "twin",
    "name": "Ana",
    "new": "staple battery horse",
    "next": "WyJ0ZWxlZ3JhbSIsIjgxMDEiXQ",
    "now": "dpo-2",
    "object": "list",
    "old": "correct horse battery",
    "origin": "result.json:17",
    "outcome": "200",
    "owner_name": "Mira Vale",
    "p50_ms": 640.0,
    "p95_ms": 1720.0,
    "parent": "sft-1",
    "password": "correct horse battery",
    "path": "/home/mira/data/adapters/dpo-3",
    "per_minute": 6,
    "person_id": "8101",
    "pictures": ["data:image/png;base64,iVBORw0KGgo="],
    "platform": "telegram",
    "previous": "dpo-2",
    "prompt": [{"role": "user", "content": "When is dinner?"}],
    "prompt_tokens": 210,
    "reasons": ["The owner's own words cost 12 % more; the limit is 8 %."],
    "records": 1322,
    "replies": 31,
    "reply_key": "web:~5f2c",
    "requested_by": "mira",
    "secret": "twin_4Zs0...",
    "sha256": "9f86d081884c7d65",
    "share": 0.2,
    "size": 48_211,
    "source": "telegram",
    "tags": ["personal"],
    "text": "When is dinner?",
    "thumbs_rate": 0.76,
    "title": "Ana",
    "tokens_per_day": 5000,
    "tokens_today": 842,
    "told": "it is done",
    "total_ms": 910.0,
    "total_tokens": 222,
    "url": "data:image/png;base64,iVBORw0KGgo=",
    "version": "dpo-3",
    "versions": ["dpo-3", "dpo-2"],
    "what": "telegram:8101",
    "where": "result.json:17",
    "who": "mira",
    "why": "people liked it more on trial",
    "words": "Corrections are preferred 12 points more often.",
    "worse": "web:~77aa",
}
OF_PROBLEMS = {
    401: "sign in first, or send a token",
    403: "that is for the owner; you are signed in as a viewer",
    404: "there is no adapter 'dpo-9'",
    409: "dpo-2 was refused: it forgot too much",
    422: "query.limit: Input should be greater than or equal to 1",
    429: "more than 600 per 1 minute; try again in 12 s",
    503: "no model server answers",
}
NOT_YET = {"edited_at", "deleted_at", "withdrawn_at", "revoked_at", "quiet_until", "quiet_why"}
DEEPEST = 20  # a shape may hold itself


def add_examples(paths: Mapping[str, Mapping[str, Any]], shapes: Mapping[str, Schema]) -> None:
    """One for whatever is sent as JSON, and for each problem its own."""
    for methods in paths.values():
        for operation in methods.values():
            for status, content in _contents(operation):
                for kind, described in content.items():
                    schema = described.get("schema", {})
                    if kind == "application/problem+json":
                        described["example"] = _problem(int(status))
                    elif kind == "application/json" and schema:
                        described["example"] = example_of(schema, shapes)
                    elif kind == "text/event-stream" and "$ref" in schema:
                        described["example"] = (
                            f"event: text\ndata: {json.dumps(example_of(schema, shapes))}\n\n"
                        )


def _contents(operation: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "", operation.get("requestBody", {}).get("content", {})
    for status, answer in operation["responses"].items():
        yield status, answer.get("content", {})


def _problem(status: int) -> dict[str, Any]:
    title = HTTPStatus(status).phrase.capitalize()
    detail = OF_PROBLEMS.get(status, title)
    return {"type": "about:blank", "title": title, "status": status, "detail": detail, "instance": "/api"}


def example_of(schema: Schema, shapes: Mapping[str, Schema], name: str = "", deep: int = 0) -> Any:
    if "$ref" in schema:
        return example_of(shapes[schema["$ref"].rpartition("/")[2]], shapes, name, deep + 1)
    for known in ("examples", "enum"):
        if schema.get(known):
            return schema[known][0]
    if "const" in schema:
        return schema["const"]
    if name in NOT_YET:
        return None
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return example_of(schema[several][0], shapes, name, deep)
    return _plain(schema, shapes, name, deep)


def _plain(schema: Schema, shapes: Mapping[str, Schema], name: str, deep: int) -> Any:
    kind, named = schema.get("type"), BY_NAME.get(name)
    match kind:
        case "object":
            parts = schema.get("properties", {}) if deep < DEEPEST else {}
            return {part: example_of(inner, shapes, part, deep + 1) for part, inner in parts.items()}
        case "array":
            if isinstance(named, list) and "$ref" not in schema["items"]:
                return named
            return [example_of(schema["items"], shapes, name, deep + 1)] if deep < DEEPEST else []
        case "string":
            if schema.get("format") == "date-time":
                return AT
            return named if isinstance(named, str) else schema.get("default") or "..."
        case "integer" | "number":
            number = named if isinstance(named, int | float) else max(1, schema.get("minimum", 1))
            return int(number) if kind == "integer" else number
        case "boolean":
            return schema.get("default", True)
    return named if kind is None else None
