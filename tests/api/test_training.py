import json

import pytest

from storage.records import RunState


@pytest.fixture
async def run(place):
    return await place.stores.runs.start("dpo", "host:1")


async def test_a_run_is_shown_with_its_progress_and_figures(place, viewer, run):
    await place.stores.runs.beat(run.id, 0.5, {"loss": 1.5, "doing": "training"})
    shown = (await viewer.get(f"/api/runs/{run.id}")).json()
    assert (shown["state"], shown["progress"], shown["metrics"]["loss"]) == ("running", 0.5, 1.5)
    assert [one["id"] for one in (await viewer.get("/api/runs?kind=dpo")).json()["items"]] == [run.id]
    assert (await viewer.get("/api/runs?kind=sft")).json()["items"] == []


async def test_a_log_is_read_from_its_end_and_then_on(place, trainer, run):
    folder = place.home.runs / run.id
    folder.mkdir()
    log = folder / "worker.log"
    log.write_text("".join(f"line {number}\n" for number in range(20_000)))
    first = (await trainer.get(f"/api/runs/{run.id}/log")).json()
    assert first["text"].startswith("line ")
    assert first["text"].endswith("line 19999\n")
    assert (first["next"], first["ended"]) == (log.stat().st_size, False)
    with log.open("a") as more:
        more.write("the end\n")
    await place.stores.runs.finish(run.id, RunState.PASSED)
    then = (await trainer.get(f"/api/runs/{run.id}/log?after={first['next']}")).json()
    assert (then["text"], then["ended"]) == ("the end\n", True)


async def test_curves_are_what_the_run_has_told_so_far(place, viewer, run):
    folder = place.home.runs / run.id
    folder.mkdir()
    lines = [{"progress": 0, "step": "dpo", "metrics": {"loss": 2 - n / 10, "doing": "x"}} for n in range(3)]
    (folder / "progress.jsonl").write_text("\n".join(map(json.dumps, lines)) + '\n{"progress": 1, "st')
    [loss] = (await viewer.get(f"/api/runs/{run.id}/series")).json()["items"]
    assert (loss["name"], [one["value"] for one in loss["points"]]) == ("loss", [2.0, 1.9, 1.8])


async def test_a_run_that_is_cancelled_is_over_and_says_by_whom(place, trainer, run):
    done = (await trainer.post(f"/api/runs/{run.id}/cancel")).json()
    assert (done["state"], done["cancelled_by"]) == ("running", "trainer")
    assert await place.stores.runs.beat(run.id, 0.9) is False


async def test_what_the_service_does_by_itself_is_queued_for_it_once(place, trainer):
    asked = await trainer.post("/api/runs", json={"kind": "backup"})
    assert (asked.status_code, asked.json()["state"]) == (202, "queued")
    again = await trainer.post("/api/runs", json={"kind": "backup"})
    assert (again.status_code, "waits for its turn" in again.json()["detail"]) == (409, True)
    taken = await place.stores.runs.take("host:1", ["backup"])
    assert (taken.id, taken.requested_by) == (asked.json()["id"], "trainer")
    waiting = (await trainer.post("/api/runs", json={"kind": "retrain"})).json()
    over = (await trainer.post(f"/api/runs/{waiting['id']}/cancel")).json()
    assert (over["state"], over["error"]) == ("cancelled", "Cancelled by trainer.")


async def test_learning_without_anything_to_learn_from_says_why(trainer):
    answer = await trainer.post("/api/runs", json={"kind": "learn"})
    assert (answer.status_code, "0 of the" in answer.json()["detail"]) == (409, True)


async def test_what_can_be_started_is_listed_and_nothing_else_is(trainer):
    kinds = {one["kind"] for one in (await trainer.get("/api/runs/kinds")).json()["items"]}
    assert {"learn", "sft", "dpo", "evaluate", "corpus", "sync"} <= kinds
    assert (await trainer.post("/api/runs", json={"kind": "nope"})).status_code == 422
    wrong = await trainer.post("/api/runs", json={"kind": "evaluate", "parameters": {"versoin": "x"}})
    assert (wrong.status_code, "versoin" in wrong.json()["detail"]) == (422, True)


async def test_a_second_run_is_refused_while_one_is_under_way(place, trainer, run):
    answer = await trainer.post("/api/runs", json={"kind": "corpus"})
    assert (answer.status_code, run.id in answer.json()["detail"]) == (409, True)


async def test_recipes_are_shown_as_they_hold_here(viewer):
    recipes = {one["method"]: one for one in (await viewer.get("/api/recipes")).json()["items"]}
    assert recipes["dpo"]["values"]["epochs"] > 0
    assert "learning_rate" in recipes["sft"]["parameters"]["properties"]
