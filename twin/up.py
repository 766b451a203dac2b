"""The service: the model server, the chat apps, the clock and whoever does what it asks for.

Each part can be a process of its own (`twin up --only discord`): they meet in the database.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from bot.ears import ears_of
from bot.on_message import Conversation
from bot.owner_news import OwnerNews
from bot.rhythm import Rhythm, learn_rhythm
from bot.telegram_door import Door
from bot.telegram_tuning import Tuning
from brain.live_adapter import LiveAdapter
from brain.reply import Brain
from storage.leases import LeaseStore
from storage.processes import this_process
from storage.records import Kind
from storage.unavailable import DatabaseUnavailable
from twin import show
from twin.arenas import share_arenas
from twin.asking import through_the_queue
from twin.build import (
    Model,
    Stores,
    build_brain,
    build_commands,
    build_talk,
    find_base,
    open_model,
    open_stores,
    persona,
    running_servers,
)
from twin.chat import keep_tidy
from twin.chat_apps import ChatApp, Standing, chat_apps, keep_running
from twin.components import COMPONENTS, Noted, hold, keep_alive, nobody_asks
from twin.current import Current
from twin.forget import unlearning
from twin.garbage import keep_for_good
from twin.guard import guard_by_the_clock
from twin.home import Home
from twin.kinds import Bench
from twin.logs import write_logs
from twin.memory import embed_by_the_clock, tidy_by_the_clock
from twin.monitoring import traced
from twin.outcomes import tell_outcomes
from twin.runner import Runner
from twin.schedule import Schedule
from twin.serve import start_servers, stop_signal
from twin.serve_api import serve_api
from twin.settings import Settings
from twin.teach import lessons
from twin.training_slot import TrainingSlot
from twin.trial import taking_back, watch_by_the_clock
from twin.when import OFF

log = logging.getLogger(__name__)

RHYTHM_MESSAGES = 20_000  # of the owner's latest ones
SERVER_SECONDS = 1.0  # between two looks whether somebody has started a model server

TELLING_SECONDS = 30.0  # in which every process on a home has seen that its twin.toml is wrong

Part = tuple[str, Callable[[], Awaitable[None]]]


async def serve_until_stopped(
    home: Home,
    settings: Settings,
    tuning: Tuning | None = None,
    parts: Sequence[str] = COMPONENTS,
) -> None:
    """Run until Ctrl-C or SIGTERM. On SQLite, a second copy of a part is refused; on Postgres it joins."""
    share_arenas()
    stop = stop_signal()
    async with contextlib.AsyncExitStack() as closing:
        home.make()
        if parts != ("model",):
            persona(settings)  # says that there is none before anything is started
        log_path = write_logs(home, settings.logs.format)
        url = settings.storage.url
        shared = url is not None and not url.get_secret_value().startswith("sqlite")
        closing.enter_context(hold(home, parts, several=shared))
        closing.enter_context(traced(settings.monitoring))
        stores = await closing.enter_async_context(open_stores(home, settings))
        if not await _has_model(closing, home, settings, parts, stop):
            return
        if parts == ("model",):
            show.sentence("the model server is up; Ctrl-C stops it")
            await stop.wait()
            return
        model = await closing.enter_async_context(open_model(home, settings, patient=True))
        life = Life(home, settings, stores, model, tuple(parts), shared or set(parts) != set(COMPONENTS))

        async def shown(apps: list[ChatApp]) -> None:
            await _show(settings, stores, model, apps, parts, log_path)

        def stopping() -> None:
            show.sentence("stopping: answers on their way are finished first")
            closing.callback(end_at_the_latest(settings.runs.stop_seconds).cancel)

        keep_for_good()
        await live_until(stop, life, tuning=tuning, shown=shown, stopping=stopping)
    show.sentence("stopped")


@dataclass(frozen=True, slots=True)
class Life:
    """What one twin lives on. `several`: others may do its work, too, on the same database."""

    home: Home
    settings: Settings
    stores: Stores
    model: Model
    parts: tuple[str, ...]
    several: bool
    slot: TrainingSlot | None = None  # where several twins train on one machine
    watched: bool = False  # somebody else sees to changes of twin.toml
    door: Door | None = None  # where Telegram calls several twins of this process


async def _nobody_looks(apps: list[ChatApp]) -> None: ...


async def live_until(
    stop: asyncio.Event,
    life: Life,
    *,
    tuning: Tuning | None = None,
    shown: Callable[[list[ChatApp]], Awaitable[None]] = _nobody_looks,
    stopping: Callable[[], None] = lambda: None,
    noted: Noted = nobody_asks,
) -> None:
    """One twin talks, learns and reads until it is told to stop; then what it is saying is finished."""
    home, settings, stores, model, parts = life.home, life.settings, life.stores, life.model, life.parts
    brain, live = build_brain(stores, model, settings)
    current = Current(home, settings)
    talk = build_talk(
        brain,
        stores,
        settings,
        rhythm=await _rhythm_of(stores),
        several=life.several,
        demonstrate=lessons(home, settings, stores),
        unlearn=unlearning(home, settings, stores),
        take_back=taking_back(stores),
    )
    async with asyncio.TaskGroup() as tasks:
        commands = build_commands(home, settings, stores, model, tasks)
        ears = ears_of(talk, through_the_queue(commands, stores, current))
        known = chat_apps(settings, stores, talk, ears, tuning, life.door)
        apps = [app for app in known if app.name in parts]
        talk.news.platforms = {app.name: app for app in apps}
        await shown(apps)
        standing = Standing(stores.leases, this_process()) if life.several else None
        bench = Bench(home, current, stores, model, slot=life.slot)
        schedule = Schedule(current, stores, several=life.several) if "schedule" in parts else None
        current.on_change(_nothing, wrong=_telling_the_owner(talk.news, stores.leases))
        running = [
            *(tasks.create_task(keep_running(app, talk.news, standing, noted)) for app in apps),
            *(
                tasks.create_task(keep_alive(name, work, noted=noted))
                for name, work in _background(bench, talk, brain, live, schedule, parts)
                if not (life.watched and name == "settings")
            ),
        ]
        await stop.wait()
        stopping()
        await _stop(talk, apps, running, settings.runs.stop_seconds)


async def _has_model(
    closing: contextlib.AsyncExitStack,
    home: Home,
    settings: Settings,
    parts: Sequence[str],
    stop: asyncio.Event,
) -> bool:
    """See that there is a model server, ours or somebody's. False: we were stopped while waiting for one."""
    if settings.model.servers or running_servers(home):
        return True
    if "model" in parts:
        base = await find_base(settings)
        await closing.enter_async_context(start_servers(home, settings, base, replicas=1))
        return True
    show.sentence("waiting for a model server: 'twin up --only model', 'twin serve', or [model] servers")
    while not running_servers(home):
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), SERVER_SECONDS)
        if stop.is_set():
            return False
    return True


def _background(
    bench: Bench,
    talk: Conversation,
    brain: Brain,
    live: LiveAdapter,
    schedule: Schedule | None,
    parts: Sequence[str],
) -> list[Part]:
    """What goes on beside the chat apps. Watching costs little and leaves nothing: those are no runs."""
    stores, model = bench.stores, bench.model
    found: list[Part] = [("settings", bench.current.watch)]
    if {"discord", "telegram"} & set(parts):
        found += [
            ("answers", talk.turns.run),
            ("adapters", lambda: keep_tidy(live)),
            ("outcomes", lambda: tell_outcomes(stores, talk)),
            ("guard", lambda: guard_by_the_clock(stores.feedback, stores.questions, talk.news)),
            (
                "trial",
                lambda: watch_by_the_clock(stores, model, lambda: bench.settings.learning.canary, talk.news),
            ),
            ("memory", lambda: embed_by_the_clock(stores.memories, bench.settings)),
            ("index", lambda: tidy_by_the_clock(stores.memories)),
        ]
    if "api" in parts:
        served = partial(serve_api, bench.home, bench.settings, stores, model, brain, talk)
        found.append(("api", served))
    if schedule:
        found.append(("schedule", schedule.run))
    if "runner" in parts:
        found.append(("runner", Runner(bench).run))
    return found


async def _nothing(settings: Settings) -> None: ...


def _telling_the_owner(news: OwnerNews, leases: LeaseStore) -> Callable[[str], Awaitable[None]]:
    """Of several processes on one home, the first tells; the others look within seconds, too."""

    async def wrong(what: str) -> None:
        if not news.reaches:
            return
        try:
            if not await leases.take("telling of twin.toml", this_process(), TELLING_SECONDS):
                return
        except DatabaseUnavailable as reason:  # better twice than never
            log.error("whether somebody else tells of twin.toml cannot be seen: %s", reason)
        await news.tell(f"twin.toml has changed and cannot be used; the old settings stay.\n{what}")

    return wrong


def end_at_the_latest(seconds: float) -> threading.Timer:
    """Whatever does not listen: the journal and the queue are made for a sudden end."""

    def end() -> None:
        log.error("not stopped after %.0f seconds: ended at once", seconds)
        os._exit(1)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    return timer


async def _stop(
    talk: Conversation, apps: list[ChatApp], running: list[asyncio.Task[None]], seconds: float
) -> None:
    """What is being said is finished while the chat apps still listen; what comes now waits.

    Half of the time is for that, a quarter for leaving the chat apps, the last one for what comes after us:
    then the process is ended. What trains goes back into the queue meanwhile.
    """
    deadline = asyncio.get_running_loop().time() + 0.75 * seconds
    await talk.turns.close(seconds / 2)
    leaving = [asyncio.ensure_future(app.stop()) for app in apps]
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout_at(deadline):
            await asyncio.gather(*leaving, return_exceptions=True)
    for task in (*running, *leaving):
        task.cancel()
    for told in await asyncio.gather(*leaving, return_exceptions=True):
        if isinstance(told, Exception):
            log.error("a chat app could not be left in peace", exc_info=told)


async def _rhythm_of(stores: Stores) -> Rhythm:
    """How the owner writes, from what was ingested."""
    said = await stores.records.find(
        kind=Kind.MESSAGE, by_owner=True, limit=RHYTHM_MESSAGES, newest_first=True
    )
    return await asyncio.to_thread(
        learn_rhythm, [(record.thread_id, record.said_at, len(record.text)) for record in said]
    )


async def _show(
    settings: Settings,
    stores: Stores,
    model: Model,
    apps: list[ChatApp],
    parts: Sequence[str],
    log_path: str,
) -> None:
    adapter = await stores.adapters.live()
    wanted = {"discord", "telegram"} & set(parts)
    talking = ", ".join(app.name for app in apps) or "no chat app has a token; see the README"
    schedule, runs = settings.schedule, settings.runs
    here = settings.api.on and "api" in parts
    dashboard = settings.api.origin if here else "off"
    rows = [
        ("model", f"{model.base.label()} at {', '.join(model.urls)} ({model.engine})"),
        ("answering", adapter.version if adapter else "the base model"),
        ("talks on", talking if wanted else "nothing: other processes do"),
        ("learning", _by_the_clock("looks", schedule.learn) if "schedule" in parts else "elsewhere"),
        ("reading", _by_the_clock("its sources", schedule.sync) if "schedule" in parts else "elsewhere"),
        ("runs", f"here, training: {runs.target}" if "runner" in parts else "done elsewhere"),
        ("dashboard", dashboard),
        ("what comes next", "twin schedule"),
        ("log", log_path),
        ("talk to it", "twin chat"),
    ]
    show.table("twin is up; Ctrl-C stops it", ("what", "is"), rows, to=show.people)


def _by_the_clock(what: str, when: str) -> str:
    return "when asked" if when.strip() == OFF else f"{what} {when}"
