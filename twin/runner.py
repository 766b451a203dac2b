"""Who does what waits in the queue? One loop in each copy of the service; the database says whose turn it is.

A run that trains has the machine for itself, whatever copy it is in; a few others go on beside it. What a
dead process was at is put back here, too.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from brain.model_client import ModelUnavailable
from learning.durable import Progress, carried_out, end_dead_runs
from learning.failures import RunCancelled, RunLost, RunPostponed, TrainerKilled
from learning.targets.local import environment
from storage.processes import this_process
from storage.records import Run, RunState, now
from storage.unavailable import DatabaseUnavailable
from storage.whose import whose
from twin.errors import in_words
from twin.kinds import KINDS, Bench, Kind

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
DEAD_SECONDS = 5.0  # between two looks for runs whose process is gone
ASLEEP_SECONDS = 30.0  # between two looks for servers that nobody woke


class Runner:
    def __init__(self, bench: Bench, kinds: Mapping[str, Kind] = KINDS) -> None:
        self._bench, self._kinds = bench, kinds
        self._at_work: dict[asyncio.Task[None], Kind] = {}
        self._buried = self._woken = -ASLEEP_SECONDS  # when it last looked for either

    async def run(self, every: float = LOOK_SECONDS) -> None:
        """Until it is cancelled: then what it was at goes back into the queue, and its trainers are gone."""
        look: asyncio.Future[None] | None = None
        try:
            while True:
                look = asyncio.ensure_future(self._look())
                await asyncio.shield(look)
                await asyncio.sleep(every)
        finally:
            if look:  # it is not cut off in the middle, and what went wrong in it is not left unheard
                await asyncio.gather(look, return_exceptions=True)
            await self._leave()

    async def _look(self) -> None:
        at, runs = asyncio.get_running_loop().time(), self._bench.stores.runs
        try:
            if at - self._buried > DEAD_SECONDS:
                self._buried = at
                await end_dead_runs(runs, self._bench.settings.runs.attempts)
            if at - self._woken > ASLEEP_SECONDS:
                self._woken = at
                await self._wake_the_forgotten()
            await self._take_what_is_due()
            await self._keep_warm()
        except DatabaseUnavailable as reason:
            log.error("the queue cannot be read now: %s", reason)

    async def _take_what_is_due(self) -> None:
        while kinds := await self._those_whose_turn_it_is():
            try:
                run = await self._bench.stores.runs.take(this_process(), kinds)
                if run is None:
                    return
                log.info("run %s begins, attempt %d", run.id, run.attempts)
                task = asyncio.create_task(self._do(run, self._kinds[run.kind]))
                self._at_work[task] = self._kinds[run.kind]
                task.add_done_callback(self._done)
            finally:
                self._let_others_train()

    async def _those_whose_turn_it_is(self) -> list[str]:
        """Of the kinds there are hands for. Where twins share the machine, one of them trains at a time."""
        kinds, slot = self._free_kinds(), self._bench.slot
        if slot is None or not any(self._kinds[name].exclusive for name in kinds) or slot.claim(whose()):
            return kinds
        queued = await self._bench.stores.runs.unfinished(exclusive=True)
        if any(run.state is RunState.QUEUED and _is_due(run) for run in queued):
            slot.wait(whose())
        return [name for name in kinds if not self._kinds[name].exclusive]

    def _let_others_train(self) -> None:
        if self._bench.slot and not any(kind.exclusive for kind in self._at_work.values()):
            self._bench.slot.give_back(whose())

    def _done(self, task: asyncio.Task[None]) -> None:
        del self._at_work[task]
        if not task.cancelled() and (problem := task.exception()):
            log.error("a run ended in a way that nobody foresaw", exc_info=problem)
        self._let_others_train()

    def _free_kinds(self) -> list[str]:
        """What there are hands for: one for what trains, a few for the rest."""
        training = any(kind.exclusive for kind in self._at_work.values())
        others = sum(not kind.exclusive for kind in self._at_work.values())
        full = others >= self._bench.settings.runs.at_once
        return [name for name, kind in self._kinds.items() if not (training if kind.exclusive else full)]

    async def _do(self, run: Run, kind: Kind) -> None:
        runs, progress = self._bench.stores.runs, Progress()

        async def work(run: Run, progress: Progress) -> Mapping[str, Any]:
            try:
                found = dict(await kind.work(self._bench, run, progress))
            except ModelUnavailable as reason:  # it is started again, by us or by somebody
                raise RunPostponed(f"It waits for a model server: {reason}") from reason
            if artefacts := found.pop("artefacts", None):
                await runs.keep(run.id, artefacts)
            return found

        try:
            attempts = self._bench.settings.runs.attempts
            await carried_out(runs, run, work, progress, lambda found: found, attempts)
            log.info("run %s is done", run.id)
        except (RunCancelled, RunLost, RunPostponed, TrainerKilled) as stopped:
            log.warning("run %s: %s", run.id, stopped)
        except DatabaseUnavailable as reason:
            log.error("run %s: %s", run.id, reason)
        except Exception as problem:  # a run that fails must not end the service
            log.error("run %s failed: %s", run.id, problem, exc_info=in_words(problem) is None)

    async def _wake_the_forgotten(self) -> None:
        """A learner that was killed cannot wake the model servers that it had put to sleep."""
        training = await self._bench.stores.runs.unfinished(exclusive=True)
        if not any(run.worker for run in training):
            await self._bench.model.client.wake_forgotten()

    async def _keep_warm(self) -> None:
        """While nothing trains; a card that training shares is not the worker's before there is a job."""
        if self._bench.settings.runs.warm and not any(kind.exclusive for kind in self._at_work.values()):
            await self._bench.warm.ready(environment())

    async def _leave(self) -> None:
        await self._bench.warm.stop()
        for task in self._at_work:
            task.cancel()
        await asyncio.gather(*self._at_work, return_exceptions=True)


def _is_due(run: Run) -> bool:
    return run.due_at is None or run.due_at <= now()
