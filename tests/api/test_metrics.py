"""What Prometheus reads: figures of the database, of this process, and of the model servers behind it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from prometheus_client import REGISTRY, Counter
from prometheus_client.parser import text_string_to_metric_families

from brain.replicas import Replicas
from storage.records import Cursor


@pytest.fixture
async def figures(place, owner):
    """Called: every sample that is told now, by its name."""
    async with Replicas([]) as replicas:
        place.world.talk.brain._replicas = replicas

        async def read():
            text = (await owner.get("/metrics")).text
            families = text_string_to_metric_families(text)
            return {sample.name: sample.value for family in families for sample in family.samples}

        yield read


async def test_the_figures_hold_when_the_schedule_was_last_alive(place, figures):
    moment = datetime(2026, 11, 28, tzinfo=UTC)
    assert "twin_schedule_heartbeat_timestamp_seconds" not in await figures()
    await place.stores.cursors.put(Cursor("schedule", "heartbeat", {}, moment))
    assert (await figures())["twin_schedule_heartbeat_timestamp_seconds"] == moment.timestamp()


async def test_the_figures_hold_what_this_process_counted_and_nothing_of_its_interpreter(figures):
    counter = Counter("twin_tried_in_a_test", "nothing")
    try:
        counter.inc(3)
        told = await figures()
    finally:
        REGISTRY.unregister(counter)
    assert told["twin_tried_in_a_test_total"] == 3
    assert not any(name.startswith("python_") for name in told)


async def test_the_figures_hold_those_of_the_model_servers(figures):
    told = await figures()
    assert {"twin_model_waiting", "twin_model_retries_total", "twin_messages_waiting"} <= told.keys()
