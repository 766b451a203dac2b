"""What can be started through the API? What `twin up` does by itself, too, goes into its queue; the rest is
carried out by the process that was asked.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from api.problems import Refused
from api.shapes.training import RunKind
from learning.durable import Progress, recorded
from learning.settings import RECIPES
from storage.processes import this_process
from storage.records import Run
from twin.build import Model, Stores
from twin.errors import in_words
from twin.home import Home
from twin.learning_state import LearningState
from twin.schedule import enqueue
from twin.settings import Settings

log = logging.getLogger(__name__)

LOOK_SECONDS, PATIENCE_SECONDS = 0.05, 60.0


class Nothing(BaseModel):
    """It has no parameters."""

    model_config = ConfigDict(extra="forbid")


class Queued(Nothing):
    """`twin up` does it when its turn comes, and again when it was killed meanwhile."""


class Learn(Queued):
    again: bool = False


class Evaluate(Nothing):
    version: str
    against: str | None = None


class Sync(Nothing):
    sources: list[str] = []
    again: bool = False


class Train(Nothing):
    """`recipe` overrides the defaults that /api/recipes shows."""

    recipe: dict[str, Any] = {}


KINDS: dict[str, tuple[str, type[BaseModel]]] = {
    "learn": ("one cycle: collect the feedback, train, evaluate, gate, try", Learn),
    "retrain": ("train everything anew, from the records on", Queued),
    "backup": ("the whole twin in one file", Queued),
    "evaluate": ("measure an adapter thoroughly beside the live one", Evaluate),
    "corpus": ("freeze what was ingested into a training snapshot", Nothing),
    "sync": ("read every configured source on from where it was", Sync),
    **{method: (f"train one adapter by {method}; it stays a candidate", Train) for method in RECIPES},
}
Work = Callable[[], Awaitable[object]]


class ApiRuns:
    """Starts runs in this process and keeps hold of them until they end."""

    def __init__(self, home: Home, settings: Settings, stores: Stores, model: Model | None) -> None:
        self._home, self._settings, self._stores, self._model = home, settings, stores, model
        self._learning = LearningState(home, stores)
        self._at_work: set[asyncio.Task[object]] = set()

    def kinds(self) -> list[RunKind]:
        return [
            RunKind(kind=kind, what=what, parameters=shape.model_json_schema())
            for kind, (what, shape) in KINDS.items()
        ]

    async def start(self, kind: str, parameters: Mapping[str, Any], by: str) -> Run:
        if kind not in KINDS:
            raise Refused(f"there is no kind of run {kind!r}", f"these: {', '.join(KINDS)}", status=422)
        try:
            given = KINDS[kind][1].model_validate(dict(parameters))
        except ValidationError as wrong:
            raise Refused(f"the parameters are wrong: {_errors(wrong)}", status=422) from None
        log.info("%s starts a run: %s", by, kind)
        if isinstance(given, Queued):
            return await self._queued(kind, given, by)
        return await self._begun(kind, self._work(kind, given))

    async def _queued(self, kind: str, given: Queued, by: str) -> Run:
        if kind == "learn":
            verdict = await self._learning.verdict(self._settings, asked=True)
            if verdict.kind is None:
                raise Refused(f"nothing can be learned now: {verdict.why}")
            kind = verdict.kind
        run = await enqueue(self._stores, self._settings, kind, by=by, parameters=given.model_dump())
        if run is None:
            raise Refused(f"a {kind} run waits for its turn already", "it is among the runs")
        return run

    async def ingest(self, source: str, path: Path, by: str) -> Run:
        """Read an uploaded export; its folder goes when that is done."""
        from twin.remember import ingest_in

        async def read(run: Run, progress: Progress) -> dict[str, Any]:
            progress.at(0.0, f"reading {path.name}")
            ledger = await ingest_in(self._home, self._settings, self._stores, source, path)
            told = ledger.as_json()
            told["skipped"] = told["skipped"][:100]
            return {"ledger": told}

        async def work() -> None:
            try:
                await recorded(self._stores.runs, "ingest", read, summary=lambda found: found)
            finally:
                await asyncio.to_thread(shutil.rmtree, path.parent, ignore_errors=True)

        log.info("%s uploads an export as %s", by, source)
        return await self._begun("ingest", work)

    async def cancel(self, run_id: str, by: str) -> Run:
        """One that waits is over at once; whoever is at one hears of it at their next sign of life."""
        return await self._stores.runs.cancel(run_id, by)

    async def close(self) -> None:
        for task in self._at_work:
            task.cancel()
        await asyncio.gather(*self._at_work, return_exceptions=True)

    def _work(self, kind: str, given: BaseModel) -> Work:
        home, settings, stores = self._home, self._settings, self._stores
        match given:
            case Evaluate(version=version, against=against):
                from twin.evaluate import evaluate_adapter

                return lambda: evaluate_adapter(home, settings, version, against)
            case Train(recipe=recipe):
                from twin.train import train_in

                changed, base = _with_recipe(settings, kind, recipe), self._with_model().base
                return lambda: train_in(home, changed, stores, base, kind)
            case Sync(sources=sources, again=again):
                from twin.sync import sync_all

                return self._recorded("sync", lambda: sync_all(home, settings, sources, again))
            case _:
                from twin.snapshots import build_corpus_in

                return self._recorded("corpus", lambda: build_corpus_in(home, settings, stores))

    def _recorded(self, kind: str, work: Work) -> Work:
        async def within(run: Run, progress: Progress) -> object:
            return await work()

        return lambda: recorded(self._stores.runs, kind, within)

    def _with_model(self) -> Model:
        if self._model is None:
            raise Refused("this process has no model server", "run 'twin up'", status=503)
        return self._model

    async def _begun(self, kind: str, work: Work) -> Run:
        """The run as soon as it is one; what keeps it from becoming one is told."""
        before = {run.id for run in await self._stores.runs.all(limit=50)}
        task: asyncio.Task[object] = asyncio.ensure_future(work())
        self._at_work.add(task)
        task.add_done_callback(self._done)
        waited = 0.0
        while waited < PATIENCE_SECONDS:
            for run in await self._stores.runs.all(limit=10):
                if run.id not in before and run.worker == this_process():
                    return run
            if task.done():
                raise _in_words(task.exception()) if task.exception() else _no_run(task.result())
            await asyncio.sleep(LOOK_SECONDS)
            waited += LOOK_SECONDS
        raise Refused("it is being prepared, which takes its time", "it will be among the runs", status=503)

    def _done(self, task: asyncio.Task[object]) -> None:
        self._at_work.discard(task)
        if not task.cancelled() and (problem := task.exception()):
            log.error("a run failed: %s", problem, exc_info=None if in_words(problem) else problem)


def _with_recipe(settings: Settings, method: str, overrides: Mapping[str, Any]) -> Settings:
    from twin.train import with_recipes

    known = settings.learning.recipes.get(method, {})  # type: ignore[call-overload]
    recipe = {**known, **overrides}
    try:
        RECIPES[method](**recipe)
    except ValidationError as wrong:
        raise Refused(f"the recipe is wrong: {_errors(wrong)}", status=422) from None
    return with_recipes(settings, {method: recipe})


def _errors(wrong: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in wrong.errors())


def _no_run(outcome: object) -> Refused:
    """A cycle that had nothing to learn from says so."""
    return Refused(" ".join(getattr(outcome, "reasons", ())) or "there was nothing to do")


def _in_words(problem: BaseException | None) -> Refused:
    told = in_words(problem) if problem else None
    return Refused(told.what, told.advice) if told else Refused("it failed; the log says more", status=500)
