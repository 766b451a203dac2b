import json

import pytest

from storage.records import Cursor, Kind, Record, RunState, now


@pytest.fixture
async def records(place):
    made = [
        Record("r1", "journal", Kind.JOURNAL, "owner", True, "t", now(), "I like tea", tags=("personal",)),
        Record("r2", "git", Kind.COMMIT, "owner", True, "t", now(), "Fix the build", tags=("technical",)),
    ]
    await place.stores.records.add_all(made)


async def test_records_are_filtered(owner, records):
    async def ids(**wanted):
        return [one["id"] for one in (await owner.get("/api/records", params=wanted)).json()["items"]]

    assert sorted(await ids()) == ["r1", "r2"]
    assert await ids(source="git") == ["r2"]
    assert await ids(tag="personal") == ["r1"]
    assert await ids(kind="commit") == ["r2"]
    assert await ids(saying="TEA") == ["r1"]
    assert await ids(until="2020-01-01T00:00:00") == []
    assert (await owner.get("/api/records/r1")).json()["text"] == "I like tea"
    assert (await owner.get("/api/records/nope")).status_code == 404


async def test_sources_say_how_far_they_were_read_and_how_it_went(place, viewer, records):
    await place.stores.cursors.put(Cursor("git", "repo", {"commit": "abc"}, now()))
    await place.stores.cursors.put(Cursor("synced", "git", {"well": True, "kept": 1}, now()))
    git, journal = (await viewer.get("/api/sources")).json()["items"]
    assert (git["name"], git["records"], git["cursors"][0]["value"]) == ("git", 1, {"commit": "abc"})
    assert (git["last"]["well"], journal["last"]) == (True, None)


async def ended(place, client, run_id):
    task = next(iter(place.world.workshop.runs._at_work), None)
    if task:
        await task
    return (await client.get(f"/api/runs/{run_id}")).json()


async def test_an_upload_is_read_as_a_run_with_its_ledger_and_then_gone(place, owner):
    export = "---\ndate: 2026-01-02\n---\nToday I made soup.\n"
    sent = await owner.post(
        "/api/uploads", params={"name": "../2026-01-02.md", "source": "journal"}, content=export.encode()
    )
    assert sent.status_code == 202, sent.text
    run = await ended(place, owner, sent.json()["id"])
    assert run["state"] == "passed", run
    ledger = run["metrics"]["ledger"]
    assert (ledger["source"], ledger["kept"], ledger["closes"]) == ("journal", 1, True)
    [record] = (await owner.get("/api/records")).json()["items"]
    assert "soup" in record["text"]
    assert list(place.world.uploads.iterdir()) == []


async def test_an_upload_that_cannot_be_read_fails_in_words_and_leaves_nothing(place, owner):
    sent = await owner.post("/api/uploads", params={"name": "x.zip"}, content=b"not a zip")
    if sent.status_code == 202:
        place.world.workshop.runs._at_work and await _wait(place)
        run = (await owner.get(f"/api/runs/{sent.json()['id']}")).json()
        assert (run["state"], bool(run["error"])) == (RunState.FAILED, True)
    assert list(place.world.uploads.iterdir()) == []


async def _wait(place):
    import asyncio

    await asyncio.gather(*place.world.workshop.runs._at_work, return_exceptions=True)


async def test_an_empty_or_unknown_upload_is_refused(owner):
    empty = await owner.post("/api/uploads", params={"name": "x.zip"}, content=b"")
    assert empty.status_code == 422
    unknown = await owner.post("/api/uploads", params={"name": "x", "source": "nope"}, content=b"x")
    assert unknown.status_code == 404


async def test_snapshots_show_their_data_cards(place, viewer):
    folder = place.home.corpora / "c1"
    folder.mkdir(parents=True)
    card = {"id": "c1", "counts": {"train": 7}, "strata": {"topic": {"personal": 7}}}
    (folder / "card.json").write_text(json.dumps(card))
    [one] = (await viewer.get("/api/corpora")).json()["items"]
    assert (one["id"], one["counts"]) == ("c1", {"train": 7})
    assert (await viewer.get("/api/corpora/c1")).json()["card"]["strata"] == {"topic": {"personal": 7}}
    assert (await viewer.get("/api/corpora/..%2f..")).status_code == 404


async def test_nobody_is_asked_about_a_name_that_was_never_met(owner):
    assert (await owner.get("/api/review")).json()["items"] == []
    answer = await owner.post("/api/review/Nobody", json={"verdict": "no"})
    assert (answer.status_code, "Nobody" in answer.json()["detail"]) == (422, True)
