"""How does a list go on? After a cursor, which nobody but us needs to read."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar

from fastapi import Query

from api.problems import Refused
from api.shapes.page import Page

Item = TypeVar("Item")
Shown = TypeVar("Shown")

Limit = Annotated[int, Query(ge=1, le=200, description="how many at the most")]
Cursor = Annotated[str | None, Query(max_length=600, description="`next` of the page before")]


def paged(
    found: Sequence[Item], limit: int, place: Callable[[Item], Any], shown: Callable[[Item], Shown]
) -> Page[Shown]:
    """`found` has one more than the page where there is more; `place` tells where one stands in the list."""
    page = found[:limit]
    more = len(found) > limit
    return Page(items=[shown(one) for one in page], next=_written(place(page[-1])) if more else None)


def number_at(cursor: str | None) -> int | None:
    """Where a list by number goes on."""
    found = _read(cursor)
    if found is not None and not (isinstance(found, int) and abs(found) < 2**62):
        raise _no_cursor()
    return found


def moment_at(cursor: str | None) -> tuple[datetime, str] | None:
    """Where a list by time and name goes on."""
    match _read(cursor):
        case None:
            return None
        case [str(moment), str(name)]:
            try:
                at = datetime.fromisoformat(moment)
            except ValueError:
                raise _no_cursor() from None
            if at.tzinfo is not None:
                return at, name
    raise _no_cursor()


def words_at(cursor: str | None, count: int) -> list[str] | None:
    """Where a list by so many words goes on."""
    found = _read(cursor)
    if found is None:
        return None
    if not isinstance(found, list) or len(found) != count or not all(isinstance(one, str) for one in found):
        raise _no_cursor()
    return found


def _written(place: Any) -> str:
    def plain(value: Any) -> str:
        return value.isoformat() if isinstance(value, datetime) else str(value)

    text = json.dumps(place, default=plain, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read(cursor: str | None) -> Any:
    if not cursor:
        return None
    try:
        return json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError):
        raise _no_cursor() from None


def _no_cursor() -> Refused:
    return Refused("that is no cursor of this list", "take `next` of the page before", status=422)
