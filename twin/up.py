"""The service: the model server, and learning by the clock. One per home."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from storage.runs import AlreadyRunning
from twin import show
from twin.build import (
    Model,
    Stores,
    build_brain,
    find_base,
    open_model,
    open_stores,
    register_server,
    running_server,
    start_server,
)
from twin.chat import keep_tidy
from twin.errors import in_words
from twin.home import Home
from twin.serve import stop_signal
from twin.settings import Settings

log = logging.getLogger(__name__)


async def serve_until_stopped(home: Home, settings: Settings) -> None:
    """Run until Ctrl-C or SIGTERM. A second one on the same home is refused."""
    stop = stop_signal()
    async with contextlib.AsyncExitStack() as closing:
        closing.enter_context(home.only_one("up"))
        stores = await closing.enter_async_context(open_stores(home, settings))
        if not settings.model.servers and running_server(home) is None:
            server = await closing.enter_async_context(
                start_server(home, settings, await find_base(settings))
            )
            closing.callback(register_server(home, server).unlink, missing_ok=True)
        model = await closing.enter_async_context(open_model(home, settings))
        _, live = build_brain(stores, model, settings)
        adapter = await stores.adapters.live()
        show.table(
            "twin is up; Ctrl-C stops it",
            ("what", "is"),
            [
                ("model", f"{model.base.label()} at {model.url} ({model.engine})"),
                ("answering", adapter.version if adapter else "the base model"),
                ("learning", _rhythm(settings)),
                ("talk to it", "twin chat"),
            ],
            to=show.people,
        )
        async with asyncio.TaskGroup() as tasks:
            background = [
                tasks.create_task(keep_tidy(live)),
                tasks.create_task(_learn_by_the_clock(home, settings, stores, model)),
            ]
            await stop.wait()
            for task in background:
                task.cancel()
    show.sentence("stopped")


def _rhythm(settings: Settings) -> str:
    hours = settings.learning.every_hours
    return f"every {hours:g} hours" if hours else "when asked: /retrain or 'twin learn'"


async def _learn_by_the_clock(home: Home, settings: Settings, stores: Stores, model: Model) -> None:
    from twin.learn import learn_in, outcome_in_words

    while settings.learning.every_hours:
        await asyncio.sleep(3600 * settings.learning.every_hours)
        try:
            outcome = await learn_in(home, settings, stores, model)
            show.sentence(outcome_in_words(outcome))
        except AlreadyRunning as busy:
            log.info("%s", busy)
        except Exception as problem:
            if (told := in_words(problem)) is None:
                raise
            show.sentence(f"learning failed, and will be tried again: {told.what}")
