"""The service: the model server, the chat apps, and learning by the clock. One per home."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Coroutine

from bot.ears import ears_of
from bot.on_message import Conversation
from bot.privacy import forget_old
from bot.rhythm import Rhythm, learn_rhythm
from bot.telegram_tuning import Tuning
from learning.durable import end_dead_runs
from storage.records import Kind, RunState
from storage.runs import AlreadyRunning
from storage.unavailable import DatabaseUnavailable
from twin import show
from twin.build import (
    Model,
    Stores,
    build_brain,
    build_commands,
    build_talk,
    copy_name,
    find_base,
    open_model,
    open_stores,
    running_servers,
)
from twin.chat import keep_tidy
from twin.chat_apps import ChatApp, Standing, chat_apps, keep_running
from twin.errors import in_words
from twin.forget import unlearning
from twin.guard import guard_by_the_clock
from twin.home import Home
from twin.logs import write_logs
from twin.serve import start_servers, stop_signal
from twin.settings import Settings
from twin.sync import sync_by_the_clock
from twin.teach import lessons
from twin.trial import taking_back, watch_by_the_clock

log = logging.getLogger(__name__)

STOP_SECONDS = 10.0  # for answers that are on their way when we are told to stop
FORGET_SECONDS = 3600.0
WAKE_SECONDS = 30.0
RHYTHM_MESSAGES = 20_000  # of the owner's latest ones


async def serve_until_stopped(home: Home, settings: Settings, tuning: Tuning | None = None) -> None:
    """Run until Ctrl-C or SIGTERM. A second one on the same home is refused."""
    stop = stop_signal()
    async with contextlib.AsyncExitStack() as closing:
        closing.enter_context(home.only_one("up"))
        home.make()
        log_path = write_logs(home, settings.logs.format)
        stores = await closing.enter_async_context(open_stores(home, settings))
        if not settings.model.servers and running_servers(home) is None:
            base = await find_base(settings)
            await closing.enter_async_context(start_servers(home, settings, base, replicas=1))
        model = await closing.enter_async_context(open_model(home, settings, patient=True))
        brain, live = build_brain(stores, model, settings)
        several = not stores.database.name.startswith("sqlite")
        rhythm = await _rhythm_of(stores)
        talk = build_talk(
            brain,
            stores,
            settings,
            rhythm=rhythm,
            several=several,
            demonstrate=lessons(home, settings, stores),
            unlearn=unlearning(home, stores),
            take_back=taking_back(stores),
        )
        async with asyncio.TaskGroup() as tasks:
            commands = build_commands(home, settings, stores, model, tasks)
            apps = chat_apps(settings, stores, talk, ears_of(talk, commands), tuning)
            await _show(settings, stores, model, apps, log_path)
            standing = Standing(stores.leases, copy_name()) if several else None
            background: list[Coroutine[object, object, None]] = [
                keep_tidy(live),
                talk.turns.run(),
                _forget_by_the_clock(talk),
                _wake_by_the_clock(stores, model),
                _learn_by_the_clock(home, settings, stores, model),
                guard_by_the_clock(stores.feedback, talk.news),
                watch_by_the_clock(stores, model, settings.learning.canary, talk.news),
                sync_by_the_clock(home, settings, stores),
                *(keep_running(app, talk.news, standing) for app in apps),
            ]
            running = [tasks.create_task(work) for work in background]
            await stop.wait()
            show.sentence("stopping: answers on their way are finished first")
            await _stop(talk, apps, running)
    show.sentence("stopped")


async def _stop(talk: Conversation, apps: list[ChatApp], running: list[asyncio.Task[None]]) -> None:
    """What is being said is finished while the chat apps still listen; what comes now waits."""
    await talk.turns.close(STOP_SECONDS)
    for app in apps:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await app.stop()
    for task in running:
        task.cancel()


async def _rhythm_of(stores: Stores) -> Rhythm:
    """How the owner writes, from what was ingested."""
    said = await stores.records.find(
        kind=Kind.MESSAGE, by_owner=True, limit=RHYTHM_MESSAGES, newest_first=True
    )
    return await asyncio.to_thread(
        learn_rhythm, [(record.thread_id, record.said_at, len(record.text)) for record in said]
    )


async def _show(settings: Settings, stores: Stores, model: Model, apps: list[ChatApp], log_path: str) -> None:
    adapter = await stores.adapters.live()
    talking = ", ".join(app.name for app in apps) or "no chat app has a token; see the README"
    show.table(
        "twin is up; Ctrl-C stops it",
        ("what", "is"),
        [
            ("model", f"{model.base.label()} at {', '.join(model.urls)} ({model.engine})"),
            ("answering", adapter.version if adapter else "the base model"),
            ("talks on", talking),
            ("learning", _when_it_learns(settings)),
            ("reading", _when_it_reads(settings)),
            ("log", log_path),
            ("talk to it", "twin chat"),
        ],
        to=show.people,
    )


def _when_it_learns(settings: Settings) -> str:
    hours = settings.learning.every_hours
    return f"every {hours:g} hours" if hours else "when asked: /retrain or 'twin learn'"


async def _forget_by_the_clock(talk: Conversation) -> None:
    """Other people's words are kept for so many days and no longer."""
    while True:
        try:
            await forget_old(talk.kept, talk.settings)
        except DatabaseUnavailable as reason:
            log.error("what is old could not be forgotten now: %s", reason)
        await asyncio.sleep(FORGET_SECONDS)


async def _wake_by_the_clock(stores: Stores, model: Model) -> None:
    """A learner that was killed cannot wake the model servers that it had put to sleep."""
    while True:
        await asyncio.sleep(WAKE_SECONDS)
        try:
            await end_dead_runs(stores.runs)
            runs = await stores.runs.all(limit=20)
        except DatabaseUnavailable as reason:
            log.error("whether somebody learns cannot be told now: %s", reason)
            continue
        if not any(run.state is RunState.RUNNING for run in runs):
            await model.client.wake_forgotten()


def _when_it_reads(settings: Settings) -> str:
    minutes = settings.sync.every_minutes
    return f"its sources every {minutes:g} minutes" if minutes else "when asked: 'twin sync'"


async def _learn_by_the_clock(home: Home, settings: Settings, stores: Stores, model: Model) -> None:
    from twin.learn import learn_in, outcome_in_words

    while settings.learning.every_hours:
        await asyncio.sleep(3600 * settings.learning.every_hours)
        if (await stores.adapters.answering())[1]:
            log.info("nothing is learned while an adapter is on trial")
            continue
        try:
            outcome = await learn_in(home, settings, stores, model, on_trial=True)
            show.sentence(outcome_in_words(outcome))
        except AlreadyRunning as busy:
            log.info("%s", busy)
        except Exception as problem:
            if (told := in_words(problem)) is None:
                raise
            show.sentence(f"learning failed, and will be tried again: {told.what}")
