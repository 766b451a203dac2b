"""What is there to learn from right now, and what stands in the way? Gathered from the database."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from learning.when_to_learn import DAY, Situation, Verdict, decide, worth
from storage.records import Cursor, Run, RunState, now
from twin.build import Stores
from twin.feedback import feedback_of
from twin.home import Home
from twin.settings import Settings

TRAINING = ("learn", "retrain")
MINE = "schedule"  # the source of the cursors in which the schedule remembers things
TEXTS = "owner's texts"
LOOK_BACK = 200  # runs
TEXTS_SECONDS = 300.0


class LearningState:
    """Asked every few seconds: judgements are read again only when there are others."""

    def __init__(self, home: Home, stores: Stores) -> None:
        self._home, self._stores = home, stores
        self._known: tuple[object, Situation] | None = None
        self._texts_counted: tuple[float, int] | None = None

    async def verdict(
        self, settings: Settings, *, asked: bool = False, at: datetime | None = None
    ) -> Verdict:
        found = await self.situation(settings, asked=asked, at=at)
        verdict = decide(found, settings.learning.when, settings.learning.min_feedback)
        if verdict.kind is None or any(self._home.corpora.glob("*/card.json")):
            return verdict
        if await self._stores.records.of_owner():
            return Verdict("retrain", f"{verdict.why}; there is no snapshot yet, so one is built first")
        return Verdict(None, f"{verdict.why}, nothing of the owner was ingested yet")

    async def situation(
        self, settings: Settings, *, asked: bool = False, at: datetime | None = None
    ) -> Situation:
        stores, at = self._stores, at or now()
        runs = [run for kind in TRAINING for run in await stores.runs.all(limit=LOOK_BACK, kind=kind)]
        learned = max((run.started_at for run in runs if _has_learned(run) and run.started_at), default=None)
        new, known = await self._judgements(settings, learned)
        busy = next(iter(await stores.runs.unfinished(exclusive=True)), None)
        _, canary = await stores.adapters.answering()
        sleeps = settings.serving.share_gpu == "sleep"
        return Situation(
            at=at,
            zone=settings.owner.owner().zones[-1][1],
            new=new,
            known=known,
            texts=await self._texts(runs),
            ended=max((run.finished_at for run in runs if run.finished_at), default=None),
            spent=tuple(_spent(run) for run in runs if run.finished_at and at - run.finished_at < DAY),
            running=f"a {busy.kind} run" if busy else None,
            on_trial=canary.version if canary else None,
            last_message=await stores.messages.latest() if sleeps else None,
            asked=asked,
        )

    async def _judgements(self, settings: Settings, since: datetime | None) -> tuple[float, int]:
        mark = (await self._stores.feedback.mark(), since, settings.learning)
        if self._known is None or self._known[0] != mark:
            judged = await feedback_of(self._home, self._stores, settings)
            fresh = [item for item in judged if since is None or item.feedback.given_at > since]
            self._known = (mark, Situation(now(), new=worth(fresh), known=len(judged)))
        return self._known[1].new, self._known[1].known

    async def _texts(self, runs: list[Run]) -> int:
        """Of the owner, since the last training on them, or since the schedule first looked."""
        there = await self._owners_texts()
        passed = [run for run in runs if run.kind == "retrain" and run.state is RunState.PASSED]
        newest = max(passed, key=lambda run: run.created_at, default=None)
        if newest and "texts" in newest.metrics:
            return max(0, there - int(newest.metrics["texts"]))
        first = await self._stores.cursors.get(MINE, TEXTS)
        if first is None:
            await self._stores.cursors.put(Cursor(MINE, TEXTS, {"count": there}, now()))
            return 0
        return max(0, there - int(first.value["count"]))

    async def _owners_texts(self) -> int:
        """Counting a million records every few seconds would be felt, and they come slowly."""
        at = time.monotonic()
        if self._texts_counted is None or at - self._texts_counted[0] > TEXTS_SECONDS:
            self._texts_counted = (at, await self._stores.records.of_owner())
        return self._texts_counted[1]


def _has_learned(run: Run) -> bool:
    """Whether what was said before it has had its say: not when it failed or had not enough."""
    return run.state is RunState.PASSED and run.metrics.get("outcome") != "not enough"


def _spent(run: Run) -> tuple[datetime, timedelta]:
    begun = run.started_at or run.created_at
    took = (run.finished_at or begun) - begun
    return begun, max(took, timedelta())
