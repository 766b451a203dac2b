"""What need not be asked twice? Values by a key that says all they depend on, computed once at a time.

Every key names its audience: what was made for one chat is never found by another. Callers keep ids, counts,
vectors and answers here; what may be forgotten carries a tag, or is read from the database again. Redis that
is dead or slow costs one message 50 ms and then nothing for a while (storage/cache.py).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from storage.cache import Cache
from storage.records import stable_id

PROMPT_VERSION = "2"  # of what brain/prompt.py makes of the same conversation
ANSWERS = "answers"  # tags
RECALL = "recall"
PUBLIC = "public"  # an audience: what does not depend on who hears it, such as a text's vector

Make = Callable[[], Awaitable[Any]]


def key_of(
    kind: str,
    *,
    audience: str,
    said: Any,
    adapter: str | None = None,
    sampling: Mapping[str, Any] | None = None,
) -> str:
    """twin:adapter:prompt version:audience:sampling:hash, without anything that anybody said."""
    if not audience:
        raise ValueError("a cached value belongs to an audience")

    def short(value: Any) -> str:
        return stable_id(json.dumps(value, ensure_ascii=True, sort_keys=True))[:16]

    who = stable_id(audience)
    whole = stable_id(kind, json.dumps(said, ensure_ascii=True, sort_keys=True))
    return f"twin:{adapter or 'base'}:{PROMPT_VERSION}:{who}:{short(sampling or {})}:{whole}"


def by_adapter(version: str | None) -> str:
    """The tag of what one adapter said."""
    return f"adapter:{version or 'base'}"


class Cached:
    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._under_way: dict[str, asyncio.Future[Any]] = {}
        self._era = 0

    async def once(self, key: str, make: Make, tags: Sequence[str] = ()) -> Any:
        """The value as JSON gives it back; who asks for it while it is being made waits for that one.

        Raises what `make` raises, to whom it happens; the others then make it themselves.
        """
        while (first := self._under_way.get(key)) is not None:
            await asyncio.wait((first,))
            if not first.cancelled() and first.exception() is None:
                return first.result()
        mine = self._under_way[key] = asyncio.get_running_loop().create_future()
        try:
            value = await self._found_or_made(key, make, tags)
        except BaseException:
            mine.cancel()
            raise
        else:
            mine.set_result(value)
            return value
        finally:
            if self._under_way.get(key) is mine:
                del self._under_way[key]

    async def vector(self, text: str, model: str, make: Callable[[], Awaitable[list[float]]]) -> list[float]:
        """The embedding of a text, which depends on nobody; it goes with what is recalled."""
        key = key_of("vector", audience=PUBLIC, said=[model, text])
        vector: list[float] = await self.once(key, make, (RECALL,))
        return vector

    async def forget(self, *tags: str) -> None:
        """Nothing that carries one of these is found from now on, not even what is being made just now."""
        self._era += 1
        self._under_way.clear()
        await self._cache.forget(*tags)

    async def _found_or_made(self, key: str, make: Make, tags: Sequence[str]) -> Any:
        if (known := await self._cache.get(key)) is not None:
            return known
        era = self._era
        value = await make()
        if era == self._era:
            await self._cache.set(key, value, tags)
        return value
