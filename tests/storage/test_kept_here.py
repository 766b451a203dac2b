import json

from storage.cache import open_cache
from storage.kept_here import ENTRY_BYTES, KeptHere


class Clock:
    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


async def test_however_much_is_asked_it_keeps_the_latest_of_so_many_bytes() -> None:
    kept = KeptHere(most_bytes=100_000)
    for number in range(2000):
        await kept.set(f"vector {number}", [0.25] * 100, expire=600, tags=["recall"])
        assert kept.bytes <= 100_000
    assert 50 < len(kept) < 200
    assert await kept.get("vector 0") is None
    assert await kept.get("vector 1999") == [0.25] * 100
    await kept.delete_tags("recall")
    assert (len(kept), kept.bytes) == (0, 0)


async def test_small_values_are_counted_with_what_an_entry_takes() -> None:
    kept = KeptHere(most_bytes=4000)
    for number in range(100):
        await kept.set(str(number), number, expire=600, tags=[])
    assert 0 < len(kept) < 20


async def test_what_is_over_is_gone_from_memory_although_nobody_asks_for_it_again() -> None:
    clock = Clock()
    kept = KeptHere(clock=clock)
    for number in range(100):
        await kept.set(f"old {number}", number, expire=600, tags=["answers"])
    clock.at += 599
    assert await kept.get("old 7") == 7
    clock.at += 2
    await kept.set("new", 1, expire=600, tags=["answers"])
    assert len(kept) == 1
    clock.at += 601
    assert await kept.get("something else") is None
    assert (len(kept), kept.bytes) == (0, 0)


async def test_the_same_again_is_kept_once_and_for_as_long_as_the_latest() -> None:
    clock = Clock()
    kept = KeptHere(clock=clock)
    await kept.set("a", "once", expire=600, tags=["old"])
    await kept.set("b", "between", expire=600, tags=[])
    clock.at += 300
    await kept.set("a", "twice", expire=600, tags=["new"])
    await kept.delete_tags("old")
    clock.at += 400
    assert [await kept.get("a"), await kept.get("b")] == ["twice", None]
    assert kept.bytes == len(json.dumps("twice")) + len("a") + ENTRY_BYTES


async def test_what_is_larger_than_everything_is_not_kept_and_costs_nothing_else() -> None:
    kept = KeptHere(most_bytes=1000)
    assert await kept.set("small", 1, expire=600, tags=[]) is True
    assert await kept.set("large", "x" * 1000, expire=600, tags=[]) is False
    assert [await kept.get("small"), await kept.get("large")] == [1, None]


async def test_without_redis_a_cache_is_one_of_these() -> None:
    cache = open_cache(None)
    assert isinstance(cache._cashews, KeptHere)
    await cache.close()
