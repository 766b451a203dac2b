"""Many twins in one process: every folder with a twin.toml is one. One's troubles are not the others'.

Each has its own home: database, adapters, keys, logs, and the secrets in its own .env. Environment variables
count for the host alone. They share the model servers (twin/shared_models.py) and the machine to train on.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bot.telegram_door import Door
from bot.telegram_tuning import Tuning
from bot.unless import Meanwhile, unless
from brain.keep_serving import GOOD_RUN, pauses
from storage.whose import working_for
from twin import show
from twin.arenas import share_arenas
from twin.build import open_stores, register_urls
from twin.chat_apps import ChatApp, called_by_name
from twin.claims import Claims, database_of, wanted
from twin.components import COMPONENTS, RUNS, hold
from twin.errors import Told, in_words
from twin.garbage import keep_for_good
from twin.home import Home
from twin.host_board import STARTS, STOPPED, Board, homes_in, nothing_there, show_board
from twin.logs import own_logs, write_logs
from twin.monitoring import traced
from twin.serve import stop_signal
from twin.settings import Settings, read_settings
from twin.shared_models import SharedModels
from twin.training_slot import TrainingSlot
from twin.up import Life, end_at_the_latest, live_until

log = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
START_AT_ONCE = 4
LAST_WORDS = 15.0  # seconds beyond a twin's own time to stop


@dataclass(eq=False)
class Hosted:
    """One twin of this process."""

    home: Home
    seen: str  # what its files said when they were read last
    stop: asyncio.Event = field(default_factory=asyncio.Event)  # it begins anew, or leaves
    leaving: bool = False
    settings: Settings | None = None  # None: it has never come up
    misses: list[tuple[str, str]] = field(default_factory=list)  # what another twin has
    pauses: Iterator[float] = field(default_factory=pauses)
    task: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        return self.home.root.name


async def host_until_stopped(root: Path, tuning: Tuning | None = None) -> None:
    """Run every twin there is, and every one that comes, until Ctrl-C or SIGTERM."""
    if not homes_in(root):
        raise nothing_there(root)
    share_arenas()
    stop, home = stop_signal(), Home(root)
    settings = read_settings(home)
    with contextlib.ExitStack() as closing:
        closing.enter_context(home.only_one("host"))
        home.logs.mkdir(exist_ok=True)
        write_logs(home, settings.logs.format)
        closing.enter_context(traced(settings.monitoring))
        async with SharedModels(home, settings) as models:
            host = Host(root, models, settings, tuning)
            keep_for_good()
            await host.run(stop)
            show.sentence("stopping: answers on their way are finished first")
            closing.callback(end_at_the_latest(settings.runs.stop_seconds + LAST_WORDS).cancel)
            await host.close()
    show.sentence("stopped")


class Host:
    def __init__(
        self, root: Path, models: SharedModels, settings: Settings, tuning: Tuning | None = None
    ) -> None:
        """`settings`: of the host itself."""
        self.twins: dict[str, Hosted] = {}
        self.board = Board(root)
        self.door = Door()  # where Telegram calls, for all of them
        self._root, self._models, self._settings, self._tuning = root, models, settings, tuning
        self._claims, self._slot = Claims(), TrainingSlot()
        self._starting = asyncio.Semaphore(START_AT_ONCE)
        self._opening = asyncio.Lock()  # Alembic brings one database of a process up to date at a time

    async def run(self, stop: asyncio.Event, every: float = LOOK_SECONDS) -> None:
        """Until `stop`: see which homes there are, and what has changed in them."""
        shown = False
        while not stop.is_set():
            await self.look()
            if not shown and self.board.settled:
                shown = True
                show_board({"pid": None, "twins": self.board.twins} | {"pid": "this one"})
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), every if shown else min(every, 0.2))

    async def look(self) -> None:
        found = await asyncio.to_thread(_contents, self._root)
        for name in [*self.twins]:
            if name not in found:
                self._leave(self.twins[name])
        for name, seen in found.items():
            twin = self.twins.get(name)
            if twin is None:
                self._enter(Hosted(Home(self._root / name), seen))
            elif twin.seen != seen and not twin.leaving:
                twin.seen = seen
                await self._changed(twin)
            elif any(self._claims.free(*missed) for missed in twin.misses):
                twin.stop.set()
        self.board.write()

    async def close(self) -> None:
        for twin in self.twins.values():
            self._leave(twin)
        await asyncio.gather(
            *(twin.task for twin in self.twins.values() if twin.task), return_exceptions=True
        )
        self.board.close()

    def _enter(self, twin: Hosted) -> None:
        self.twins[twin.name] = twin
        self.board.state(twin.name, STARTS)
        twin.task = asyncio.create_task(self._keep(twin), name=f"twin {twin.name}")
        twin.task.add_done_callback(lambda _: self._left(twin))

    def _leave(self, twin: Hosted) -> None:
        twin.leaving = True
        twin.stop.set()

    def _left(self, twin: Hosted) -> None:
        self.twins.pop(twin.name, None)
        self._claims.give_back(twin.name)
        self.board.gone(twin.name)

    async def _changed(self, twin: Hosted) -> None:
        """It begins anew with what its files say now. What makes no sense is told, and changes nothing."""
        with working_for(twin.name):
            try:
                settings = await self._said(twin)
            except Told as wrong:
                self.board.part(twin.name, "twin.toml", wrong.what)
                show.sentence(
                    f"twin.toml has changed and cannot be used; the old settings stay: {wrong.what}"
                )
                log.error("twin.toml has changed and cannot be used; the old settings stay")
                return
            if twin.settings is None or settings.model_dump() != twin.settings.model_dump():
                show.sentence("its settings have changed; it begins anew with them")
                twin.stop.set()

    async def _said(self, twin: Hosted) -> Settings:
        """Its own settings, and the host's where it says nothing. Raises Told."""
        own = await asyncio.to_thread(read_settings, twin.home, hosted=True)
        return self._models.said_for(called_by_name(own, self._settings.telegram, twin.name))

    async def _keep(self, twin: Hosted) -> None:
        """Until it leaves: whatever happens to it is told, and it gets another chance."""
        loop = asyncio.get_running_loop()
        with working_for(twin.name):
            while not twin.leaving:
                twin.stop.clear()
                self.board.state(twin.name, STARTS)
                began = loop.time()
                try:
                    await self._one(twin)
                    continue
                except Exception as problem:  # one twin's, whatever it is: the others do not hear of it
                    self._tell(twin, problem)
                if loop.time() - began > GOOD_RUN:
                    twin.pauses = pauses()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(twin.stop.wait(), next(twin.pauses))

    def _tell(self, twin: Hosted, problem: Exception) -> None:
        told = in_words(problem)
        why = told.what if told else "it died and is started again; the log has the details"
        if why != self.board.twins[twin.name].get("why"):
            show.sentence(why if told is None else f"{told}; it is tried again")
        log.error("%s", why, exc_info=None if told else problem)
        self.board.state(twin.name, why, why=why)

    async def _one(self, twin: Hosted) -> None:
        """One life of one twin, from its settings to its last word."""
        home = twin.home
        async with contextlib.AsyncExitStack() as closing:
            starting = await closing.enter_async_context(_place(self._starting))
            home.make()
            settings = await self._said(twin)
            parts = self._allowed(twin, settings)
            closing.enter_context(own_logs(home, twin.name, settings.logs.format))
            several = not database_of(home, settings).startswith("sqlite")
            closing.enter_context(hold(home, COMPONENTS, several=several))
            async with self._opening:
                stores = await closing.enter_async_context(open_stores(home, settings))
            try:
                model = await unless(twin.stop, self._models.of(settings))
            except Meanwhile:
                return
            closing.callback(register_urls(home, model.urls, model.engine).unlink, missing_ok=True)
            life = Life(
                home, settings, stores, model, parts, several, self._slot, watched=True, door=self.door
            )

            async def up(apps: list[ChatApp]) -> None:
                starting()
                adapter = await stores.adapters.live()
                twin.settings = settings
                self.board.state(
                    twin.name, RUNS, answers=adapter.version if adapter else "the base model", why=""
                )

            def noted(part: str, how: str) -> None:
                self.board.part(twin.name, part, how)

            await live_until(twin.stop, life, tuning=self._tuning, shown=up, noted=noted)
        self.board.state(twin.name, STOPPED)

    def _allowed(self, twin: Hosted, settings: Settings) -> tuple[str, ...]:
        """The parts of the service that this twin may have. Raises Told when its database is another's.

        What it had before and still wants stays its own while it begins anew, whoever waits for it.
        """
        claimed, database = wanted(settings), ("database", database_of(twin.home, settings))
        self._claims.give_back(
            twin.name, but={database, *((kind, thing) for kind, thing, _ in claimed.values())}
        )
        if holder := self._claims.take(twin.name, *database):
            raise Told(
                f"{holder} has the same database, and two twins may not share one",
                f"set [storage] in {twin.home.settings_file}",
            )
        twin.misses, parts = [], []
        for part in (one for one in COMPONENTS if one != "model"):
            kind, thing, say = claimed.get(part, ("", "", ""))
            if kind and (holder := self._claims.take(twin.name, kind, thing)):
                twin.misses.append((kind, thing))
                self.board.part(twin.name, part, f"{holder} has {say}")
                show.sentence(f"no {part}: {holder} has {say}")
            else:
                parts.append(part)
        return tuple(parts)


@contextlib.asynccontextmanager
async def _place(semaphore: asyncio.Semaphore):  # type: ignore[no-untyped-def]
    """One of the places, until it is given back: by calling what is yielded, or at the end of the block."""
    await semaphore.acquire()
    held = contextlib.ExitStack()
    held.callback(semaphore.release)
    with held:
        yield held.close


def _contents(root: Path) -> dict[str, str]:
    """By home: what its twin.toml and its .env say; an editor that saves without a change changes nothing."""
    found = {}
    for home in homes_in(root):
        said = hashlib.sha256()
        for name in ("twin.toml", ".env"):
            with contextlib.suppress(OSError):
                said.update((home / name).read_bytes() + b"\0")
        found[home.name] = said.hexdigest()
    return found
