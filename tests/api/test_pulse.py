from datetime import datetime, timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from api.settings import ApiSettings
from storage.records import Cursor, Feedback, Role, RunState, Signal, now
from twin.learning_state import MINE
from twin.schedule import HEARTBEAT


@pytest.fixture
async def replies(place):
    one = await place.replied("a", await place.said("q"), "dpo-1", recalled=("r1",))
    await place.replied("b", None, "dpo-1")
    await place.stores.feedback.record(Feedback(one.key, "sam", Role.OWNER, Signal.UP, now()))


async def test_the_pulse_shows_how_each_adapter_is_liked(viewer, replies):
    pulse = (await viewer.get("/api/pulse?bucket=hour")).json()
    [of] = pulse["adapters"]
    assert (of["adapter"], of["replies"], of["liked"], of["thumbs_rate"], of["memory_hits"]) == (
        "dpo-1",
        2,
        1,
        1.0,
        0.5,
    )
    assert (sum(one["replies"] for one in pulse["replies"]), pulse["heard"][0]["messages"]) == (2, 1)


async def test_a_stretch_that_makes_no_sense_is_refused(viewer):
    for since in ("2999-01-01", "1000-01-01"):
        assert (await viewer.get(f"/api/pulse?since={since}")).status_code == 422


async def test_prometheus_reads_the_same_figures(viewer, replies):
    text = (await viewer.get("/metrics")).text
    found = {
        (sample.name, sample.labels.get("adapter")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert found["twin_replies_last_hour", "dpo-1"] == 2
    assert found["twin_replies_liked_last_hour", "dpo-1"] == 1
    assert found["twin_adapter_share", "base"] == 1


async def test_ready_means_that_the_database_and_the_model_answer(place):
    client = place.client()
    assert (await client.get("/readyz")).json() == {"ready": True, "why": ""}
    place.model.down = True
    down = await client.get("/readyz")
    assert (down.status_code, down.json()["why"]) == (503, "no model server answers")
    assert (await client.get("/healthz")).status_code == 200


async def test_health_names_every_part_and_what_to_do(viewer):
    health = (await viewer.get("/api/health")).json()
    parts = {one["name"]: one for one in health["components"]}
    assert parts["database here"]["well"]
    assert parts["owner"]["advice"]


@pytest.mark.parametrize(
    "api_settings", [ApiSettings(discord_client_id="1", discord_client_secret="very secret")]
)
async def test_settings_are_shown_without_their_secrets(owner):
    answer = await owner.get("/api/settings")
    assert answer.json()["values"]["api"]["port"] == 8700
    assert "very secret" not in answer.text


async def test_the_schedule_says_what_comes_next_and_how_it_went(place, viewer):
    assert (await viewer.get("/api/schedule")).json()["items"] == []
    next_at = now() + timedelta(hours=1)
    beat = {"leader": "host:1", "jobs": {"learn": next_at.isoformat()}}
    await place.stores.cursors.put(Cursor(MINE, HEARTBEAT, beat, now()))
    run = await place.stores.runs.start("learn", "host:1")
    await place.stores.runs.finish(run.id, RunState.FAILED, error="The disk is full.")
    [job] = (await viewer.get("/api/schedule")).json()["items"]
    assert job["name"] == "learn"
    assert "0 of 8 effective judgements" in job["what"]
    assert datetime.fromisoformat(job["next_at"]) == next_at
    assert "The disk is full." in job["last_outcome"]
