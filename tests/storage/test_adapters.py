import asyncio
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from storage.adapters import AdapterExists, AdapterStore, Answering, NothingToRollBack, UnknownAdapter
from storage.database import Database
from storage.records import Adapter, AdapterState, Promotion
from storage.tables import ANSWERS

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def an_adapter(version: str, **changes: Any) -> Adapter:
    adapter = Adapter(
        version=version,
        base_model="pocket",
        method="sft",
        path=f"adapters/{version}",
        sha256=f"sha of {version}",
        created_at=NOON,
    )
    return replace(adapter, **changes)


async def with_three(database: Database) -> AdapterStore:
    store = AdapterStore(database)
    for version in ("a", "b", "c"):
        await store.add(an_adapter(version, state=AdapterState.PASSED))
    return store


async def states(store: AdapterStore) -> dict[str, str]:
    return {adapter.version: str(adapter.state) for adapter in await store.all()}


async def test_an_adapter_comes_back_as_it_went_in(database: Database) -> None:
    store = AdapterStore(database)
    full = an_adapter(
        "full",
        parent="bare",
        recipe={"rank": 8, "nested": {"rates": [1e-4, 0.5]}},
        corpus="c1",
        lineage=("r1", "r2"),
        report={"loss": 1.5, "better": True, "none": None},
        state=AdapterState.REFUSED,
        reasons=("it got worse at being brief",),
    )
    await store.add(full)
    await store.add(an_adapter("bare", created_at=NOON - timedelta(days=1)))
    assert await store.get("full") == full
    assert await store.get("nobody") is None
    assert [adapter.version for adapter in await store.all()] == ["bare", "full"]
    assert await store.all(AdapterState.REFUSED) == [full]


async def test_a_loss_of_nan_in_a_report_becomes_null(database: Database) -> None:
    store = AdapterStore(database)
    await store.add(an_adapter("a", report={"loss": float("nan"), "losses": [1.0, float("inf")]}))
    kept = await store.get("a")
    assert kept
    assert kept.report == {"loss": None, "losses": [1.0, None]}


async def test_adding_again_changes_nothing_and_other_weights_need_another_name(database: Database) -> None:
    store = AdapterStore(database)
    assert await store.add(an_adapter("a")) is True
    await store.set_state("a", AdapterState.PASSED)
    assert await store.add(an_adapter("a")) is False
    assert await states(store) == {"a": "passed"}
    with pytest.raises(AdapterExists, match="its own version"):
        await store.add(an_adapter("a", sha256="others"))


async def test_the_gates_words_are_kept(database: Database) -> None:
    store = await with_three(database)
    await store.set_state("a", AdapterState.REFUSED, reasons=["worse"], report={"wins": 0.4})
    assert await store.get("a") == an_adapter(
        "a", state=AdapterState.REFUSED, reasons=("worse",), report={"wins": 0.4}
    )
    await store.set_state("a", AdapterState.PASSED)
    assert await store.get("a") == an_adapter("a", state=AdapterState.PASSED, report={"wins": 0.4})
    with pytest.raises(UnknownAdapter, match="nobody"):
        await store.set_state("nobody", AdapterState.PASSED)


async def test_live_is_given_and_taken_by_promotions_only(database: Database) -> None:
    store = await with_three(database)
    with pytest.raises(ValueError, match="go_live"):
        await store.add(an_adapter("d", state=AdapterState.LIVE))
    with pytest.raises(ValueError, match="go_live"):
        await store.set_state("a", AdapterState.LIVE)
    await store.go_live("a", "passed")
    with pytest.raises(ValueError, match="go_live"):
        await store.set_state("a", AdapterState.RETIRED)
    await store.set_state("a", AdapterState.LIVE, report={"canary": "fine"})
    live = await store.live()
    assert live
    assert live.report == {"canary": "fine"}


async def test_going_live_retires_the_one_before(database: Database) -> None:
    store = await with_three(database)
    assert await store.live() is None
    first = await store.go_live("a", "the first")
    second = await store.go_live("b", "better")
    assert await states(store) == {"a": "retired", "b": "live", "c": "passed"}
    assert await store.live() == an_adapter("b", state=AdapterState.LIVE)
    assert (first.version, first.previous, second.version, second.previous) == ("a", None, "b", "a")
    assert second.id > first.id
    assert await store.promotions() == [second, first]


async def test_the_bare_base_model_can_go_live_too(database: Database) -> None:
    store = await with_three(database)
    await store.go_live("a", "the first")
    back = await store.go_live(None, "all of it was a mistake")
    assert (back.version, back.previous) == (None, "a")
    assert await store.live() is None
    assert (await store.roll_back("it was not")).version == "a"


async def test_an_unknown_version_does_not_go_live_and_the_old_one_goes_on(database: Database) -> None:
    store = await with_three(database)
    await store.go_live("a", "the first")
    with pytest.raises(UnknownAdapter):
        await store.go_live("nobody", "?")
    assert await states(store) == {"a": "live", "b": "passed", "c": "passed"}
    assert len(await store.promotions()) == 1


async def test_going_live_again_is_no_new_promotion(database: Database) -> None:
    store = await with_three(database)
    assert await store.go_live("a", "once") == await store.go_live("a", "twice")
    assert len(await store.promotions()) == 1


async def test_rolling_back_twice_goes_back_two_steps_and_not_to_and_fro(database: Database) -> None:
    store = await with_three(database)
    for version in ("a", "b", "c"):
        await store.go_live(version, "up")
    steps = [(await store.roll_back("down")).version for _ in range(3)]
    assert steps == ["b", "a", None]
    assert await states(store) == {"a": "retired", "b": "retired", "c": "retired"}
    with pytest.raises(NothingToRollBack):
        await store.roll_back("down")
    assert len(await store.promotions()) == 6


async def test_after_a_rollback_the_next_promotion_builds_on_what_is_live(database: Database) -> None:
    store = await with_three(database)
    await store.go_live("a", "up")
    await store.go_live("b", "up")
    await store.roll_back("b was worse")
    await store.go_live("c", "up")
    newest = (await store.promotions())[0]
    assert (newest.version, newest.previous) == ("c", "a")
    assert (await store.roll_back("c too")).version == "a"


async def test_nothing_was_ever_promoted_so_there_is_nothing_to_roll_back(database: Database) -> None:
    with pytest.raises(NothingToRollBack, match="nothing to roll back"):
        await AdapterStore(database).roll_back("why not")


async def test_two_that_go_live_at_once_leave_exactly_one_live(database: Database, tables_url: str) -> None:
    here = await with_three(database)
    other_process = await Database.open(tables_url)
    there = AdapterStore(other_process)
    for _ in range(5):
        done = await asyncio.gather(*(s.go_live(v, "race") for s in (here, there) for v in ("a", "b", "c")))
        assert all(isinstance(one, Promotion) for one in done)
        assert sorted((await states(here)).values()) == ["live", "retired", "retired"]
        live = await here.live()
        assert live
        assert live.version == (await here.promotions())[0].version
    await other_process.close()


PROMOTES = """
import asyncio, sys
from storage.adapters import AdapterStore
from storage.database import Database

async def main():
    database = await Database.open(sys.argv[1])
    store = AdapterStore(database)
    print("ready", flush=True)
    for line in sys.stdin:
        what = line.strip()
        await (store.roll_back("worse") if what == "back" else store.go_live(what, "better"))
        live, _ = await store.answering()
        print(live and live.version, flush=True)
    await database.close()

asyncio.run(main())
"""


async def test_every_process_answers_with_what_another_one_promoted_from_its_very_next_look_on(
    database: Database, tables_url: str
) -> None:
    """Not by a clock or a cache: no look after the promotion was written finds the one before."""
    stores = [await with_three(database)]
    second = await Database.open(tables_url)  # as another process has it: an engine of its own
    stores.append(AdapterStore(second))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROMOTES, tables_url),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdin
    assert process.stdout
    async with asyncio.timeout(120):
        assert await process.stdout.readline() == b"ready\n"
        for what, now_live in (("a", "a"), ("b", "b"), ("c", "c"), ("back", "b"), ("a", "a")):
            process.stdin.write(f"{what}\n".encode())
            assert (await process.stdout.readline()).decode().strip() == now_live
            for store in stores:
                live, canary = await store.answering()
                assert (live and live.version, canary) == (now_live, None)
        await stores[0].go_live("c", "here")  # and the other way round
        live, _ = await stores[1].answering()
        assert live
        assert live.version == "c"
        process.stdin.close()
        assert await process.wait() == 0
    await second.close()


async def test_two_that_roll_back_at_once_go_back_two_steps(database: Database) -> None:
    store = await with_three(database)
    for version in ("a", "b", "c"):
        await store.go_live(version, "up")
    steps = await asyncio.gather(store.roll_back("x"), store.roll_back("y"))
    assert {step.version for step in steps} == {"b", "a"}
    live = await store.live()
    assert live
    assert live.version == "a"


async def test_a_canary_answers_beside_the_live_one_until_it_goes_live_itself(database: Database) -> None:
    store = await with_three(database)
    assert await store.answering() == (None, None)
    await store.go_live("a", "first")
    await store.start_canary("b", 0.2)
    live, canary = Answering("a", "adapters/a", None), Answering("b", "adapters/b", 0.2)
    assert await store.answering() == (live, canary)
    kept = await store.get("b")
    assert kept is not None
    assert (kept.canary_share, kept.canary_since is not None) == (0.2, True)
    await store.go_live("b", "it was better")
    assert await store.answering() == (Answering("b", "adapters/b", None), None)
    assert await states(store) == {"a": "retired", "b": "live", "c": "passed"}


async def test_there_is_one_canary_and_its_share_can_be_changed(database: Database) -> None:
    store = await with_three(database)
    await store.start_canary("a", 0.1)
    await store.start_canary("a", 0.5)
    assert await store.answering() == (None, Answering("a", "adapters/a", 0.5))
    await store.start_canary("b", 0.3)
    assert await states(store) == {"a": "passed", "b": "canary", "c": "passed"}


async def test_rolling_back_ends_the_canary_first_and_only_then_the_live_one(database: Database) -> None:
    store = await with_three(database)
    await store.go_live("a", "first")
    await store.go_live("b", "better")
    await store.start_canary("c", 0.2)
    ended = await store.roll_back("complaints")
    assert (ended.version, ended.previous) == ("b", "c")
    assert await states(store) == {"a": "retired", "b": "live", "c": "retired"}
    assert (await store.roll_back("worse")).version == "a"


async def test_what_is_taken_back_by_name_goes_once_however_often_and_at_once_that_is_asked(
    database: Database,
) -> None:
    store = await with_three(database)
    for version in ("a", "b"):
        await store.go_live(version, "up")
    await store.start_canary("c", 0.2)  # in nobody's way
    back = [one for one in await asyncio.gather(*[store.take_back("b", "no") for _ in range(4)]) if one]
    assert [(one.version, one.previous) for one in back] == [("a", "b")]
    assert await states(store) == {"a": "live", "b": "retired", "c": "passed"}
    assert await store.take_back("b", "again") is None
    await store.go_live("c", "up")
    assert await store.take_back("a", "an old button") is None
    assert await states(store) == {"a": "retired", "b": "retired", "c": "live"}


@pytest.mark.parametrize(("promote", "state"), [(True, "live"), (False, "retired")])
async def test_a_trial_is_settled_once_with_why_and_its_numbers(database: Database, promote, state) -> None:
    store = await with_three(database)
    await store.go_live("a", "first")
    assert not await store.settle_canary("c", promote=promote, why="nobody was there", report={})
    await store.start_canary("c", 0.2)
    assert await store.settle_canary("c", promote=promote, why="thumbs", report={"trial": 1})
    kept = await store.get("c")
    assert (kept.state, kept.reasons, kept.report) == (state, ("thumbs",), {"trial": 1})
    assert (kept.canary_share, kept.canary_since) == (None, None)
    assert (await store.live()).version == ("c" if promote else "a")
    assert not await store.settle_canary("c", promote=promote, why="again", report={})


async def test_who_is_live_or_was_refused_is_no_canary(database: Database) -> None:
    store = await with_three(database)
    await store.go_live("a", "first")
    await store.set_state("b", AdapterState.REFUSED)
    for version in ("a", "b"):
        with pytest.raises(ValueError, match="cannot be the canary"):
            await store.start_canary(version, 0.2)
    for share in (0, 1, -0.1):
        with pytest.raises(ValueError, match="share"):
            await store.start_canary("c", share)
    with pytest.raises(UnknownAdapter):
        await store.start_canary("nobody", 0.2)
    with pytest.raises(ValueError, match="start_canary"):
        await store.set_state("c", AdapterState.CANARY)
    await store.start_canary("c", 0.2)
    with pytest.raises(ValueError, match="settle_canary"):
        await store.set_state("c", AdapterState.REFUSED)


async def test_which_adapters_answer_is_looked_up_in_an_index(sqlite_database: Database) -> None:
    async with sqlite_database.reading() as session:
        plan = await session.execute(
            text(f"EXPLAIN QUERY PLAN SELECT version, path, canary_share FROM adapters WHERE {ANSWERS}")
        )
        assert "one_live_adapter_and_one_canary" in str(plan.all())


async def test_what_is_retired_for_good_never_answers_again_not_by_any_rollback(database):
    store = AdapterStore(database)
    for number, version in enumerate(("a", "b", "c", "d", "e")):
        at = datetime(2026, 5, 4, number, tzinfo=UTC)
        await store.add(Adapter(version, "pocket", "sft", f"/{version}", version, at))
    for version in ("a", "b", "c"):
        await store.go_live(version, "a test")
    await store.set_state("e", AdapterState.REFUSED, ["worse"])
    await store.start_canary("d", 0.5)
    assert await store.retire(["b", "d", "e"], "forgotten") is None  # c answers as it did
    live, canary = await store.answering()
    assert (live.version, canary) == ("c", None)
    states = {one.version: one.state for one in await store.all()}
    assert states["b"] == states["d"] == AdapterState.RETIRED
    assert states["e"] is AdapterState.REFUSED
    assert (await store.roll_back("a test")).version == "a"
    assert (await store.roll_back("a test")).version is None
    await store.go_live("c", "again")
    switched = await store.retire(["c"], "forgotten")
    assert (switched.version, await store.live()) == (None, None)
    with pytest.raises(NothingToRollBack):
        await store.roll_back("a test")
