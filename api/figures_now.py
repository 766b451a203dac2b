"""Which figures does Prometheus read? From the database, so that every copy of the service agrees."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from prometheus_client import REGISTRY, CollectorRegistry, Gauge
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from api.world import World
from storage.records import RunState, now
from storage.whose import whose

LATELY = timedelta(hours=1)
HEARTBEAT = ("schedule", "heartbeat")  # the cursor that twin/schedule.py moves on


class Counted(Collector):
    """What this process has counted; not of the interpreter, which the model servers tell of, too."""

    def collect(self) -> Iterator[Metric]:
        return (_ours(family) for family in REGISTRY.collect() if family.name.startswith("twin_"))


def _ours(family: Metric) -> Metric:
    """Other twins of this process count there, too, and their figures are theirs."""
    found = Metric(family.name, family.documentation, family.type, family.unit)
    found.samples = [one for one in family.samples if one.labels.get("twin", "") == whose()]
    return found


async def collected(world: World) -> CollectorRegistry:
    """Gauges over the last hour, and what waits now; none has a person's id."""
    registry = CollectorRegistry()

    def gauge(name: str, what: str, *labels: str) -> Gauge:
        made = Gauge(f"twin_{name}", what, ("twin", *labels), registry=registry)
        return made if labels else made.labels(whose())

    waiting, drafts = await world.pulse.waiting()
    gauge("messages_waiting", "messages that an answer is due to").set(waiting)
    gauge("drafts_waiting", "drafts that wait for the owner").set(drafts)
    gauge("event_readers", "open event streams in this process").set(world.events.readers)
    gauge("answers_under_way", "answers being given to the dashboard by this process").set(
        world.talk.under_way
    )
    replies = gauge("replies_last_hour", "answers people could read", "adapter")
    liked = gauge("replies_liked_last_hour", "with a thumb up and nothing against them", "adapter")
    disliked = gauge("replies_disliked_last_hour", "with something against them", "adapter")
    tokens = gauge("completion_tokens_last_hour", "written by the model", "adapter")
    slow = gauge("reply_ms_p95_last_hour", "time of a whole answer, 95th percentile", "adapter")
    end = now()
    for told in await world.pulse.replies(end - LATELY, end, None):
        name = told.adapter or "base"
        replies.labels(whose(), name).set(told.replies)
        liked.labels(whose(), name).set(told.liked)
        disliked.labels(whose(), name).set(told.disliked)
        tokens.labels(whose(), name).set(told.completion_tokens)
        slow.labels(whose(), name).set(told.p95_ms or 0)
    live, canary = await world.adapters.answering()
    answers = gauge("adapter_share", "share of the chats that it answers", "adapter")
    share = canary.share or 0.0 if canary else 0.0
    answers.labels(whose(), live.version if live else "base").set(1 - share)
    if canary:
        answers.labels(whose(), canary.version).set(share)
    if beat := await world.cursors.get(*HEARTBEAT):
        heard = gauge("schedule_heartbeat_timestamp_seconds", "when the schedule last showed signs of life")
        heard.set(beat.updated_at.timestamp())
    running = gauge("runs_running", "runs that are under way", "kind")
    for run in await world.runs.all(limit=50):
        if run.state is RunState.RUNNING:
            running.labels(whose(), run.kind).inc()
    return registry
